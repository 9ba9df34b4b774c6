"""A transport on a node of its own, with a router that only notes what comes."""

from __future__ import annotations

import functools
from types import TracebackType
from typing import Self

from callboard import Child, Node, Supervisor
from callboard.actors.testing import eventually
from callboard.supervision.restarts import Backoff, Restarts
from callboard.transports.transport import Transport

__all__ = ["End"]

QUICK = Restarts(None, backoff=Backoff(min=0.05, max=0.5))


class End:
    """`async with End("a", WebSocketTransport(url)) as end:`; the transport's node and router."""

    def __init__(self, name: str, prototype: Transport) -> None:
        self.name = name
        self.incarnation = 1
        self.prototype = prototype
        self.transport: Transport | None = None
        self.received: list[tuple[bytes, str | None]] = []
        self.ups = 0
        self.downs = 0
        child = Child("way", functools.partial(prototype.attached, self))
        self.node = Node(lambda: Supervisor([child], restarts=QUICK), name=name, watchdog=False)

    async def __aenter__(self) -> Self:
        await self.node.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.node.stop()

    def up(self, transport: Transport, /) -> None:
        self.ups += 1
        self.transport = transport

    def down(self, transport: Transport, /) -> None:
        if self.transport is transport:
            self.downs += 1
            self.transport = None

    def part(self, transport: Transport, /) -> None:
        """There is nobody to say goodbye to."""

    def receive(self, transport: Transport, data: bytes, sender: str | None = None, /) -> None:
        self.received.append((data, sender))

    def post(self, to: str | None, data: bytes) -> None:
        assert self.transport is not None, f"{self.name} is not connected"
        self.transport.post(to, data)

    async def connected(self, within: float = 10.0) -> None:
        await eventually(lambda: self.transport is not None, within=within)

    async def got(self, number: int, within: float = 10.0) -> list[tuple[bytes, str | None]]:
        await eventually(lambda: len(self.received) >= number, within=within)
        return self.received

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.node.events.counts)
