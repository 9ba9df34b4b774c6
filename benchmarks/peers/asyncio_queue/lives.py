"""Starting, stopping and restarting workers, and what many of them cost the others."""

import asyncio
from asyncio import Future, Queue
from time import perf_counter, perf_counter_ns

from ...measuring import resident_bytes
from ...works import Churn, Figures, Restart, Scale
from .asks import Desk, Request, serve
from .tells import Company


def churn(size: Churn) -> Figures:
    """Does W4."""

    async def run() -> Figures:
        company = Company()
        await company.start(10)
        await company.stop()
        before = resident_bytes()
        began = perf_counter()
        await company.start(size.workers)
        starting = perf_counter() - began
        grown = resident_bytes() - before
        began = perf_counter()
        await company.stop()
        return size.figures(starting + perf_counter() - began, grown)

    return asyncio.run(run())


class Crash(Exception):
    """What the worker of `restart` dies of."""


async def _supervise(inbox: Queue[Future[int]], crashed: list[int]) -> None:
    """Lets a fresh task take over the inbox whenever the last one crashed."""

    async def life() -> None:
        while True:
            asked = await inbox.get()
            if asked.cancelled():
                crashed.append(perf_counter_ns())
                raise Crash
            asked.set_result(perf_counter_ns())

    while True:
        try:
            await asyncio.create_task(life())
        except Crash:
            continue


def restart(size: Restart) -> Figures:
    """Does `restart`, with a supervising task for each worker; a cancelled future is the poison."""

    async def among(siblings: int) -> list[int]:
        loop = asyncio.get_running_loop()
        inboxes = [Queue[Future[int]]() for _ in range(siblings + 1)]
        crashed: list[int] = []
        tasks = [asyncio.create_task(_supervise(inbox, crashed)) for inbox in inboxes]
        await asyncio.sleep(0)
        took: list[int] = []
        for _ in range(size.crashes):
            poison: Future[int] = loop.create_future()
            poison.cancel()
            handled: Future[int] = loop.create_future()
            inboxes[0].put_nowait(poison)
            inboxes[0].put_nowait(handled)
            took.append(await handled - crashed[-1])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return took

    return size.figures(asyncio.run(among(size.few)), asyncio.run(among(size.many)))


def scale(size: Scale) -> Figures:
    """Does `scale`."""

    async def among(workers: int) -> tuple[float, float]:
        company = Company()
        await company.start(workers)
        requests: Queue[Request] = Queue()
        desk, server = Desk(requests), asyncio.create_task(serve(requests))
        names, inboxes = list(company.inboxes)[:10], company.inboxes
        began = perf_counter()
        for _ in range(size.messages // size.burst):
            handled = company.gate.expect(size.burst)
            for _ in range(size.burst // len(names)):
                for name in names:
                    inboxes[name].put_nowait("note")
            await handled
        told = perf_counter() - began
        began = perf_counter()
        for _ in range(size.jobs):
            await desk.request("work")
        done = perf_counter() - began
        server.cancel()
        await company.stop()
        return told, done

    return size.figures(asyncio.run(among(size.few)), asyncio.run(among(size.many)))
