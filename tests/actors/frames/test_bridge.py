"""The bridge: who gets the frames of a pipeline, and whose frames come back into it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

import pytest

from callboard.actors.frames import (
    Bridge,
    CancelFrame,
    Direction,
    EndFrame,
    Frame,
    FrameMessage,
    InterruptionFrame,
    LifecycleFrame,
    ReplyTextFrame,
    StopFrame,
    TextFrame,
    TranscriptionFrame,
)
from callboard.actors.testing import eventually, settle
from tests.actors.frames.studio import Echo, Main, company, heard, lost, texts, worker_of

DOWN, UP = Direction.DOWN, Direction.UP


class Sleeping(Echo):
    active = False


class OnVoice(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)


class OnBoth(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice", "text")


class OnNone(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = None


@pytest.mark.check("M131")
async def test_frame_direction_and_bridge_name_arrive_in_order_urgent_ones_too() -> None:
    async with company(("b", Echo)) as node:
        b = worker_of(node, "b")
        for number in range(3):
            node.tell("b", FrameMessage(TextFrame(str(number)), UP, "voice"))
        node.tell("b", FrameMessage(InterruptionFrame(), DOWN))
        node.tell("b", FrameMessage(TextFrame("3"), DOWN))
        await eventually(lambda: len(b.taken) == 5)
        assert [type(each) for each in b.taken[2:]] == [TextFrame, InterruptionFrame, TextFrame]
        assert texts(b.taken) == ["0", "1", "2", "3"]
        assert b.ways == [UP, UP, UP, DOWN, DOWN]


@pytest.mark.check("M132")
async def test_frames_go_to_the_active_workers_on_the_bridge_and_not_to_the_next_stage() -> None:
    async with company(("a", Echo), ("b", Sleeping), ("main", Main), ("c", Echo)) as node:
        main = worker_of(node, "main")
        await heard(main, "a", "c")
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: len(main.after.frames) == 2)
        assert sorted(texts(main.after.frames)) == ["a: hi", "c: hi"]
        assert worker_of(node, "b").taken == []


@pytest.mark.check("M132")
@pytest.mark.parametrize("kind", [EndFrame, CancelFrame, StopFrame])
async def test_lifecycle_frames_go_on_and_never_cross(kind: type[LifecycleFrame]) -> None:
    async with company(("a", Echo), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(kind())
        assert main.after.lifecycle == ["StartFrame", kind.__name__]
        await main.queue_frame(TextFrame("x"))
        await eventually(lambda: texts(main.after.frames) == ["a: x"])
        assert texts(worker_of(node, "a").taken) == ["x"]


@pytest.mark.check("M132")
async def test_excluded_types_and_their_subclasses_go_on() -> None:
    make = partial(Main, exclude=(TextFrame,))
    async with company(("a", Echo), ("main", make)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(ReplyTextFrame("stays"))
        await main.queue_frame(TranscriptionFrame("crosses"))
        await eventually(lambda: len(worker_of(node, "a").taken) == 1)
        assert main.after.frames == [ReplyTextFrame("stays")]
        assert worker_of(node, "a").taken == [TranscriptionFrame("crosses")]


@pytest.mark.check("M132")
async def test_a_worker_cannot_bring_a_lifecycle_frame_into_the_pipeline() -> None:
    async def end_it(worker: Echo, frame: Frame, direction: Direction) -> None:
        await worker.push_frame(EndFrame())
        await worker.push_frame(TextFrame("after"))

    async with company(("a", partial(Echo, end_it)), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["after"])
        assert main.after.lifecycle == ["StartFrame"]


@pytest.mark.check("M133")
async def test_a_workers_frames_appear_at_the_bridge_and_go_on_in_their_direction() -> None:
    async def both_ways(worker: Echo, frame: Frame, direction: Direction) -> None:
        await worker.push_frame(TextFrame("down"), DOWN)
        await worker.push_frame(TextFrame("up"), UP)

    async with company(("a", partial(Echo, both_ways)), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TranscriptionFrame("hi"))
        await eventually(lambda: len(main.before.frames) == 2)
        assert texts(main.after.frames) == ["down"]
        assert texts(main.before.frames) == ["up"] and main.before.ways == [DOWN, UP]


@pytest.mark.check("M134")
async def test_ones_own_frame_that_comes_back_is_ignored_and_counted() -> None:
    async with company(("a", Echo), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        before = lost(node)
        message = FrameMessage(TextFrame("mine"), DOWN, None, "main")
        for name in ("a", "main"):
            worker = worker_of(node, name)
            worker._place.runtime.new_context(worker.actor_ref).run(worker.actor_ref.tell, message)
        await eventually(lambda: lost(node) == before + 2)
        assert main.after.frames == [] and worker_of(node, "a").taken == []


@pytest.mark.check("M134")
async def test_a_result_goes_to_the_pipeline_once_and_to_no_other_worker() -> None:
    async with company(("a", Echo), ("b", Echo), ("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a", "b")
        for number in range(10):
            await main.queue_frame(TextFrame(str(number)))
        await eventually(lambda: len(main.after.frames) == 20)
        for name in ("a", "b"):
            mine = [text for text in texts(main.after.frames) if text.startswith(name)]
            assert mine == [f"{name}: {number}" for number in range(10)]
            assert texts(worker_of(node, name).taken) == [str(number) for number in range(10)]


@pytest.mark.check("M135")
async def test_a_bridge_of_one_worker_gives_to_it_and_takes_from_it_only() -> None:
    make = partial(Main, target="b")
    async with company(("a", Echo), ("b", Echo), ("main", make)) as node:
        main = worker_of(node, "main")
        await heard(main, "b")
        before = lost(node)
        a = worker_of(node, "a")
        message = FrameMessage(TextFrame("not asked"), DOWN, None, "main")
        a._place.runtime.new_context(a.actor_ref).run(main.actor_ref.tell, message)
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["b: hi"])
        assert a.taken == [] and lost(node) == before + 1


@pytest.mark.check("M136")
async def test_a_named_bridge_reaches_who_is_on_that_name() -> None:
    voice, text = Bridge("voice"), Bridge("text")
    names = {"one": OnVoice, "both": OnBoth, "all": Echo, "none": OnNone}
    async with company(
        ("v", partial(Main, voice)), ("t", partial(Main, text)), *names.items()
    ) as node:
        v, t = worker_of(node, "v"), worker_of(node, "t")
        await eventually(lambda: len(voice.heard) == 3 and len(text.heard) == 2)
        assert set(voice.heard) == {"one", "both", "all"} and set(text.heard) == {"both", "all"}
        await v.queue_frame(TranscriptionFrame("spoken"))
        await t.queue_frame(TranscriptionFrame("written"))
        expected: dict[str, list[str]] = {
            "one": ["spoken"],
            "both": ["spoken", "written"],
            "none": [],
        }
        expected["all"] = ["spoken", "written"]
        workers = {name: worker_of(node, name) for name in expected}
        await eventually(lambda: sum(len(each.taken) for each in workers.values()) == 5)
        taken = {name: sorted(f.text for f in each.taken) for name, each in workers.items()}
        assert taken == expected


@pytest.mark.check("M136")
async def test_a_frame_of_another_bridge_is_not_taken() -> None:
    async with company(("one", OnVoice)) as node:
        one = worker_of(node, "one")
        node.tell("one", FrameMessage(TextFrame("elsewhere"), DOWN, "text"))
        node.tell("one", FrameMessage(TextFrame("nowhere"), DOWN, None))
        node.tell("one", FrameMessage(TextFrame("here"), DOWN, "voice"))
        await eventually(lambda: len(one.taken) == 1)
        assert texts(one.taken) == ["here"] and lost(node) == 2


@pytest.mark.check("M137")
async def test_after_a_hand_over_frames_go_to_the_new_one_only() -> None:
    async def hand_over(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("switch"):
            await worker.push_frame(TextFrame(f"{worker.name} says goodbye"))
            other = "support" if worker.name == "greeter" else "greeter"
            await worker.activate(other, deactivate_self=True)
            return
        assert isinstance(frame, TextFrame)
        await worker.push_frame(TextFrame(f"{worker.name}: {frame.text}"))

    class Talker(Echo):
        active = False

    make = partial(Talker, hand_over)
    main_with = partial(Main, exclusive=True)
    async with company(("greeter", make), ("support", make), ("main", main_with)) as node:
        main = worker_of(node, "main")
        await node.activate("greeter")
        for text in ("one", "switch", "two", "switch", "three"):
            await main.queue_frame(TextFrame(text))
        await eventually(lambda: len(main.after.frames) == 5)
        assert texts(main.after.frames) == [
            "greeter: one",
            "greeter says goodbye",
            "support: two",
            "support says goodbye",
            "greeter: three",
        ]
        assert [each for each in main.floor if each] == ["greeter", "support", "greeter"]


@pytest.mark.check("M137")
async def test_what_comes_during_a_hand_over_goes_to_the_new_one_in_order() -> None:
    go_on = asyncio.Event()

    async def hand_over(worker: Echo, frame: Frame, direction: Direction) -> None:
        if frame == TextFrame("switch"):
            await go_on.wait()
            await worker.activate("b", deactivate_self=True)
            return
        assert isinstance(frame, TextFrame)
        await worker.push_frame(TextFrame(f"{worker.name}: {frame.text}"))

    class Talker(Echo):
        active = False

    make = partial(Talker, hand_over)
    async with company(("a", make), ("b", make), ("main", partial(Main, exclusive=True))) as node:
        main = worker_of(node, "main")
        await node.activate("a")
        await main.queue_frame(TextFrame("one"))
        await eventually(lambda: len(main.after.frames) == 1)
        for text in ("switch", "two", "three"):  # the last two wait at a's door
            await main.queue_frame(TextFrame(text))
        await main.queue_frame(InterruptionFrame())  # of what a says: b is not to be interrupted
        await settle()
        go_on.set()
        await main.queue_frame(TextFrame("four"))
        await eventually(lambda: len(texts(main.after.frames)) == 4)
        assert texts(main.after.frames) == ["a: one", "b: two", "b: three", "b: four"]
        assert InterruptionFrame() not in worker_of(node, "b").taken
        assert lost(node) == 0


@pytest.mark.check("M137")
async def test_a_frame_for_an_inactive_worker_is_not_taken_in_and_counted() -> None:
    async with company(("a", Sleeping)) as node:
        node.tell("a", FrameMessage(TextFrame("hi")))
        await eventually(lambda: lost(node) == 1)
        assert worker_of(node, "a").taken == []
