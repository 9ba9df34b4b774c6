"""Active or not, and handing over as one step.

Activating is a system message: it overtakes data, and waits for a worker that has not started.
A hand-over reserves the other worker first, then deactivates this one, then activates the other;
so there is no moment with both active, and if the other does not answer this one stays active.
"""

from __future__ import annotations

from typing import Any, Protocol

from .cell import Cell
from .errors import CallboardError, NoActor
from .message import SystemMessage
from .ref import WorkerRef

__all__ = ["HANDOVER_WITHIN", "Activate", "Activation", "Deactivate", "Reserve"]

HANDOVER_WITHIN = 5.0
"""Seconds that a hand-over waits for the other worker, in each of its steps."""


class Activate(SystemMessage):
    """Be active, with these arguments."""

    args: Any = None


class Deactivate(SystemMessage):
    """Be inactive."""


class Reserve(SystemMessage):
    """Answer if you could be activated now: the first step of a hand-over."""


class Active(Protocol):
    """What activation needs of its worker."""

    active: bool

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook, if the class overrides it."""
        ...


class Activation:
    """Whether one worker is active, and with which arguments."""

    __slots__ = ("_cell", "_worker")

    def __init__(self, cell: Cell, worker: Active) -> None:
        """Manage the activation of this incarnation."""
        self._cell = cell
        self._worker = worker

    async def begin(self) -> None:
        """Take up the activation that the last life had, or the class's default."""
        if self._cell.activation is None:
            active = self._worker.active
            self._cell.activation = (active, None)
        active, args = self._cell.activation
        if active:
            await self.activate(args)

    async def activate(self, args: Any) -> None:
        """Be active and run `on_activated`; if the hook raises, be inactive again."""
        self._set(True, args)
        try:
            await self._worker.call_hook("on_activated", args)
        except BaseException:
            self._set(False, None)
            raise

    async def deactivate(self) -> None:
        """Run `on_deactivated` and be inactive; nothing if it is already."""
        if not self._worker.active:
            return
        self._set(False, None)
        await self._worker.call_hook("on_deactivated")

    async def hand_over(self, other: WorkerRef, args: Any) -> None:
        """Activate the other worker in place of this one, or stay active and raise."""
        if other == self._cell.ref:
            await self.deactivate()
            await self.activate(args)
            return
        before = self._args
        was_active = self._worker.active
        try:
            await other.ask(Reserve(), block=False, timeout=HANDOVER_WITHIN)
        except CallboardError as error:
            raise _not_handed_over(other, error) from error
        await self.deactivate()
        try:
            await other.ask(Activate(args), block=False, timeout=HANDOVER_WITHIN)
        except CallboardError as error:
            # It may have taken the message and still be busy with it: take it back first.
            if not isinstance(error, NoActor):
                other.tell(Deactivate())
            if was_active:
                await self.activate(before)
            raise _not_handed_over(other, error) from error

    @property
    def _args(self) -> Any:
        return self._cell.activation[1] if self._cell.activation is not None else None

    def _set(self, active: bool, args: Any) -> None:
        self._worker.active = active
        self._cell.activation = (active, args)


def _not_handed_over(other: WorkerRef, error: CallboardError) -> CallboardError:
    kind = NoActor if isinstance(error, NoActor) else CallboardError
    text = f"no hand-over to {other.name!r}, the old worker stays active: {error}"
    return kind(text)
