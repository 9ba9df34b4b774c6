"""What interruptions, hooks that raise, and the end of an owner or worker leave of a bridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import pytest

from callboard import Child
from callboard.actors.cell import Directive
from callboard.actors.dispatch import fail
from callboard.actors.frames import (
    Direction,
    EndFrame,
    Frame,
    FrameMessage,
    InterruptionFrame,
    PipelineWorker,
    Stage,
    TextFrame,
)
from callboard.actors.frames.bridge import BridgeEnd
from callboard.actors.frames.floor import Floor, Give
from callboard.actors.frames.messages import BridgeEmptied, BridgeJoin, BridgeLeave
from callboard.actors.registry import WorkerReady
from callboard.actors.testing import eventually, settle
from tests.actors.frames.studio import Echo, Main, company, heard, lost, texts, worker_of

DOWN = Direction.DOWN


class Sleeping(Echo):
    active = False


async def test_an_interruption_is_not_meant_for_who_is_activated_later() -> None:
    async with company(("a", Sleeping), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        await main.queue_frame(InterruptionFrame())
        await node.activate("a")
        await heard(main, "a")
        await settle()
        assert worker_of(node, "a").taken == [] and lost(node) == 0


async def test_the_answer_to_one_interruption_does_not_stand_for_the_next() -> None:
    async with company(("a", Echo), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        end: BridgeEnd = main.bridge.end
        for _ in range(2):
            await end.send(InterruptionFrame(), DOWN)
        offer = end._offer  # pyright: ignore[reportPrivateUsage]
        await end.emptied("a", BridgeEmptied(offer, interruption=1))
        await end.came("a", TextFrame("old"), DOWN)
        await end.emptied("a", BridgeEmptied(offer, interruption=2))
        await end.came("a", TextFrame("new"), DOWN)
        assert texts(main.after.frames) == ["new"]


async def test_an_interruption_reaches_all_that_are_active_and_the_next_stage() -> None:
    async with company(("a", Echo), ("b", Echo), ("c", Sleeping), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a", "b")
        await main.queue_frame(InterruptionFrame())
        await settle()
        taken = [worker_of(node, name).taken for name in "abc"]
        assert taken == [[InterruptionFrame()], [InterruptionFrame()], []]
        assert main.after.frames == [InterruptionFrame()]


async def test_a_frame_for_a_bridge_that_its_owner_has_not_is_counted() -> None:
    async with company(("a", Echo), ("main", Main)) as node:
        main, a = worker_of(node, "main"), worker_of(node, "a")
        await heard(main, "a")
        a.tell("main", FrameMessage(TextFrame("hi"), DOWN, "another", "main"))
        await settle()
        assert lost(node) == 1 and main.after.frames == [] and main.incarnation == 1


async def test_what_the_next_speaker_says_early_is_let_in_after_the_last_word() -> None:
    async with company(
        ("a", Sleeping), ("b", Sleeping), ("main", partial(Main, exclusive=True))
    ) as n:
        main = worker_of(n, "main")
        end: BridgeEnd = main.bridge.end
        offer = end._offer  # pyright: ignore[reportPrivateUsage]
        await end.joined("a", BridgeJoin(offer, (1, "a"), 1))
        await end.joined("b", BridgeJoin(offer, (2, "b"), 1, "a", (1, "a")))
        for number in range(3):
            await end.came("b", TextFrame(f"b {number}"), DOWN)
        await end.came("a", TextFrame("a"), DOWN)
        assert texts(main.after.frames) == ["a"] and main.bridge.heard == ("a",)
        await end.left("a", BridgeLeave(offer, 0, 1))
        assert texts(main.after.frames) == ["a", "b 0", "b 1", "b 2"]


async def test_nobody_waits_for_a_predecessor_that_is_gone() -> None:
    async with company(
        ("a", Sleeping), ("b", Sleeping), ("main", partial(Main, exclusive=True))
    ) as n:
        main = worker_of(n, "main")
        end: BridgeEnd = main.bridge.end
        offer = end._offer  # pyright: ignore[reportPrivateUsage]
        await end.joined("b", BridgeJoin(offer, (6, "b"), 1, "a", (5, "a")))
        assert main.bridge.heard == ()
        await n.admin().terminate_child("a")
        await heard(main, "b")


async def test_other_hooks_of_an_active_worker_change_nothing() -> None:
    class Curious(Echo):
        async def on_worker_ready(self, data: WorkerReady) -> None:
            self.met = data.worker

        async def on_start(self) -> None:
            self.watch_workers("late")

    async with company(("a", Curious), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await node.admin().start_child(Child("late", Sleeping))
        await eventually(lambda: getattr(worker_of(node, "a"), "met", "") == "late")
        await settle()
        assert main.bridge.heard == ("a",) and main.floor == ["a"]


class Resuming(Echo):
    directives: ClassVar[Mapping[type[BaseException], Directive]] = {ValueError: "resume"}


async def test_a_worker_that_raises_at_an_interruption_is_heard_again() -> None:
    async def talk(worker: Echo, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, InterruptionFrame):
            raise ValueError("not now")
        await worker.push_frame(frame)

    owner = partial(Main, exclusive=True)
    async with company(("a", partial(Resuming, talk)), ("main", owner)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(InterruptionFrame())
        await settle()
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["hi"])


async def test_a_hook_or_stage_that_raises_costs_no_other_frame() -> None:
    class Resumes(Main):
        directives: ClassVar[Mapping[type[BaseException], Directive]] = {ValueError: "resume"}

        async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
            raise ValueError("I do not care")

    async with company(("a", Sleeping), ("main", partial(Resumes, exclusive=True))) as node:
        main = worker_of(node, "main")
        await main.queue_frame(TextFrame("one"))
        await main.queue_frame(TextFrame("two"))
        await node.activate("a")
        await eventually(lambda: texts(main.after.frames) == ["a: one", "a: two"])


async def test_what_an_owner_holds_is_counted_when_it_ends() -> None:
    async with company(("a", Sleeping), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        for _ in range(3):
            await main.queue_frame(TextFrame("hi"))
        await node.admin().terminate_child("main")
        assert lost(node) == main.bridge.lost == 3


async def test_what_a_worker_could_not_say_is_counted_when_it_ends() -> None:
    async with company(("a", Echo)) as node:
        for _ in range(3):
            await worker_of(node, "a").push_frame(TextFrame("hi"))
        await node.admin().terminate_child("a")
        assert lost(node) == 3


async def test_a_worker_may_have_a_method_called_say() -> None:
    class Saying(Main):
        async def say(self, text: str) -> None: ...

    class Talker(Echo):
        async def say(self, text: str) -> None:
            await self.push_frame(TextFrame(text))

    async with company(("a", Talker), ("main", Saying)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await worker_of(node, "a").say("hi")
        await eventually(lambda: texts(main.after.frames) == ["hi"])


@pytest.mark.parametrize("end", ["stop", "fail"])
async def test_the_last_lifecycle_frame_needs_no_hook(end: str) -> None:
    async with company(("main", Main)) as node:
        main = worker_of(node, "main")
        if end == "fail":
            fail(main._place, RuntimeError("told to"))
            await eventually(lambda: len(main.after.lifecycle) == 2)
    last = "EndFrame" if end == "stop" else "CancelFrame"
    assert main.after.lifecycle[:2] == ["StartFrame", last]


async def test_the_stop_hook_runs_also_if_a_stage_raises_at_the_end_frame() -> None:
    stopped: list[str] = []

    class Bad(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if isinstance(frame, EndFrame):
                raise ValueError("told to")
            await self.push(frame, direction)

    class Owner(PipelineWorker):
        def build_pipeline(self) -> Sequence[Stage]:
            return (Bad(),)

        async def on_stop(self) -> None:
            stopped.append(self.name)

    async with company(("main", Owner)):
        pass
    assert stopped == ["main"]


def test_a_floor_with_thousands_of_workers_knows_who_has_left() -> None:
    floor: Floor[str] = Floor(exclusive=True)
    floor.leave("a", None, 5)
    for number in range(5000):
        floor.leave(f"other {number}", None, 0)
    floor.join("b", (6, "b"), 1, ("a", (5, "a")))
    assert floor.heard == ("b",)


def test_nothing_is_waited_for_of_a_worker_that_has_ended() -> None:
    floor: Floor[str] = Floor(exclusive=True)
    floor.join("a", (1, "a"), 1)
    floor.give("one")
    floor.leave("a", 0, 1)
    floor.join("b", (2, "b"), 1)
    assert floor.give("two") == []  # before what comes back of a
    assert floor.leave("a") == [Give("b", 1, ("two",))]


def test_a_new_activation_takes_the_place_of_the_one_before() -> None:
    floor: Floor[str] = Floor(exclusive=True)
    floor.join("a", (1, "a"), 1)
    floor.join("a", (2, "a"), 2)
    floor.leave("a", 0, 2)
    assert floor.heard == ()


def test_it_may_be_too_late_to_notice_an_interruption() -> None:
    floor: Floor[str] = Floor(exclusive=True)
    floor.mute("a")
    floor.unmute("a")
    floor.join("a", (1, "a"), 1)
    assert floor.hear("a", "one")


def test_a_floor_forgets_who_is_gone() -> None:
    there = {"a"}
    floor: Floor[str] = Floor(exclusive=True, expected=there.__contains__)
    floor.join("a", (1, "a"), 1)
    floor.leave("a", 0, 1)
    assert len(floor._last) == 1  # pyright: ignore[reportPrivateUsage]
    there.clear()
    floor.leave("a")
    assert len(floor._last) == 0  # pyright: ignore[reportPrivateUsage]
