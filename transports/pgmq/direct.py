"""The direct backend: PGMQ's own functions, for users who may call them.

A table of ours says whose each queue is, and until when: without it nobody could tell a queue that
is abandoned from one whose node is busy. All nodes of a channel log in as one role, or as members
of the role that owns the queues.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from contextlib import suppress

from .backend import Reading, Row
from .connections import ANSWER_WITHIN, Session, taken_within
from .errors import Busy, NameTaken, NotInstalled, QueueGone
from .install import install_leases
from .names import queue_name, topic_name
from .payload import row_of
from .sessions import SessionBackend

__all__ = ["DirectBackend"]

HAS = """
SELECT to_regproc('pgmq.create') IS NOT NULL, to_regclass('callboard.queues') IS NOT NULL,
    to_regprocedure('pgmq.send_batch_topic(text, jsonb[])') IS NOT NULL
"""

NOTIFY = """pg_notify(token, CASE WHEN octet_length(message::text) < 7900
    THEN id || ' ' || message::text ELSE '' END)"""
"""Bring the row along where it fits: that spares the receiver a look, though not the row."""

TELL_ONE = """
SELECT queue, pg_notify(token, CASE WHEN octet_length($2) < 7900 THEN id || ' ' || $2 ELSE '' END)
FROM callboard.queues CROSS JOIN LATERAL pgmq.send(queue, $2::text::jsonb) AS id
WHERE queue = $1 AND to_regclass('pgmq.q_' || queue) IS NOT NULL
"""
"""Mostly it is one packet: this costs half of what the next one does."""

TELL = f"""
WITH posts AS (
    SELECT queue, array_agg(message ORDER BY number) AS messages
    FROM unnest($1::text[], $2::text[]::jsonb[]) WITH ORDINALITY AS post (queue, message, number)
    GROUP BY queue
), known AS MATERIALIZED (
    SELECT queue, messages, token FROM posts JOIN callboard.queues USING (queue)
    WHERE to_regclass('pgmq.q_' || queue) IS NOT NULL
)
SELECT queue, {NOTIFY} FROM known CROSS JOIN LATERAL
    ROWS FROM (pgmq.send_batch(queue, messages), unnest(messages)) AS sent (id, message)
"""

TELL_ALL = f"""
WITH known AS MATERIALIZED (
    SELECT queue, token FROM callboard.queues
    WHERE channel = $1 AND queue <> $2 AND to_regclass('pgmq.q_' || queue) IS NOT NULL
)
SELECT queue, {NOTIFY} FROM known CROSS JOIN LATERAL
    ROWS FROM (pgmq.send_batch(queue, $3::text[]::jsonb[]), unnest($3::text[]::jsonb[]))
    AS sent (id, message)
"""

TELL_TOPIC = f"""
WITH sent AS MATERIALIZED (
    SELECT queue, id, message FROM unnest($2::text[]::jsonb[]) AS message
    CROSS JOIN LATERAL pgmq.send_batch_topic($1, ARRAY[message]) AS sent (queue, id)
)
SELECT CASE WHEN queue = $3 THEN pgmq.delete(queue, id)::text ELSE {NOTIFY}::text END
FROM sent JOIN callboard.queues USING (queue)
"""
"""A topic leaves nobody out: one's own row is taken out again before anybody sees it."""

# What is read and what is deleted comes back, or goes again, if Postgres crashes: it need not wait
# for the disk. What is sent does.
UNHURRIED = "SELECT NULL::bigint, NULL::text FROM set_config('synchronous_commit', 'off', true)"
DELETED = "SELECT NULL, NULL FROM pgmq.delete($1, $4::bigint[]) HAVING count(*) >= 0"
READ = "SELECT msg_id, message::text FROM pgmq.read($1, $2, $3)"
POLLED = "SELECT msg_id, message::text FROM pgmq.read_with_poll($1, $2, $3, $4, $5)"
RENEWING = """
WITH renewed AS (
    UPDATE callboard.queues SET expires = clock_timestamp() + $4 * interval '1 second'
    WHERE queue = $1 AND owner = $5 RETURNING queue
)
SELECT 0::bigint, count(*)::text FROM renewed UNION ALL
"""
LOOK = f"{UNHURRIED} UNION ALL {READ}"
DELETE_AND_LOOK = f"{UNHURRIED} UNION ALL {DELETED} UNION ALL {READ}"
RENEW_AND_LOOK = f"{RENEWING} {LOOK}"
POLL = f"{UNHURRIED} UNION ALL {POLLED}"

OWNED = "SELECT owner, token, expires > clock_timestamp() FROM callboard.queues WHERE queue = $1"
OWN = """
INSERT INTO callboard.queues (queue, channel, node, owner, token, expires)
VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 second')
ON CONFLICT (queue) DO UPDATE
SET owner = excluded.owner, token = excluded.token, expires = excluded.expires
"""

# A Postgres that has just come up gives the nodes the time of a lease to come back.
ABANDONED = """
SELECT queue FROM callboard.queues WHERE channel = $1 AND expires < clock_timestamp()
    AND pg_postmaster_start_time() < clock_timestamp() - interval '10 seconds'
"""
TAKE_ABANDONED = """
SELECT queue FROM callboard.queues WHERE queue = $1 AND expires < clock_timestamp()
FOR UPDATE SKIP LOCKED
"""


