"""The end of one life, or its unfinished start, under way: waited for by many, hurried by any."""

from __future__ import annotations

import asyncio

from .reason import Reason

__all__ = ["Ending"]


class Ending:
    """What is under way with a worker that is neither running nor at rest."""

    __slots__ = ("forced", "interrupted", "over", "unwanted")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; nobody is in a hurry yet."""
        self.unwanted: asyncio.Future[None] = loop.create_future()
        """Done once somebody asked for a stop: a start is given up, and no restart is prepared."""
        self.forced: asyncio.Future[None] = loop.create_future()
        """Done once nothing is waited for any more: what still runs is cancelled."""
        self.interrupted = False
        """Whether its hook raised KeyboardInterrupt or SystemExit."""
        self.over: asyncio.Future[Reason] = loop.create_future()
        """The reason for which it ended, once it has."""

    def ask(self) -> None:
        """Note that a stop was asked for; may be called again."""
        if not self.unwanted.done():
            self.unwanted.set_result(None)

    def force(self) -> None:
        """Cancel what still runs, here and below; may be called again."""
        if not self.forced.done():
            self.forced.set_result(None)

    def finish(self, reason: Reason) -> None:
        """Let everybody go on who waits for the end."""
        if not self.over.done():
            self.over.set_result(reason)
