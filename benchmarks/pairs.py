"""How jobs between processes are measured: the same for every contestant.

A contestant's module has `serve(broker, number, up)` and `bystand(broker, number, up)`, which run
in other processes (see `second.py`), and `calling(broker)`: within it, what it gives does one job.
"""

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack
from time import perf_counter, perf_counter_ns

from .between import Between, Crowd
from .brokers import Broker, running
from .kinds import Figures
from .second import Second

DoJob = Callable[[], Awaitable[object]]
Calling = Callable[[Broker], AbstractAsyncContextManager[DoJob]]

WARM_UP = 20
"""Jobs before the first that counts: connections are made, code is loaded."""

QUIET = 1.5
"""Seconds after a start in which everybody hears of everybody. Pipecat over PGMQ looks for new
peers once a second, and what it announces earlier is lost."""


def between(module: str, size: Between) -> Figures:
    """Measures W7 with the contestant of this module."""
    calling: Calling = importlib.import_module(module).calling
    with running(size.broker) as broker, Second(module, "serve", broker.at) as server:
        server.ready()
        time.sleep(QUIET)

        async def run() -> Figures:
            async with calling(broker.at) as do:
                for _ in range(WARM_UP):
                    await do()
                marks = [perf_counter_ns()]
                for _ in range(size.sequential):
                    await do()
                    marks.append(perf_counter_ns())

                async def caller() -> None:
                    for _ in range(size.each):
                        await do()

                cpu, used = time.process_time() + server.cpu(), broker.used()
                began = perf_counter()
                await asyncio.gather(*(caller() for _ in range(size.callers)))
                seconds = perf_counter() - began
                cpu, after = time.process_time() + server.cpu() - cpu, broker.used()
                return size.figures(
                    marks, seconds, cpu, after.cpu - used.cpu, after.bytes - used.bytes
                )

        return asyncio.run(run())


def crowd(module: str, size: Crowd) -> Figures:
    """Measures W8 with the contestant of this module."""
    calling: Calling = importlib.import_module(module).calling
    with ExitStack() as ends:
        broker = ends.enter_context(running("redis")).at
        ends.enter_context(Second(module, "serve", broker).ready())
        time.sleep(QUIET)

        async def pair() -> int:
            """Has jobs done for so many seconds; returns how many."""
            async with calling(broker) as do:
                for _ in range(WARM_UP):
                    await do()
                done, until = 0, perf_counter() + size.seconds
                while perf_counter() < until:
                    await do()
                    done += 1
                return done

        alone = asyncio.run(pair())
        others = [Second(module, "bystand", broker, n) for n in range(size.processes - 2)]
        for other in others:
            ends.enter_context(other.ready())
        time.sleep(QUIET)
        before = sum(other.cpu() for other in others)
        time.sleep(size.seconds)
        idle = sum(other.cpu() for other in others) - before
        among = asyncio.run(pair())
        busy = sum(other.cpu() for other in others) - before - idle
        return size.figures(alone, among, busy, idle)
