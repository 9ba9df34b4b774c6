"""The record of one child: its spec, its place, and where it stands. One owner, the supervisor."""

from __future__ import annotations

import asyncio

from ..actors.cell import Cell, Directive, State
from ..actors.errors import NoActor
from ..actors.message import Lane, LocalMessage
from ..actors.reason import Reason
from ..actors.ref import WorkerRef
from .admin import ChildInfo
from .child import UNSET, Child

__all__ = ["ChildEnded", "ChildRecord", "RestartDue"]


class ChildRecord:
    """One child of a supervisor. Its worker's end comes to the supervisor as a message."""

    __slots__ = (
        "attempt",
        "cell",
        "crash",
        "deliberate",
        "due",
        "ended_for",
        "pending",
        "restarts",
        "spec",
        "supervisor",
        "timer",
    )

    def __init__(self, spec: Child, cell: Cell, supervisor: WorkerRef) -> None:
        """Note a child that has not been started."""
        self.spec = spec
        self.cell = cell
        self.supervisor = supervisor
        self.attempt = 0
        self.restarts = 0
        self.timer: asyncio.TimerHandle | None = None
        self.due: float | None = None
        self.pending = False
        """Whether it waits for a group restart, whose timer another may hold."""
        self.deliberate = False
        """Whether it was stopped on purpose: then it stays stopped."""
        self.ended_for: Reason | None = None
        self.crash: BaseException | None = None
        """What its last life failed of; starts that failed since are chained to it."""

    @property
    def waiting(self) -> bool:
        """Whether a restart is to come."""
        return self.timer is not None or self.pending

    @property
    def alive(self) -> bool:
        """Whether there is a life that has not ended yet, be it about to start or to stop."""
        return self.cell.actor is not None

    @property
    def stop_budget(self) -> float | None:
        """Seconds that a stop may take; a supervisor is known by what the factory has built."""
        if self.spec.shutdown is UNSET and getattr(self.cell.actor, "is_supervisor", False):
            return None
        return self.spec.stop_budget

    def ended(self, cell: Cell, reason: Reason, directive: Directive | None) -> None:
        """Report to the supervisor that the worker ended by itself; see `cell.Owner`."""
        self.ended_for = reason
        try:
            self.supervisor.tell(ChildEnded(self, cell.incarnation, reason, directive))
        except NoActor:
            return  # the supervisor has ended, and its children with it

    def cancel_timer(self) -> None:
        """Take back a restart that is due: part of every change of state."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None
        self.due = None
        self.pending = False

    def info(self) -> ChildInfo:
        """Return what is known of the child."""
        state = State.WAITING if self.waiting else self.cell.state
        supervises = bool(getattr(self.cell.actor, "is_supervisor", self.spec.supervisor))
        return ChildInfo(
            name=self.spec.name,
            ref=self.cell.ref,
            state=state,
            kind="supervisor" if supervises else "worker",
            restart=self.spec.restart,
            incarnation=self.cell.incarnation,
            restarts=self.restarts,
            attempt=self.attempt,
            due=self.due,
            reason=str(self.ended_for) if self.ended_for is not None else None,
        )


class ChildEnded(LocalMessage, lane=Lane.SYSTEM):
    """A child's worker ended by itself."""

    record: ChildRecord
    incarnation: int
    reason: Reason
    directive: Directive | None


class RestartDue(LocalMessage, lane=Lane.SYSTEM):
    """The wait of a restart is over."""

    record: ChildRecord
    incarnation: int
