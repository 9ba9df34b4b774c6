"""A message on its way, with names for its parts."""

from __future__ import annotations

from typing import NamedTuple, cast

from .delivery import Answer, Entry
from .message import Lane
from .ref import WorkerRef

__all__ = ["Envelope"]


class Envelope(NamedTuple):
    """A message on its way, as its handler may read it."""

    message: object
    source: WorkerRef | None
    """Who sent it; `None` for a sender that is no worker."""
    target: WorkerRef
    lane: Lane
    reply: Answer | None
    """Where the answer goes; `None` for a tell."""
    deadline: float | None
    """Seconds on the node's clock after which nobody waits for it any more."""
    trace: str | None
    """A W3C traceparent, carried and not read."""

    @classmethod
    def of(cls, entry: Entry, target: WorkerRef) -> Envelope:
        """Give the parts of a mailbox entry their names."""
        message, source, lane, reply, deadline, trace = entry
        ref = cast("WorkerRef | None", source)
        return cls(message, ref, target, Lane(lane), reply, deadline, trace)
