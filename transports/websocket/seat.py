"""Seat: the place of one client at a proxy's server, whichever of its connections is there now."""

from __future__ import annotations

import asyncio

from ..transport import Receive
from .connection import Connection
from .errors import Leave
from .gate import TwoWorkers
from .hello import Hello
from .proxying import ProxyTransport

__all__ = ["Key", "Seat", "SeatTransport", "key_of"]

Key = tuple[str, str, int]
"""How a client is known again: what only it knows, its node, and the incarnation of that."""


def key_of(hello: Hello) -> Key:
    """Return by what the client is known again."""
    return hello.session, hello.node, hello.incarnation


class Seat:
    """Connections come and go; who carries over them waits here for the next one."""

    def __init__(self, key: Key | None = None) -> None:
        """Be the place of the client of that key; None: of nobody yet."""
        self.key = key
        self.node: asyncio.Future[str] | None = None
        """The name of the session's node, once that has started."""
        self.receive: Receive | None = None
        """Where packets go that come by a spare connection."""
        self.ended = False
        """Whether whoever carries here does so no more."""
        self.connection: Connection | None = None
        self._changed = asyncio.Event()

    def take(self, connection: Connection) -> None:
        """Give the place to this connection of its client; an earlier one is closed."""
        before, self.connection = self.connection, connection
        self._change()
        if before is not None:
            before.abandon(Leave.DONE, "this client has connected anew")

    def leave(self, connection: Connection) -> None:
        """Take note that a connection has gone."""
        if self.connection is connection:
            self.connection = None
            self._change()

    def end(self) -> None:
        """Carry no more here."""
        self.ended = True
        self._change()

    async def arrival(self) -> Connection:
        """Return the connection that is here, or the next one."""
        while self.connection is None:
            await self._changed.wait()
        return self.connection

    async def deserted(self, seconds: float) -> None:
        """Return when nobody has been here for so long, or it has ended."""
        while not self.ended:
            # No connection: the time runs. One is here: it does not.
            limit = seconds if self.connection is None else None
            try:
                async with asyncio.timeout(limit):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class SeatTransport(ProxyTransport):
    """Carries for the node of one session, over whichever connection its client has."""

    def __init__(self, seat: Seat, like: ProxyTransport) -> None:
        """Carry at this place what `like` would."""
        workers: TwoWorkers = like.workers
        down_after = like.down_after or 0.0
        super().__init__(workers.local, workers.remote, workers.forward, down_after, like.codec)
        self._seat = seat

    async def open(self, receive: Receive) -> None:
        """Wait for the client."""
        self._seat.receive = receive
        self.begin(await self._seat.arrival(), receive)

    async def on_stop(self) -> None:
        """Disconnect: the session's node stops."""
        await super().on_stop()
        self._seat.end()
