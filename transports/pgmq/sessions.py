"""What both of our backends are: two connections, one that receives and one that sends.

The one that receives also listens. It is never inside a transaction of more than one statement, so
it never holds back the notifications of others.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import groupby

from ..transport import Packet, Spare
from .backend import Life, Lost, Reading, Row, Wake
from .connections import Connections, Session
from .errors import PgmqError

__all__ = ["SessionBackend"]

HEARD_WITHIN = 1.0
"""Seconds in which a pooler has to pass on a notification of ours; otherwise it passes on none."""

STATEMENT_PACKETS = 500
STATEMENT_BYTES = 1 << 20
"""What one statement carries at most: one packet, if it is larger. On a slow way all that is in a
statement arrives as late as the last of it, and the other side hears of nothing meanwhile."""

Sending = Callable[[Session, Sequence[Packet]], Awaitable[int]]


class SessionBackend(ABC):
    """A backend over two connections; a subclass has the statements."""

    def __init__(
        self, connections: Connections, *, visibility: float = 30.0, poll_interval: float = 0.1
    ) -> None:
        """Prepare; `visibility` and `poll_interval` are seconds."""
        self.visibility = visibility
        self.poll_interval = poll_interval
        self.channel = self.node = self.queue = ""
        self.life = Life("")
        self._connections = connections
        self._sessions: list[Session] = []
        self._sending = asyncio.Lock()
        self._token = ""
        """The name that Postgres notifies by: nobody can guess it, for a row may come along."""
        self._heard: str | None = None
        """The token that is listened to."""
        self._wake: Wake | None = None
        self._lost: Lost | None = None

    # -- the statements ----

    @abstractmethod
    async def _join(self, session: Session, lease: float) -> tuple[str, str]:
        """Have the queue ready; return its name and its token."""

    @abstractmethod
    async def _read(self, session: Session, reading: Reading) -> Sequence[Row]:
        """Return rows, in any order."""

    @abstractmethod
    async def _tell(self, session: Session, nodes: Sequence[str], data: Sequence[bytes]) -> int:
        """Put each packet into the queue of the node beside it; return how many could not be."""

    @abstractmethod
    async def _tell_all(self, session: Session, data: Sequence[bytes]) -> None:
        """Put each packet into the queue of each other node."""

    @abstractmethod
    async def _sweep(self, session: Session) -> int:
        """Remove the queues of the channel whose lease has ended."""

    @abstractmethod
    async def _leave(self, session: Session) -> None:
        """Remove the node's own queue."""

    # -- the backend ----

    async def join(self, channel: str, node: str, life: Life, lease: float) -> str:
        """Connect unless that is done, and have the queue ready."""
        self.channel, self.node, self.life = channel, node, life
        while len(self._sessions) < 2:
            self._sessions.append(await self._connections.open())
        async with self._sending:
            self.queue, self._token = await self._join(self._sender, lease)
        if not self.queue:
            raise PgmqError("the database gave the node's queue no name: install the SQL anew")
        if self._heard is not None and self._heard != self._token:
            await self._listen()
        return self.queue

    async def listen(self, wake: Wake, lost: Lost) -> bool:
        """Listen on the connection that receives, where notifications get through."""
        self._wake, self._lost = wake, lost
        for session in self._sessions:
            session.connection.add_termination_listener(self._terminated)
        if self._reader.pooled and not await self._hears():
            return False
        await self._listen()
        return True

    async def read(self, reading: Reading) -> Sequence[Row]:
        """Delete what is done, and return what is waiting."""
        return sorted(await self._read(self._reader, reading), key=lambda row: row.id)

    async def send(self, packets: Sequence[Packet]) -> int:
        """Send in as few statements as their order allows: mostly it is one."""
        async with self._sending:
            return await self._send(self._sender, packets)

    async def sweep(self) -> int:
        """Remove what is abandoned."""
        async with self._sending:
            return await self._sweep(self._sender)

    async def leave(self) -> None:
        """Remove the node's own queue."""
        async with self._sending:
            await self._leave(self._sender)

    async def close(self) -> None:
        """Let go of both connections."""
        sessions, self._sessions = self._sessions, []
        self._heard, self._wake, self._lost = None, None, None
        for session in sessions:
            session.connection.remove_termination_listener(self._terminated)
        await asyncio.gather(*(self._connections.close(session) for session in sessions))

    def spare(self) -> Spare | None:
        """Return a connection for another event loop."""
        connections = self._connections.elsewhere()
        return _Spare(connections, self._send) if connections is not None else None

    # -- inside ----

    @property
    def _reader(self) -> Session:
        return self._session(0)

    @property
    def _sender(self) -> Session:
        return self._session(1)

    def _session(self, number: int) -> Session:
        if len(self._sessions) < 2:
            raise PgmqError("not connected to Postgres: the transport has not been opened")
        return self._sessions[number]

    async def _listen(self) -> None:
        if self._heard is not None:
            await self._reader.unlisten(self._heard)
        await self._reader.listen(self._token, self._notified)
        self._heard = self._token

    async def _hears(self) -> bool:
        """Send ourselves a notification, and see whether it comes."""
        reader, name = self._reader, f"callboard_{secrets.token_hex(16)}"
        heard = asyncio.Event()

        def hear(*_: object) -> None:
            heard.set()

        await reader.listen(name, hear)
        await self._sender.fetch("SELECT pg_notify($1, '')", name)
        try:
            async with asyncio.timeout(HEARD_WITHIN):
                await heard.wait()
        except TimeoutError:
            return False
        finally:
            await reader.unlisten(name)
        return True

    def _notified(self, connection: object, pid: int, channel: str, payload: str) -> None:
        if self._wake is None:
            return
        number, _, message = payload.partition(" ")
        # Anybody who can guess the token may notify; what is no row of ours only wakes.
        brought = number.isascii() and number.isdigit() and len(number) < 19 and message
        self._wake(Row(int(number), message) if brought else None)

    def _terminated(self, connection: object) -> None:
        if self._lost is not None:
            self._lost(ConnectionResetError("the connection to Postgres has ended"))

    async def _send(self, session: Session, packets: Sequence[Packet]) -> int:
        missed = 0
        for to_all, run in groupby(packets, key=lambda packet: packet.to is None):
            for part in _parts(run):
                data = [packet.data for packet in part]
                if to_all:
                    await self._tell_all(session, data)
                else:
                    missed += await self._tell(session, [str(each.to) for each in part], data)
        return missed


class _Spare:
    """One more connection, only to send."""

    def __init__(self, connections: Connections, send: Sending) -> None:
        self._connections = connections
        self._send = send
        self._session: Session | None = None

    async def open(self) -> None:
        """Connect."""
        self._session = await self._connections.open()

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Send the packets."""
        if self._session is None:
            raise PgmqError("not connected to Postgres: call open() first")
        await self._send(self._session, packets)

    async def close(self) -> None:
        """Let go of the connection."""
        session, self._session = self._session, None
        if session is not None:
            await self._connections.close(session)


def _parts(packets: Iterator[Packet]) -> Iterator[list[Packet]]:
    """Give them in parts that one statement can carry."""
    part: list[Packet] = []
    size = 0
    for packet in packets:
        if part and (len(part) == STATEMENT_PACKETS or size + len(packet.data) > STATEMENT_BYTES):
            yield part
            part, size = [], 0
        part.append(packet)
        size += len(packet.data)
    if part:
        yield part
