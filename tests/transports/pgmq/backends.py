"""Backends for tests: one that notes what it is asked for, and one that is written outside."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import orjson

from callboard.transports.pgmq.backend import Backend, Life, Lost, Reading, Row, Wake
from callboard.transports.pgmq.payload import row_of
from callboard.transports.transport import Packet, Spare

__all__ = ["Noting", "Shelf", "Shelves"]


class Noting:
    """Notes each look into the queue, and fails where it is told to."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.looks: list[tuple[Reading, int]] = []
        """Each with how many rows it brought."""
        self.before_read: Callable[[Reading], Reading] = lambda reading: reading
        self.brings = True
        """Whether a notification may bring its row."""
        self.hears = True
        """Whether there are notifications at all."""
        self.sent: list[list[Packet]] = []

    @property
    def numbers(self) -> list[int]:
        """How many rows each look brought that brought any."""
        return [number for _, number in self.looks if number]

    async def join(self, channel: str, node: str, life: Life, lease: float) -> str:
        return await self.inner.join(channel, node, life, lease)

    async def listen(self, wake: Wake, lost: Lost) -> bool:
        return self.hears and await self.inner.listen(
            lambda row: wake(row if self.brings else None), lost
        )

    async def read(self, reading: Reading) -> Sequence[Row]:
        rows = await self.inner.read(self.before_read(reading))
        self.looks.append((reading, len(rows)))
        return rows

    async def send(self, packets: Sequence[Packet]) -> int:
        self.sent.append(list(packets))
        return await self.inner.send(packets)

    async def sweep(self) -> int:
        return await self.inner.sweep()

    async def leave(self) -> None:
        await self.inner.leave()

    async def close(self) -> None:
        await self.inner.close()

    def spare(self) -> Spare | None:
        return self.inner.spare()


class Shelves:
    """Queues in memory: what a backend outside the project may be made of."""

    def __init__(self, *, decoded: bool) -> None:
        self.decoded = decoded
        self.rows: dict[tuple[str, str], list[Row]] = {}
        self.owners: dict[tuple[str, str], str] = {}
        self.news: dict[tuple[str, str], asyncio.Event] = {}
        self.numbers = itertools.count(1)


class Shelf:
    """A backend with the methods of the protocol and nothing else; it has no notifications."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._key = ("", "")

    async def join(self, channel: str, node: str, life: Life, lease: float) -> str:
        self._key = (channel, node)
        shelves = self._shelves
        if shelves.owners.get(self._key) != life.id or self._key not in shelves.rows:
            shelves.rows[self._key] = []
            shelves.owners[self._key] = life.id
        shelves.news[self._key] = asyncio.Event()
        return f"{channel}/{node}"

    async def listen(self, wake: Wake, lost: Lost) -> bool:
        return False

    async def read(self, reading: Reading) -> Sequence[Row]:
        rows = self._shelves.rows[self._key]
        rows[:] = [row for row in rows if row.id not in set(reading.done)]
        if not rows and reading.wait:
            news = self._shelves.news[self._key]
            news.clear()
            try:
                async with asyncio.timeout(reading.wait):
                    await news.wait()
            except TimeoutError:
                return []
        return rows[: reading.limit]

    async def send(self, packets: Sequence[Packet]) -> int:
        missed = 0
        for to, data in packets:
            channel, own = self._key
            nodes = [node for at, node in self._shelves.rows if at == channel and node != own]
            for node in nodes if to is None else [to]:
                missed += self._put((channel, node), data)
        return missed

    async def sweep(self) -> int:
        return 0

    async def leave(self) -> None:
        self._shelves.rows.pop(self._key, None)

    async def close(self) -> None:
        pass

    def spare(self) -> None:
        return None

    def _put(self, key: tuple[str, str], data: bytes) -> bool:
        rows = self._shelves.rows.get(key)
        if rows is None:
            return True
        text = row_of(data)
        message = orjson.loads(text) if self._shelves.decoded else text
        rows.append(Row(next(self._shelves.numbers), message))
        self._shelves.news[key].set()
        return False
