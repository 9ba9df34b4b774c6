"""Pipelines: stages in a row, frames in order, and a worker whose life is that of its pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Child,
    Node,
    NotStarted,
    SpecError,
    StartFailed,
    Supervisor,
    worker_ready,
)
from callboard.actors.frames import (
    CancelFrame,
    Direction,
    EndFrame,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    Pipeline,
    PipelineWorker,
    Stage,
    StartFrame,
    TextFrame,
)
from callboard.actors.testing import eventually, settle
from tests.actors.frames.studio import Seen, company, texts, worker_of

DOWN, UP = Direction.DOWN, Direction.UP


class Holding(Stage):
    """Keeps frames of some kinds until it is told to let them on."""

    def __init__(self, *kinds: type[Frame]) -> None:
        self.kinds = kinds
        self.go_on = asyncio.Event()
        self.holds: list[Frame] = []

    async def process(self, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, self.kinds):
            self.holds.append(frame)
            await self.go_on.wait()
        await self.push(frame, direction)


class Doubling(Stage):
    async def process(self, frame: Frame, direction: Direction) -> None:
        await self.push(frame, direction)
        if isinstance(frame, TextFrame):
            await asyncio.sleep(0.1)
            await self.push(TextFrame(f"{frame.text} again"), direction)


class Plain(PipelineWorker):
    """A worker with these stages, and what happens to it."""

    def __init__(self, make: Callable[[], Sequence[Stage]], log: list[str] | None = None) -> None:
        self._make = make
        self.log = log if log is not None else []

    def on_start(self) -> None:
        self.log.append("on_start")

    def build_pipeline(self) -> Sequence[Stage]:
        self.log.append("built")
        self.stages = self._make()
        return self.stages

    def on_stop(self) -> None:
        self.log.append("on_stop")

    def on_failure(self, *_: Any, **__: Any) -> None:
        self.log.append("on_failure")


async def test_frames_go_from_stage_to_stage_in_their_direction() -> None:
    first, last = Seen(), Seen()
    async with company(("p", partial(Plain, lambda: (first, last)))) as node:
        p = worker_of(node, "p")
        await p.queue_frame(TextFrame("down"))
        await p.queue_frame(TextFrame("up"), UP)
        assert texts(first.frames) == texts(last.frames) == ["down", "up"]
        assert first.ways == last.ways == [DOWN, UP]


async def test_what_a_stage_pushes_goes_before_the_next_frame() -> None:
    last = Seen()
    async with company(("p", partial(Plain, lambda: (Doubling(), last)))) as node:
        p = worker_of(node, "p")
        await asyncio.gather(*(p.queue_frame(TextFrame(word)) for word in "ab"))
        assert texts(last.frames) == ["a", "a again", "b", "b again"]


async def test_an_interruption_does_not_wait_for_the_frame_before_it() -> None:
    holding, last = Holding(TextFrame), Seen()
    async with company(("p", partial(Plain, lambda: (holding, last)))) as node:
        p = worker_of(node, "p")
        slow = asyncio.ensure_future(p.queue_frame(TextFrame("slow")))
        await settle()
        await p.queue_frame(InterruptionFrame())
        assert last.frames == [InterruptionFrame()]
        holding.go_on.set()
        await slow
        assert last.frames == [InterruptionFrame(), TextFrame("slow")]


async def test_a_task_that_a_stage_left_behind_waits_its_turn() -> None:
    class Late(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if frame == TextFrame("first"):
                self.task = asyncio.ensure_future(self.later())
            await self.push(frame, direction)

        async def later(self) -> None:
            await asyncio.sleep(1)
            await self.push(TextFrame("late"))

    late, holding, last = Late(), Holding(TextFrame), Seen()
    holding.go_on.set()
    async with company(("p", partial(Plain, lambda: (late, holding, last)))) as node:
        p = worker_of(node, "p")
        await p.queue_frame(TextFrame("first"))
        holding.go_on.clear()
        second = asyncio.ensure_future(p.queue_frame(TextFrame("second")))
        await asyncio.sleep(2)
        assert texts(holding.holds) == ["first", "second"]  # the late one is not among them yet
        holding.go_on.set()
        await asyncio.gather(second, late.task)
        assert texts(last.frames) == ["first", "second", "late"]


@pytest.mark.check("M139")
async def test_a_worker_is_ready_only_once_the_start_frame_has_reached_the_end() -> None:
    holding = Holding(StartFrame)
    ready: list[str] = []

    class Watching(Plain):
        @worker_ready("p")
        def p_is_ready(self, data: Any) -> None:
            ready.append(data.worker)

    log: list[str] = []
    tree = Supervisor(
        [Child("w", partial(Watching, tuple)), Child("p", partial(Plain, lambda: (holding,), log))]
    )
    node = Node(tree, watchdog=False)
    starting = asyncio.ensure_future(node.start())
    await eventually(lambda: holding.holds == [StartFrame()])
    known = node.registry.find("p")
    assert known is not None and not known.ready and ready == [] and log == ["on_start", "built"]
    holding.go_on.set()
    await starting
    await eventually(lambda: ready == ["p"])
    await node.stop()


@pytest.mark.check("M139")
async def test_a_pipeline_that_keeps_the_start_frame_fails_to_start_in_time() -> None:
    child = Child("p", partial(Plain, lambda: (Holding(StartFrame),)), start_timeout=3)
    with pytest.raises(StartFailed, match="longer than 3 s"):
        async with Node(Supervisor([child]), watchdog=False):
            pass


@pytest.mark.check("M139")
@pytest.mark.parametrize("end", ["stop", "drain"])
async def test_it_ends_once_the_end_frame_has_reached_the_end(end: str) -> None:
    holding, last, log = Holding(EndFrame), Seen(), list[str]()
    async with company(("p", partial(Plain, lambda: (holding, last), log))) as node:
        await worker_of(node, "p").queue_frame(TextFrame("before"))
        ending = asyncio.ensure_future(getattr(node, end)("enough"))
        await eventually(lambda: bool(holding.holds))
        assert holding.holds == [EndFrame("shutdown: enough")] and log[-1] == "built"
        holding.go_on.set()
        await ending
        assert last.lifecycle == ["StartFrame", "EndFrame"] and log[-1] == "on_stop"


@pytest.mark.check("M139")
async def test_an_end_frame_that_does_not_come_through_costs_no_more_than_the_budget() -> None:
    holding = Holding(EndFrame)
    async with company(("p", partial(Plain, lambda: (holding,)))) as node:
        begun = asyncio.get_running_loop().time()
        await node.stop()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(5)


@pytest.mark.check("M139")
async def test_frames_queued_from_outside_enter_in_order_down_at_the_start_up_at_the_end() -> None:
    first, last = Seen(), Seen()
    async with company(("p", partial(Plain, lambda: (first, Holding(), last)))) as node:
        p = worker_of(node, "p")
        downs = [p.queue_frame(TextFrame(str(number))) for number in range(100)]
        ups = [p.queue_frame(TextFrame(f"up {number}"), UP) for number in range(100)]
        await asyncio.gather(*downs, *ups)
        for seen in (first, last):
            assert texts(seen.frames) == [
                *map(str, range(100)),
                *(f"up {number}" for number in range(100)),
            ]


async def test_a_stage_that_raises_fails_the_worker_and_the_next_life_has_new_stages() -> None:
    class Bad(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if isinstance(frame, TextFrame):
                raise ValueError("no text")
            await self.push(frame, direction)

    log: list[str] = []
    last: list[Seen] = []

    def stages() -> Sequence[Stage]:
        last.append(Seen())
        return (Bad(), last[-1])

    async with company(("p", partial(Plain, stages, log))) as node:
        first = worker_of(node, "p")
        with pytest.raises(ActorFailed, match="no text"):
            await first.queue_frame(TextFrame("x"))
        await eventually(lambda: log.count("built") == 2)
        assert log == ["on_start", "built", "on_failure", "on_start", "built"]
        assert last[0].lifecycle == ["StartFrame", "CancelFrame"]
        assert last[1].lifecycle == ["StartFrame"]


async def test_a_worker_without_stages_is_ready_and_ends() -> None:
    class Empty(PipelineWorker):
        pass

    async with company(("p", Empty)) as node:
        p = worker_of(node, "p")
        await p.queue_frame(CancelFrame())
        assert p.children == [] and node.registry.find("p").ready  # type: ignore[union-attr]


async def test_a_frame_for_a_pipeline_that_was_not_started_is_refused() -> None:
    with pytest.raises(NotStarted):
        await Plain(tuple).queue_frame(TextFrame("x"))


def test_a_stage_stands_in_one_pipeline_and_a_pipeline_has_stages_only() -> None:
    stage = Seen()
    Pipeline([stage])
    with pytest.raises(SpecError, match="stands in one pipeline"):
        Pipeline([stage])
    wrong: Any = ["no stage"]
    with pytest.raises(SpecError, match="is no Stage"):
        Pipeline(wrong)
    with pytest.raises(NotStarted, match="stands in no pipeline"):
        assert Seen().worker


async def test_a_stage_knows_its_worker_from_the_start_frame_on() -> None:
    class Knowing(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            self.known = self.worker.name
            await self.push(frame, direction)

    knowing = Knowing()
    with pytest.raises(NotStarted, match="belongs to no worker yet"):
        assert Pipeline([knowing]).stages[0].worker
    knowing = Knowing()
    async with company(("p", partial(Plain, lambda: (knowing,)))):
        assert knowing.known == "p"


async def test_an_error_that_nobody_takes_is_an_event_and_logged() -> None:
    async with company(("p", partial(Plain, lambda: (Seen(),)))) as node:
        subscription = node.events.subscribe()
        await worker_of(node, "p").queue_frame(ErrorFrame("the model is away"), UP)
        (event,) = [each for each in subscription.take() if each.kind == "frame_error"]
        assert (event.path, event.text) == ("root/p", "the model is away")


@pytest.mark.parametrize("names", ["voice", ("voice", 7), 7])
def test_bridges_are_named_by_a_tuple_of_texts(names: Any) -> None:
    with pytest.raises(SpecError, match=r"bridged.*write \('voice',\)"):
        type("Wrong", (PipelineWorker,), {"bridged": names})


async def test_a_stage_may_let_the_start_frame_on_later() -> None:
    class Connecting(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if isinstance(frame, StartFrame):
                self.task = asyncio.ensure_future(self._connect(frame))
            else:
                await self.push(frame, direction)

        async def _connect(self, frame: Frame) -> None:
            await asyncio.sleep(3)
            await self.push(frame)

    class Owner(PipelineWorker):
        def build_pipeline(self) -> Sequence[Stage]:
            return (Connecting(),)

    began = asyncio.get_running_loop().time()
    async with Node(Supervisor([Child("main", Owner)])):
        assert asyncio.get_running_loop().time() - began >= 3
