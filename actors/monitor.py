"""Monitors: one-way watches on a worker's end.

A monitor gives its holder exactly one `WorkerDown` when the watched worker is gone for good, at
once if nobody has that name. A restart is no end: it gives a `WorkerRestarted`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from .message import SystemMessage
from .reason import Reason
from .ref import WorkerRef

__all__ = [
    "Monitor",
    "Monitored",
    "Monitors",
    "WorkerDown",
    "WorkerRestarted",
    "monitored",
    "monitors_of",
    "when_gone",
]


TOLD_BY = "_told_by"


class WorkerDown(SystemMessage):
    """A monitored worker is gone for good."""

    worker: WorkerRef
    reason: Reason | None
    """Why it ended; `None` where nobody had that name when the monitor was set."""


class WorkerRestarted(SystemMessage):
    """A monitored worker was started again."""

    worker: WorkerRef
    incarnation: int


class Monitor:
    """One watch; `cancel()` ends it."""

    __slots__ = ("_cancel", "notify", "worker")

    def __init__(
        self,
        worker: WorkerRef,
        notify: Callable[[SystemMessage], None],
        cancel: Callable[[Monitor], None],
    ) -> None:
        """Watch `worker`; `notify` brings the messages to the holder's mailbox."""
        self.worker = worker
        self.notify = notify
        self._cancel = cancel

    def tell(self, fact: SystemMessage) -> None:
        """Bring a message to the holder; for the runtime."""
        # Noted on the message, not in a list here: a watch may last for many restarts.
        vars(fact)[TOLD_BY] = self
        self.notify(fact)

    def has_told(self, message: object) -> bool:
        """Whether the message came from this watch."""
        return getattr(message, TOLD_BY, None) is self

    def cancel(self) -> None:
        """End the watch: no message follows, and what was not handled yet is taken back."""
        self._cancel(self)


class Monitors:
    """The monitors on one worker, in the order in which they were set."""

    __slots__ = ("_monitors",)

    def __init__(self) -> None:
        """Begin with none."""
        self._monitors: dict[Monitor, None] = {}

    def __len__(self) -> int:
        """How many watch."""
        return len(self._monitors)

    def add(self, monitor: Monitor) -> None:
        """Add one."""
        self._monitors[monitor] = None

    def remove(self, monitor: Monitor) -> None:
        """Take one away; nothing if it is not there."""
        self._monitors.pop(monitor, None)

    def restarted(self, worker: WorkerRef, incarnation: int) -> None:
        """Tell all that the worker was started again."""
        for monitor in list(self._monitors):
            monitor.tell(WorkerRestarted(worker, incarnation))

    def down(self, worker: WorkerRef, reason: Reason) -> None:
        """Tell all that the worker is gone for good, and forget them."""
        monitors, self._monitors = self._monitors, {}
        for monitor in monitors:
            monitor.tell(WorkerDown(worker, reason))


class Monitored(Protocol):
    """The place of a worker, here or on another node, whose end can be watched."""

    monitors: Monitors | None
    ref: WorkerRef

    @property
    def closed(self) -> bool:
        """Whether the worker is gone for good."""
        ...


def monitored(target: object) -> Monitored | None:
    """Return the place if it can be watched and the worker is not gone for good."""
    if not hasattr(target, "monitors"):
        return None
    place = cast("Monitored", target)
    return None if place.closed else place


def monitors_of(place: Monitored) -> Monitors:
    """Return the monitors on a place, which has none before somebody watches it."""
    if place.monitors is None:
        place.monitors = Monitors()
    return place.monitors


def when_gone(place: Monitored, call: Callable[[], object]) -> None:
    """Have `call` called once the worker is gone for good, at once if it is."""
    if place.closed:
        call()
        return

    def notify(fact: object) -> None:
        if isinstance(fact, WorkerDown):
            call()

    monitors = monitors_of(place)
    monitors.add(Monitor(place.ref, notify, monitors.remove))
