"""Active or not, and handing over as one step.

Activating is a system message: it overtakes data, and waits for a worker that has not started.
A hand-over reserves the other worker first, then deactivates this one, then activates the other;
so there is no moment with both active, and if the other does not answer this one stays active.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from .cell import Cell
from .errors import ActorFailed, AskTimeout, CallboardError, NoActor
from .message import SystemMessage
from .ref import WorkerRef

__all__ = ["HANDOVER_WITHIN", "Activate", "Activation", "Deactivate", "Reserve", "Stamp"]

Stamp: TypeAlias = tuple[int, str]
"""Orders activations: of two that know of each other the later one is higher, whatever any clock
says; of others it is the one that began later, as far as the clocks of their machines agree."""

HANDOVER_WITHIN = 5.0
"""Seconds that a hand-over waits for the other worker, in each of its steps.

The second step is the other worker's `on_activated`: what takes longer belongs into a job.
"""


class Activate(SystemMessage, wire="callboard.activate"):
    """Be active, with these arguments."""

    args: Any = None
    known: int = 0
    """The highest number of an activation that who activates knows of."""
    after: str = ""
    """The worker that hands over, if one does, and its activation."""
    before: Stamp | None = None


class Deactivate(SystemMessage, wire="callboard.deactivate"):
    """Be inactive."""


class Reserve(SystemMessage, wire="callboard.reserve"):
    """Answer if you could be activated now: the first step of a hand-over."""


class Active(Protocol):
    """What activation needs of its worker."""

    active: bool

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook, if the class overrides it."""
        ...


class Activation:
    """Whether one worker is active, and with which arguments."""

    __slots__ = ("_cell", "_worker", "after", "known")

    def __init__(self, cell: Cell, worker: Active) -> None:
        """Manage the activation of this incarnation."""
        self._cell = cell
        self._worker = worker
        kept = cell.activation[2] if cell.activation is not None else None
        self.known = kept[0] if kept is not None else 0
        """The highest number of an activation, of any worker, that this one knows of."""
        self.after: tuple[str, Stamp] | None = None
        """Which worker has handed over to this one, in which activation of its own."""

    async def begin(self) -> None:
        """Take up the activation that the last life had, or the class's default."""
        kept = self._cell.activation or (self._worker.active, None, None)
        active, args, stamp = kept
        self._set(active, args, stamp)
        if not active:
            return
        try:
            await self._worker.call_hook("on_activated", args)
        except BaseException:
            self._set(*kept)  # the next attempt to start is to be active too
            raise

    @property
    def stamp(self) -> Stamp:
        """What orders the present activation among all others; the same over a restart."""
        active, args, stamp = self._cell.activation or (self._worker.active, None, None)
        if stamp is None:
            number = max(self.known + 1, time.time_ns() // 1_000_000)
            stamp = (number, self._cell.runtime.new_job_id())
            self._set(active, args, stamp)
        self.note(stamp[0])
        return stamp

    def note(self, number: int) -> None:
        """Take note of an activation: the next one here comes after it."""
        self.known = max(self.known, number)

    async def activate(
        self, args: Any, deadline: float | None = None, after: tuple[str, Stamp] | None = None
    ) -> None:
        """Be active and run `on_activated`; if the hook raises, be inactive again.

        At the deadline (seconds on the node's clock) who hands over here becomes active again: so
        the hook is cancelled then, and this one is inactive whatever the hook makes of that.
        """
        self._set(True, args)
        self.after = after
        limit = asyncio.timeout_at(deadline)
        timer = None
        if deadline is not None:
            timer = self._cell.runtime.loop.call_at(deadline, self._set, False, None)
        try:
            async with limit:
                await self._worker.call_hook("on_activated", args)
        except BaseException as error:
            self._set(False, None)
            if not (limit.expired() and isinstance(error, TimeoutError)):
                raise
        finally:
            if timer is not None:
                timer.cancel()

    async def deactivate(self) -> None:
        """Run `on_deactivated` and be inactive; nothing if it is already."""
        if not self._worker.active:
            return
        self._set(False, None)
        await self._worker.call_hook("on_deactivated")

    async def hand_over(self, other: WorkerRef, args: Any) -> None:
        """Activate the other worker in place of this one, or stay active and raise."""
        before = self._cell.activation
        was_active = self._worker.active
        if other == self._cell.ref:
            await self._step_back(before)
            await self.activate(args)
            return
        mine = before[2] if before is not None else None
        try:
            await other.ask(Reserve(), block=False, timeout=HANDOVER_WITHIN)
        except CallboardError as error:
            raise _not_handed_over(other, error) from error
        await self._step_back(before)
        try:
            handed = Activate(args, self.known, self._cell.name if mine else "", mine)
            await other.ask(handed, block=False, timeout=HANDOVER_WITHIN)
        except CallboardError as error:
            if isinstance(error, AskTimeout):
                # It may have taken the message and be busy with it: wait until it has given up.
                with suppress(CallboardError):
                    await other.ask(Deactivate(), block=False, timeout=HANDOVER_WITHIN)
            if was_active:
                await self.activate(before[1] if before is not None else None)
            raise _not_handed_over(other, error) from error

    async def _step_back(self, before: tuple[bool, object, Stamp | None] | None) -> None:
        """Be inactive; if `on_deactivated` raises or is interrupted, nobody has taken over yet."""
        was_active = self._worker.active
        try:
            await self.deactivate()
        except BaseException:
            if was_active:
                self._set(*(before or (True, None, None)))
            raise

    def _set(self, active: bool, args: object, stamp: Stamp | None = None) -> None:
        self._worker.active = active
        if stamp is None and not active and self._cell.activation is not None:
            stamp = self._cell.activation[2]  # of the activation that has ended: the next is higher
        self._cell.activation = (active, args, stamp)


def _not_handed_over(other: WorkerRef, error: CallboardError) -> CallboardError:
    text = f"no hand-over to {other.name!r}, the old worker stays active: {error}"
    for kind in (NoActor, AskTimeout, ActorFailed):
        if isinstance(error, kind):
            return kind(text, other.name)
    return CallboardError(text)
