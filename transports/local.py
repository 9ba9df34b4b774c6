"""Several nodes in one process: sessions, tests, the first step before a broker.

What crosses is bytes, as everywhere: a tree that works over a `LocalBus` works over a broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from .codec import Codec
from .transport import Packet, Receive, Transport

__all__ = ["LocalBus", "LocalTransport"]


class LocalBus:
    """What joins the nodes: `Node(tree, transports=[LocalTransport(bus)])` for each of them.

    The nodes may run on event loops of several threads.
    """

    def __init__(self) -> None:
        """Join nobody yet."""
        self._ends: dict[str, tuple[asyncio.AbstractEventLoop, Receive]] = {}

    def join(self, node: str, receive: Receive) -> None:
        """Give what comes for this node to `receive`, on the calling event loop."""
        self._ends[node] = (asyncio.get_running_loop(), receive)

    def leave(self, node: str, receive: Receive) -> None:
        """Give nothing more to `receive`."""
        end = self._ends.get(node)
        if end is not None and end[1] == receive:
            del self._ends[node]

    def carry(self, source: str, packets: Sequence[Packet]) -> None:
        """Carry packets in order; a node that is not there gets nothing."""
        for to, data in packets:
            names = [name for name in self._ends if name != source] if to is None else [to]
            for name in names:
                end = self._ends.get(name)
                if end is not None:
                    loop, receive = end
                    with suppress(RuntimeError):  # that loop has ended, and its node with it
                        loop.call_soon_threadsafe(receive, data)


class LocalTransport(Transport):
    """Carries packets between the nodes of one process."""

    def __init__(self, bus: LocalBus, *, codec: Codec | None = None) -> None:
        """Join this bus when it is started."""
        super().__init__()
        self.bus = bus
        self.codec = codec
        self._receive: Receive | None = None

    async def open(self, receive: Receive) -> None:
        """Join the bus."""
        self._receive = receive
        self.bus.join(self.node_name, receive)

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Carry the packets."""
        self.bus.carry(self.node_name, packets)

    async def close(self) -> None:
        """Leave the bus."""
        if self._receive is not None:
            self.bus.leave(self.node_name, self._receive)
