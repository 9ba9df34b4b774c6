"""What a ref needs to deliver: the way to one worker, and a few things of its node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import pykka
from pykka import messages

__all__ = ["NEVER_REFUSED", "STOP", "Answer", "Delivery", "Entry", "Post", "is_stop", "must_arrive"]

STOP: type = messages._ActorStop  # pyright: ignore[reportPrivateUsage]
"""What asks a worker to stop after what it was sent before: it travels with the data, in order.

It is control all the same: no mailbox refuses or drops it, and it is answered when the life that
it ended is over.
"""


NEVER_REFUSED: set[type] = {STOP}
"""Messages that travel in order with data and that no mailbox refuses or drops.

They are few, as many as what they speak of: without one of them two workers would no longer agree.
"""


class Answer(Protocol):
    """Where the outcome of an ask or a job goes: a `Reply`, a `Job`, or the way to one."""

    @property
    def done(self) -> bool:
        """Whether there is an outcome: then nobody waits any more."""
        ...

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Take the outcome; False if there was one already: then this one only counts."""
        ...


Entry: TypeAlias = (
    "tuple[object, pykka.ActorRef[Any] | None, int, Answer | None, float | None, str | None]"
)
"""What a mailbox holds: message, source, lane, reply, deadline, trace.

A bare tuple, because one is made for every message and few are ever looked at; `envelope.py`
gives the parts their names (measured: a named one costs a third of a whole send).
"""


def is_stop(entry: Entry) -> bool:
    """Whether the entry asks its worker to stop."""
    return entry[0].__class__ is STOP


def must_arrive(entry: Entry) -> bool:
    """Whether no mailbox refuses or drops the entry."""
    return entry[0].__class__ in NEVER_REFUSED


class Delivery(Protocol):
    """The way to one worker, here or elsewhere."""

    def deliver(self, entry: Entry, /) -> None:
        """Bring the entry to the worker's mailbox.

        Raises:
            NoActor: the worker is gone for good.
            MailboxFull: its mailbox, or the way to it, is full.

        """
        ...

    async def deliver_waiting(self, entry: Entry, /) -> None:
        """Bring the entry to the worker's mailbox, waiting for room where its policy is to wait.

        Raises:
            NoActor: the worker is gone for good.
            MailboxFull: its mailbox is full, and its policy is not to wait.

        """
        ...


class Post(Protocol):
    """What a ref needs of its node."""

    thread: int
    loop: asyncio.AbstractEventLoop
    draining: bool

    def resolve(self, name: str, /) -> Delivery | None:
        """Return the way to the worker that has the name now, or None."""
        ...

    def lost(self, target: pykka.ActorRef[Any], entry: Entry, /) -> None:
        """Keep a message as a dead letter whose target nobody knows; an asker hears `NoActor`."""
        ...

    def late(self) -> None:
        """Count an answer that came too late."""
        ...

    def call_from_thread(self, function: Callable[..., object], /, *arguments: object) -> None:
        """Call the function on the node's loop, soon; from any thread."""
        ...
