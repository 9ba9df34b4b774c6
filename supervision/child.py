"""Child: how to build one child, and what to do when it ends. Checked when written."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from ..actors.actor import Actor
from ..actors.errors import SpecError
from ..actors.mailbox import DEFAULT_BOUND, OVERFLOWS, Overflow
from ..actors.options import DEFAULTS, CellOptions, Directive
from .restarts import Backoff
from .strategy import RESTARTS, Restart

__all__ = ["Child"]

WORKER_SHUTDOWN = 5.0
"""Seconds that a worker may take to stop unless its spec says otherwise (OTP)."""

WORKER_START = 30.0
"""Seconds that a worker may take to start unless its spec says otherwise."""

DIRECTIVES = ("resume", "restart", "stop", "escalate")

UNSET: Any = "unset"


@dataclass(frozen=True)
class Child:
    """The child spec: a name, a factory, and the policy for one child.

    `factory` is called without arguments for each incarnation and returns a new worker: a class,
    or `functools.partial(Greeter, language="fr")`. Times are in seconds.
    """

    name: str
    factory: Callable[[], Actor]
    restart: Restart = "permanent"
    """permanent: after any end; transient: after an abnormal one; temporary: never."""
    shutdown: float | Literal["kill"] | None = UNSET
    """How long a stop may take before it becomes a kill; `None`: without limit (the default of a
    supervisor; a worker has 5 s); `"kill"`: at once, without the stop hook."""
    start_timeout: float | None = UNSET
    """How long a start may take; a worker has 30 s, a supervisor no limit."""
    backoff: Backoff | None = None
    """How long its restarts wait; `None`: as the supervisor's policy says."""
    mailbox: Literal["keep", "drop"] = "keep"
    """What a restart does with the messages that wait."""
    bound: int = DEFAULT_BOUND
    """Data messages that the mailbox takes."""
    overflow: Overflow = "reject"
    """What a full mailbox does: wait, reject, drop_oldest, drop_newest."""
    redeliver: int = 0
    """How often a message is tried again after its handler raised; then it is quarantined."""
    message_timeout: float | None = None
    """How long one handler may run before it is cancelled and the worker fails."""
    significant: bool = False
    """Whether its end may end the supervisor; see `Supervisor.auto_shutdown`."""
    rerun: bool = True
    """Whether a group restart starts it again after it had finished."""
    grace: float = 5.0
    """How long a cancelled task may go on before it is declared abandoned."""
    directives: Mapping[type[BaseException], Directive] | None = None
    """What becomes of the worker, by exception class; before what its class says."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            SpecError: names the child and the field.

        """
        name = cast("object", self.name)
        if not isinstance(name, str) or not name or "/" in name:
            raise SpecError(
                f"child {name!r}", "name", "must be a text that is not empty and has no '/'"
            )
        if not callable(self.factory):
            self._refuse("factory", "must be a class or another callable without arguments")
        self._one_of("restart", self.restart, RESTARTS)
        self._one_of("mailbox", self.mailbox, ("keep", "drop"))
        self._one_of("overflow", self.overflow, OVERFLOWS)
        if self.shutdown is not UNSET and self.shutdown != "kill":
            self._seconds("shutdown", self.shutdown)
        if self.start_timeout is not UNSET:
            self._seconds("start_timeout", self.start_timeout)
        self._seconds("message_timeout", self.message_timeout)
        self._seconds("grace", self.grace)
        self._whole("bound", self.bound, 1)
        self._whole("redeliver", self.redeliver, 0)
        if self.backoff is not None and not isinstance(cast("object", self.backoff), Backoff):
            self._refuse("backoff", f"must be a Backoff, is {self.backoff!r}")
        if self.significant and self.restart == "permanent":
            self._refuse("significant", "a permanent child has no end: make it transient")
        for kind, directive in (self.directives or {}).items():
            known = cast("object", kind)
            if not (isinstance(known, type) and issubclass(known, BaseException)):
                self._refuse("directives", f"{kind!r} is no exception class")
            self._one_of("directives", directive, DIRECTIVES)

    @classmethod
    def of(cls, spec: Child | Mapping[str, Any]) -> Child:
        """Return the spec as it is, or made from a mapping of its fields.

        Raises:
            SpecError: a field is missing, unknown or wrong.

        """
        if isinstance(spec, Child):
            return spec
        if not isinstance(cast("object", spec), Mapping):
            raise SpecError(f"child {spec!r}", "type", "must be a Child or a mapping of its fields")
        label = f"child {spec.get('name')!r}"
        known = [each.name for each in fields(cls)]
        for key in spec:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise SpecError(label, str(key), f"is no field of a child spec{hint}")
        for needed in ("name", "factory"):
            if needed not in spec:
                raise SpecError(label, needed, "is missing")
        return cls(**spec)

    @property
    def supervisor(self) -> bool:
        """Whether the factory is known to build a supervisor."""
        made: object = self.factory
        while isinstance(made, functools.partial):
            made = made.func
        return bool(getattr(made, "is_supervisor", False))

    @property
    def stop_budget(self) -> float | None:
        """Seconds that a stop may take; 0 is a kill, None has no limit."""
        if self.shutdown is UNSET:
            return None if self.supervisor else WORKER_SHUTDOWN
        return 0.0 if self.shutdown == "kill" else self.shutdown

    @property
    def start_budget(self) -> float | None:
        """Seconds that a start may take; None has no limit."""
        if self.start_timeout is UNSET:
            return None if self.supervisor else WORKER_START
        return self.start_timeout

    @property
    def options(self) -> CellOptions:
        """What the worker's place needs to know of it."""
        if (
            self.bound == DEFAULT_BOUND
            and self.overflow == "reject"
            and self.mailbox == "keep"
            and not self.redeliver
            and self.message_timeout is None
            and self.grace == DEFAULTS.grace
            and self.shutdown in (UNSET, "kill", 0, DEFAULTS.end_within)
            and self.directives is None
        ):
            return DEFAULTS  # one object for a million children
        return CellOptions(
            bound=self.bound,
            overflow=self.overflow,
            keep_mailbox=self.mailbox == "keep",
            redeliver=self.redeliver,
            message_timeout=self.message_timeout,
            grace=self.grace,
            # One that is killed when told to stop has time for what it does of its own.
            end_within=self.stop_budget or (DEFAULTS.end_within if self.stop_budget == 0 else None),
            directives=self.directives,
        )

    def _refuse(self, field: str, problem: str) -> None:
        raise SpecError(f"child {self.name!r}", field, problem)

    def _one_of(self, field: str, value: object, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            self._refuse(field, f"must be one of {', '.join(allowed)}, is {value!r}")

    def _seconds(self, field: str, value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and cast("float", value) >= 0):
            self._refuse(field, f"must be seconds from 0, or None, is {value!r}")

    def _whole(self, field: str, value: object, least: int) -> None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or cast("int", value) < least:
            self._refuse(field, f"must be a whole number from {least}, is {value!r}")
