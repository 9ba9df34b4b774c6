"""Messages with an answer: asks, and jobs."""

import asyncio
from time import perf_counter, perf_counter_ns

from callboard import (
    Child,
    DataMessage,
    JobRequest,
    Node,
    Supervisor,
    Worker,
    on,
)
from callboard import (
    job as job_handler,
)

from ..works import Ask, Figures, Job


class Question(DataMessage):
    """What is asked."""

    text: str


class Echo(Worker):
    """Answers with what it was given."""

    @on(Question)
    async def answer(self, question: Question) -> str:
        return question.text

    @job_handler("echo")
    async def work(self, request: JobRequest) -> str:
        return str(request.payload)


def ask(size: Ask) -> Figures:
    """Does W2."""

    async def run() -> list[int]:
        async with Node(Supervisor([Child("echo", Echo)])) as node:
            worker, question = node.ref("echo"), Question("question")
            assert worker is not None
            marks = [perf_counter_ns()]
            for _ in range(size.calls):
                await worker.ask(question)
                marks.append(perf_counter_ns())
            return marks

    return size.figures(asyncio.run(run()))


def job(size: Job) -> Figures:
    """Does W6."""

    async def caller(node: Node) -> None:
        for _ in range(size.each):
            await node.request("echo", "echo", "work")

    async def run() -> Figures:
        async with Node(Supervisor([Child("echo", Echo)])) as node:
            marks = [perf_counter_ns()]
            for _ in range(size.sequential):
                await node.request("echo", "echo", "work")
                marks.append(perf_counter_ns())
            started = perf_counter()
            await asyncio.gather(*(caller(node) for _ in range(size.callers)))
            return size.figures(marks, perf_counter() - started)

    return asyncio.run(run())
