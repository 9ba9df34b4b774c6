"""A transport over one socket: what a node at a hub and both sides of a proxy have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from ..transport import Receive, Transport
from .connection import Connection
from .errors import ConnectionLost
from .rejections import Rejections

__all__ = ["SocketTransport"]


class SocketTransport(Transport):
    """Carries over one connection; a subclass makes it, and knows what the bytes mean."""

    _connection: Connection | None = None
    _reader: asyncio.Task[None] | None = None
    _receive: Receive | None = None

    def __init__(self) -> None:
        """Keep settings only: see `Transport`."""
        super().__init__()
        self._rejections = Rejections()

    def begin(self, connection: Connection, receive: Receive) -> None:
        """Carry over this connection from now on."""
        self._connection = connection
        self._receive = receive
        cell = self._place
        self._reader = cell.runtime.spawn(
            self._read(connection), cell.runtime.new_context(cell.ref)
        )

    async def close(self) -> None:
        """Close the connection."""
        reader, self._reader = self._reader, None
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])

    def take(self, data: bytes, connection: Connection, receive: Receive) -> Awaitable[None] | None:
        """Take one message."""
        raise NotImplementedError(f"{type(self).__name__} has no take()")

    def reject(self, kind: str, text: str) -> None:
        """Count something that came in and means nothing."""
        self._rejections.add(self._place.runtime, self.name, kind, text)

    async def _read(self, connection: Connection) -> None:
        receive = self._receive
        assert receive is not None

        def take(data: bytes | str) -> Awaitable[None] | None:
            if isinstance(data, str):
                self.reject("framing", f"{connection.node!r} has sent text where bytes belong")
                return None
            return self.take(data, connection, receive)

        try:
            await connection.read(take)
        except ConnectionLost as error:
            self.lost(error)
