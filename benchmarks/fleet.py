"""What a fleet costs its broker: `python -m benchmarks.fleet redis` (or `pgmq`) `[10 25 50]`.

Nodes in processes of their own, each with one public worker, join one channel until there are so
many. Each time it is measured what the broker and the nodes use while nobody talks, what one more
node costs that comes and goes, and what a job costs among so many. At the end one is killed.
docs/scale.md reckons with the figures.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from time import perf_counter
from typing import NamedTuple

from callboard import Node

from .brokers import Running, Used, running
from .machine import Machine
from .number import number
from .ours.between import known, node
from .second import Second

MODULE = "benchmarks.ours.between"
SETTLED = 4.0
"""Seconds for a fleet to come to rest: the beats of all that have just joined agree."""


class Row(NamedTuple):
    """The figures at one size of the fleet."""

    nodes: int
    idle_broker: float
    """Processor seconds of the broker per second, nobody talking."""
    idle_commands: float
    """Commands, or transactions, per second."""
    idle_bytes: float
    idle_node: float
    """Processor seconds of a node per second."""
    join_s: float
    """Seconds until a newcomer knows everybody."""
    join_broker: float
    join_bytes: float
    job_broker: float
    """Processor seconds of the broker for a job, one at a time."""
    job_ms: float


class Fleet:
    """Nodes in their processes, on one broker."""

    def __init__(self, broker: Running, ends: ExitStack) -> None:
        self.broker = broker
        self._ends = ends
        self.members: list[Second] = []

    def grow(self, to: int) -> None:
        """Start nodes until there are so many, a few at a time."""
        while len(self.members) < to:
            few = range(len(self.members), min(to, len(self.members) + 5))
            started = [Second(MODULE, "member", self.broker.at, each) for each in few]
            for each in started:
                self._ends.callback(_end, each)
                each.ready()
            self.members += started

    def cpu(self) -> float:
        """The processor seconds of all nodes."""
        return sum(each.cpu() for each in self.members)


def _end(member: Second) -> None:
    with suppress(OSError):
        member.end()


def less(after: Used, before: Used) -> Used:
    """What was used in between."""
    return Used(*(late - early for late, early in zip(after, before, strict=True)))


async def look(fleet: Fleet, seconds: float, jobs: int) -> Row:
    """Measure the fleet as it is."""
    count, broker = len(fleet.members), fleet.broker
    names = [f"member-{each}" for each in range(count)]
    async with node("settling", broker.at) as mine:
        await asyncio.gather(*(known(mine, name) for name in names))
    await asyncio.sleep(SETTLED)
    cpu, used, began = fleet.cpu(), broker.used(), perf_counter()
    await asyncio.sleep(seconds)
    took, idle, nodes = perf_counter() - began, less(broker.used(), used), fleet.cpu() - cpu
    used, began = broker.used(), perf_counter()
    async with node("newcomer", broker.at) as mine:
        await asyncio.gather(*(known(mine, name) for name in names))
        join_s = perf_counter() - began
        await asyncio.sleep(1.0)
        joining = less(broker.used(), used)
        for _ in range(20):
            await mine.request(names[0], "work", None)
        used, began = broker.used(), perf_counter()
        for _ in range(jobs):
            await mine.request(names[0], "work", None)
        job_s, working = (perf_counter() - began) / jobs, less(broker.used(), used)
    return Row(
        count,
        idle.cpu / took,
        idle.commands / took,
        idle.bytes / took,
        nodes / took / count,
        join_s,
        joining.cpu,
        joining.bytes,
        working.cpu / jobs,
        job_s * 1e3,
    )


async def lose(fleet: Fleet) -> float:
    """Kill a node; return the seconds until one that it never talked to says it is down."""
    names = [f"member-{each}" for each in range(len(fleet.members))]
    async with node("mourner", fleet.broker.at) as mine:
        await asyncio.gather(*(known(mine, name) for name in names))
        await asyncio.sleep(SETTLED)
        events = mine.events.subscribe()
        began = perf_counter()
        os.kill(fleet.members[-1].pid, signal.SIGKILL)
        async for event in events:
            if event.kind == "node_down":
                break
        assert_gone(mine, names[-1])
        return perf_counter() - began


def assert_gone(mine: Node, name: str) -> None:
    """The workers of the node that was killed are known no more."""
    if mine.ref(name) is not None:
        raise RuntimeError(f"{name} is known still")


def main() -> None:
    """Prints a line for each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("broker", choices=["redis", "pgmq"])
    parser.add_argument("sizes", nargs="*", type=int, default=[10, 25, 50])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each look at idle nodes")
    parser.add_argument("--jobs", type=int, default=300)
    options = parser.parse_args()
    print(f"{Machine.this()}; {options.broker}")
    print(
        "| nodes | broker idle, % of a core | commands/s | KiB/s | a node idle, % of a core "
        "| to know all, s | a join: broker ms | KiB | a job: broker µs | ms |"
    )
    print("| ---: |" + " ---: |" * 9)
    with running(options.broker) as broker, ExitStack() as ends:
        fleet = Fleet(broker, ends)
        for size in options.sizes:
            began = time.perf_counter()
            fleet.grow(size)
            print(f"{size} nodes up after {time.perf_counter() - began:.1f} s", file=sys.stderr)
            row = asyncio.run(look(fleet, options.seconds, options.jobs))
            cells = (
                row.idle_broker * 100,
                row.idle_commands,
                row.idle_bytes / 1024,
                row.idle_node * 100,
                row.join_s,
                row.join_broker * 1e3,
                row.join_bytes / 1024,
                row.job_broker * 1e6,
                row.job_ms,
            )
            print(f"| {row.nodes} | " + " | ".join(map(number, cells)) + " |", flush=True)
        gone = asyncio.run(lose(fleet))
    print(f"\none of them killed: declared down by another after {gone:.1f} s")


if __name__ == "__main__":
    main()
