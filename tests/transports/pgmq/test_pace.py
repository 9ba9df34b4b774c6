"""How many rows a reader asks for, as its way to the database goes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq.backend import Reading, Row
from callboard.transports.pgmq.pace import LOOK_WITHIN, Pace
from callboard.transports.pgmq.payload import row_of
from callboard.transports.pgmq.reader import Reader
from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.pgmq.backends import Noting
from tests.transports.pgmq.ends import End


@pytest.mark.parametrize(
    ("rows", "seconds", "limit"),
    [
        (10, LOOK_WITHIN / 10, 10),
        (10, LOOK_WITHIN, 10),
        (10, 2 * LOOK_WITHIN, 5),
        (10, 100 * LOOK_WITHIN, 1),
        (2, 4 * LOOK_WITHIN, 1),
        (0, 4 * LOOK_WITHIN, 10),
    ],
)
def test_rows_that_take_long_are_fewer_the_next_time(rows: int, seconds: float, limit: int) -> None:
    pace = Pace(10)
    pace.came(rows, seconds)
    assert (pace.limit, pace.took) == (limit, seconds)


def test_after_looks_that_are_full_and_quick_there_are_more_again() -> None:
    pace = Pace(10)
    pace.failed()
    limits = [pace.limit]
    for rows, seconds in [(0, 0.0), (1, LOOK_WITHIN), (1, 0.0), (1, 0.0), (2, 0.0), (4, 0.0)]:
        pace.came(rows, seconds)
        limits.append(pace.limit)
    pace.came(8, 0.0)
    assert [*limits, pace.limit] == [1, 1, 1, 2, 2, 4, 8, 10]


class Deep:
    """The reader's side of a backend with many rows in the queue, and a first look that fails."""

    def __init__(self) -> None:
        self.limits: list[int] = []
        self._numbers = itertools.count(1)

    async def read(self, reading: Reading) -> Sequence[Row]:
        self.limits.append(reading.limit)
        if len(self.limits) == 1:
            raise TimeoutError
        rows = [Row(next(self._numbers), row_of(b"x")) for _ in range(reading.limit)]
        return rows if len(self.limits) < 7 else []


async def test_the_reader_after_one_that_was_given_up_asks_for_one_row() -> None:
    backend, pace = Deep(), Pace(10)

    async def rejoin() -> None:
        pytest.fail("the queue was not gone")

    def reader() -> Reader:
        deep: Any = backend
        return Reader(deep, lambda data: None, rejoin, pace=pace, longest_poll=0.2)

    with pytest.raises(TimeoutError):
        await reader().run(listens=True)
    reading = asyncio.create_task(reader().run(listens=True))
    await eventually(lambda: len(backend.limits) >= 7)
    reading.cancel()
    await asyncio.wait([reading])
    assert backend.limits[:7] == [10, 1, 2, 4, 8, 10, 10]


@pytest.mark.realtime
async def test_a_look_that_is_never_answered_in_time_becomes_a_smaller_one(
    noting: Callable[..., Noting], channel: str
) -> None:
    backend = noting()
    backend.brings = False
    data = [b"%d" % number for number in range(5)]

    async with End("a", PgmqTransport(backend=noting(), channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened()

            def too_much(reading: Reading) -> Reading:
                if reading.limit > 4:
                    raise TimeoutError
                return reading

            backend.before_read = too_much
            await a.carry("b", *data)
            await b.got(*data)
            await b.opened(2)
