"""Stopping children: in reverse order, each within its own budget; or a pool all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..actors import lifecycle
from ..actors.reason import Failed, Killed, Reason
from .record import ChildRecord

__all__ = ["YIELD_EVERY", "stop_in_turn", "stop_together"]

YIELD_EVERY = 100
"""Children that are started or stopped before the loop may look at everything else."""


async def stop_in_turn(records: Sequence[ChildRecord], reason: Reason, *, kill: bool) -> None:
    """Stop the last one first; each has ended before the next is asked."""
    for number, record in enumerate(reversed(records)):
        await _stop(record, reason, kill=kill)
        if number % YIELD_EVERY == YIELD_EVERY - 1:
            await asyncio.sleep(0)


async def stop_together(records: Sequence[ChildRecord], reason: Reason, *, kill: bool) -> None:
    """Stop all of them at once; the slowest decides how long it takes."""
    slow: list[ChildRecord] = []
    for number, record in enumerate(reversed(records)):
        # Most members of a pool have nothing to wait for, and need no task to end.
        if not _stop_now(record, reason, kill=kill):
            slow.append(record)
        if number % YIELD_EVERY == YIELD_EVERY - 1:
            await asyncio.sleep(0)
    await asyncio.gather(*(_stop(record, reason, kill=kill) for record in slow))


async def _stop(record: ChildRecord, reason: Reason, *, kill: bool) -> None:
    """Stop one child and close its place; whatever goes wrong stops nothing else."""
    budget = _ask(record, kill=kill)
    try:
        final = await lifecycle.stop(record.cell, reason, budget)
    except Exception as error:
        final = _gone_wrong(record, error)
    _note(record, final)


def _stop_now(record: ChildRecord, reason: Reason, *, kill: bool) -> bool:
    """Stop one child that has nothing to wait for; False if it has."""
    budget = _ask(record, kill=kill)
    try:
        final = lifecycle.stop_now(record.cell, reason, budget)
    except Exception as error:
        final = _gone_wrong(record, error)
    if final is not None:
        _note(record, final)
    return final is not None


def _ask(record: ChildRecord, *, kill: bool) -> float | None:
    """Record that the child is told to stop, before it is; return its budget in seconds."""
    record.cancel_timer()
    record.deliberate = True
    return 0.0 if kill else record.stop_budget


def _gone_wrong(record: ChildRecord, error: Exception) -> Reason:
    record.cell.emit("hook_failed", Failed(error))
    return Killed()


def _note(record: ChildRecord, final: Reason) -> None:
    record.ended_for = final
    record.cell.close(final)
