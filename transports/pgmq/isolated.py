"""The isolated backend: for logins that share a database with others and are to see nothing of it.

All that such a login may do is to execute the functions of `isolated.sql`. The name of the channel
is what gives access, so it should be one that nobody guesses.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

from .backend import Reading, Row
from .connections import ANSWER_WITHIN, Record, Session, taken_within
from .errors import NotInstalled
from .payload import row_of
from .sessions import SessionBackend

__all__ = ["IsolatedBackend"]

JOIN = "SELECT queue, token FROM callboard.join($1, $2, $3, $4, $5)"
READ = "SELECT id, message FROM callboard.read($1, $2, $3, $4, $5, $6, $7, $8)"
SEND = "SELECT node FROM callboard.send($1, $2, $3, $4::text[]::jsonb[]) AS node"
SWEEP = "SELECT callboard.sweep($1)"
LEAVE = "SELECT callboard.leave($1, $2, $3)"

Run = Callable[..., Awaitable[list[Record]]]
"""`Session.fetch`, or `Session.receive`."""


class IsolatedBackend(SessionBackend):
    """Queues by functions that do it for us. The poll interval is the database's own."""

    async def _join(self, session: Session, lease: float) -> tuple[str, str]:
        life = self.life
        joining = (self.channel, self.node, life.id, life.held, lease)
        [row] = await self._call(session.fetch, JOIN, *joining)
        return str(row["queue"] or ""), str(row["token"] or "")

    async def _read(self, session: Session, reading: Reading) -> Sequence[Row]:
        wait, visible = math.ceil(reading.wait), math.ceil(self.visibility)
        found = await self._call(
            session.receive,
            wait + ANSWER_WITHIN,
            READ,
            self.channel,
            self.queue,
            self.life.id,
            reading.done,
            visible,
            reading.limit,
            reading.lease,
            wait,
        )
        return [Row(row["id"], row["message"]) for row in found]

    async def _tell(self, session: Session, nodes: Sequence[str], data: Sequence[bytes]) -> int:
        rows = [row_of(each) for each in data]
        found = await self._send_rows(session, nodes, rows)
        reached = {row["node"] for row in found}
        return sum(node not in reached for node in nodes)

    async def _tell_all(self, session: Session, data: Sequence[bytes]) -> None:
        rows = [row_of(each) for each in data]
        await self._send_rows(session, None, rows)

    async def _sweep(self, session: Session) -> int:
        [row] = await self._call(session.fetch, SWEEP, self.channel)
        return int(row[0])

    async def _leave(self, session: Session) -> None:
        await self._call(session.fetch, LEAVE, self.channel, self.queue, self.life.id)

    async def _send_rows(
        self, session: Session, nodes: Sequence[str] | None, rows: Sequence[str]
    ) -> list[Record]:
        to = (self.channel, self.queue, nodes)
        return await self._call(session.fetch, SEND, *to, rows, timeout=taken_within(rows))

    async def _call(self, run: Run, *arguments: object, **options: float) -> list[Record]:
        try:
            return await run(*arguments, **options)
        except NotInstalled as error:
            raise NotInstalled("what the isolated backend calls", isolated=True) from error
