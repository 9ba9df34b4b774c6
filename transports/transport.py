"""Transport: a supervised worker that carries packets between nodes.

An implementer overrides `open`, `publish` and `close`, and calls `lost` when the connection has
gone. Everything else is here or above: what is in a packet, numbers and repeats (`link.py`), who is
known (`discovery.py`), reconnecting (the supervisor's restart policy, without end).

The instance that a user gives to a node is the prototype of its incarnations: each start is a
shallow copy of it. So `__init__` keeps settings only, and `open` makes whatever must be new.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar, NamedTuple, Protocol, Self

from ..actors.cell import State
from ..actors.dispatch import fail
from ..actors.worker import Worker
from .codec import Codec
from .gate import Gate

__all__ = ["MUCH", "Carriage", "Packet", "Receive", "Spare", "Transport"]

MUCH = 1024
"""Bytes of a packet after which whoever reads gives the loop a turn before the next one, so that
what was asked is done and answered while the next is taken in, and not after all of them."""


class Packet(NamedTuple):
    """Bytes on their way: to the node of this name, or to all nodes."""

    to: str | None
    data: bytes


class Receive(Protocol):
    """Where a transport brings what comes in."""

    def __call__(self, data: bytes, sender: str | None = None, /) -> None:
        """Take the bytes of one packet.

        `sender` is the name of the node that the connection belongs to, where the transport knows
        it for a fact: then a packet that claims another is refused.
        """
        ...


class Spare(Protocol):
    """A second way out, used from a thread of its own while the node's event loop is blocked."""

    async def open(self) -> None:
        """Connect, on the thread's own event loop."""
        ...

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Carry the packets."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Carriage(Protocol):
    """What a transport needs of its node: the router."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    @property
    def incarnation(self) -> int:
        """The node's incarnation."""
        ...

    def up(self, transport: Transport, /) -> None:
        """Take note that the transport is connected: the node announces itself over it."""
        ...

    def down(self, transport: Transport, /) -> None:
        """Take note that it is not connected any more."""
        ...

    def part(self, transport: Transport, /) -> None:
        """Say goodbye over a transport that is told to stop, before it is down."""
        ...

    def receive(self, transport: Transport, data: bytes, sender: str | None, /) -> None:
        """Take the bytes of one packet."""
        ...


class Transport(Worker):
    """Carries packets between nodes; see the module's text for what a subclass overrides."""

    announced: ClassVar[bool] = False

    patience: float = 60.0
    """Seconds of its own outage that are not held against the nodes behind it (a broker is gone
    for all of them). After these they are declared down. 0 where the connection is the node."""

    leads_to: str | None = None
    """The node that the connection itself leads to, where others are behind that (a hub): an
    outage may well be its end, and excuses the silence of the others only."""

    down_after: float | None = None
    """Seconds of silence after which a node behind it is down; `None`: the node's setting."""

    gate: Gate | None = None
    """What may pass, where that is not everything: a proxy's two workers."""

    codec: Codec | None = None
    """How values become bytes; `None`: the node's codec."""

    _carriage: Carriage | None = None
    _outbox: list[Packet] | None = None
    _wakeup: asyncio.Future[None] | None = None
    _running: asyncio.Task[None] | None = None
    _leaving = False

    # -- what a subclass overrides ----

    async def open(self, receive: Receive) -> None:
        """Connect. When it returns, packets to this node and to all come to `receive`, in order.

        Where several have come at once, `await asyncio.sleep(0)` after one of `MUCH` bytes or more.
        Any error is a failed attempt: the next one follows after a growing delay.
        """
        raise NotImplementedError(f"{type(self).__name__} has no open()")

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Carry the packets, in order: all that were ready in one turn of the loop.

        It is called again only when it has returned. What cannot be carried now may be lost, as
        long as an error says so here, or `lost` does: the links send it again.
        """
        raise NotImplementedError(f"{type(self).__name__} has no publish()")

    async def close(self) -> None:
        """Let go of the connection; also after an `open` that failed. It must not need it.

        It may be cancelled when the time to stop is over: what counts goes before its first await.
        """

    async def forget(self, node: str) -> None:
        """Remove what a node that is down has left at the broker; most have nothing to remove."""

    def spare(self) -> Spare | None:
        """Return a second way out, for heartbeats while the event loop is blocked; None: no way."""
        return None

    # -- what a subclass uses ----

    @property
    def node_name(self) -> str:
        """The name of the node that it carries for."""
        return self.carriage.name

    @property
    def carriage(self) -> Carriage:
        """The node's router."""
        if self._carriage is None:
            raise RuntimeError(f"{type(self).__name__} belongs to no node: Node(transports=[...])")
        return self._carriage

    def lost(self, error: BaseException) -> None:
        """Fail, because the connection has gone: from a reader's task, say; at most once counts."""
        if self._running is not None and not self._running.done():
            fail(self._place, error)

    # -- the runtime's side ----

    def attached(self, carriage: Carriage) -> Self:
        """Return the next incarnation, for this node."""
        made = copy.copy(self)
        made._carriage = carriage
        return made

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._outbox is not None

    @property
    def unsent(self) -> int:
        """Packets that wait for those before them to be carried."""
        return len(self._outbox) if self._outbox is not None else 0

    def post(self, to: str | None, data: bytes) -> None:
        """Have a packet carried with the others of this turn; nothing while not connected."""
        outbox = self._outbox
        if outbox is None:
            return
        outbox.append(Packet(to, data))
        wakeup = self._wakeup
        if wakeup is not None:
            self._wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

    async def on_start(self) -> None:
        """Begin to connect: the node does not wait for a broker."""
        cell = self._place
        self._running = cell.runtime.spawn(self._run(), cell.runtime.new_context(cell.ref))

    async def on_stop(self) -> None:
        """Say goodbye, send what is ready, and disconnect."""
        self.carriage.part(self)
        await self._leave(flush=True)

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the next incarnation connects again."""
        await self._leave(flush=False)

    def release(self) -> None:
        """Disconnect also where no hook was called: what is killed has none; for the runtime."""
        super().release()
        if self._running is not None and not self._leaving:
            if not self._running.cancel():
                self._place.runtime.spawn(self.close())

    async def _leave(self, *, flush: bool) -> None:
        self._leaving = True
        outbox, self._outbox = self._outbox, None
        carriage, running = self.carriage, self._running
        carriage.down(self)
        try:
            if running is not None:
                running.cancel()
                await asyncio.wait([running])
            if flush and outbox:
                await self.publish(outbox)
        finally:
            await self.close()

    async def _run(self) -> None:
        """Connect, then publish what is ready at each turn of the loop."""
        try:
            # What is not running yet cannot fail, and a first attempt may fail at once.
            while self._place.state is State.STARTING:  # noqa: ASYNC110 - a turn or two
                await asyncio.sleep(0)
            await self.open(self._received)
            loop = asyncio.get_running_loop()
            outbox: list[Packet] = []
            self._outbox = outbox
            self.carriage.up(self)
            while True:
                if not outbox:
                    self._wakeup = loop.create_future()
                    await self._wakeup
                batch, outbox = outbox, []
                self._outbox = outbox
                await self.publish(batch)
        except asyncio.CancelledError:
            if not self._leaving:
                self._outbox = None
                self.carriage.down(self)
                await self.close()
            raise
        except Exception as error:
            fail(self._place, error)

    def _received(self, data: bytes, sender: str | None = None, /) -> None:
        self.carriage.receive(self, data, sender)
