"""Starting, stopping and restarting workers, and what many of them cost the others."""

import asyncio
from asyncio import Future
from time import perf_counter, perf_counter_ns

from callboard import (
    Backoff,
    Child,
    DataMessage,
    DynamicSupervisor,
    Node,
    Restarts,
    Supervisor,
    Worker,
    on,
)

from ..measuring import Gate, resident_bytes
from ..works import Churn, Figures, Restart, Scale
from .asks import Echo
from .tells import Note, counters


class Pool(DynamicSupervisor):
    """Holds the workers that come and go."""


def churn(size: Churn) -> Figures:
    """Does W4: the specs are made and checked within the time."""

    async def run() -> Figures:
        async with Node(Supervisor([Child("pool", Pool)])) as node:
            pool, gate = node.admin("pool"), Gate()
            for child in await pool.start_children(counters(10, gate)):
                await pool.terminate_child(child.name)
                await pool.delete_child(child.name)
            before = resident_bytes()
            began = perf_counter()
            await pool.start_children(counters(size.workers, gate))
            starting = perf_counter() - began
            grown = resident_bytes() - before
            began = perf_counter()
            await node.admin().terminate_child("pool")
            return size.figures(starting + perf_counter() - began, grown)

    return asyncio.run(run())


class Crash(Exception):
    """What the worker of `restart` dies of."""


class Poison(DataMessage):
    """Makes its worker crash."""


class Sign(DataMessage):
    """Shows that the next life is there."""

    seen: Future[int]


class Mortal(Worker):
    """Crashes when told to."""

    crashed_at = 0

    @on(Poison)
    async def die(self, _: Poison) -> None:
        Mortal.crashed_at = perf_counter_ns()
        raise Crash

    @on(Sign)
    async def live(self, sign: Sign) -> None:
        sign.seen.set_result(perf_counter_ns())


def restart(size: Restart) -> Figures:
    """Does `restart`."""

    async def among(siblings: int) -> list[int]:
        specs = [Child(f"worker-{number}", Mortal) for number in range(siblings + 1)]
        policy = Restarts(intensity=None, backoff=Backoff(min=0))
        async with Node(Supervisor(specs, restarts=policy)) as node:
            took: list[int] = []
            for _ in range(size.crashes):
                seen: Future[int] = asyncio.get_running_loop().create_future()
                node.tell("worker-0", Poison())
                node.tell("worker-0", Sign(seen))
                took.append(await seen - Mortal.crashed_at)
            return took

    return size.figures(asyncio.run(among(size.few)), asyncio.run(among(size.many)))


def scale(size: Scale) -> Figures:
    """Does `scale`."""

    async def among(workers: int) -> tuple[float, float]:
        gate, note = Gate(), Note()
        specs = counters(workers, gate)
        names = [spec.name for spec in specs[:10]]
        async with Node(Supervisor([Child("echo", Echo), *specs])) as node:
            began = perf_counter()
            for _ in range(size.messages // size.burst):
                handled = gate.expect(size.burst)
                for _ in range(size.burst // len(names)):
                    for name in names:
                        node.tell(name, note)
                await handled
            told = perf_counter() - began
            began = perf_counter()
            for _ in range(size.jobs):
                await node.request("echo", "echo", "work")
            return told, perf_counter() - began

    return size.figures(asyncio.run(among(size.few)), asyncio.run(among(size.many)))
