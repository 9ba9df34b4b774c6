"""Suspending a worker; and what is seen, and kept, of a crash."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from functools import partial

import pytest

from callboard import (
    Backoff,
    Child,
    JobError,
    JobRequest,
    LocalMessage,
    Node,
    Reason,
    Restarts,
    Supervisor,
    Worker,
    job,
    on,
)
from callboard.actors.testing import eventually
from tests.supervision.company import Broken, Fail, Script, cell_of, company, settle
from tests.supervision.endings import Note, Work, busy, kinds, seconds_of


class Crash(LocalMessage):
    """Fail, in one of several ways."""

    how: str


class State:
    """What a worker holds; big, so to say."""


class Holder(Worker):
    """Holds state, and has it in every frame that its failures pass through."""

    def __init__(self, states: list[weakref.ref[object]]) -> None:
        super().__init__()
        self.state = State()
        states.append(weakref.ref(self.state))
        states.append(weakref.ref(self))

    @on(Crash)
    async def crash(self, message: Crash) -> None:
        state = self.state
        if message.how == "at once":
            raise Broken(message.how)
        if message.how == "later":
            await asyncio.sleep(0.1)
            raise Broken(message.how)
        if message.how == "in a helper":
            self.helper(state)
        if message.how == "on itself":
            print(self.missing)  # type: ignore[attr-defined]  # noqa: T201
        if message.how == "twice":
            try:
                self.helper(state)
            except Broken as error:
                raise ValueError("again") from error

    def helper(self, state: State) -> None:
        kept = state
        raise Broken(f"with {type(kept).__name__}")

    @job("crash")
    async def crash_job(self, request: JobRequest) -> None:
        state = self.state
        await asyncio.sleep(0.1)
        raise Broken(type(state).__name__)


@pytest.mark.check("S80")
async def test_a_suspended_worker_queues_shows_its_state_and_goes_on_in_order() -> None:
    log: list[str] = []
    async with company(busy(log, "a")) as node:
        admin = node.admin()
        admin.suspend("a")
        for text in ("one", "two", "three"):
            node.tell("a", Note(text))
        await asyncio.sleep(60)
        assert log == []
        assert admin.get_state("a")["called"] == "a"
        snapshot = {worker.name: worker for worker in node.snapshot().workers}["a"]
        assert (snapshot.waiting, snapshot.note) == (3, "suspended")
        admin.resume("a")
        await settle()
        assert log == ["a one", "a two", "a three"]


@pytest.mark.check("S80")
async def test_a_suspended_worker_can_be_stopped() -> None:
    log: list[str] = []
    async with company(busy(log, "a")) as node:
        node.admin().suspend("a")
        node.tell("a", Note("never"))
        assert await seconds_of(node.admin().terminate_child("a")) == 0
        assert log == ["a stops", "a stopped"]


@pytest.mark.check("S80")
async def test_get_state_answers_while_a_handler_is_at_work() -> None:
    log: list[str] = []
    async with company(busy(log, "a")) as node:
        node.tell("a", Work(100))
        await eventually(lambda: log == ["a begins"])
        assert node.admin().get_state("a")["called"] == "a"


@pytest.mark.check("S80")
async def test_a_restart_of_a_suspended_worker_leaves_it_suspended() -> None:
    log: list[str] = []
    async with company(busy(log, "a")) as node:
        node.admin().suspend("a")
        node.admin().kill("a")
        await eventually(lambda: cell_of(node, "a").incarnation == 2)
        node.tell("a", Note("kept"))
        await settle()
        assert log == []
        node.admin().resume("a")
        await settle()
        assert log == ["a kept"]


@pytest.mark.check("S80")
async def test_one_crash_is_seen_as_failed_waiting_and_started_and_logged_as_one_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script()
    policy = Restarts(backoff=Backoff(min=1, jitter=0))
    async with Node(partial(Supervisor, script.children("a"), restarts=policy)) as node:
        events = node.events.subscribe()
        with caplog.at_level(logging.INFO, "callboard"):
            node.tell("a", Fail(Broken("boom")))
            await eventually(lambda: cell_of(node, "a").incarnation == 2)
            await settle()
        seen = kinds(events, "failed", "waiting", "started")
        assert [(event.kind, event.path, event.incarnation) for event in seen] == [
            ("failed", "root/a", 1),
            ("waiting", "root/a", 1),
            ("started", "root/a", 2),
        ]
        reasons: list[Reason | None] = [event.reason for event in seen[:2]]
        assert [str(reason) for reason in reasons] == ["failed: Broken: boom"] * 2
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert [record.getMessage() for record in errors] == [
            "root/a failed (failed: Broken: boom)"
        ]
        assert errors[0].exc_info is not None


@pytest.mark.check("S80")
@pytest.mark.parametrize("how", ["at once", "later", "in a helper", "on itself", "twice"])
async def test_the_state_of_a_life_that_failed_is_garbage(how: str) -> None:
    states: list[weakref.ref[object]] = []
    async with company(Child("a", partial(Holder, states), mailbox="keep")) as node:
        events = node.events.subscribe()
        answer = node.ask("a", Crash(how))
        with pytest.raises(Exception, match="failed"):
            await answer
        await eventually(lambda: len(states) == 4)
        await settle()
        gc.collect()
        assert [state() is None for state in states] == [True, True, False, False]
        # All that tells of the failure is there still.
        (failed,) = kinds(events, "failed")
        assert failed.reason is not None
        assert failed.reason.error is not None
        assert failed.reason.error.__traceback__ is not None


@pytest.mark.check("S80")
async def test_the_state_of_a_life_whose_job_crashed_is_garbage() -> None:
    states: list[weakref.ref[object]] = []

    class Crashing(Holder):
        job_errors = "crash"

    async with company(Child("a", partial(Crashing, states))) as node:
        with pytest.raises(JobError):
            await node.request("a", "crash")
        await eventually(lambda: len(states) == 4)
        await settle()
        gc.collect()
        assert [state() is None for state in states] == [True, True, False, False]


@pytest.mark.check("S80")
async def test_the_state_of_a_start_that_failed_is_garbage() -> None:
    states: list[weakref.ref[object]] = []
    failing: list[bool] = [True, True, False]

    class NoStart(Holder):
        async def on_start(self) -> None:
            state = self.state
            await asyncio.sleep(0.1)
            if failing.pop(0):
                raise Broken(type(state).__name__)

    failing.insert(0, False)
    async with company(Child("a", partial(NoStart, states))) as node:
        events = node.events.subscribe()
        node.tell("a", Crash("at once"))
        await eventually(lambda: len(states) == 8 and cell_of(node, "a").running)
        await settle()
        gc.collect()
        assert [state() is None for state in states] == [True] * 6 + [False] * 2
        assert len(kinds(events, "failed")) == 3


@pytest.mark.check("S80")
async def test_an_error_that_passed_through_two_workers_ends_only_the_one_that_failed() -> None:
    """To clear a frame of a coroutine that is suspended would end that coroutine."""
    error = Broken("one and the same")
    log: list[str] = []

    class Careful(Worker):
        @on(Note)
        async def note(self, message: Note) -> None:
            try:
                raise error
            except Broken:
                await asyncio.sleep(10)
                log.append("went on")

    class Careless(Worker):
        @on(Note)
        async def note(self, message: Note) -> None:
            raise error

    async with company(Child("careful", Careful), Child("careless", Careless)) as node:
        for name in ("careful", "careless"):
            node.tell(name, Note("now"))
        await eventually(lambda: cell_of(node, "careless").incarnation == 2)
        await asyncio.sleep(20)
        assert log == ["went on"]
        assert cell_of(node, "careful").incarnation == 1


@pytest.mark.check("S79")
async def test_a_failure_hook_that_raises_too_is_reported_once_with_the_failure_chained(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Clumsy(Worker):
        @on(Note)
        async def note(self, message: Note) -> None:
            await asyncio.sleep(1e6)

        async def on_failure(self, *_: object, **__: object) -> None:
            raise Broken("in on_failure")

    async with company(Child("a", Clumsy, message_timeout=1)) as node:
        events = node.events.subscribe()
        with caplog.at_level(logging.ERROR, "callboard"):
            node.tell("a", Note("wait"))
            await eventually(lambda: cell_of(node, "a").incarnation == 2)
        first, second = kinds(events, "failed", "hook_failed")
        assert first.reason is not None
        assert second.reason is not None
        assert str(first.reason).startswith("failed: MessageTimeout")
        assert str(second.reason) == "failed: Broken: in on_failure"
        assert second.reason.error is not None
        assert second.reason.error.__context__ is first.reason.error
        assert len(caplog.records) == 2


@pytest.mark.check("S79")
async def test_a_new_start_that_raises_is_reported_once_with_the_failure_chained(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script()
    async with company(script.child("a", message_timeout=1)) as node:
        events = node.events.subscribe()
        script.broken_starts["a"] = 1
        with caplog.at_level(logging.ERROR, "callboard"):
            node.tell("a", Fail(Broken("first")))
            await eventually(lambda: cell_of(node, "a").running)
            await eventually(lambda: cell_of(node, "a").incarnation == 3)
        first, second = kinds(events, "failed")
        assert first.reason is not None
        assert second.reason is not None
        assert [str(event.reason) for event in (first, second)] == [
            "failed: Broken: first",
            "failed: Broken: a",
        ]
        assert second.reason.error is not None
        assert second.reason.error.__context__ is first.reason.error
        assert len(caplog.records) == 2