AGAIN = 5
"""How often a statement is tried again that found a queue gone."""


class DirectBackend(SessionBackend):
    """Queues by PGMQ's own functions."""

    _topics = False
    """Whether this PGMQ sends to all queues that are bound to a topic."""

    async def _join(self, session: Session, lease: float) -> tuple[str, str]:
        queue = queue_name(self.channel, self.node)
        await self._prepare(session)
        async with session.transaction():
            await session.fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", queue)
            found = await session.fetch(OWNED, queue)
            owner, token, alive = found[0] if found else ("", "", False)
            mine = owner == self.life.id
            if alive and not mine and self.life.held:
                raise NameTaken(f"{self.node!r} on the channel {self.channel!r}")
            await session.fetch("SELECT pgmq.create($1)", queue)
            if not mine:
                token = f"callboard_{secrets.token_hex(16)}"
                # Not purge_queue: it would wait for whoever still looks into the queue.
                await session.fetch(f"DELETE FROM pgmq.q_{queue}")
            owning = (queue, self.channel, self.node, self.life.id, token, lease)
            await session.fetch(OWN, *owning)
            if self._topics:
                await session.fetch(
                    "SELECT pgmq.bind_topic($1, $2)", topic_name(self.channel), queue
                )
        return queue, str(token)

    async def _prepare(self, session: Session) -> None:
        """Find out what this database has, and add the table of leases if it is not there."""
        [(pgmq, leases, topics)] = await session.fetch(HAS)
        if not pgmq:
            raise NotInstalled("PGMQ")
        if not leases:
            await install_leases(session)
        self._topics = topics

    async def _read(self, session: Session, reading: Reading) -> Sequence[Row]:
        look = (self.queue, math.ceil(self.visibility), reading.limit)
        silence = ANSWER_WITHIN
        if reading.wait:
            wait, interval = math.ceil(reading.wait), max(1, round(self.poll_interval * 1000))
            found = await session.receive(wait + silence, POLL, *look, wait, interval)
        elif reading.lease:
            lease = (reading.lease, self.life.id)
            found = await session.receive(silence, RENEW_AND_LOOK, *look, *lease)
            if any(number == 0 and said == "0" for number, said in found):
                raise QueueGone(f"it is not {self.node!r}'s any more")
        elif reading.done:
            found = await session.receive(silence, DELETE_AND_LOOK, *look, reading.done)
        else:
            found = await session.receive(silence, LOOK, *look)
        return [Row(row[0], row[1]) for row in found if row[0]]

    async def _tell(self, session: Session, nodes: Sequence[str], data: Sequence[bytes]) -> int:
        queues = [queue_name(self.channel, node) for node in nodes]
        rows = [row_of(each) for each in data]
        if len(rows) == 1:
            sent = await self._again(session, rows, TELL_ONE, queues[0], rows[0])
        else:
            sent = await self._again(session, rows, TELL, queues, rows)
        return len(data) - len(sent)

    async def _tell_all(self, session: Session, data: Sequence[bytes]) -> None:
        rows = [row_of(each) for each in data]
        if self._topics:
            with suppress(QueueGone):  # one that was dropped by hand: the others are to be told
                topic, patience = topic_name(self.channel), taken_within(rows)
                await session.fetch(TELL_TOPIC, topic, rows, self.queue, timeout=patience)
                return
        await self._again(session, rows, TELL_ALL, self.channel, self.queue, rows)

    async def _again(
        self, session: Session, rows: Sequence[str], query: str, *arguments: object
    ) -> list[object]:
        """Run a statement, and again if a queue went away between its look and its deed.

        Where many nodes leave at once that may be so several times.
        """
        patience = taken_within(rows)
        for _ in range(AGAIN):
            with suppress(QueueGone):
                return [*await session.fetch(query, *arguments, timeout=patience)]
        return [*await session.fetch(query, *arguments, timeout=patience)]

    async def _sweep(self, session: Session) -> int:
        queues = [row[0] for row in await session.fetch(ABANDONED, self.channel)]
        swept = 0
        for queue in queues:
            with suppress(Busy):  # what was killed may still be looking into it: next time
                async with session.transaction():
                    await session.fetch("SELECT set_config('lock_timeout', '200ms', true)")
                    if await session.fetch(TAKE_ABANDONED, queue):
                        await self._drop(session, queue)
                        swept += 1
        return swept

    async def _leave(self, session: Session) -> None:
        async with session.transaction():
            owned = "SELECT FROM callboard.queues WHERE queue = $1 AND owner = $2 FOR UPDATE"
            if await session.fetch(owned, self.queue, self.life.id):
                await self._drop(session, self.queue)

    async def _drop(self, session: Session, queue: str) -> None:
        await session.fetch("SELECT pgmq.drop_queue($1)", queue)
        # PGMQ leaves this behind, with the bindings, where the table was dropped by hand.
        await session.fetch("DELETE FROM pgmq.meta WHERE queue_name = $1", queue)
        await session.fetch("DELETE FROM callboard.queues WHERE queue = $1", queue)
