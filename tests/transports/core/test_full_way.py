"""What jobs send over a way that is full: it is held there, and whatever happens lets it go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from callboard import Child, Job, JobError, JobRequest, Node, ThreadWorker, Worker, job
from callboard.actors.testing import settle
from callboard.transports.link import Segment
from callboard.transports.peer import Peer
from callboard.transports.router import Router
from tests.transports.contract import Stage
from tests.transports.contract_cast import Log
from tests.transports.core.inside import line
from tests.transports.test_local_contract import LocalNetwork

MOST = 64 << 20
"""Bytes that may be on the way to a node."""

PART = 900_000


class Pourer(Worker):
    """Streams parts."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    @job("pour")
    async def pour(self, request: JobRequest) -> str:
        try:
            for number in range(request.payload):
                self.log.add("b", "part", number)
                await request.stream(number.to_bytes(PART))
        finally:
            self.log.add("b", "ended", request.id)
        return "poured"


class Threaded(ThreadWorker):
    """Does so on its own thread."""

    @job("pour")
    def pour(self, request: JobRequest) -> str:
        for number in range(request.payload):
            request.stream(number.to_bytes(PART))
        return "poured"


class Blocked:
    """Nodes A and B, of which A does not hear what B sends on their link."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.patch = pytest.MonkeyPatch()

    async def begin(self, child: Child | None = None) -> tuple[Node, Node, Peer]:
        """Start A, and B with a pourer b; return them, and the way from B to A."""
        a = await self.stage.node("A", "a", watchful=True)
        child = child or Child("b", partial(Pourer, self.stage.log))
        b = await self.stage.node("B", child, watchful=True)
        await self.stage.know(a, "b")
        await self.stage.know(b, "a")
        carry = Router.carry

        def lose(router: Router, peer: Peer, segment: Segment) -> None:
            if router.runtime is not b.runtime:
                carry(router, peer, segment)

        self.patch.setattr(Router, "carry", lose)
        return a, b, line(b, "A")

    def open(self, way: Peer) -> None:
        """Let A hear it."""
        self.patch.undo()
        way.resume()


async def received(node: Node, count: int) -> tuple[list[int], str]:
    """Have b pour, and return which parts came, and the answer."""
    async with node.job("b", "pour", count) as pouring:
        parts = [int.from_bytes(event.data) async for event in pouring]
        return parts, await pouring


@pytest.mark.check("M64", "M91")
async def test_jobs_send_no_more_than_the_way_holds_and_go_on_when_it_has_room() -> None:
    async with Stage(LocalNetwork()) as stage:
        blocked = Blocked(stage)
        a, _, way = await blocked.begin()
        jobs, count = 3, 40
        readers = [asyncio.create_task(received(a, count)) for _ in range(jobs)]
        await stage.until(lambda: not way.link.room)
        await settle()
        assert MOST <= way.link.open_bytes < MOST + (jobs + 1) * PART
        blocked.open(way)
        assert await asyncio.gather(*readers) == [([*range(count)], "poured")] * jobs


@pytest.mark.check("M64", "M91")
async def test_a_job_that_begins_on_a_full_way_is_held_after_its_first_event() -> None:
    async with Stage(LocalNetwork()) as stage:
        blocked = Blocked(stage)
        a, _, way = await blocked.begin()
        first = asyncio.create_task(received(a, 80))
        await stage.until(lambda: not way.link.room)
        sent = len(stage.log.of("b", "part"))
        second = asyncio.create_task(received(a, 10))
        await stage.noted("b", "part", count=sent + 1)
        await settle()
        assert len(stage.log.of("b", "part")) == sent + 1
        blocked.open(way)
        assert (await first, await second) == (([*range(80)], "poured"), ([*range(10)], "poured"))


@pytest.mark.check("M12", "M64", "M91")
@pytest.mark.realtime
async def test_a_thread_that_is_held_by_a_full_way_goes_on_when_it_has_room() -> None:
    async with Stage(LocalNetwork()) as stage:
        blocked = Blocked(stage)
        a, _, way = await blocked.begin(Child("b", Threaded))
        reading = asyncio.create_task(received(a, 80))
        await stage.until(lambda: not way.link.room)
        blocked.open(way)
        assert await reading == ([*range(80)], "poured")


@pytest.mark.check("M64")
async def test_wishes_for_a_report_do_not_fill_a_way_beyond_its_bound() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        async with a.job("b", "wait") as waiting:
            await stage.noted("b", "waits")
            await stage.until(lambda: not line(a, "B").link.open)
            await stage.network.cut("B")
            for _ in range(10_500):
                waiting.ask_progress()
            assert line(a, "B").link.open == 10_000
            assert stage.counted(a, "unsent_progress") == 500
            await stage.network.heal("B")
            await stage.noted("b", "progress", count=10_000)
            await stage.until(lambda: line(a, "B").link.room)
            waiting.ask_progress()
            await stage.noted("b", "progress", count=10_001)
            stage.log.gate.set()
            assert await waiting == "waited"


End = Callable[[Stage, list[Job[Any]]], Awaitable[None]]


async def cancel(_: Stage, jobs: list[Job[Any]]) -> None:
    for each in jobs:
        each.cancel()


async def stop_the_worker(stage: Stage, _: list[Job[Any]]) -> None:
    ref = stage.nodes[1].ref("b")
    assert ref is not None
    ref.stop()


async def stop_the_caller(stage: Stage, _: list[Job[Any]]) -> None:
    await stage.nodes[0].stop()


async def stop_the_server(stage: Stage, _: list[Job[Any]]) -> None:
    await stage.nodes[1].stop()


async def silence_the_caller(stage: Stage, _: list[Job[Any]]) -> None:
    stage.network.silence("A")


@pytest.mark.check("M64", "M77")
@pytest.mark.parametrize(
    "end", [cancel, stop_the_worker, stop_the_caller, stop_the_server, silence_the_caller]
)
async def test_a_job_that_is_held_by_a_full_way_ends_however_it_is_ended(end: End) -> None:
    async with Stage(LocalNetwork()) as stage:
        blocked = Blocked(stage)
        a, _, way = await blocked.begin()
        jobs = [a.start_job("b", "pour", 1000) for _ in range(3)]
        await stage.until(lambda: not way.link.room)
        await settle()
        assert stage.log.of("b", "ended") == []
        await end(stage, jobs)
        await stage.noted("b", "ended", count=3)
        assert not way.serving
        blocked.open(way)
        for each in jobs:
            with pytest.raises(JobError):
                await each
