"""What the reader of a queue does between two rows that have come together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq.backend import Reading, Row
from callboard.transports.pgmq.pace import Pace
from callboard.transports.pgmq.payload import row_of
from callboard.transports.pgmq.reader import Reader
from callboard.transports.transport import MUCH


class Full:
    """The reader's side of a backend, with three rows in the queue."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)

    async def read(self, reading: Reading) -> list[Row]:
        rows, self.rows = self.rows, []
        return rows


@pytest.mark.parametrize(("size", "seen"), [(MUCH, 1), (MUCH - 1, 3)])
async def test_the_loop_has_a_turn_after_a_row_that_was_much(size: int, seen: int) -> None:
    taken: list[bytes] = []
    noted: list[int] = []
    loop = asyncio.get_running_loop()

    def take(data: bytes) -> None:
        if not taken:
            loop.call_soon(lambda: noted.append(len(taken)))
        taken.append(data)

    async def rejoin() -> None:
        pytest.fail("the queue was not gone")

    data = [bytes([number]) * size for number in range(3)]
    backend: Any = Full([Row(number, row_of(each)) for number, each in enumerate(data, 1)])
    reader = Reader(backend, take, rejoin, pace=Pace(10), longest_poll=0.2)
    reading = asyncio.create_task(reader.run(listens=True))
    await eventually(lambda: len(taken) == 3 and noted)
    reading.cancel()
    await asyncio.wait([reading])
    assert (taken, noted) == (data, [seen])
