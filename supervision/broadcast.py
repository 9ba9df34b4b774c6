"""Giving one message to all workers of a node that handle its type."""

from __future__ import annotations

from ..actors.cell import Cell, State
from ..actors.errors import MailboxFull
from ..actors.message import SystemMessage, lane_for
from ..actors.ref import CURRENT
from .snapshot import walk

__all__ = ["DrainAsked", "spread"]


class DrainAsked(SystemMessage, wire="callboard.drain"):
    """Has each node that gets it drain: a worker of another one asked for the end of all."""

    reason: str


def spread(root: Cell, message: object) -> int:
    """Send the message to each running worker that handles its type; return how many.

    For a worker whose mailbox is full it is a dead letter.
    """
    count = 0
    for _, cell, _ in walk(root):
        actor = cell.actor
        if cell.state is not State.RUNNING or actor is None:
            continue
        handler = actor.table.find(message.__class__)
        if handler is None or handler.name == "on_receive":
            continue
        try:
            cell.ref.tell(message)
        except MailboxFull as full:  # of one worker: the others get theirs
            entry = (message, CURRENT.get(), lane_for(message, None), None, None, None)
            cell.runtime.dead(cell.ref, entry, full)
        else:
            count += 1
    return count
