"""Stopping children: in reverse order, each within its own budget; or a pool all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..actors import lifecycle
from ..actors.reason import Failed, Killed, Reason
from .record import ChildRecord

__all__ = ["stop_in_turn", "stop_together"]

YIELD_EVERY = 100


async def stop_in_turn(records: Sequence[ChildRecord], reason: Reason, *, kill: bool) -> None:
    """Stop the last one first; each has ended before the next is asked."""
    for number, record in enumerate(reversed(records)):
        await _stop(record, reason, kill=kill)
        if number % YIELD_EVERY == YIELD_EVERY - 1:
            await asyncio.sleep(0)


async def stop_together(records: Sequence[ChildRecord], reason: Reason, *, kill: bool) -> None:
    """Stop all of them at once; the slowest decides how long it takes."""
    slow: list[ChildRecord] = []
    for record in reversed(records):
        budget = 0.0 if kill else record.stop_budget
        final = lifecycle.stop_now(record.cell, reason, budget)
        if final is None:
            slow.append(record)
        else:
            _note(record, final)
    await asyncio.gather(*(_stop(record, reason, kill=kill) for record in slow))


async def _stop(record: ChildRecord, reason: Reason, *, kill: bool) -> None:
    """Stop one child and close its place; whatever goes wrong stops nothing else."""
    record.cancel_timer()
    record.deliberate = True
    budget = 0.0 if kill else record.stop_budget
    try:
        final = await lifecycle.stop(record.cell, reason, budget)
    except Exception as error:
        record.cell.emit("hook_failed", Failed(error))
        final = Killed()
    _note(record, final)


def _note(record: ChildRecord, final: Reason) -> None:
    record.cancel_timer()
    record.deliberate = True
    record.ended_for = final
    record.cell.close(final)
