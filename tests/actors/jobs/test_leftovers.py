"""Nothing of a job is left after it, and the ten-thousandth costs what the first did."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from callboard import Child, Job, JobError, JobFailed, JobRequest, Node, job
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Boom, Player, node_of


class Server(Player):
    """Ends a job in each way that a handler can end it."""

    @job("completes")
    async def completes(self, request: JobRequest) -> int:
        await request.update(1)
        return 1

    @job("completes later")
    async def completes_later(self, request: JobRequest) -> int:
        await asyncio.sleep(0.001)
        return 1

    @job("at once")
    def at_once(self, request: JobRequest) -> int:
        return 1

    @job("fails")
    async def fails(self, request: JobRequest) -> None:
        raise JobFailed("on purpose")

    @job("raises")
    async def raises(self, request: JobRequest) -> None:
        await asyncio.sleep(0.001)
        raise Boom

    @job("never ends")
    async def never_ends(self, request: JobRequest) -> None:
        await asyncio.sleep(3600)

    @job("in turn, never ends", sequential=True)
    async def in_turn_never_ends(self, request: JobRequest) -> None:
        await asyncio.sleep(3600)

    @job("defers")
    async def defers(self, request: JobRequest) -> None:
        request.defer()

    @job("defers and answers")
    async def defers_and_answers(self, request: JobRequest) -> None:
        request.defer()
        asyncio.get_running_loop().call_later(0.001, request.respond, 1)

    @job("streams")
    async def streams(self, request: JobRequest) -> AsyncIterator[int]:
        for number in range(3):
            yield number

    @job("asks on")
    async def asks_on(self, request: JobRequest) -> Any:
        return await self.request("c", "never ends")

    @job("asks on well")
    async def asks_on_well(self, request: JobRequest) -> Any:
        return await self.request("c", "at once")


KEPT = (Job, JobRequest)
COMPLETED = ("completes", "completes later", "at once", "defers and answers", "asks on well")
ENDLESS = ("never ends", "in turn, never ends", "defers", "asks on")


async def complete(node: Node, number: int) -> None:
    assert await node.request("b", COMPLETED[number % len(COMPLETED)], timeout=10) == 1


async def complete_without_limit(node: Node, number: int) -> None:
    assert await node.request("b", COMPLETED[number % len(COMPLETED)]) == 1


async def fail(node: Node, number: int) -> None:
    await node.request("b", "fails", timeout=10)


async def crash(node: Node, number: int) -> None:
    await node.request("b", ("raises", "unheard of")[number % 2])


async def time_out(node: Node, number: int) -> None:
    await node.request("b", ENDLESS[number % len(ENDLESS)], timeout=0.002)


async def time_out_unready(node: Node, number: int) -> None:
    await node.request("nobody", "completes", timeout=0.002)


async def cancel(node: Node, number: int) -> None:
    asked = node.start_job("b", ENDLESS[number % len(ENDLESS)], timeout=10)
    await asyncio.sleep(0.001 * (number % 3))
    asked.cancel("as planned")
    await asked


async def cancel_unready(node: Node, number: int) -> None:
    asked = node.start_job("nobody", "completes")
    asked.cancel()
    await asked


async def stream(node: Node, number: int) -> None:
    async with node.job("b", "streams") as asked:
        assert len([event async for event in asked]) == 3


async def leave_early(node: Node, number: int) -> None:
    async with node.job("b", "never ends") as asked:
        asked.cancel()
        raise Boom


async def group(node: Node, number: int) -> None:
    names = ("b", "c")
    async with node.job_group(*names, job=("completes", "fails")[number % 2], timeout=10):
        pass


WAYS: tuple[Callable[[Node, int], Any], ...] = (
    complete,
    complete_without_limit,
    fail,
    crash,
    time_out,
    time_out_unready,
    cancel,
    cancel_unready,
    stream,
    leave_early,
    group,
)


def held(node: Node) -> dict[str, int]:
    """How much is kept of what jobs need."""
    loop: Any = asyncio.get_running_loop()
    runtime = node.runtime
    return {
        "watches": node.registry.watches,
        "tasks": len(asyncio.all_tasks()) - len(runtime.scheduler.tasks),
        "timers": len([each for each in loop._scheduled if not each.cancelled()]),
        "runtime tasks": len(runtime.tasks),
    }


def kept() -> list[object]:
    """What there is of jobs' objects; what earlier tests have left is not ours."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, KEPT)]


@pytest.mark.check("M82")
async def test_ten_thousand_jobs_that_ended_in_every_way_leave_nothing() -> None:
    ended: Counter[str] = Counter()

    async def one(node: Node, number: int) -> None:
        way = WAYS[number % len(WAYS)]
        try:
            await way(node, number // len(WAYS))
        except JobError as error:
            ended[error.status] += 1
        except Boom:
            ended["left"] += 1
        else:
            ended["completed"] += 1

    async with node_of(Child("b", Server), Child("c", Server)) as node:
        before = held(node)
        kept_before = set(map(id, kept()))
        check = LeakCheck(node)
        for start in range(0, 10_000, 100):
            await asyncio.gather(*(one(node, number) for number in range(start, start + 100)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert held(node) == before
        await check.verify()
        assert [each for each in kept() if id(each) not in kept_before] == []
    assert sum(ended.values()) == 10_000
    assert set(ended) == {"completed", "failed", "error", "cancelled", "left"}


@pytest.mark.check("M77", "M82")
async def test_a_thousand_crashes_of_a_server_with_open_jobs_leave_nothing() -> None:
    class Touchy(Server):
        job_errors = "crash"

    async with node_of(Child("b", Touchy), Child("c", Server)) as node:
        check = LeakCheck(node)
        for _ in range(1_000):
            asked = [node.start_job("b", name) for name in (*ENDLESS, "defers", "never ends")]
            asked.append(node.start_job("b", "raises"))
            for each in asked:
                with pytest.raises(JobError):
                    await each
        await asyncio.sleep(1)
        await check.verify()


class Counting:
    """Counts the Python functions that are called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        self.calls += event == "call"


async def cost(node: Node) -> int:
    """How many functions one job of each common kind calls."""
    counting = Counting()
    sys.setprofile(counting)
    try:
        await node.request("b", "at once")
        await node.request("b", "completes", timeout=5)
        async with node.job("b", "streams", timeout=5) as asked:
            async for _ in asked:
                pass
    finally:
        sys.setprofile(None)
    return counting.calls


@pytest.mark.check("M82")
async def test_the_ten_thousandth_job_costs_what_the_first_did() -> None:
    async with node_of(Child("b", Server)) as node:
        await cost(node)  # the very first one also finds its handlers
        first = await cost(node)
        memory: list[int] = []
        for _ in range(2):
            for _ in range(5_000):
                await node.request("b", "at once")
                await node.request("b", "completes", timeout=5)
            gc.collect()
            memory.append(len(gc.get_objects()))
        assert await cost(node) == first
        # A few objects come and go with the loop; one for each job would be five thousand.
        assert memory[1] - memory[0] < 100
        loop: Any = asyncio.get_running_loop()
        assert len(loop._scheduled) < 1_000  # cancelled timers are cleared away as well
