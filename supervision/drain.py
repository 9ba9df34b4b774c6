"""Draining: finish what was taken, within a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from ..actors.cell import Cell
from ..actors.runtime import Runtime

__all__ = ["finish_work", "is_working"]

LOOK_EVERY = 0.05
"""Seconds between two looks at what is still at work."""


async def finish_work(
    runtime: Runtime,
    cells: Callable[[], Iterable[Cell]],
    within: float,
    hurry: asyncio.Event,
) -> bool:
    """Wait until no worker has mail, a handler or a job; return whether that came in time.

    `within` is in seconds; `hurry` cuts the wait short. New work is refused by the runtime already.
    """
    budget = runtime.budget(within)
    while any(is_working(cell) for cell in cells()):
        left = budget.left
        if hurry.is_set() or not left:
            return False
        try:
            await asyncio.wait_for(hurry.wait(), min(LOOK_EVERY, left))
        except TimeoutError:
            continue
    return True


def is_working(cell: Cell) -> bool:
    """Whether the worker has taken something that it has not finished."""
    if cell.actor is None:
        return len(cell.mailbox) > 0 and not cell.closed
    actor: Any = cell.actor
    serving = getattr(actor, "_serving", None)
    jobs = bool(serving is not None and serving.open)
    beside = bool(cell.beside)
    return (
        cell.busy or cell.queued or jobs or beside or (len(cell.mailbox) > 0 and not cell.suspended)
    )
