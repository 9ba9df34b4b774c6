"""A PGMQ transport on a node of its own, with a router that only notes what comes."""

from __future__ import annotations

import functools
from types import TracebackType
from typing import Self

from callboard import Child, Node, Supervisor
from callboard.actors.testing import eventually
from callboard.supervision.restarts import Backoff, Restarts
from callboard.transports.pgmq.transport import PgmqTransport
from callboard.transports.transport import Packet, Transport

__all__ = ["End"]

QUICK = Restarts(None, backoff=Backoff(min=0.05, max=0.5))


class End:
    """`async with End("a", PgmqTransport(url)) as end:`; it counts as a newly started node."""

    def __init__(self, name: str, prototype: PgmqTransport) -> None:
        self.name = name
        self.incarnation = 1
        self.prototype = prototype
        self.received: list[bytes] = []
        self.ups = 0
        self.downs = 0
        self._transport: PgmqTransport | None = None
        child = Child("way", functools.partial(prototype.attached, self))
        self.node = Node(lambda: Supervisor([child], restarts=QUICK), name=name, watchdog=False)

    async def __aenter__(self) -> Self:
        await self.node.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop the node."""
        await self.node.stop()

    # -- what a transport needs of its node ----

    def up(self, transport: Transport, /) -> None:
        assert isinstance(transport, PgmqTransport)
        self.ups += 1
        self._transport = transport

    def down(self, transport: Transport, /) -> None:
        self.downs += 1
        if self._transport is transport:
            self._transport = None

    def part(self, transport: Transport, /) -> None:
        """There is nobody to say goodbye to."""

    def receive(self, transport: Transport, data: bytes, sender: str | None, /) -> None:
        assert sender is None
        self.received.append(data)

    # -- what the tests do ----

    @property
    def transport(self) -> PgmqTransport:
        """The incarnation that is connected."""
        assert self._transport is not None, f"{self.name} is not connected"
        return self._transport

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._transport is not None

    async def opened(self, times: int = 1, within: float = 20.0) -> Self:
        """Wait until it has connected so many times."""
        await eventually(lambda: self.is_up and self.ups >= times, within=within)
        return self

    async def carry(self, to: str | None, *data: bytes) -> None:
        """Publish, and wait until that is done."""
        await self.transport.publish([Packet(to, each) for each in data])

    async def got(self, *data: bytes, within: float = 20.0) -> None:
        """Wait until exactly this has come, in this order."""
        await eventually(lambda: len(self.received) >= len(data), within=within)
        assert self.received == list(data), f"received {self.received}"
