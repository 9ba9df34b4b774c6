"""Messages with an answer: asks, and jobs with an id and a status."""

import asyncio
import itertools
from asyncio import Future, Queue
from time import perf_counter, perf_counter_ns
from typing import NamedTuple

from ...works import Ask, Figures, Job


def ask(size: Ask) -> Figures:
    """Does W2: the question carries the future of its answer."""

    async def echo(inbox: Queue[tuple[str, Future[str]]]) -> None:
        while True:
            question, answer = await inbox.get()
            if not answer.done():
                answer.set_result(question)

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        inbox: Queue[tuple[str, Future[str]]] = Queue()
        worker = asyncio.create_task(echo(inbox))
        marks = [perf_counter_ns()]
        for _ in range(size.calls):
            answer: Future[str] = loop.create_future()
            inbox.put_nowait(("question", answer))
            await answer
            marks.append(perf_counter_ns())
        worker.cancel()
        return marks

    return size.figures(asyncio.run(run()))


class Request(NamedTuple):
    """Carries the address of its answer, as a message to an actor does."""

    id: int
    payload: str
    desk: "Desk"


class Reply(NamedTuple):
    """Ends the job with its id."""

    id: int
    status: str
    result: str


class Desk:
    """The caller's side of jobs: who waits for which id."""

    def __init__(self, server: Queue[Request]) -> None:
        self._server = server
        self._ids = itertools.count(1)
        self._open: dict[int, Future[Reply]] = {}

    async def request(self, payload: str) -> Reply:
        """Sends the request and waits for its reply; leaves nothing behind if it is given up."""
        request = Request(next(self._ids), payload, self)
        reply: Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[request.id] = reply
        self._server.put_nowait(request)
        try:
            return await reply
        finally:
            del self._open[request.id]

    def settle(self, reply: Reply) -> None:
        """Gives the reply to whoever waits for its id, if somebody still does."""
        waiting = self._open.get(reply.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)


async def serve(inbox: Queue[Request]) -> None:
    """Answers every request with its payload."""
    while True:
        request = await inbox.get()
        request.desk.settle(Reply(request.id, "completed", request.payload))


def job(size: Job) -> Figures:
    """Does W6."""

    async def caller(desk: Desk) -> None:
        for _ in range(size.each):
            await desk.request("work")

    async def run() -> Figures:
        inbox: Queue[Request] = Queue()
        desk, server = Desk(inbox), asyncio.create_task(serve(inbox))
        marks = [perf_counter_ns()]
        for _ in range(size.sequential):
            await desk.request("work")
            marks.append(perf_counter_ns())
        started = perf_counter()
        await asyncio.gather(*(caller(desk) for _ in range(size.callers)))
        seconds = perf_counter() - started
        server.cancel()
        return size.figures(marks, seconds)

    return asyncio.run(run())
