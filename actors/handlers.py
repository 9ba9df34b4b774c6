"""Declaring handlers: `@on`, `@job`, `@worker_ready`, and the table they make of a class.

A table is made once for each class, when the class is made: a clash is an error there and then.
An override in a subclass follows the method resolution order, and is the only one that runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

from .errors import HandlerClash, SpecError

__all__ = [
    "Handler",
    "HandlerTable",
    "JobHandler",
    "default_hook",
    "job",
    "on",
    "runtime_handler",
    "worker_ready",
]

F = TypeVar("F", bound=Callable[..., Any])

MARKS = "__callboard_marks__"

DEFAULT = "__callboard_default__"

HOOKS = (
    "on_start",
    "on_stop",
    "on_failure",
    "on_activated",
    "on_deactivated",
    "on_worker_ready",
    "on_worker_failed",
    "on_receive",
    "on_job_cancelled",
    "on_job_progress",
)
"""Hooks whose default does nothing; where one is not overridden, it is not called."""


class Mark(NamedTuple):
    """What a decorator notes on a method: which table, and under which key."""

    kind: str
    key: object
    preempt: bool = False
    sequential: bool = False
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """One message handler of a class."""

    name: str
    function: Callable[[Any, Any], Any]
    plain: bool
    """A plain `def`, to be called in place."""
    preempt: bool = False
    answers_itself: bool = False


@dataclass(frozen=True, slots=True)
class JobHandler:
    """One job handler of a class."""

    name: str
    function: Callable[[Any, Any], Any]
    sequential: bool
    typed: bool
    """Declared for a message class: its handler gets the message, not a `JobRequest`."""


def on(*types: type, preempt: bool = False) -> Callable[[F], F]:
    """Declare the handler of messages of these types, and of their subclasses.

    With `preempt=True` a system message is handled even while another handler of the worker is
    suspended at an `await`, beside it.

    Raises:
        TypeError: no type, or something that is none, was given.

    """
    if not types or not all(isinstance(each, type) for each in cast("tuple[object, ...]", types)):
        raise TypeError("@on takes message types: write @on(Greet)")
    return _marking(*(Mark("on", each, preempt=preempt) for each in types))


def job(name: str | type | None = None, *, sequential: bool = False) -> Callable[[F], F]:
    """Declare the handler of the jobs of a name, or of a typed job's message class.

    Without a name it is the default handler: it gets every job that has no handler of its own.
    With `sequential=True` the jobs of this handler wait for each other.
    """
    if name is not None and not isinstance(cast("object", name), str | type):
        raise TypeError("@job takes a name: write @job('name'), or @job() for the default")
    return _marking(Mark("job", name, sequential=sequential))


def worker_ready(*names: str) -> Callable[[F], F]:
    """Declare the handler to be called when a worker of one of these names becomes ready.

    It is called at once for a worker that is ready already, and again for each incarnation.
    """
    if not names or not all(isinstance(name, str) for name in cast("tuple[object, ...]", names)):
        raise TypeError("@worker_ready takes names: write @worker_ready('greeter')")
    return _marking(*(Mark("ready", name) for name in names))


def runtime_handler(*types: type, answers_itself: bool = False) -> Callable[[F], F]:
    """Declare a handler of the runtime's own: it stays on the event loop in a `ThreadWorker`."""
    kind = "start" if answers_itself else "on"
    return _marking(*(Mark(kind, each, internal=True) for each in types))


def default_hook(function: F) -> F:
    """Mark a hook that does nothing: a class that does not override it is not called there."""
    setattr(function, DEFAULT, True)
    return function


def _marking(*marks: Mark) -> Callable[[F], F]:
    def mark(function: F) -> F:
        noted = (*function.__dict__.get(MARKS, ()), *marks)
        setattr(function, MARKS, noted)
        return function

    return mark


Wrap = Callable[[Callable[..., Any]], tuple[Callable[..., Any], bool]]


