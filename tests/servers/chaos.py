"""A TCP proxy that does to connections what networks do: cuts, silence, delay, narrowness.

It stands on loopback before one port of loopback. `to_server` and `to_client` are the two ways
through it, each with trouble of its own; what is set holds for connections that are there too.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from typing import Self

from callboard.examples.servers.server import LOOPBACK, free_port

__all__ = ["ChaosProxy", "Way"]

CHUNK = 65_536
ON_THE_WAY = 16
"""Chunks that one way of a connection takes in before it hands them on: a network holds little."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for no seconds: closing tells the other side that the connection was reset."""


class Way:
    """One direction, for all connections."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that each byte is later."""
        self.rate: float | None = None
        """Bytes per second that each connection gets through; None: all."""
        self.swallows = False
        """Whether what comes is taken and lost, while the connection seems alive."""
        self.cut_after: int | None = None
        """After so many bytes more, the connection that has carried the last of them is cut."""
        self.carried = 0
        """Bytes that have gone through."""
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Let nothing through, ends of connections neither: it arrives after `release`."""
        self._open.clear()

    def release(self) -> None:
        """Have everything flow again."""
        self._open.set()

    def clear(self) -> None:
        """End all trouble."""
        self.delay, self.rate, self.swallows, self.cut_after = 0.0, None, False, None
        self.release()

    async def passable(self) -> None:
        """Wait until it is not held."""
        await self._open.wait()

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """Return what gets through of this, and whether the connection is cut after it."""
        if self.swallows:
            return b"", False
        if self.cut_after is not None and len(data) >= self.cut_after:
            data, self.cut_after = data[: self.cut_after], None
            self.carried += len(data)
            return data, True
        if self.cut_after is not None:
            self.cut_after -= len(data)
        self.carried += len(data)
        return data, False


class ChaosProxy:
    """`async with ChaosProxy(server.port) as proxy:` and clients that connect to `proxy.port`."""

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Stand before this port; with `tls`, clients speak that, and the server does not."""
        self.target = target
        self.port = free_port()
        self.to_server, self.to_client = Way(), Way()
        self.accepted = 0
        """Connections that there ever were."""
        self._tls = tls
        self._listener: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def listen(self) -> None:
        """Accept connections; it does so from the beginning, and again after `refuse`."""
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._accepted, LOOPBACK, self.port, ssl=self._tls
            )

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        await self.cut()

    async def cut(self) -> None:
        """Reset all connections, on both sides; new ones are accepted."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def hold(self) -> None:
        """Let nothing through either way: a cable that is pulled out."""
        self.to_server.hold()
        self.to_client.hold()

    def clear(self) -> None:
        """End all trouble of both ways."""
        self.to_server.clear()
        self.to_client.clear()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._open[task] = [writer]
        task.add_done_callback(self._ended)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection, until both of its ways have ended, or it is cut."""
        task = asyncio.current_task()
        assert task is not None
        # A network that carries nothing makes no connections either.
        await self.to_server.passable()
        back, forth = await asyncio.open_connection(LOOPBACK, self.target)
        self._open[task].append(forth)
        ways = [
            asyncio.ensure_future(self._carry(self.to_server, reader, forth)),
            asyncio.ensure_future(self._carry(self.to_client, back, writer)),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let go of both sides: in order where it ended in order, otherwise with a reset."""
        in_order = not task.cancelled() and task.exception() is None
        for writer in self._open.pop(task):
            if in_order:
                writer.close()
                continue
            found = writer.get_extra_info("socket")
            if found is not None and found.fileno() >= 0:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    @staticmethod
    async def _carry(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read at once, hand on when it is due: delay is no narrowness."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ON_THE_WAY)

        async def read() -> None:
            while True:
                await way.passable()
                data = await reader.read(CHUNK)
                await waiting.put((loop.time() + way.delay, data))
                if not data:
                    return

        async def write() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await way.passable()
                through, cut = way.take(data)
                if data and through:
                    writer.write(through)
                    await writer.drain()
                    if way.rate is not None:
                        await asyncio.sleep(len(through) / way.rate)
                if cut:
                    raise ConnectionResetError("cut after the bytes that were to get through")
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return

        async with asyncio.TaskGroup() as both:
            both.create_task(read())
            both.create_task(write())
