"""Messages without an answer: one to one, by name, round a ring."""

import asyncio
from asyncio import Future, Queue, Task
from time import perf_counter

from ...measuring import Gate
from ...works import FanOut, Figures, Ring, Tell


async def count(inbox: Queue[str], gate: Gate) -> None:
    """Is the worker of W1, W3 and W4: counts what it is told."""
    while True:
        await inbox.get()
        gate.arrive()


def tell(size: Tell) -> Figures:
    """Does W1."""

    async def run() -> float:
        gate, inbox = Gate(), Queue[str]()
        worker = asyncio.create_task(count(inbox, gate))
        started = perf_counter()
        for _ in range(size.messages // size.burst):
            handled = gate.expect(size.burst)
            for _ in range(size.burst):
                inbox.put_nowait("note")
            await handled
        seconds = perf_counter() - started
        worker.cancel()
        return seconds

    return size.figures(asyncio.run(run()))


class Company:
    """Counting workers by name."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.inboxes: dict[str, Queue[str]] = {}
        self._tasks: list[Task[None]] = []

    async def start(self, workers: int) -> None:
        """Starts so many, and returns when each waits for its first message."""
        for number in range(workers):
            inbox = self.inboxes[f"worker-{number}"] = Queue()
            self._tasks.append(asyncio.create_task(count(inbox, self.gate)))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stops all, and returns when they have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self.inboxes.clear()


def fan_out(size: FanOut) -> Figures:
    """Does W3: names are keys of a dict."""

    async def run() -> float:
        company = Company()
        await company.start(size.workers)
        names, inboxes = list(company.inboxes), company.inboxes
        burst = min(size.burst, size.rounds)
        started = perf_counter()
        for _ in range(size.rounds // burst):
            handled = company.gate.expect(burst * size.workers)
            for _ in range(burst):
                for name in names:
                    inboxes[name].put_nowait("note")
            await handled
        seconds = perf_counter() - started
        await company.stop()
        return seconds

    return size.figures(asyncio.run(run()))


def ring(size: Ring) -> Figures:
    """Does W5."""

    async def node(inbox: Queue[int], following: Queue[int], home: Future[None]) -> None:
        while True:
            left = await inbox.get()
            if left:
                following.put_nowait(left - 1)
            else:
                home.set_result(None)

    async def run() -> float:
        home: Future[None] = asyncio.get_running_loop().create_future()
        inboxes = [Queue[int]() for _ in range(size.workers)]
        pairs = zip(inboxes, inboxes[1:] + inboxes[:1], strict=True)
        tasks = [asyncio.create_task(node(here, there, home)) for here, there in pairs]
        await asyncio.sleep(0)
        started = perf_counter()
        inboxes[0].put_nowait(size.hops - 1)
        await home
        seconds = perf_counter() - started
        for task in tasks:
            task.cancel()
        return seconds

    return size.figures(asyncio.run(run()))
