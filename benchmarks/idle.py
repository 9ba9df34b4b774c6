"""A million idle workers in one process, and what they cost: `python -m benchmarks.idle [N]`.

They are named, supervised by one dynamic supervisor, and each would handle a message; the last line
shows that one of them does, and what crashing one costs among all the others.
"""

import asyncio
import sys
from time import perf_counter

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

from .measuring import resident_bytes

STEP = 50_000


class Hello(DataMessage):
    """Is answered."""


class Idle(Worker):
    """Stands idle, answers a hello, and crashes when told a word."""

    @on(Hello)
    async def hello(self, _: Hello) -> str:
        return self.name

    @on(str)
    async def crash(self, _: str) -> None:
        raise RuntimeError("told to")


class Crowd(DynamicSupervisor):
    """Holds them all."""

    restarts = Restarts(backoff=Backoff(min=0))


async def stand_idle(workers: int) -> None:
    """Starts so many, prints what they cost, asks one, crashes one, and stops them all."""
    async with Node(Supervisor([Child("crowd", Crowd)]), stop_within=600) as node:
        crowd = node.admin("crowd")
        before, began = resident_bytes(), perf_counter()
        for first in range(0, workers, STEP):
            last = min(first + STEP, workers)
            await crowd.start_children([Child(f"w{number}", Idle) for number in range(first, last)])
        seconds = perf_counter() - began
        grown = resident_bytes() - before
        print(f"{workers:,} idle workers started in {seconds:.1f} s: {workers / seconds:,.0f} /s")
        print(f"memory: {grown / 2**20:,.0f} MiB, {grown / workers / 1024:.2f} KiB each")
        print(f"tasks on the loop: {len(asyncio.all_tasks())}")
        name = f"w{workers // 2}"
        began = perf_counter()
        assert await node.ask(name, Hello()) == name
        print(f"one of them answers in {(perf_counter() - began) * 1e6:.0f} µs")
        began = perf_counter()
        node.tell(name, "word")
        assert await node.ask(name, Hello()) == name
        print(
            f"it crashes, is started again and answers in {(perf_counter() - began) * 1e6:.0f} µs"
        )
        began = perf_counter()
    print(f"all stopped in {perf_counter() - began:.1f} s")


if __name__ == "__main__":
    asyncio.run(stand_idle(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
