"""A Pipecat pipeline as a worker: it starts, takes frames, drains, stops, is killed."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from pipecat.frames import frames as theirs
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from callboard import (
    Child,
    Killed,
    NotStarted,
    Shutdown,
    StartFailed,
    Worker,
    WorkerReady,
    on,
    worker_ready,
)
from callboard.actors.frames import Direction, Frame, TextFrame
from callboard.actors.testing import eventually
from callboard.transports.pipecat.conversion import CarriedFrame
from callboard.transports.pipecat.pipeline import PipecatWorker
from tests.transports.pipecat.pipelines import Life, Say, Voice, cell_of, company, of_kind, voice
from tests.transports.pipecat.stages import Gate, Log, Recorder, Step, doing, texts

pytestmark = pytest.mark.realtime


# -- start ----


@pytest.mark.check("M139", "M140")
async def test_it_is_ready_once_the_start_frame_has_reached_the_end() -> None:
    log, gate = Log(), Gate(theirs.StartFrame)
    node = company(voice(log, lambda: [Recorder(log, "a"), gate, Recorder(log, "b")]))
    starting = asyncio.ensure_future(node.start())
    await gate.reached.wait()
    await asyncio.sleep(0.05)  # there is nothing that says that it does not go on
    assert "a:StartFrame" in log.seen and "b:StartFrame" not in log.seen
    assert not cell_of(node).running
    gate.open.set()
    await starting
    assert cell_of(node).running
    assert "b:StartFrame" in log.seen
    await node.stop()


@pytest.mark.check("M139")
async def test_others_hear_that_it_is_ready_only_then() -> None:
    log, gate = Log(), Gate(theirs.StartFrame)

    class Watching(Worker):
        @worker_ready("voice")
        def ready(self, fact: WorkerReady) -> None:
            log.note(f"heard of {fact.worker}")

    async with company(Child("watching", Watching)) as node:
        child = voice(log, lambda: [gate, Recorder(log)])
        starting = asyncio.ensure_future(node.admin().start_child(child))
        await gate.reached.wait()
        node.tell("voice", Say("waits for it"))
        gate.open.set()
        await starting
        await eventually(lambda: len(log.seen) == 4)
    assert log.seen[1] == "StartFrame"
    assert {"heard of voice", "waits for it"} == set(log.seen[2:4])


async def test_a_pipeline_may_be_built_by_a_coroutine_and_be_one_already() -> None:
    log = Log()

    class Slow(PipecatWorker):
        async def build_pipeline(self) -> Pipeline:
            await asyncio.sleep(0)
            return Pipeline([Recorder(log)])

    async with company(Child("voice", Slow)):
        assert log.seen == ["setup", "StartFrame"]
    assert log.seen[-2:] == ["EndFrame", "cleanup"]


async def test_the_pipeline_is_built_after_on_start_and_before_it_is_active() -> None:
    order: list[str] = []

    class Ordered(Voice):
        async def on_start(self) -> None:
            order.append("on_start")

        def on_activated(self, args: object) -> None:
            order.append("on_activated")

        def on_stop(self) -> None:
            order.append("on_stop")

    class Noting(Step):
        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            order.append(type(frame).__name__)
            await super().process_frame(frame, direction)

    async with company(voice(Log(), lambda: [Noting()], kind=Ordered)):
        pass
    assert order == ["on_start", "StartFrame", "on_activated", "EndFrame", "on_stop"]


async def test_options_reach_pipecat_and_those_of_the_worker_are_refused() -> None:
    rates: list[int] = []

    class Rate(Step):
        async def prepare(self, setup: FrameProcessorSetup) -> None:
            rates.append(setup.audio_in_sample_rate)

    params = PipelineParams(audio_in_sample_rate=8000)
    async with company(voice(Log(), lambda: [Rate()], options={"params": params})):
        assert rates == [8000]
    with pytest.raises(StartFailed) as failed:
        async with company(voice(Log(), lambda: [Rate()], options={"task_manager": None})):
            pass
    assert "task_manager" in str(failed.value)


async def test_what_is_no_pipeline_is_refused_and_so_is_one_that_is_used_again() -> None:
    class Wrong(PipecatWorker):
        def build_pipeline(self) -> Pipeline:
            return object()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    class Missing(PipecatWorker):
        pass

    used = [Step()]
    async with company(voice(Log(), lambda: [*used])):
        pass
    for factory, said in [
        (Wrong, "must return"),
        (Missing, "has to override build_pipeline"),
        (voice(Log(), lambda: [*used]).factory, "has been used"),
    ]:
        with pytest.raises(StartFailed, match=said):
            async with company(Child("voice", factory)):
                pass


async def test_it_installs_no_signal_handler_and_has_neither_runner_nor_bus() -> None:
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in signals]
    step = Step()
    async with company(voice(Log(), lambda: [step])):
        assert [signal.getsignal(number) for number in signals] == before
        for what in ("bus", "registry", "worker_runner"):
            with pytest.raises(RuntimeError, match="attach"):
                getattr(step.pipeline_worker, what)


async def test_a_processor_finds_the_worker_whose_pipeline_it_stands_in() -> None:
    step = Step()
    async with company(voice(Log(), lambda: [step])):
        worker = Voice.of(step)
        assert (worker.name, worker.incarnation) == ("voice", 1)
        assert step in [each for inner in worker.pipeline.processors for each in inner.processors]

    class Other(PipecatWorker):
        pass

    with pytest.raises(NotStarted, match="of a Other"):
        Other.of(step)


# -- frames from outside ----


@pytest.mark.check("M139")
async def test_frames_from_outside_enter_in_order_at_the_start_and_upwards_at_the_end() -> None:
    log = Log()
    async with company(voice(log, lambda: [Recorder(log, "a"), Recorder(log, "b")])) as node:
        for number in range(20):
            node.tell("voice", Say(f"{number}"))
        await eventually(lambda: "b:19" in log.seen)
        assert [each for each in log.seen if each.startswith("b:") and each[2:].isdigit()] == [
            f"b:{number}" for number in range(20)
        ]
        assert log.seen.index("a:7") < log.seen.index("b:7")
        node.tell("voice", Say("back", Direction.UP))
        await eventually(lambda: "a:^back" in log.seen)
        assert log.seen.index("b:^back") < log.seen.index("a:^back")


async def test_it_takes_frames_of_pipecat_and_ours_also_those_without_a_counterpart() -> None:
    class Odd(Frame):
        number: int

    got: list[theirs.Frame] = []

    class Taking(Step):
        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            got.append(frame)
            await super().process_frame(frame, direction)

    class Mixed(Voice):
        @on(str)
        async def mix(self, text: str) -> None:
            await self.queue_frame(theirs.LLMTextFrame(text))
            await self.queue_frame(TextFrame(text))
            await self.push_frame(Odd(7))

    async with company(voice(Log(), lambda: [Taking()], kind=Mixed)) as node:
        await node.ask("voice", "hello")
        await eventually(lambda: len(got) == 4)
    their, mine, odd = got[1:4]
    assert isinstance(their, theirs.LLMTextFrame) and their.text == "hello"
    assert type(mine) is theirs.TextFrame and mine.text == "hello"
    assert isinstance(odd, CarriedFrame) and odd.frame == Odd(7)


async def test_a_frame_before_the_start_or_after_the_end_is_refused() -> None:
    class Early(Voice):
        async def on_start(self) -> None:
            with pytest.raises(NotStarted, match="no pipeline yet"):
                await self.queue_frame(TextFrame("early"))

        async def on_stop(self) -> None:
            with pytest.raises(NotStarted, match="has ended"):
                await self.queue_frame(TextFrame("late"))
            self.log.note("refused")

    log = Log()
    async with company(voice(log, lambda: [Recorder(log)], kind=Early)):
        pass
    assert log.seen == ["setup", "StartFrame", "EndFrame", "cleanup", "refused"]


# -- the end ----


@pytest.mark.check("M139", "M140")
@pytest.mark.parametrize("way", ["stop", "drain"])
async def test_an_orderly_end_lets_through_what_was_queued_and_then_the_end_frame(
    way: str,
) -> None:
    log = Log()

    async def slowly(step: Step, frame: theirs.TextFrame) -> None:
        await asyncio.sleep(0.005)

    node = company(voice(log, lambda: [doing(slowly)(), Recorder(log)], shutdown=60))
    await node.start()
    for number in range(30):
        await node.ask("voice", Say(f"{number}"))
    assert len(texts(log)) < 30
    await (node.stop() if way == "stop" else node.drain())
    assert log.seen == [
        *("setup", "StartFrame"),
        *(f"{number}" for number in range(30)),
        *("EndFrame", "cleanup"),
    ]


@pytest.mark.check("M139")
async def test_it_has_ended_only_once_the_end_frame_has() -> None:
    gate = Gate(theirs.EndFrame)
    node = company(voice(Log(), lambda: [gate], shutdown=60))
    async with node:
        events = node.events.subscribe()
        stopping = asyncio.ensure_future(node.admin().terminate_child("voice"))
        await gate.reached.wait()
        await asyncio.sleep(0.05)  # there is nothing that says that it does not end
        assert not stopping.done() and not of_kind(events.take(), "stopped")
        gate.open.set()
        await stopping
        (stopped,) = of_kind(events.take(), "stopped")
        assert isinstance(stopped.reason, Shutdown)


async def test_the_reason_travels_with_the_end_frame() -> None:
    reasons: list[object] = []

    class Reason(Step):
        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            if isinstance(frame, theirs.EndFrame):
                reasons.append(frame.reason)
            await super().process_frame(frame, direction)

    node = company(voice(Log(), lambda: [Reason()]))
    await node.start()
    await node.stop("closing time")
    assert reasons == ["shutdown: closing time"]


@pytest.mark.check("M140")
async def test_an_end_that_takes_too_long_is_a_cancel_and_leaves_nothing() -> None:
    log, gate = Log(), Gate(theirs.EndFrame)
    async with company(voice(log, lambda: [gate, Recorder(log)], shutdown=0.1)) as node:
        events = node.events.subscribe()
        await node.admin().terminate_child("voice")
        (stopped,) = of_kind(events.take(), "stopped")
        assert isinstance(stopped.reason, Killed)
        assert log.seen == ["setup", "StartFrame", "CancelFrame", "cleanup"]


@pytest.mark.check("M140")
@pytest.mark.parametrize("held", [theirs.TextFrame, theirs.InterruptionFrame])
async def test_a_kill_cancels_at_once_whatever_a_processor_is_at(
    held: type[theirs.Frame],
) -> None:
    log = Log()
    gates: list[Gate] = []

    def build() -> list[FrameProcessor]:
        gates.append(Gate(held))
        return [gates[-1], Recorder(log)]

    class Held(Voice):
        @on(str)
        async def hold(self, _: str) -> None:
            await self.queue_frame(held(text="x") if held is theirs.TextFrame else held())

    async with company(voice(log, build, kind=Held)) as node:
        node.tell("voice", "x")
        await gates[0].reached.wait()
        began = time.monotonic()
        node.admin().kill("voice", "a test")
        assert await node.ask("voice", Life()) == 2
        # Past the end of what cannot be cancelled, it has its clean-up all the same.
        assert log.seen.index("cleanup") < log.seen.index("setup", 1)
        assert "EndFrame" not in log.seen
        assert time.monotonic() - began < 30
