"""A Pipecat channel on PGMQ: a queue for each process, and what is said goes into all of them."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Any, Protocol

from ..pgmq.connections import ANSWER_WITHIN, Connections, Session
from ..pgmq.errors import NotInstalled, PgmqError, QueueGone
from .channel import Lost, Take
from .wire import SIZE, Wire

__all__ = ["DirectQueues", "IsolatedQueues", "PgmqChannel", "Queues", "prefix_of"]

LONGEST_PREFIX = 30
VISIBILITY = 30
"""Seconds until a message that was read and not deleted comes back."""

BATCH = 100
"""Messages that are read at a time."""

LOOKS_FOR = 5
"""Seconds that one look into the queue waits for a message."""

LOOKS_EVERY = 50
"""Milliseconds between two looks of the database while it waits."""

LEAVE_WITHIN = 2.0
"""Seconds for what is still done at the database when the transport stops."""

REMEMBERED = 1000
"""Messages that were handed over, in case they come back because they could not be deleted."""

CREATE = "SELECT pgmq.create($1)"
READ = "SELECT msg_id, message::text FROM pgmq.read_with_poll($1, $2, $3, $4, $5)"
DELETE = "SELECT pgmq.delete($1, $2::bigint[])"
DROP = "SELECT pgmq.drop_queue($1)"
# The queues are listed anew each time: so nobody who has just come is left out.
SEND = """
SELECT queue_name, (SELECT count(*) FROM pgmq.send_batch(queue_name, $3::text[]::jsonb[]))
FROM pgmq.meta
WHERE queue_name ~ $1 AND queue_name <> $2 AND to_regclass('pgmq.q_' || queue_name) IS NOT NULL
"""

JOIN = "SELECT public.bus_join($1)"
PUBLISH = "SELECT public.bus_publish($1, $2, $3::text::jsonb)"
SUBSCRIBE = "SELECT msg_id, message::text FROM public.bus_subscribe($1, $2, $3, $4, $5)"
ARCHIVE = "SELECT public.bus_archive($1, $2, each) FROM unnest($3::bigint[]) AS each"
LEAVE = "SELECT public.bus_leave($1, $2)"


def prefix_of(channel: str) -> str:
    """Return how the names of the queues of a channel begin, without the underscore that follows.

    It is Pipecat's own rule, by which two channels may come to the same.
    """
    prefix = re.sub(r"[^A-Za-z0-9_]", "_", channel)
    if prefix[:1].isdigit():
        prefix = f"q_{prefix}"
    return prefix[:LONGEST_PREFIX] or "pipecat_bus"


class Queues(Protocol):
    """The queues of a channel; `queue` is our own."""

    async def join(self, session: Session, queue: str) -> str:
        """Have a queue, the one we had if there is one; return its name."""
        ...

    async def publish(self, session: Session, queue: str, messages: Sequence[str]) -> None:
        """Put the messages into all queues; into our own, or not."""
        ...

    async def read(self, session: Session, queue: str) -> list[tuple[int, str]]:
        """Wait a while for messages, and return them with their numbers."""
        ...

    async def delete(self, session: Session, queue: str, numbers: Sequence[int]) -> None:
        """Remove messages from our queue."""
        ...

    async def leave(self, session: Session, queue: str) -> None:
        """Remove our queue."""
        ...


class DirectQueues:
    """By the functions of PGMQ itself."""

    def __init__(self, channel: str) -> None:
        """Speak of the queues of this channel."""
        self._prefix = prefix_of(channel)
        # Longer names that begin alike are of another channel.
        self._pattern = f"^{self._prefix}_[0-9a-f]{{12}}$"

    async def join(self, session: Session, queue: str) -> str:
        """Have a queue."""
        queue = queue or f"{self._prefix}_{secrets.token_hex(6)}"
        await session.fetch(CREATE, queue)
        return queue

    async def publish(self, session: Session, queue: str, messages: Sequence[str]) -> None:
        """Put the messages into all queues but our own, once more if one was dropped meanwhile."""
        try:
            await session.fetch(SEND, self._pattern, queue, messages)
        except QueueGone:
            await session.fetch(SEND, self._pattern, queue, messages)

    async def read(self, session: Session, queue: str) -> list[tuple[int, str]]:
        """Wait a while for messages."""
        look = (queue, VISIBILITY, BATCH, LOOKS_FOR, LOOKS_EVERY)
        found = await session.fetch(READ, *look, timeout=LOOKS_FOR + ANSWER_WITHIN)
        return [(row[0], row[1]) for row in found]

    async def delete(self, session: Session, queue: str, numbers: Sequence[int]) -> None:
        """Remove messages from our queue."""
        await session.fetch(DELETE, queue, numbers)

    async def leave(self, session: Session, queue: str) -> None:
        """Remove our queue."""
        await session.fetch(DROP, queue)


class IsolatedQueues:
    """By the five functions of a deployment whose logins may see nothing else.

    Pipecat ships no SQL for them: they are those of whoever runs the database.
    """

    def __init__(self, channel: str) -> None:
        """Speak of the queues of this channel."""
        self._channel = channel

    async def join(self, session: Session, queue: str) -> str:
        """Have a queue."""
        if queue:
            return queue
        [row] = await self._call(session, JOIN, self._channel)
        return str(row[0] or "")

    async def publish(self, session: Session, queue: str, messages: Sequence[str]) -> None:
        """Put the messages into all queues."""
        for message in messages:
            await self._call(session, PUBLISH, self._channel, queue, message)

    async def read(self, session: Session, queue: str) -> list[tuple[int, str]]:
        """Wait a while for messages."""
        look = (queue, self._channel, VISIBILITY, BATCH, LOOKS_FOR)
        found = await self._call(session, SUBSCRIBE, *look, timeout=LOOKS_FOR + ANSWER_WITHIN)
        return [(row[0], row[1]) for row in found]

    async def delete(self, session: Session, queue: str, numbers: Sequence[int]) -> None:
        """Remove messages from our queue."""
        await self._call(session, ARCHIVE, queue, self._channel, numbers)

    async def leave(self, session: Session, queue: str) -> None:
        """Remove our queue."""
        await self._call(session, LEAVE, queue, self._channel)

    async def _call(self, session: Session, query: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await session.fetch(query, *arguments, **options)
        except NotInstalled as error:
            raise PgmqError(
                "the database lacks the functions bus_join, bus_publish, bus_subscribe, "
                f"bus_archive and bus_leave of an isolated Pipecat channel ({error.__cause__})"
            ) from error


class Keeping(Protocol):
    """What outlives one connection."""

    queue: str
    """The name of our queue; empty before there is one."""


class PgmqChannel:
    """Two connections to Postgres: one that waits for messages, and one that sends."""

    gap = 0.05
    settles = 1.2  # a process of theirs lists the queues once a second

    def __init__(
        self, connections: Connections, queues: Queues, keeping: Keeping, size: int = SIZE
    ) -> None:
        """Prepare to connect."""
        self.wire = Wire(size, jsonb=True)
        self._connections = connections
        self._queues = queues
        self._keeping = keeping
        self._sessions: list[Session] = []
        self._reading: asyncio.Task[None] | None = None
        self._lost: Lost | None = None

    async def open(self, take: Take, lost: Lost) -> None:
        """Connect, and have a queue.

        Raises:
            PgmqError: the database does not let us; what it says stands in the text.

        """
        while len(self._sessions) < 2:
            self._sessions.append(await self._connections.open())
        reader, sender = self._sessions
        queue = self._keeping.queue = await self._queues.join(sender, self._keeping.queue)
        if not queue:
            raise PgmqError("the database gave our queue no name: bus_join must return one")
        self._lost = lost
        for session in self._sessions:
            session.connection.add_termination_listener(self._terminated)
        self._reading = asyncio.create_task(self._read(reader, queue, take, lost))

    async def publish(self, messages: Sequence[bytes]) -> None:
        """Say it to all, in one go."""
        if len(self._sessions) < 2:
            raise PgmqError("not connected to Postgres: the channel has not been opened")
        texts = [each.decode() for each in messages]
        await self._queues.publish(self._sessions[1], self._keeping.queue, texts)

    async def close(self, *, leaving: bool) -> None:
        """Disconnect; who leaves removes its queue before."""
        sessions, self._sessions = self._sessions, []
        reading, self._reading = self._reading, None
        for session in sessions:
            session.connection.remove_termination_listener(self._terminated)
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        try:
            if leaving and len(sessions) == 2 and self._keeping.queue:
                async with asyncio.timeout(LEAVE_WITHIN):
                    await self._queues.leave(sessions[1], self._keeping.queue)
                self._keeping.queue = ""
        except (PgmqError, OSError, TimeoutError):
            pass  # nobody can remove it now: it stays, as those of killed processes do
        finally:
            await asyncio.gather(*(self._connections.close(each) for each in sessions))

    async def _read(self, session: Session, queue: str, take: Take, lost: Lost) -> None:
        handed: dict[int, None] = {}
        try:
            while True:
                # PGMQ returns what it has read in any order; the numbers are that of sending.
                found = sorted(await self._queues.read(session, queue))
                for number, text in found:
                    if number not in handed:  # else it could not be deleted the last time
                        handed[number] = None
                        take(text.encode())
                while len(handed) > REMEMBERED:
                    del handed[next(iter(handed))]
                if found:
                    numbers = [number for number, _ in found]
                    await self._queues.delete(session, queue, numbers)
        except Exception as error:
            if isinstance(error, QueueGone):
                self._keeping.queue = ""
            lost(error)

    def _terminated(self, connection: object) -> None:
        if self._lost is not None:
            self._lost(ConnectionResetError("the connection to Postgres has ended"))
