"""One connection, on either side: bounded both ways, and watched for silence.

What is sent goes straight into the socket's buffer; who sends more than `Limits.buffered` waits
for room. What comes is handed on one by one, no faster than the limits allow: while that waits,
nothing more is read, and the other side feels it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from ..transport import MUCH
from .errors import ConnectionLost, Leave, brief
from .library import ClientSocket, ConnectionClosed, ServerSocket, State, post_to

__all__ = ["Connection", "Limits", "Take"]


class Take(Protocol):
    """Takes what comes; what it returns is waited for before the next one is read."""

    def __call__(self, data: bytes | str, /) -> Awaitable[None] | None:
        """Take one message."""
        ...


@dataclass(frozen=True)
class Limits:
    """What one connection may cost, and how long it may be silent."""

    size: int = 4 * 2**20
    """Bytes of a message; a longer one closes the connection (1009)."""
    buffered: int = 2**20
    """Bytes that wait for the other side to read, before who sends them waits too."""
    slow_after: float = 2.0
    """Seconds that others wait for it, before it is closed as too slow (1013)."""
    per_second: int | None = None
    """Messages that are taken from it in one second; the others have to wait. None: all."""
    ping_interval: float = 1.0
    """Seconds between two pings: so each side hears the other, also when there is nothing to say.
    Whoever is silent for four times as long is gone."""

    @property
    def silence(self) -> float:
        """Seconds without a byte after which the other side is gone."""
        return 4 * self.ping_interval


class Connection:
    """A connection whose first messages have been exchanged."""

    def __init__(self, socket: ClientSocket | ServerSocket, node: str, limits: Limits) -> None:
        """Lead to this node."""
        self.node = node
        self._socket = socket
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._busy = False
        """Whether what came last is still being taken: silence is not the other side's then."""
        self._silent: ConnectionLost | None = None
        self._window = (0.0, 0)
        """When the present second began, and how many messages have come in it."""
        socket.heard = self._loop.time()
        self._watchdog = self._loop.create_task(self._watch())

    def __repr__(self) -> str:
        """Show where it leads."""
        return f"<Connection to {self.node!r}>"

    @property
    def is_open(self) -> bool:
        """Whether something may be sent."""
        return self._socket.state is State.OPEN

    @property
    def is_full(self) -> bool:
        """Whether as much waits for the other side as may."""
        return self._waiting() > self._limits.buffered

    def post(self, data: bytes) -> None:
        """Send, without waiting; nothing if the connection has gone. See `room`."""
        post_to((self._socket,), data)

    async def room(self) -> None:
        """Wait until the other side has read enough; one that does not in time is closed."""
        if not self.is_full:
            return
        try:
            async with asyncio.timeout(self._limits.slow_after):
                while self.is_open and self.is_full:
                    await self._socket.drain()
        except TimeoutError:
            self.abandon(Leave.OVERLOAD, "it does not read what is sent to it")
        except OSError:
            pass  # it has gone: whoever reads from it hears why

    async def read(self, take: Take) -> None:
        """Hand on what comes, until the connection has gone.

        Raises:
            ConnectionLost: always, in the end.

        """
        socket = self._socket
        try:
            while True:
                data = await socket.recv()
                self._busy = True
                try:
                    if self._limits.per_second is not None:
                        await self._pace(self._limits.per_second)
                    done = take(data)
                    if done is not None:
                        await done
                    elif len(data) >= MUCH:
                        await asyncio.sleep(0)
                finally:
                    self._busy = False
                    socket.heard = self._loop.time()
        except ConnectionClosed as error:
            raise self._loss(error) from None

    async def closed(self) -> None:
        """Return when it has gone."""
        await self._socket.wait_closed()

    async def close(self, code: Leave = Leave.DONE, reason: str = "") -> None:
        """Close it in order; one that does not answer, or is not waited for, is cut off."""
        self._watchdog.cancel()
        try:
            # The library gives up after `close_timeout`, where the other side does not answer.
            await self._socket.close(int(code), brief(reason))
        except BaseException:
            self._socket.transport.abort()
            raise

    def abandon(self, code: Leave, reason: str) -> None:
        """Cut it off, telling the other side why if that can still be told."""
        if self._silent is None:
            self._silent = ConnectionLost(int(code), reason)
        self._watchdog.cancel()
        if self._waiting() <= self._limits.buffered:
            closing = self._loop.create_task(self._socket.close(int(code), brief(reason)))
            closing.add_done_callback(_look)
        else:
            self._socket.transport.abort()

    def _waiting(self) -> int:
        transport = cast("asyncio.WriteTransport", self._socket.transport)
        return transport.get_write_buffer_size()

    def _loss(self, error: ConnectionClosed) -> ConnectionLost:
        self._watchdog.cancel()
        if self._silent is not None:
            return self._silent
        received, sent = error.rcvd, error.sent
        if received is not None and (sent is None or error.rcvd_then_sent):
            return ConnectionLost(received.code, received.reason)
        if sent is not None:  # the library found fault with what came
            return ConnectionLost(1006, f"it was closed here: {sent.reason or sent.code}")
        return ConnectionLost(1006, "the connection has gone without a word")

    async def _pace(self, most: int) -> None:
        now = self._loop.time()
        begun, count = self._window
        if now - begun >= 1.0:
            begun, count = now, 0
        if count >= most:
            await asyncio.sleep(begun + 1.0 - now)
            begun, count = self._loop.time(), 0
        self._window = (begun, count + 1)

    async def _watch(self) -> None:
        """Ping, and cut off whoever is silent for too long."""
        interval, socket = self._limits.ping_interval, self._socket
        while True:
            due = self._loop.time() + interval
            await asyncio.sleep(interval)
            now = self._loop.time()
            if self._busy or now - due > interval:
                # It is this side that does not read: what has come meanwhile is not known yet.
                socket.heard = now
            if now - socket.heard >= self._limits.silence:
                text = f"nothing was heard on the connection for {now - socket.heard:.1f} s"
                self._silent = ConnectionLost(1006, text)
                socket.transport.abort()
                return
            if self.is_open and not self._waiting():
                with suppress(ConnectionClosed, OSError, RuntimeError):
                    await socket.ping()


def _look(task: asyncio.Task[None]) -> None:
    """Look at how a close has ended, so that nobody complains that nobody did."""
    if not task.cancelled():
        task.exception()
