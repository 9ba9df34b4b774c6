"""What carries the messages of a Pipecat channel: a broker's publish and subscribe, or queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .wire import Wire

__all__ = ["Channel", "Lost", "Take"]

Take = Callable[[bytes], object]
"""Takes the bytes of one message, without waiting."""

Lost = Callable[[BaseException], object]
"""Hears that the connection has gone."""


class Channel(Protocol):
    """One connection to a channel; a lost one is not connected again, another is made."""

    wire: Wire
    gap: float
    """Seconds that a requester of theirs may need, after its request, to hear of the job."""
    settles: float
    """Seconds after which everybody on the channel sends to us, too."""

    async def open(self, take: Take, lost: Lost) -> None:
        """Connect: when it returns, whatever is said on the channel comes to `take`.

        What is published here may come back, and may not.
        """
        ...

    async def publish(self, messages: Sequence[bytes]) -> None:
        """Say it to all, in this order."""
        ...

    async def close(self, *, leaving: bool) -> None:
        """Disconnect; `leaving`: for good."""
        ...
