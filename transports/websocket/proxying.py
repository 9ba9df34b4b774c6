"""What both sides of a proxy have in common: one connection, one node at its end, two workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...actors.errors import SpecError
from ..codec import Codec
from ..transport import Packet, Receive
from .connection import Connection
from .gate import TwoWorkers, wire_names
from .socketed import SocketTransport

__all__ = ["DOWN_AFTER", "ProxyTransport"]

DOWN_AFTER = 6.0
"""Seconds without a connection after which the other side is down."""


class ProxyTransport(SocketTransport):
    """Carries between two nodes, and only what their two workers have to do with each other."""

    patience = 0.0
    """The connection is the node: nobody else could be reached by it."""

    def __init__(
        self,
        local_worker: str,
        remote_worker: str,
        forward: Iterable[type | str] | None,
        down_after: float,
        codec: Codec | None,
    ) -> None:
        """Agree on the two workers; see the subclasses."""
        super().__init__()
        subject = type(self).__name__
        for field, name in (("local_worker", local_worker), ("remote_worker", remote_worker)):
            if not name:
                raise SpecError(subject, field, "is empty: name the worker that may be reached")
        if local_worker == remote_worker:
            problem = f"both are {local_worker!r}: a name belongs to one worker of the two nodes"
            raise SpecError(subject, "remote_worker", problem)
        if not down_after > 0:
            raise SpecError(subject, "down_after", f"must be more than 0 s, is {down_after!r}")
        self.workers = TwoWorkers(local_worker, remote_worker, wire_names(subject, forward))
        self.gate = self.workers
        self.down_after = down_after
        self.codec = codec

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Send what is for the other side; nobody else is there."""
        connection = self._connection
        if connection is None:
            return
        for to, data in packets:
            if to is None or to == connection.node:
                connection.post(data)
        await connection.room()

    def take(self, data: bytes, connection: Connection, receive: Receive) -> None:
        """Take a packet; that it is from the connection's node is made sure of above."""
        receive(data, connection.node)
