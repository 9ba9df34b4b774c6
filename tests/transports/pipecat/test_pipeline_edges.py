"""A Pipecat pipeline on a bridge: its frames go through it, and what leaves it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

import pytest
from pipecat.frames import frames as theirs
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from callboard import Child, Node, Supervisor, on
from callboard.actors.frames import Bridge, Direction, InterruptionFrame, TextFrame
from callboard.actors.testing import eventually
from callboard.transports.local import LocalBus, LocalTransport
from tests.actors.frames.studio import Main, heard, texts, worker_of
from tests.transports.pipecat.owners import Push, Stage, kinds
from tests.transports.pipecat.pipelines import AT_ONCE, Life, Voice, company, voice
from tests.transports.pipecat.stages import Broken, Log, Recorder, Step

pytestmark = pytest.mark.realtime

DOWN, UP = Direction.DOWN, Direction.UP


class Singer(Voice):
    """A pipeline on every bridge."""

    bridged: ClassVar[tuple[str, ...] | None] = ()

    @on(str)
    async def hand_over(self, name: str) -> None:
        await self.activate(name, deactivate_self=True)

    @on(int)
    def fail(self, number: int) -> None:
        raise Broken(str(number))


class Resting(Singer):
    active = False


class OnVoice(Singer):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)


class OnNone(Singer):
    bridged: ClassVar[tuple[str, ...] | None] = None


class Naming(Step):
    """Says whose the words are; slowly, where it is told to."""

    def __init__(self, name: str, pause: float = 0.0) -> None:
        super().__init__()
        self._says = name
        self._pause = pause

    async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
        if isinstance(frame, theirs.TextFrame):
            if self._pause:
                await asyncio.sleep(self._pause)
            frame = theirs.TextFrame(f"{self._says}: {frame.text}")
        await super().process_frame(frame, direction)


def singer(
    name: str,
    log: Log | None = None,
    *,
    kind: type[Voice] = Singer,
    pause: float = 0.0,
    build: Callable[[], list[FrameProcessor]] | None = None,
) -> Child:
    """A worker with a pipeline that names itself, on a bridge."""
    log = log or Log()

    def plain() -> list[FrameProcessor]:
        return [Recorder(log, "first"), Naming(name, pause), Recorder(log, "last")]

    return voice(log, build or plain, kind=kind, name=name)


@pytest.mark.check("M133", "M134")
async def test_a_frame_goes_through_the_pipeline_once_and_its_result_comes_back_once() -> None:
    log = Log()
    async with company(singer("a", log), Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("hi"))
        await main.queue_frame(TextFrame("there"))
        await eventually(lambda: len(main.after.frames) == 2)
        await node.admin().terminate_child("a")
        assert texts(main.after.frames) == ["a: hi", "a: there"]
        for place, expected in (("first:", ["hi", "there"]), ("last:", ["a: hi", "a: there"])):
            passed = [each.removeprefix(place) for each in log.seen if each.startswith(place)]
            assert passed == ["setup", "StartFrame", *expected, "EndFrame", "cleanup"]


@pytest.mark.check("M139")
async def test_frames_upwards_enter_at_the_end_and_leave_at_the_start() -> None:
    log = Log()
    async with company(singer("a", log), Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("back"), UP)
        await eventually(lambda: texts(main.before.frames) == ["a: back"])
        assert main.before.ways == [UP]
        assert log.seen.index("last:^back") < log.seen.index("first:^a: back")
        assert texts(main.after.frames) == ["back"]


@pytest.mark.check("M136", "M137")
async def test_only_an_active_one_on_that_name_takes_frames() -> None:
    logs = {name: Log() for name in ("on", "off", "none", "resting")}

    class Text(Singer):
        bridged: ClassVar[tuple[str, ...] | None] = ("text",)

    kinds_of = {"on": OnVoice, "off": Text, "none": OnNone, "resting": Resting}
    bridge = Bridge("voice")
    children = [singer(name, logs[name], kind=kind) for name, kind in kinds_of.items()]
    async with company(*children, Child("main", lambda: Main(bridge))) as node:
        main = worker_of(node, "main")
        await eventually(lambda: bridge.heard == ("on",))
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["on: hi"])
        took = {name for name, log in logs.items() if "first:hi" in log.seen}
        assert took == {"on"}


@pytest.mark.check("M132")
async def test_what_is_about_the_pipeline_itself_does_not_leave_it() -> None:
    class Talking(Step):
        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            if isinstance(frame, theirs.TextFrame):
                await self.push_error("a small one")
                await self.push_frame(theirs.OutputTransportReadyFrame())
            await super().process_frame(frame, direction)

    log = Log()
    a = singer("a", log, build=lambda: [Recorder(log), Talking()])
    async with company(a, Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: "^ErrorFrame" in log.seen)
        await eventually(lambda: len(main.after.frames) == 1)
        assert await node.ask("a", Life()) == 1
        await node.admin().terminate_child("a")
    assert texts(main.after.frames) == ["hi"] and len(main.before.frames) == 1
    assert main.after.lifecycle == ["StartFrame", "EndFrame"]  # its own


@pytest.mark.check("M134")
async def test_signals_go_through_the_pipeline_and_are_not_taken_for_those_of_another() -> None:
    log, stage = Log(), Stage()
    signals = [theirs.UserStartedSpeakingFrame(), theirs.InterruptionFrame()]
    async with company(singer("a", log), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([*signals]))
        await node.ask("main", Push([theirs.TextFrame("hi")]))
        await eventually(lambda: "a: hi" in stage.after.texts)
        assert {"last:UserStartedSpeakingFrame", "last:InterruptionFrame"} <= set(log.seen)
        # An interruption comes back, before all that is said after it; who speaks does not.
        assert kinds(stage.after.frames) == [
            "UserStartedSpeakingFrame",
            "InterruptionFrame",
            "InterruptionFrame",
            "TextFrame",
        ]


@pytest.mark.check("M137")
async def test_a_hand_over_lets_out_what_is_still_in_the_pipeline_and_has_one_speaker() -> None:
    stage = Stage(exclusive=True)
    a, b = singer("a", pause=0.01), singer("b", kind=Resting)
    async with company(a, b, stage.child()) as node:
        await stage.heard("a")
        for number in range(20):
            await node.ask("main", Push([theirs.TextFrame(f"{number}")]))
        node.tell("a", "b")
        for number in range(20, 40):
            await node.ask("main", Push([theirs.TextFrame(f"{number}")]))
        await eventually(lambda: len(stage.after.frames) == 40, within=20)
        said = [text.split(": ") for text in stage.after.texts]
        assert [number for _, number in said] == [f"{number}" for number in range(40)]
        speakers = [name for name, _ in said]
        assert speakers == sorted(speakers) and set(speakers) == {"a", "b"}


async def test_after_an_interruption_nothing_is_heard_that_was_said_before_it() -> None:
    class Tardy(Naming):
        """Goes on speaking for a while when it is interrupted."""

        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            if isinstance(frame, theirs.InterruptionFrame):
                await asyncio.sleep(0.1)
            await super().process_frame(frame, direction)

    a = singer("a", build=lambda: [Tardy("a", 0.01)])
    async with company(a, Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        for number in range(100):
            await main.queue_frame(TextFrame(f"old {number}"))
        await eventually(lambda: len(main.after.frames) >= 2)
        await main.queue_frame(InterruptionFrame())
        before = len(main.after.frames)
        await main.queue_frame(TextFrame("new"))
        await eventually(lambda: "a: new" in texts(main.after.frames))
        assert main.after.frames[before:] == [InterruptionFrame(), TextFrame("a: new")]
        assert node.events.counts["frames_lost"] > 0


@pytest.mark.check("M140")
async def test_one_that_crashes_on_a_bridge_is_back_on_it_when_it_has_been_restarted() -> None:
    log = Log()
    async with company(singer("a", log), Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        node.tell("a", 1)
        await eventually(lambda: log.lives == 2)
        assert await node.ask("a", Life()) == 2
        await main.queue_frame(TextFrame("hi"))
        await eventually(lambda: texts(main.after.frames) == ["a: hi"])


@pytest.mark.check("M139")
async def test_an_orderly_stop_lets_out_what_is_in_the_pipeline() -> None:
    async with company(singer("a", pause=0.005), Child("main", Main)) as node:
        main = worker_of(node, "main")
        await heard(main, "a")
        for number in range(30):
            await main.queue_frame(TextFrame(f"{number}"))
        await node.ask("a", Life())
        await node.admin().terminate_child("a")
        await eventually(lambda: len(main.after.frames) == 30)
        assert texts(main.after.frames) == [f"a: {number}" for number in range(30)]


@pytest.mark.check("M138")
async def test_pipelines_of_pipecat_on_two_nodes_exchange_a_thousand_frames_in_order() -> None:
    bus, stage = LocalBus(), Stage()
    here = Node(
        Supervisor([stage.child()], restarts=AT_ONCE),
        name="here",
        transports=[LocalTransport(bus)],
        watchdog=False,
    )
    there = Node(
        Supervisor([singer("a")], restarts=AT_ONCE),
        name="there",
        transports=[LocalTransport(bus)],
        watchdog=False,
    )
    async with here, there:
        await stage.heard("a")
        numbers = [f"{number}" for number in range(1000)]
        for begin in range(0, 1000, 50):
            frames = [theirs.TextFrame(each) for each in numbers[begin : begin + 50]]
            await here.ask("main", Push([*frames]))
        await eventually(lambda: len(stage.after.frames) == 1000, within=60)
        assert stage.after.texts == [f"a: {number}" for number in numbers]
