"""PgmqTransport: nodes that share a Postgres with PGMQ, the message queue that is plain SQL.

Each node has one queue. What is for it is one row there and nowhere else; what is for all is one
row in each queue. Rows are durable, and are deleted only after the node has them.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self
from weakref import WeakKeyDictionary

from ..codec import Codec
from ..masking import mask_url
from ..transport import Carriage, Packet, Receive, Spare, Transport
from .backend import Backend, Life
from .connections import Connections, FromPool, FromUrl
from .direct import DirectBackend
from .errors import PgmqError
from .isolated import IsolatedBackend
from .pace import Pace
from .reader import LEASE, Reader

__all__ = ["PgmqTransport"]

logger = logging.getLogger("callboard.pgmq")

SWEPT_EVERY = 15.0
"""Seconds between the looks for queues that are abandoned."""

LEAVE_WITHIN = 2.0
"""Seconds for what a node that stops still does at the database."""

CLOSE_WITHIN = 1.0
"""Seconds for a backend to let go of its connections."""

CLOSING: set[asyncio.Task[None]] = set()
"""What is being closed."""


class PgmqTransport(Transport):
    """Carries packets over PGMQ.

        Node(tree, transports=[PgmqTransport("postgresql://user:password@host/database")])

    It uses two connections. Behind a pooler that gives each statement to another session (PgBouncer
    in transaction mode) notifications do not get through, and it polls instead.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: object = None,
        backend: Backend | None = None,
        channel: str = "callboard",
        isolated: bool = False,
        visibility_timeout: float = 30.0,
        batch_size: int = 10,
        poll_interval: float = 0.1,
        max_poll_seconds: float = 5.0,
        codec: Codec | None = None,
    ) -> None:
        """Prepare to connect to one of `url`, `client` or `backend`.

        `client` is an asyncpg pool or an async client of `pgmq`, initialised, of two connections or
        more; it stays yours. `backend` is an object of yours (`callboard.transports.pgmq.backend`).
        Nodes on different channels do not know of each other. `isolated` is for a login that may
        only execute the functions that `callboard pgmq install --isolated` has installed.

        Seconds: `visibility_timeout` until a row that was read and not deleted comes back,
        `poll_interval` and `max_poll_seconds` for the looks where notifications do not get
        through. At most `batch_size` rows are read at a time, and fewer where that takes long.

        Raises:
            ValueError: none or several of the three are given, or a number is not above zero.

        """
        super().__init__()
        given = [each for each in (url, client, backend) if each is not None]
        if len(given) != 1:
            raise ValueError(
                "PgmqTransport takes one of a URL, client= and backend=, and "
                f"was given {len(given) or 'none'} of them"
            )
        if isolated and backend is not None:
            raise ValueError("isolated= is for a URL or a client: a backend is what it is")
        numbers = {
            "visibility_timeout": visibility_timeout,
            "batch_size": batch_size,
            "poll_interval": poll_interval,
            "max_poll_seconds": max_poll_seconds,
        }
        for name, number in numbers.items():
            if not number > 0:
                raise ValueError(f"{name} must be more than 0, is {number!r}")
        if not channel or "\0" in channel or not channel.isprintable():
            raise ValueError(f"channel must be a printable text, is {channel!r}")
        self.codec = codec
        self.channel = channel
        self.isolated = isolated
        self.visibility_timeout = visibility_timeout
        self.batch_size = batch_size
        self.poll_interval = poll_interval
        self.max_poll_seconds = max_poll_seconds
        self._url = url
        self._client = client
        self._given = backend
        self._lives: WeakKeyDictionary[Carriage, Life] = WeakKeyDictionary()
        self._paces: WeakKeyDictionary[Carriage, Pace] = WeakKeyDictionary()
        self._stops: float | None = None
        """When a node that stops must have left; None: it does not stop."""
        self._backend: Backend | None = None
        self._reader: Reader | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._swept: asyncio.Event | None = None
        self.queue = ""
        """The name of the node's queue, once it is open."""
        self.listens = False
        """Whether it hears of new rows at once, and does not poll."""
        self.undelivered = 0
        """Packets for nodes that had no queue."""

    def __repr__(self) -> str:
        """Show where to, without what is secret."""
        given = type(self._client or self._given).__name__
        where = mask_url(self._url) if self._url is not None else given
        return f"PgmqTransport({where}, channel={self.channel!r})"

    @property
    def unreadable(self) -> int:
        """Rows that were removed because they could not be decoded."""
        return self._reader.unreadable if self._reader is not None else 0

    @property
    def repeated(self) -> int:
        """Rows that came once more, because they could not be deleted, and were not handed over."""
        return self._reader.repeated if self._reader is not None else 0

    def attached(self, carriage: Carriage) -> Self:
        """Return the next incarnation, for this node."""
        made = super().attached(carriage)
        self._lives.setdefault(carriage, Life(secrets.token_hex(16)))
        self._paces.setdefault(carriage, Pace(self.batch_size))
        made._tasks = []
        return made

    # -- the hooks ----

    async def on_start(self) -> None:
        """Refuse a client that cannot work, and begin to connect."""
        if self._client is not None:
            FromPool(self._client).check()
        await super().on_start()

    async def on_stop(self) -> None:
        """Send what is ready, remove the queue, and disconnect."""
        self._stops = asyncio.get_running_loop().time() + LEAVE_WITHIN
        await super().on_stop()

    # -- the transport ----

    async def open(self, receive: Receive) -> None:
        """Connect, have a queue, and begin to read it."""
        backend = self._backend = self._given or self._made()
        life = self._lives[self.carriage]
        reader = self._reader = Reader(
            backend,
            receive,
            self._rejoin,
            pace=self._paces[self.carriage],
            longest_poll=self.max_poll_seconds,
        )
        await self._rejoin()
        life.held = True
        self.listens = await backend.listen(reader.wake, self.lost)
        if not self.listens and not life.warned:
            life.warned = True
            logger.warning(
                "notifications of Postgres do not get through to %s (a pooler in transaction "
                "mode?): it polls, every %g s. A pooler in session mode is better",
                self.node_name,
                self.poll_interval,
            )
        self._swept = asyncio.Event()
        self._begin(reader.run(listens=self.listens))
        self._begin(self._sweep(backend, self._swept))

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Put the packets into the queues of their nodes."""
        backend = self._backend
        if backend is None:
            raise PgmqError("not connected to Postgres: the transport has not been opened")
        sending = asyncio.ensure_future(self._send(backend, packets))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            # A node that stops says goodbye with what is on its way just now.
            if self._stops is None:
                sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            raise

    async def close(self) -> None:
        """Let go of the connections; a node that stops removes its queue before."""
        backend, self._backend = self._backend, None
        tasks, self._tasks = self._tasks, []
        closing = asyncio.ensure_future(self._close(backend, tasks))
        # Who is killed has no time, but its connections are closed all the same.
        CLOSING.add(closing)
        closing.add_done_callback(CLOSING.discard)
        await asyncio.shield(closing)

    async def forget(self, node: str) -> None:
        """Have the queue of a node that is down removed, once its lease has ended."""
        if self._swept is not None:
            self._swept.set()

    def spare(self) -> Spare | None:
        """Return a connection to send over while the event loop is blocked; a pool has none."""
        return self._backend.spare() if self._backend is not None else None

    # -- inside ----

    def _made(self) -> Backend:
        connections: Connections = (
            FromUrl(self._url, f"callboard {self.node_name}")
            if self._url is not None
            else FromPool(self._client)
        )
        kind = IsolatedBackend if self.isolated else DirectBackend
        return kind(
            connections, visibility=self.visibility_timeout, poll_interval=self.poll_interval
        )

    async def _rejoin(self) -> None:
        backend, life = self._backend, self._lives[self.carriage]
        if backend is None:
            return
        self.queue = await backend.join(self.channel, self.node_name, life, LEASE)
        if not self.queue:
            raise PgmqError("the backend gave the node's queue no name: join() must return one")

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.ensure_future(self._or_lost(work)))

    async def _or_lost(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self.lost(error)

    async def _sweep(self, backend: Backend, asked: asyncio.Event) -> None:
        """Remove abandoned queues: now, from time to time, and after a node has gone down."""
        while True:
            await backend.sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEPT_EVERY):
                    await asked.wait()
            if asked.is_set():
                asked.clear()
                # At once, for it may have ended its lease long ago; and when it must have.
                await backend.sweep()
                await asyncio.sleep(LEASE)

    async def _send(self, backend: Backend, packets: Sequence[Packet]) -> None:
        try:
            async with asyncio.timeout_at(self._stops):
                self.undelivered += await backend.send(packets)
        except Exception as error:
            if self._stops is None:
                raise
            self._regret("what was ready could not be sent", error)

    async def _close(self, backend: Backend | None, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if backend is None:
            return
        if self._stops is not None and self.queue:
            try:
                async with asyncio.timeout_at(self._stops):
                    await backend.leave()
            except Exception as error:
                self._regret("its queue could not be removed; another node will", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await backend.close()

    def _regret(self, what: str, error: Exception) -> None:
        text = mask_url(str(error)) or type(error).__name__
        logger.warning("%s stops: %s (%s)", self.node_name, what, text)
