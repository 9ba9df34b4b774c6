"""A bridge in a Pipecat pipeline: what goes to the workers on it, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pipecat.frames import frames as theirs
from pipecat.pipeline.parallel_pipeline import ParallelPipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from callboard import Child, Node, StartFailed, Supervisor, on
from callboard.actors.frames import (
    ContextFrame,
    Direction,
    Frame,
    FrameMessage,
    FrameWorker,
    OutputAudioFrame,
    ReplyTextFrame,
    TextFrame,
    TranscriptionFrame,
)
from callboard.actors.testing import eventually
from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.pipecat.conversion import CarriedFrame
from callboard.transports.pipecat.pipeline import PipecatBridge
from tests.actors.frames.studio import Echo, worker_of
from tests.transports.pipecat.owners import Owner, Push, Stage, Taking, kinds
from tests.transports.pipecat.pipelines import AT_ONCE, Life, company, voice
from tests.transports.pipecat.stages import Log

pytestmark = pytest.mark.realtime

DOWN, UP = Direction.DOWN, Direction.UP


class OnVoice(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)


class OnBoth(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice", "text")


class OnNone(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = None


class Sleeping(Echo):
    active = False


# -- what crosses ----


@pytest.mark.check("M132", "M133")
async def test_frames_go_to_the_workers_and_not_on_and_theirs_appear_at_the_bridge() -> None:
    stage = Stage()
    async with company(Child("a", Echo), Child("b", Sleeping), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([theirs.TextFrame("hi"), theirs.LLMTextFrame("there")]))
        await eventually(lambda: len(stage.after.frames) == 2)
        assert worker_of(node, "a").taken == [TextFrame("hi"), ReplyTextFrame("there")]
        assert worker_of(node, "a").ways == [DOWN, DOWN]
        assert stage.after.texts == ["a: hi", "a: there"]
        assert stage.before.texts == ["hi", "there"]
        assert worker_of(node, "b").taken == []


@pytest.mark.check("M133")
async def test_what_a_worker_pushes_goes_on_in_its_direction() -> None:
    async def both_ways(worker: Echo, frame: Frame, direction: Direction) -> None:
        await worker.push_frame(TextFrame("down"), DOWN)
        await worker.push_frame(TextFrame("up"), UP)

    stage = Stage()
    async with company(Child("a", lambda: Echo(both_ways)), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([theirs.TranscriptionFrame("hi", "", "")], UP))
        await eventually(
            lambda: stage.before.texts == ["up"] and stage.after.texts == ["hi", "down"]
        )
        assert worker_of(node, "a").ways == [UP]
        assert stage.before.ways == [FrameDirection.UPSTREAM]


@pytest.mark.check("M132")
async def test_lifecycle_frames_errors_and_what_has_no_counterpart_go_on_and_never_cross() -> None:
    stage = Stage()
    async with company(Child("a", Echo), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([theirs.OutputTransportReadyFrame()]))
        await node.ask("main", Push([theirs.ErrorFrame("a small one")], UP))
        await node.ask("main", Push([theirs.TextFrame("x")]))
        await eventually(lambda: "a: x" in stage.after.texts)
        await eventually(lambda: "ErrorFrame" in kinds(stage.before.frames))
        assert sorted(kinds(stage.after.frames)) == [
            "ErrorFrame",
            "OutputTransportReadyFrame",
            "TextFrame",
        ]
        assert worker_of(node, "a").taken == [TextFrame("x")]


@pytest.mark.check("M132")
@pytest.mark.parametrize("kind", ["EndFrame", "StopFrame", "CancelFrame"])
async def test_the_end_of_a_pipeline_does_not_cross(kind: str) -> None:
    stage = Stage()

    class Ending(Owner):
        @on(str)
        async def end(self, kind: str) -> None:
            await self.queue_frame(getattr(theirs, kind)())

    child = voice(stage.log, stage.build, kind=Ending, name="main", restart="transient")
    async with company(Child("a", Echo), child) as node:
        await stage.heard("a")
        node.tell("main", kind)
        await eventually(lambda: node.ref("main") is None)
        assert worker_of(node, "a").taken == []
        # Nor can a worker bring one in: there is nobody any more, and nobody ever took one.
        assert node.events.counts["failed"] == 0


@pytest.mark.check("M132")
async def test_excluded_types_and_their_subclasses_go_on_theirs_and_ours() -> None:
    stage = Stage(exclude=(theirs.LLMTextFrame, TranscriptionFrame))

    class Mine(theirs.LLMTextFrame):
        pass

    async with company(Child("a", Echo), stage.child()) as node:
        await stage.heard("a")
        stays = [
            Mine("1"),
            theirs.LLMTextFrame("2"),
            theirs.InterimTranscriptionFrame("3", "", ""),
        ]
        await node.ask("main", Push([*stays, theirs.TextFrame("crosses")]))
        await eventually(lambda: len(stage.after.frames) == 4)
        assert stage.after.frames[:3] == stays and stage.after.texts[3] == "a: crosses"
        assert worker_of(node, "a").taken == [TextFrame("crosses")]


async def test_signals_reach_the_workers_and_the_stages_behind_the_bridge() -> None:
    stage = Stage()
    signals = [
        theirs.InterruptionFrame(),
        theirs.UserStartedSpeakingFrame(),
        theirs.UserStoppedSpeakingFrame(),
    ]
    async with company(Child("a", Echo), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([*signals]))
        await node.ask("main", Push([theirs.BotStoppedSpeakingFrame()], UP))
        await eventually(lambda: len(worker_of(node, "a").taken) == 4)
        await eventually(lambda: "BotStoppedSpeakingFrame" in kinds(stage.before.frames))
        await eventually(
            lambda: [each for each in stage.after.frames if each in signals] == signals
        )


async def test_sound_conversations_and_frames_of_ones_own_cross_whole() -> None:
    class Odd(Frame):
        number: int

    async def answer(worker: Echo, frame: Frame, direction: Direction) -> None:
        await worker.push_frame(Odd(len(worker.taken)))
        await worker.push_frame(frame)

    stage = Stage()
    context = LLMContext([{"role": "user", "content": "hi"}])
    sound = theirs.OutputAudioRawFrame(audio=bytes(320), sample_rate=16000, num_channels=1)
    async with company(Child("a", lambda: Echo(answer)), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([sound]))
        await node.ask("main", Push([theirs.LLMContextFrame(context)]))
        await eventually(lambda: len(stage.after.frames) == 4)
        taken = worker_of(node, "a").taken
        assert taken == [
            OutputAudioFrame(bytes(320), 16000, 1),
            ContextFrame([{"role": "user", "content": "hi"}]),
        ]
        odd, back, _, conversation = stage.after.frames
        assert isinstance(odd, CarriedFrame) and odd.frame == Odd(1)
        assert isinstance(back, theirs.OutputAudioRawFrame) and back.audio == sound.audio
        assert isinstance(conversation, theirs.LLMContextFrame)
        assert conversation.context.messages == context.messages
        # A frame of ours that goes through a pipeline of Pipecat's comes out as it went in.
        await node.ask("main", Push([CarriedFrame(Odd(9))]))
        await eventually(lambda: len(taken) == 3)
        assert taken[2] == Odd(9)


async def test_a_frame_that_fits_into_no_pipeline_is_counted_and_fails_nobody() -> None:
    async def bad(worker: Echo, frame: Frame, direction: Direction) -> None:
        await worker.push_frame(ContextFrame([], tools=["no tool"]))
        await worker.push_frame(TextFrame("good"))

    stage = Stage()
    async with company(Child("a", lambda: Echo(bad)), stage.child()) as node:
        await stage.heard("a")
        await node.ask("main", Push([theirs.TextFrame("x")]))
        await eventually(lambda: stage.after.texts == ["good"])
        assert node.events.counts["frames_lost"] == 1
        assert await node.ask("main", Life()) == 1


# -- who is on it ----


@pytest.mark.check("M134")
async def test_a_result_goes_to_the_pipeline_once_and_to_no_other_worker() -> None:
    stage = Stage()
    async with company(Child("a", Echo), Child("b", Echo), stage.child()) as node:
        await stage.heard("a", "b")
        numbers = [f"{number}" for number in range(10)]
        await node.ask("main", Push([theirs.TextFrame(each) for each in numbers]))
        await eventually(lambda: len(stage.after.frames) == 20)
        for name in ("a", "b"):
            mine = [text for text in stage.after.texts if text.startswith(name)]
            assert mine == [f"{name}: {number}" for number in numbers]
            assert [each.text for each in worker_of(node, name).taken] == numbers


@pytest.mark.check("M134")
async def test_ones_own_frame_that_comes_back_is_ignored() -> None:
    stage = Stage()

    class Telling(Owner):
        @on(str)
        def loop(self, text: str) -> None:
            self.tell("main", FrameMessage(TextFrame(text), DOWN, None, "main"))

    child = voice(stage.log, stage.build, kind=Telling, name="main")
    async with company(Child("a", Echo), child) as node:
        await stage.heard("a")
        await node.ask("main", "mine")
        await eventually(lambda: node.events.counts["frames_lost"] == 1)
        assert stage.after.frames == [] and worker_of(node, "a").taken == []


@pytest.mark.check("M135")
async def test_a_bridge_for_one_worker_gives_to_it_and_takes_from_it_only() -> None:
    stage = Stage(target="b")

    class Pushy(Echo):
        @on(str)
        async def push(self, text: str) -> None:
            self.tell("main", FrameMessage(TextFrame(text), DOWN, None, "main"))

    async with company(Child("a", Pushy), Child("b", Echo), stage.child()) as node:
        await stage.heard("b")
        await node.ask("a", "not asked")
        await node.ask("main", Push([theirs.TextFrame("hi")]))
        await eventually(lambda: stage.after.texts == ["b: hi"])
        assert worker_of(node, "a").taken == []
        assert node.events.counts["frames_lost"] == 1


@pytest.mark.check("M136")
async def test_a_named_bridge_reaches_who_is_on_that_name() -> None:
    spoken, written = Stage("voice"), Stage("text")
    workers: dict[str, Callable[[], FrameWorker]] = {
        "one": OnVoice,
        "both": OnBoth,
        "all": Echo,
        "none": OnNone,
    }
    children = [Child(name, make) for name, make in workers.items()]
    async with company(*children, spoken.child("v"), written.child("t")) as node:
        await spoken.heard("one", "both", "all")
        await written.heard("both", "all")
        await node.ask("v", Push([theirs.TextFrame("spoken")]))
        await node.ask("t", Push([theirs.TextFrame("written")]))
        made = {name: worker_of(node, name) for name in workers}
        await eventually(lambda: sum(len(each.taken) for each in made.values()) == 5)
        taken = {name: sorted(f.text for f in each.taken) for name, each in made.items()}
        assert taken == {
            "one": ["spoken"],
            "both": ["spoken", "written"],
            "all": ["spoken", "written"],
            "none": [],
        }


@pytest.mark.check("M136")
async def test_two_bridges_of_one_pipeline_need_two_names_and_may_stand_in_parallel() -> None:
    log = Log()
    left, right = PipecatBridge("left"), PipecatBridge("right")
    after = Taking()

    def build() -> list[FrameProcessor]:
        parallel: Any = ParallelPipeline  # its constructor has no types
        return [parallel([left], [right]), after]

    class Left(Echo):
        bridged: ClassVar[tuple[str, ...] | None] = ("left",)

    class Right(Echo):
        bridged: ClassVar[tuple[str, ...] | None] = ("right",)

    children = [Child("a", Left), Child("b", Right)]
    async with company(*children, voice(log, build, kind=Owner, name="main")) as node:
        await eventually(lambda: left.heard == ("a",) and right.heard == ("b",))
        await node.ask("main", Push([theirs.TextFrame("hi")]))
        await eventually(lambda: sorted(after.texts) == ["a: hi", "b: hi"])

    twice = voice(log, lambda: [PipecatBridge(), PipecatBridge()], name="main")
    with pytest.raises(StartFailed, match="two bridges are called None"):
        async with company(twice):
            pass


@pytest.mark.check("M137")
async def test_after_a_hand_over_frames_go_to_the_new_one_and_no_word_is_lost() -> None:
    class Clerk(Echo):
        @on(str)
        async def hand_over(self, name: str) -> None:
            await self.activate(name, deactivate_self=True)

    class Waiting(Clerk):
        active = False

    stage = Stage(exclusive=True)
    async with company(Child("a", Clerk), Child("b", Waiting), stage.child()) as node:
        await stage.heard("a")
        numbers = [f"{number}" for number in range(200)]
        for each in numbers[:100]:
            node.tell("main", Push([theirs.TextFrame(each)]))
        node.tell("a", "b")
        for each in numbers[100:]:
            node.tell("main", Push([theirs.TextFrame(each)]))
        await eventually(lambda: len(stage.after.frames) == 200, within=20)
        assert stage.bridge.heard == ("b",)
        said = [text.split(": ") for text in stage.after.texts]
        assert [number for _, number in said] == numbers
        speakers = [name for name, _ in said]
        assert speakers == sorted(speakers)
        last = worker_of(node, "b").taken[-1].text
        assert last == "199"


@pytest.mark.check("M137")
async def test_a_crash_of_the_owner_costs_the_restart_and_the_bridge_is_there_again() -> None:
    stage = Stage(exclusive=True)

    class Failing(Owner):
        @on(str)
        def fail(self, text: str) -> None:
            raise RuntimeError(text)

    child = voice(stage.log, stage.build, kind=Failing, name="main")
    async with company(Child("a", Echo), child) as node:
        await stage.heard("a")
        old = stage.bridge
        node.tell("main", "oh")
        await eventually(lambda: stage.bridge is not old)
        await stage.heard("a")
        await node.ask("main", Push([theirs.TextFrame("hi")]))
        await eventually(lambda: stage.after.texts == ["a: hi"])


# -- on several nodes ----


@pytest.mark.check("M138")
async def test_a_thousand_frames_cross_to_another_node_and_back_in_order() -> None:
    bus, stage = LocalBus(), Stage()
    here = Node(
        Supervisor([stage.child()], restarts=AT_ONCE),
        name="here",
        transports=[LocalTransport(bus)],
        watchdog=False,
    )
    there = Node(
        Supervisor([Child("a", Echo)]),
        name="there",
        transports=[LocalTransport(bus)],
        watchdog=False,
    )
    idle = Node(
        Supervisor([Child("b", Sleeping)]),
        name="idle",
        transports=[LocalTransport(bus)],
        watchdog=False,
    )
    async with here, there, idle:
        await stage.heard("a")
        numbers = [f"{number}" for number in range(1000)]
        for begin in range(0, 1000, 50):
            frames = [theirs.TextFrame(each) for each in numbers[begin : begin + 50]]
            await here.ask("main", Push(frames))
        await eventually(lambda: len(stage.after.frames) == 1000, within=60)
        assert stage.after.texts == [f"a: {number}" for number in numbers]
        sleeping = worker_of(idle, "b")
        assert sleeping.taken == [] and idle.events.counts["frames_lost"] == 0
