"""The life of an actor as Pykka has it: what holds for its actors holds for ours, started bare.

Each test runs for Pykka's own actor too, which is the proof that it states Pykka's semantics.
"""

# The base class is a parameter of each test: nothing is known of what it has.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pykka
import pytest

from callboard import ActorFailed, AskTimeout, NoActor, ThreadWorker, Unhandled, Worker

BASES = [pykka.ThreadingActor, ThreadWorker, Worker]

pytestmark = pytest.mark.check("M15")


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    pykka.ActorRegistry.stop_all(timeout=5)


@pytest.fixture(params=BASES, ids=lambda base: base.__name__)
def kind(request: pytest.FixtureRequest) -> type[pykka.Actor]:
    return actor_class(request.param)


class Log:
    """What happened, in order; a thread may wait for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changed = threading.Condition()

    def __call__(self, line: str) -> None:
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def until(self, line: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: line in self.lines, timeout=5), self.lines


def actor_class(base: Any) -> type[pykka.Actor]:
    class Logging(base):  # type: ignore[misc]
        """Does what a message says, if it is a function; the hooks do what they are given."""

        def __init__(self, log: Log, **hooks: Callable[[Any], None]) -> None:
            super().__init__()
            self.log = log
            self.hooks = hooks
            self.made_on = threading.get_ident()

        def run_hook(self, name: str) -> None:
            self.log(name)
            if name in self.hooks:
                self.hooks[name](self)

        def on_start(self) -> None:
            self.run_hook("on_start")

        def on_stop(self) -> None:
            self.run_hook("on_stop")

        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            assert exception_type is type(exception_value)
            assert traceback is not None
            self.log(f"{exception_type.__name__}: {exception_value}")
            self.run_hook("on_failure")

        def on_receive(self, message: Any) -> Any:
            if callable(message):
                return message(self)
            self.log(f"got {message}")
            return f"answer to {message}"

    return cast("type[pykka.Actor]", Logging)


def boom(_: object) -> None:
    raise ValueError("boom")


def gone(ref: pykka.ActorRef[Any]) -> bool:
    ref.actor_stopped.wait(5)
    return not ref.is_alive() and ref not in pykka.ActorRegistry.get_all()


# -- starting ----


def test_it_is_made_by_the_caller_and_starts_elsewhere_before_its_first_message(
    kind: type[pykka.Actor],
) -> None:
    log = Log()
    ref = kind.start(log)
    assert ref.ask("first") == "answer to first"
    assert log.lines == ["on_start", "got first"]
    assert ref.ask(lambda actor: actor.made_on) == threading.get_ident()
    assert ref.ask(lambda _: threading.get_ident()) != threading.get_ident()
    assert ref.is_alive()
    assert not ref.actor_stopped.is_set()


def test_it_is_registered_before_on_start_runs(kind: type[pykka.Actor]) -> None:
    log = Log()
    found: list[object] = []
    kind.start(
        log,
        on_start=lambda actor: found.append(pykka.ActorRegistry.get_by_urn(actor.actor_urn)),
    ).ask("sync")
    assert found[0] is not None


def test_its_constructor_may_use_its_ref(kind: Any) -> None:
    class Early(kind):  # type: ignore[misc]
        def __init__(self, log: Log) -> None:
            super().__init__(log)
            self.actor_ref.tell("from the constructor")

    log = Log()
    Early.start(log)
    log.until("got from the constructor")
    assert log.lines == ["on_start", "got from the constructor"]


def test_a_constructor_that_raises_leaves_nothing(kind: Any) -> None:
    class Broken(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Broken.start()
    assert pykka.ActorRegistry.get_all() == []


def test_an_on_start_that_raises_ends_it_without_another_hook(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log, on_start=boom)
    assert gone(ref)
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("too late")
    assert log.lines == ["on_start"]


def test_it_may_stop_itself_in_on_start(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log, on_start=lambda actor: actor.stop())
    log.until("on_stop")
    assert gone(ref)


# -- stopping ----


def test_a_stop_is_answered_after_on_stop_and_then_it_is_gone(kind: type[pykka.Actor]) -> None:
    log = Log()
    release = threading.Event()
    ref = kind.start(log, on_stop=lambda actor: release.wait(5) and actor.log("released"))
    ref.tell("before")
    stopped = ref.stop(block=False)
    log.until("on_stop")
    with pytest.raises(pykka.Timeout):
        stopped.get(timeout=0.02)
    release.set()
    assert stopped.get(timeout=5) is True
    assert log.lines == ["on_start", "got before", "on_stop", "released"]
    assert not ref.is_alive()
    assert ref.actor_stopped.is_set()
    assert ref.stop() is False, "it was dead already"


def test_a_stop_that_blocks_returns_when_it_has_ended(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log)
    assert ref.stop() is True
    assert log.lines == ["on_start", "on_stop"]
    assert not ref.is_alive()


def test_a_stop_that_does_not_block_gives_a_future(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log)
    stopped = ref.stop(block=False)
    assert stopped.get(timeout=5) is True
    assert "on_stop" in log.lines
    assert ref.stop(block=False).get(timeout=5) is False


def test_a_stop_can_time_out_and_goes_on(kind: type[pykka.Actor]) -> None:
    log = Log()
    release = threading.Event()
    ref = kind.start(log)
    ref.tell(lambda _: release.wait(5))
    with pytest.raises(pykka.Timeout):
        ref.stop(timeout=0.02)
    release.set()
    assert gone(ref)


def test_it_stops_itself_after_what_it_was_sent_before(kind: type[pykka.Actor]) -> None:
    def stop_twice(actor: Any) -> None:
        actor.actor_ref.tell("sent before")
        actor.stop()
        actor.stop()
        actor.actor_ref.tell("sent after")

    log = Log()
    ref = kind.start(log)
    ref.ask(stop_twice)
    assert gone(ref)
    log.until("on_stop")
    assert log.lines == ["on_start", "got sent before", "on_stop"]


def test_what_is_left_at_its_end_is_answered(kind: type[pykka.Actor]) -> None:
    log = Log()
    release = threading.Event()
    ref = kind.start(log)
    ref.tell(lambda _: release.wait(5))
    stops = [ref.stop(block=False)]
    left = ref.ask("never handled", block=False)
    stops.append(ref.stop(block=False))
    release.set()
    assert [each.get(timeout=5) for each in stops] == [True, True]
    with pytest.raises(pykka.ActorDeadError):
        left.get(timeout=5)
    assert "got never handled" not in log.lines


def test_it_is_dead_already_while_its_last_hook_runs(kind: type[pykka.Actor]) -> None:
    def look(actor: Any) -> None:
        registered = actor.actor_ref in pykka.ActorRegistry.get_all()
        actor.log(f"alive {actor.actor_ref.is_alive()}, registered {registered}")

    for hook, message in (("on_stop", lambda actor: actor.stop()), ("on_failure", boom)):
        log = Log()
        kind.start(log, **{hook: look}).tell(message)
        log.until("alive False, registered False")


def test_an_on_stop_that_raises_ends_it_all_the_same(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log, on_stop=boom)
    assert ref.stop() is True
    assert gone(ref)


# -- dead ----


def test_the_dead_cannot_be_told_asked_or_proxied(kind: type[pykka.Actor]) -> None:
    ref = kind.start(Log())
    ref.stop()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("too late")
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("too late")
    future = ref.ask("too late", block=False)
    with pytest.raises(pykka.ActorDeadError):
        future.get(timeout=5)
    with pytest.raises(pykka.ActorDeadError):
        ref.proxy()


# -- asking ----


def test_ask_blocks_times_out_or_gives_a_future(kind: type[pykka.Actor]) -> None:
    release = threading.Event()
    ref = kind.start(Log())
    assert ref.ask("now") == "answer to now"
    assert ref.ask("later", block=False).get(timeout=5) == "answer to later"
    ref.tell(lambda _: release.wait(5))
    with pytest.raises(pykka.Timeout):
        ref.ask("blocked", timeout=0.02)
    with pytest.raises(pykka.Timeout):
        ref.ask("blocked", block=False).get(timeout=0.02)
    release.set()
    assert ref.ask("free", timeout=5) == "answer to free"


@pytest.mark.parametrize("message", [123, 12.5, {"a": "dict"}, ("a", "tuple"), None, object()])
def test_anything_is_a_message(kind: type[pykka.Actor], message: object) -> None:
    log = Log()
    kind.start(log).tell(message)
    log.until(f"got {message}")


# -- failing ----


def test_what_a_told_message_raises_ends_it_with_on_failure(kind: type[pykka.Actor]) -> None:
    log = Log()
    ref = kind.start(log)
    ref.tell(boom)
    log.until("on_failure")
    assert gone(ref)
    assert log.lines == ["on_start", "ValueError: boom", "on_failure"]


def test_an_on_failure_that_raises_ends_it_all_the_same(kind: type[pykka.Actor]) -> None:
    ref = kind.start(Log(), on_failure=boom)
    ref.tell(boom)
    assert gone(ref)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_stops_every_actor_with_its_stop_hook(
    kind: type[pykka.Actor], interrupt: type[BaseException]
) -> None:
    def raise_it(_: object) -> None:
        raise interrupt

    log, other_log = Log(), Log()
    ref, other = kind.start(log), kind.start(other_log)
    ref.tell(raise_it)
    assert gone(ref)
    assert gone(other)
    log.until("on_stop")
    other_log.until("on_stop")


# -- where ours differ, on purpose ----


@pytest.mark.parametrize("base", [ThreadWorker, Worker])
def test_what_an_asked_message_raises_fails_ours_and_the_asker_has_the_cause(base: Any) -> None:
    log = Log()
    ref = actor_class(base).start(log)
    with pytest.raises(ActorFailed, match="ValueError: boom") as failure:
        ref.ask(boom)
    assert isinstance(failure.value.__cause__, ValueError)
    log.until("on_failure")
    assert gone(ref)


@pytest.mark.parametrize("base", [ThreadWorker, Worker])
def test_the_errors_of_ours_are_those_of_pykka_and_say_more(base: Any) -> None:
    release = threading.Event()
    ref = actor_class(base).start(Log())
    ref.tell(lambda _: release.wait(5))
    with pytest.raises(AskTimeout, match=r"did not answer str within 0.02 s"):
        ref.ask("blocked", timeout=0.02)
    release.set()
    ref.stop()
    with pytest.raises(NoActor, match="gone for good"):
        ref.tell("too late")


@pytest.mark.parametrize("base", [ThreadWorker, Worker])
def test_ours_answer_what_they_do_not_handle_with_an_error(base: Any) -> None:
    class Silent(base):  # type: ignore[misc]
        pass

    ref = Silent.start()
    ref.tell("unknown")
    with pytest.raises(Unhandled):
        ref.ask("unknown")
    assert ref.is_alive()
