"""The driver: one worker alone, and nothing about it that a test could miss."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    DataMessage,
    Failed,
    JobCrashed,
    JobRequest,
    Lane,
    MailboxFull,
    MessageTimeout,
    NoActor,
    NotStarted,
    Shutdown,
    StartFailed,
    Unhandled,
    Worker,
    job,
    on,
)
from callboard.actors.testing import Crash, Leaked, Probe, drive, settle


class Greet(DataMessage):
    name: str


class Slow(DataMessage):
    seconds: float


class Greeter(Worker):
    def __init__(self, language: str = "en") -> None:
        super().__init__()
        self.language = language
        self.greeted: list[str] = []
        self.ended: str | None = None

    def on_start(self) -> None:
        if self.language == "none":
            raise ValueError("no language")

    def on_stop(self) -> None:
        self.ended = "stopped"

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.ended = f"failed of {exception_value}"

    @on(Greet)
    async def greet(self, message: Greet) -> str:
        if not message.name:
            raise ValueError("nobody to greet")
        self.greeted.append(message.name)
        return f"{self.language}: {message.name}"

    @on(Slow)
    async def slow(self, message: Slow) -> None:
        await asyncio.sleep(message.seconds)

    @job("sum")
    async def sum(self, request: JobRequest) -> int:
        return sum(request.payload)

    @job("parts")
    async def parts(self, request: JobRequest) -> Any:
        for part in request.payload:
            yield part


# -- sending ----


async def test_a_driven_worker_is_told_asked_and_given_jobs() -> None:
    async with drive(functools.partial(Greeter, language="fr"), name="greeter") as w:
        assert await w.ask(Greet("Ada")) == "fr: Ada"
        w.tell(Greet("Grace"))
        assert await w.request("sum", [1, 2, 3]) == 6
        assert w.worker.greeted == ["Ada", "Grace"]
        async with w.job("parts", "abc") as parts:
            assert [event.data async for event in parts] == ["a", "b", "c"]
        assert (w.ref.name, w.worker.incarnation) == ("greeter", 1)


async def test_a_driven_worker_handles_what_it_was_sent_before_the_block_ends() -> None:
    async with drive(Greeter) as w:
        worker = w.worker
        w.tell(Slow(3))
        w.tell(Greet("Ada"))
    assert worker.greeted == ["Ada"]
    assert worker.ended == "stopped"


async def test_others_stand_beside_it_by_their_names(probe: Probe) -> None:
    class Sender(Worker):
        async def on_start(self) -> None:
            self.tell("early", "from on_start")

        @on(str)
        def pass_on(self, text: str) -> None:
            self.tell("late", text)

    late = Probe()
    async with drive(Sender, others={"early": probe}) as w:
        assert await probe.expect(str) == "from on_start"
        await w.start("late", late)
        w.tell("hello")
        assert await late.expect(str) == "hello"
        assert late.envelopes[0].source == w.ref


async def test_a_driven_worker_is_activated_and_deactivated() -> None:
    class Singer(Worker):
        active = False

    async with drive(Singer) as w:
        assert not w.worker.active
        await w.activate("loudly")
        assert (w.worker.active, w.worker.activation_args) == (True, "loudly")
        await w.deactivate()
        assert not w.worker.active


# -- ends ----


async def test_a_crash_runs_the_hook_and_keeps_the_mailbox_for_the_restart() -> None:
    async with drive(Greeter) as w:
        first, ref = w.worker, w.ref
        reason = await w.crash()
        assert isinstance(reason, Failed)
        assert isinstance(reason.cause, Crash)
        assert first.ended == "failed of crashed by the test"
        with pytest.raises(NotStarted, match="not running"):
            _ = w.worker
        w.tell(Greet("Ada"))
        assert await w.restart() == ref
        await settle()
        assert w.worker is not first
        assert (w.worker.incarnation, w.worker.greeted) == (2, ["Ada"])


async def test_a_crash_is_of_the_error_that_the_test_names() -> None:
    async with drive(Greeter) as w:
        error = KeyError("lost")
        assert await w.crash(error) == Failed(error)
        with pytest.raises(NotStarted, match="cannot crash"):
            await w.crash()


async def test_a_crash_that_a_directive_resumes_is_no_end() -> None:
    class Steady(Greeter):
        directives = {ValueError: "resume"}

    async with drive(Steady) as w:
        assert await w.crash(ValueError("never mind")) is None
        assert await w.ask(Greet("Ada")) == "en: Ada"


async def test_a_stop_runs_the_hook_and_closes_the_mailbox() -> None:
    async with drive(Greeter) as w:
        worker = w.worker
        assert isinstance(await w.stop(), Shutdown)
        assert worker.ended == "stopped"
        with pytest.raises(NoActor):
            await w.ask(Greet("Ada"))
        await w.restart()
        assert await w.ask(Greet("Ada")) == "en: Ada"


async def test_an_end_of_its_own_is_waited_for() -> None:
    async with drive(Greeter) as w:
        w.worker.stop()
        assert str(await w.wait_end()) == "normal"
        with pytest.raises(NoActor):
            w.tell(Greet("Ada"))


async def test_only_what_has_ended_is_restarted() -> None:
    async with drive(Greeter) as w:
        with pytest.raises(NotStarted, match="has not ended"):
            await w.restart()


# -- nothing is missed ----


async def test_a_failure_that_nobody_saw_fails_the_test() -> None:
    with pytest.raises(ValueError, match="nobody to greet"):
        async with drive(Greeter) as w:
            w.tell(Greet(""))


async def test_a_failure_that_the_test_saw_does_not_fail_it_again() -> None:
    async with drive(Greeter) as w:
        with pytest.raises(ActorFailed):
            await w.ask(Greet(""))
        await w.wait_end()
        await w.restart()
        w.tell(Greet(""))
        await settle()
        assert isinstance(w.failure, ValueError)


async def test_a_failed_job_that_the_test_saw_does_not_fail_it_again() -> None:
    class Brittle(Greeter):
        job_errors = "crash"

    async with drive(Brittle) as w:
        with pytest.raises(JobCrashed):
            await w.request("sum", ["no", "numbers"])


async def test_the_error_of_the_block_goes_before_that_of_the_worker() -> None:
    with pytest.raises(ZeroDivisionError):
        async with drive(Greeter) as w:
            w.tell(Greet(""))
            await settle()
            _ = 1 / 0


async def test_a_start_that_fails_raises_and_leaves_nothing(probe: Probe) -> None:
    with pytest.raises(StartFailed) as failed:
        async with drive(functools.partial(Greeter, language="none"), others={"other": probe}):
            raise AssertionError("the block was entered")
    assert isinstance(failed.value.__cause__, ValueError)


async def test_a_job_that_the_test_leaves_open_fails_it_in_no_way_but_is_cancelled() -> None:
    cancelled: list[str] = []

    class Keeper(Worker):
        @job("keep")
        def keep(self, request: JobRequest) -> None:
            request.defer()

        def on_job_cancelled(self, job: JobRequest, reason: str) -> None:
            cancelled.append(reason)

    async with drive(Keeper) as w:
        left = w.job("keep").begin()
        await settle()
    assert left.error is not None


async def test_a_task_that_the_worker_leaves_running_fails_the_test() -> None:
    class Careless(Worker):
        task: asyncio.Task[None]

        def on_start(self) -> None:
            self.task = asyncio.get_running_loop().create_task(asyncio.sleep(60))

    left: list[asyncio.Task[None]] = []
    with pytest.raises(Leaked, match="sleep"):
        async with drive(Careless) as w:
            left.append(w.worker.task)
    left[0].cancel()


async def test_a_system_exit_of_the_worker_reaches_the_test() -> None:
    class Leaver(Worker):
        @on(str)
        def go(self, text: str) -> None:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        async with drive(Leaver) as w:
            w.tell("go")


async def test_dead_letters_and_events_are_there_to_be_looked_at() -> None:
    async with drive(Greeter) as w:
        events = w.events.subscribe()
        w.tell(42)
        await settle()
        assert [type(letter.reason) for letter in w.dead_letters] == [Unhandled]
        await w.crash()
        assert "failed" in [event.kind for event in events.take()]
        events.close()


# -- options ----


async def test_the_mailbox_is_bounded_as_in_a_child_spec() -> None:
    async with drive(Greeter, bound=2) as w:
        w.tell(Slow(5))
        await settle()
        w.tell(Greet("1"))
        w.tell(Greet("2"), lane=Lane.HIGH)
        with pytest.raises(MailboxFull):
            w.tell(Greet("3"))


async def test_a_handler_is_limited_as_in_a_child_spec() -> None:
    async with drive(Greeter, message_timeout=2) as w:
        w.tell(Slow(5))
        reason = await w.wait_end()
        assert isinstance(reason.error, MessageTimeout)


async def test_what_is_not_entered_says_so() -> None:
    driver = drive(Greeter)
    for use in (lambda: driver.ref, lambda: driver.tell("too early"), lambda: driver.runtime):
        with pytest.raises(NotStarted, match="async with drive"):
            use()
