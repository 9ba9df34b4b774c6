"""Many jobs, and many nodes that come and go: nothing is left of them."""

import asyncio
from functools import partial
from typing import Any

from tests.faults.fleet import FULL, Fleet
from tests.faults.recording import Record, fault
from tests.faults.stations import Station

JOBS, AT_ONCE = (10_000, 100) if FULL else (1_000, 100)
TOGETHER = 10


def how_many(column: str) -> int:
    """How many nodes join: where each makes a queue of its own in Postgres, not so many."""
    if not FULL:
        return 30
    return 200 if column in ("direct", "isolated") else 1_000


@fault("many-jobs")
async def test_many_jobs_leave_nothing(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        await station.until("A", "knows", "a")
        assert await fleet.caller.request("b", "echo", 1) == 1
        before = [await resting(each) for each in (fleet.near, station)]

        async def one(number: int) -> None:
            assert await fleet.caller.request("b", "echo", number) == number

        for first in range(0, JOBS, AT_ONCE):
            await asyncio.gather(*map(one, range(first, first + AT_ONCE)))
        for each, footprint in zip((fleet.near, station), before, strict=True):
            await record.timed(each.meets(partial(fits, footprint), "footprint"))
        record.saw(f"{JOBS:,} answers")
        record.loses()


@fault("many-nodes")
async def test_many_nodes_leave_nothing(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        await station.until("A", "knows", "a")
        before = [await resting(each) for each in (fleet.near, station)]
        for first in range(0, how_many(record.column), TOGETHER):
            numbers = range(first, first + TOGETHER)
            guests = [await fleet.guest(f"N{number}", f"n{number}") for number in numbers]
            for number in numbers:
                await fleet.know(f"n{number}")
            for guest in guests:
                fleet.stations.remove(guest)
            await asyncio.gather(*(guest.end() for guest in guests))
        for each, footprint in zip((fleet.near, station), before, strict=True):
            await record.timed(each.meets(partial(fits, footprint), "footprint"))
        record.saw(f"{how_many(record.column)} nodes come and go")
        record.loses()


async def resting(station: Station) -> dict[str, Any]:
    """What a node has while nothing is open."""
    found: dict[str, Any] = await station.meets(lambda found: found["open"] == 0, "footprint")
    return found


def fits(before: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether there is no more than before, but for what a moment may have in flight."""
    slack = {"tasks": 2, "timers": 3}
    return all(size(found[key]) <= size(was) + slack.get(key, 0) for key, was in before.items())


def size(found: Any) -> int:
    """How much it is: a number, or a list of names."""
    return found if isinstance(found, int) else len(found)