@dataclass(slots=True)
class HandlerTable:
    """All handlers of one class."""

    owner: str
    by_type: dict[type, Handler] = field(default_factory=dict[type, Handler])
    jobs: dict[object, JobHandler] = field(default_factory=dict[object, JobHandler])
    ready: dict[str, str] = field(default_factory=dict[str, str])
    """Method name by worker name, for `@worker_ready`."""
    hooks: frozenset[str] = frozenset()
    """The hooks that the class overrides."""
    preempts: bool = False
    receive: Handler | None = None
    found: dict[type, Handler | None] = field(default_factory=dict[type, "Handler | None"])

    def find(self, message_type: type) -> Handler | None:
        """Return the handler of the type, or of its nearest declared base; `on_receive` last."""
        try:
            return self.found[message_type]
        except KeyError:
            pass
        found = self.receive
        for each in message_type.__mro__:
            if each in self.by_type:
                found = self.by_type[each]
                break
        self.found[message_type] = found
        return found

    def job(self, name: object) -> JobHandler | None:
        """Return the handler of the job of this name or message class, or the default one."""
        return self.jobs.get(name) or self.jobs.get(None)

    def job_names(self) -> list[str]:
        """Return the names of the jobs that have a handler, in order of declaration."""
        return [key.__name__ if isinstance(key, type) else str(key) for key in self.jobs if key]

    @classmethod
    def of(cls, owner: type, wrap: Wrap) -> HandlerTable:
        """Collect the table of the class `owner`.

        `wrap` returns how to call a user's function, and whether that is a plain call.

        Raises:
            HandlerClash: two methods of one class are declared for the same thing.

        """
        table = cls(owner.__qualname__)
        for (kind, key), (name, mark) in _marks_of(owner).items():
            function = getattr(owner, name)
            if kind == "ready":
                table.ready[cast("str", key)] = name
            elif kind == "job":
                typed = isinstance(key, type)
                table.jobs[key] = JobHandler(name, function, mark.sequential, typed)
            else:
                called, plain = (function, _is_plain(function)) if mark.internal else wrap(function)
                table.by_type[cast("type", key)] = Handler(
                    name, called, plain, mark.preempt, answers_itself=kind == "start"
                )
                table.preempts = table.preempts or mark.preempt
        table.hooks = frozenset(
            hook
            for hook in HOOKS
            if hasattr(owner, hook) and not hasattr(getattr(owner, hook), DEFAULT)
        )
        if "on_receive" in table.hooks:
            called, plain = wrap(owner.on_receive)  # type: ignore[attr-defined]
            table.receive = Handler("on_receive", called, plain)
        return table


def _is_plain(function: Callable[..., Any]) -> bool:
    return not inspect.iscoroutinefunction(function)


def _marks_of(owner: type) -> dict[tuple[str, object], tuple[str, Mark]]:
    """Collect the marks of a class and its bases; the most derived class decides."""
    collected: dict[tuple[str, object], tuple[str, Mark]] = {}
    for each in reversed(owner.__mro__):
        own: dict[tuple[str, object], tuple[str, Mark]] = {}
        for name, attribute in vars(each).items():
            marks = cast("tuple[Mark, ...]", getattr(attribute, MARKS, ()))
            if marks:
                # A declared override declares anew; an undeclared one keeps what its base says.
                collected = {key: kept for key, kept in collected.items() if kept[0] != name}
            for mark in marks:
                _check(each, name, attribute, mark)
                key = ("on" if mark.kind == "start" else mark.kind, mark.key)
                if key in own:
                    _clash(each, own[key][0], name, mark)
                own[key] = (name, mark)
        collected.update(own)
    # "start" is a property of the handler, not a table of its own.
    return {(mark.kind, key): (name, mark) for (_, key), (name, mark) in collected.items()}


def _check(owner: type, name: str, attribute: object, mark: Mark) -> None:
    if not inspect.isfunction(attribute):
        raise SpecError(f"{owner.__qualname__}.{name}", "handler", "must be a plain method")
    if mark.kind != "job" and inspect.isasyncgenfunction(attribute):
        raise SpecError(
            f"{owner.__qualname__}.{name}", "handler", "an async generator can only be a @job"
        )
    try:
        inspect.signature(attribute, follow_wrapped=False).bind(None, None)
    except TypeError as error:
        wanted = f"must take self and one argument: {error}"
        raise SpecError(f"{owner.__qualname__}.{name}", "handler", wanted) from error


def _clash(owner: type, first: str, second: str, mark: Mark) -> None:
    what = {"on": "messages of type", "job": "the job", "ready": "the readiness of"}[mark.kind]
    key = mark.key.__qualname__ if isinstance(mark.key, type) else repr(mark.key)
    raise HandlerClash(
        owner.__qualname__,
        f"{first} and {second}",
        f"both are declared for {what} {key}; keep one of them",
    )
