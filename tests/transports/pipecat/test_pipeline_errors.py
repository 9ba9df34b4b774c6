"""A Pipecat pipeline that fails, or ends by itself: what becomes of its worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pipecat.frames import frames as theirs
from pipecat.pipeline.worker import ProcessorUnusablePolicy
from pipecat.processors.frame_processor import (
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
)

from callboard import (
    Child,
    Exceeded,
    Failed,
    Node,
    Normal,
    Reason,
    StartFailed,
    Supervisor,
    on,
)
from callboard.actors.testing import eventually
from callboard.transports.pipecat.pipeline import PipelineFailed
from tests.transports.pipecat.pipelines import Life, Say, Voice, cell_of, company, of_kind, voice
from tests.transports.pipecat.stages import Broken, Gate, Log, Recorder, Step, doing, texts

pytestmark = pytest.mark.realtime

Action = Callable[[Step, theirs.TextFrame], Awaitable[None]]


async def cannot_work(step: Step, frame: theirs.TextFrame) -> None:
    if frame.text == "bad":
        await step.push_error("no key", exception=Broken("secret"), force_treat_as_permanent=True)


async def is_fatal(step: Step, frame: theirs.TextFrame) -> None:
    if frame.text == "bad":
        error = theirs.ErrorFrame("no more")
        error.fatal = True
        await step.push_error_frame(error)


async def raises_in_a_task(step: Step, frame: theirs.TextFrame) -> None:
    async def read() -> None:
        raise Broken("the reader has stopped")

    if frame.text == "bad":
        step.create_task(read())  # pyright: ignore[reportUnknownMemberType]


async def raises(step: Step, frame: theirs.TextFrame) -> None:
    if frame.text == "bad":
        raise Broken("this frame only")


def reason_of(event: Any) -> Reason:
    assert event.reason is not None
    reason: Reason = event.reason
    return reason


# -- what fails the worker ----


@pytest.mark.check("M140")
@pytest.mark.parametrize(
    ("action", "kind", "said"),
    [
        (cannot_work, PipelineFailed, "no key"),
        (is_fatal, PipelineFailed, "no more"),
        (raises_in_a_task, Broken, "the reader has stopped"),
    ],
)
async def test_a_pipeline_that_dies_is_restarted_by_policy_and_its_mail_is_kept(
    action: Action, kind: type[Exception], said: str
) -> None:
    log = Log()
    node = company(voice(log, lambda: [doing(action)(), Recorder(log)], restart="transient"))
    async with node:
        events = node.events.subscribe()
        await node.ask("voice", Say("good"))
        await node.ask("voice", Say("bad"))
        await eventually(lambda: not cell_of(node).running or cell_of(node).incarnation > 1)
        node.tell("voice", Say("better"))
        await eventually(lambda: "better" in log.seen)
        assert await node.ask("voice", Life()) == 2
        (failed,) = of_kind(events.take(), "failed")
        reason = reason_of(failed)
        assert isinstance(reason, Failed)
        assert isinstance(reason.cause, kind) and said in str(reason.cause)
    # The old one is cleaned up before the new one is built, and nothing of it is left.
    second = log.seen.index("setup", 1)
    assert log.seen[second - 1] == "cleanup"
    assert log.seen[second:] == ["setup", "StartFrame", "better", "EndFrame", "cleanup"]


@pytest.mark.check("M140")
async def test_one_that_dies_again_and_again_spends_the_budget() -> None:
    log = Log()
    child = voice(log, lambda: [doing(cannot_work)()])
    tree = Supervisor([Child("inner", lambda: Supervisor([child]), restart="temporary")])
    async with Node(tree, watchdog=False) as node:
        events = node.events.subscribe()
        for life in range(1, 5):
            await eventually(lambda life=life: log.lives == life and cell_of(node).running)  # type: ignore[misc]
            node.tell("voice", Say("bad"))
        await eventually(lambda: node.ref("inner") is None, within=30)
        assert log.lives == 4
        reasons = [event.reason for event in events.take() if event.kind == "stopped"]
        assert any(
            isinstance(reason, Failed) and isinstance(reason.cause, Exceeded) for reason in reasons
        )


async def test_the_error_names_the_processor_and_keeps_its_cause() -> None:
    node = company(voice(Log(), lambda: [doing(cannot_work)()]))
    async with node:
        events = node.events.subscribe()
        node.tell("voice", Say("bad"))
        await eventually(lambda: cell_of(node).incarnation == 2)
        (failed,) = of_kind(events.take(), "failed")
        error = reason_of(failed).error
        assert str(error).startswith("Doing#") and str(error).endswith(": no key")
        assert isinstance(error, PipelineFailed) and isinstance(error.__cause__, Broken)


async def test_a_handler_that_raises_cancels_the_pipeline_and_a_new_one_is_built() -> None:
    class Raising(Voice):
        @on(str)
        async def fail(self, text: str) -> None:
            raise Broken(text)

    log = Log()
    async with company(voice(log, lambda: [Recorder(log)], kind=Raising)) as node:
        node.tell("voice", "x")
        assert await node.ask("voice", Life()) == 2
        first = ["setup", "StartFrame", "CancelFrame", "cleanup"]
        assert log.seen == [*first, "setup", "StartFrame"]


@pytest.mark.check("M140")
async def test_directives_say_what_becomes_of_it() -> None:
    log = Log()
    resumed = voice(
        log, lambda: [doing(raises_in_a_task)(), Recorder(log)], directives={Broken: "resume"}
    )
    async with company(resumed) as node:
        for text in ("bad", "good"):
            node.tell("voice", Say(text))
        await eventually(lambda: "good" in log.seen and node.events.counts["resumed"] == 1)
        assert await node.ask("voice", Life()) == 1


# -- what does not ----


async def test_an_error_that_concerns_one_frame_costs_that_frame_and_is_told() -> None:
    errors: list[str] = []

    class Noting(Voice):
        async def on_pipeline_error(self, frame: theirs.ErrorFrame) -> None:
            errors.append(frame.error)
            await super().on_pipeline_error(frame)

    log = Log()
    child = voice(
        log, lambda: [Recorder(log, "a"), doing(raises)(), Recorder(log, "b")], kind=Noting
    )
    async with company(child) as node:
        for text in ("good", "bad", "better"):
            node.tell("voice", Say(text))
        await eventually(lambda: "b:better" in log.seen and bool(errors))
        assert await node.ask("voice", Life()) == 1
        assert "b:bad" not in log.seen and "a:^ErrorFrame" in log.seen
        assert errors == ["Error processing frame: this frame only"]


async def test_a_worker_may_fail_of_any_error_or_of_none() -> None:
    class Strict(Voice):
        async def on_pipeline_error(self, frame: theirs.ErrorFrame) -> None:
            raise frame.exception or PipelineFailed.of(frame)

    class Lenient(Voice):
        async def on_pipeline_error(self, frame: theirs.ErrorFrame) -> None:
            self.log.note(f"noted {frame.error}")

    strict, lenient = Log(), Log()
    node = company(
        voice(strict, lambda: [doing(raises)()], kind=Strict, name="strict"),
        voice(lenient, lambda: [doing(cannot_work)()], kind=Lenient, name="lenient"),
    )
    async with node:
        events = node.events.subscribe()
        node.tell("strict", Say("bad"))
        node.tell("lenient", Say("bad"))
        await eventually(lambda: strict.lives == 2 and "noted no key" in lenient.seen)
        assert await node.ask("lenient", Life()) == 1
        (failed,) = of_kind(events.take(), "failed")
        assert isinstance(reason_of(failed).error, Broken)


# -- a start that does not end well ----


class Unprepared(Step):
    """Cannot be set up."""

    async def prepare(self, setup: FrameProcessorSetup) -> None:
        raise Broken("no such device")


@pytest.mark.check("M140")
@pytest.mark.parametrize("place", ["first", "last"])
async def test_a_processor_that_cannot_be_set_up_fails_the_start(place: str) -> None:
    log = Log()

    def build() -> list[FrameProcessor]:
        others: list[FrameProcessor] = [Recorder(log, f"{number}") for number in range(10)]
        return [Unprepared(), *others] if place == "first" else [*others, Unprepared()]

    with pytest.raises(StartFailed, match="no such device") as failed:
        async with company(voice(log, build)):
            pass
    assert isinstance(failed.value.__cause__, PipelineFailed)
    assert isinstance(failed.value.__cause__.__cause__, Broken)
    assert {f"{number}:cleanup" for number in range(10)} <= set(log.seen)


async def test_a_start_frame_that_is_kept_fails_the_start_and_is_named() -> None:
    class Keeping(Step):
        async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
            await FrameProcessor.process_frame(self, frame, direction)

    log = Log()
    options = {"start_timeout_secs": 0.2}
    with pytest.raises(StartFailed, match="has kept the start frame"):
        async with company(voice(log, lambda: [Recorder(log), Keeping()], options=options)):
            pass
    assert log.seen[-1] == "cleanup"


async def test_a_setup_that_takes_too_long_fails_the_start() -> None:
    class Slow(Step):
        async def prepare(self, setup: FrameProcessorSetup) -> None:
            await asyncio.Event().wait()

    options = {"setup_timeout_secs": 0.2}
    with pytest.raises(StartFailed, match="not set up in time"):
        async with company(voice(Log(), lambda: [Slow()], options=options)):
            pass


@pytest.mark.check("M140")
async def test_a_start_that_is_given_up_leaves_nothing() -> None:
    log = Log()
    child = voice(log, lambda: [Recorder(log), Gate(theirs.StartFrame)], start_timeout=0.2)
    with pytest.raises(StartFailed, match=r"longer than 0\.2 s"):
        async with company(child):
            pass
    assert log.seen[-1] == "cleanup"


async def test_what_build_pipeline_raises_fails_the_start() -> None:
    def build() -> list[FrameProcessor]:
        raise Broken("no microphone")

    with pytest.raises(StartFailed, match="no microphone"):
        async with company(voice(Log(), build)):
            pass


@pytest.mark.check("M140")
@pytest.mark.parametrize("action", [raises_in_a_task, is_fatal])
async def test_a_pipeline_that_dies_while_the_worker_still_starts_is_not_forgotten(
    action: Action,
) -> None:
    class Busy(Voice):
        async def on_activated(self, args: object) -> None:
            if self.incarnation == 1:
                await self.queue_frame(theirs.TextFrame("bad"))
                await asyncio.sleep(0.1)

    log = Log()
    async with company(voice(log, lambda: [doing(action)()], kind=Busy)) as node:
        await eventually(lambda: log.lives == 2)
        assert await node.ask("voice", Life()) == 2
        assert node.events.counts["failed"] == 1


# -- an end of its own ----


def ending(frame: Callable[[], theirs.Frame], direction: FrameDirection) -> Action:
    async def end(step: Step, text: theirs.TextFrame) -> None:
        if text.text == "end":
            await step.push_frame(frame(), direction)

    return end


async def told_to_end(step: Step, frame: theirs.TextFrame) -> None:
    if frame.text == "end":
        # It waits until what is in the pipeline has gone through, this frame too.
        step.create_task(step.pipeline_worker.end(reason="they hung up"))  # pyright: ignore[reportUnknownMemberType]


async def told_to_cancel(step: Step, frame: theirs.TextFrame) -> None:
    if frame.text == "end":
        await step.pipeline_worker.cancel(reason="they hung up")


UP = FrameDirection.UPSTREAM
DOWN = FrameDirection.DOWNSTREAM


@pytest.mark.check("M140")
@pytest.mark.parametrize(
    ("action", "last"),
    [
        (ending(theirs.EndWorkerFrame, UP), "EndFrame"),
        (ending(theirs.EndWorkerFrame, DOWN), "EndFrame"),
        (ending(theirs.StopWorkerFrame, UP), "StopFrame"),
        (ending(theirs.CancelWorkerFrame, UP), "CancelFrame"),
        (told_to_end, "EndFrame"),
        (told_to_cancel, "CancelFrame"),
    ],
    ids=["end", "end, downwards", "stop", "cancel", "told to end", "told to cancel"],
)
async def test_a_pipeline_that_ends_by_itself_ends_the_worker_normally(
    action: Action, last: str
) -> None:
    log = Log()
    child = voice(log, lambda: [doing(action)(), Recorder(log)], restart="transient")
    async with company(child) as node:
        place = cell_of(node)
        node.tell("voice", Say("end"))
        await eventually(lambda: place.closed)
        assert isinstance(place.ended, Normal)
    assert log.lives == 1
    frames = [each for each in log.seen if each.endswith("Frame") and "Worker" not in each]
    assert frames[-1] == last and log.seen[-1] == "cleanup"


async def test_a_permanent_worker_whose_pipeline_has_ended_is_started_anew() -> None:
    log = Log()
    async with company(voice(log, lambda: [doing(told_to_end)(), Recorder(log)])) as node:
        node.tell("voice", Say("end"))
        await eventually(lambda: log.lives == 2)
        assert await node.ask("voice", Life()) == 2
        assert node.events.counts["failed"] == 0


async def test_the_idle_timeout_of_pipecat_is_an_end_like_others_and_off_unless_asked_for() -> None:
    log = Log()
    options = {"idle_timeout_secs": 0.1}
    async with company(
        voice(log, lambda: [Recorder(log)], options=options, restart="transient")
    ) as node:
        place = cell_of(node)
        await eventually(lambda: place.closed)
        assert isinstance(place.ended, Normal)


async def test_pipecats_own_policy_for_a_processor_that_cannot_work_is_heeded_too() -> None:
    class Lenient(Voice):
        async def on_pipeline_error(self, frame: theirs.ErrorFrame) -> None:
            pass

    log = Log()
    options = {"processor_unusable_policy": ProcessorUnusablePolicy.END}
    child = voice(
        log,
        lambda: [doing(cannot_work)(), Recorder(log)],
        options=options,
        kind=Lenient,
        restart="transient",
    )
    async with company(child) as node:
        place = cell_of(node)
        node.tell("voice", Say("bad"))
        await eventually(lambda: place.closed)
        assert isinstance(place.ended, Normal)
    assert texts(log)[-2:] == ["bad", "cleanup"]
