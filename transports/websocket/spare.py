"""The second way out of a node, while its event loop is blocked; nothing comes in by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..transport import Packet
from .connection import Connection
from .dial import Dialling
from .hello import Hello

__all__ = ["SpareConnection"]


class SpareConnection:
    """See `Spare` in `transports/transport.py`."""

    def __init__(self, dialling: Dialling, hello: Hello, put: Callable[[Packet], bytes]) -> None:
        """Connect like this when it is opened; `put` makes a packet what the server reads."""
        self._dialling = dialling
        self._hello = hello
        self._put = put
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Connect."""
        self._connection = await self._dialling.connect(self._hello)

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Send the packets.

        Raises:
            ConnectionError: the connection has gone.

        """
        connection = self._connection
        if connection is None or not connection.is_open:
            raise ConnectionError("the spare connection has gone")
        for packet in packets:
            connection.post(self._put(packet))
        await connection.room()

    async def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            await self._connection.close()
