"""Names that two nodes bring, clocks that jump, and strangers that speak."""

import asyncio
from typing import Any

from callboard.actors.testing import eventually
from callboard.transports.packet import Header, Kind, pack
from tests.faults.fleet import BEAT, Fleet
from tests.faults.recording import Record, fault
from tests.faults.stations import WITHIN, Far
from tests.faults.traffic import Traffic
from tests.transports.core import inside
from tests.transports.core.inside import router_of

DAY = 86_400

SECRETS = {"first": "a secret that all have"}


@fault("name-clash")
async def test_two_nodes_bring_the_same_name(fleet: Fleet, record: Record) -> None:
    async with fleet:
        first = await fleet.station("B", "b")
        second = await fleet.station("C", "b", "c")
        for station in (first, second):
            await record.timed(station.meets(lambda counts: counts.get("name_clash"), "counts"))
        for station in (fleet.near, second, first):
            await station.until("B", "knows", "b")
        await fleet.near.do("tell", "b", [1])
        await first.do("tell", "b", [2])
        await second.do("tell", "b", [3])
        noted = await first.meets(lambda noted: len(noted) == 3, "noted", "b")
        assert sorted(noted) == [1, 2, 3]
        assert await second.do("noted", "b") == []
        record.saw("`name_clash` on both nodes; the older one is reached from everywhere")
        record.loses()


@fault("clock-jumps")
async def test_the_clock_jumps_a_day(fleet: Fleet, record: Record) -> None:
    fleet.secrets = SECRETS
    async with fleet:
        station = await fleet.station()
        async with Traffic(fleet, station) as traffic:
            for hours in (DAY, -DAY, 0):
                await station.do("shift", hours)
                await asyncio.sleep(2 * BEAT)  # who goes by that clock, looks at it by then
                await traffic.flows()
        await traffic.all_arrived()
        assert fleet.counts.get("node_down", 0) == 0
        assert (await station.do("counts")).get("node_down", 0) == 0
        record.saw("nothing")
        record.loses()


HOSTILE = [
    b"",
    b"no packet at all",
    b'{"type": "os.system", "args": ["true"]}',
    pack(Header(Kind.DATA, "B", 1), [b"x"])[:-1],
    pack(Header(Kind.HELLO, "stranger", 1), [b"["]),
    pack(Header(Kind.HELLO, "stranger", 2**63), [b'{"workers": 7}']),
    pack(Header(Kind.SNAPSHOT, "stranger", 1), [b'{"workers": [["os.system", 1]]}']),
    pack(Header(99, "B", 1), [b"{}"]),
    b"\x00" * 2_000_000,
]


@fault("hostile")
async def test_bytes_arrive_that_are_no_message(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        mallory = await fleet.guest("M", "m")
        await fleet.know("m")
        for data in HOSTILE:
            (await way_out(mallory)).post("A", data)
        if isinstance(station, Far):
            await station.do("tell_unknown", "a")
        await station.do("tell", "a", [1])
        await record.timed(fleet.near.until([1], "noted", "a"))
        await fleet.near.meets(lambda counts: rejected(counts) >= len(HOSTILE) // 2, "counts")
        assert await fleet.caller.request("b", "echo", 7) == 7
        record.saw("nothing; `rejected_…` are counted, and logged once for each kind")
        record.loses("what is no message of ours, counted")


@fault("forged")
async def test_a_stranger_speaks_in_the_name_of_another(fleet: Fleet, record: Record) -> None:
    fleet.secrets = SECRETS
    async with fleet:
        station = await fleet.station()
        mallory = await fleet.guest("M", "m", secrets=None)
        known = router_of(fleet.caller).discovery.nodes["B"]
        forged = [
            Header(Kind.DATA, "B", known.incarnation, known.theirs, known.session, 1, 0),
            Header(Kind.BYE, "B", known.incarnation, known.theirs, known.session),
            Header(Kind.HELLO, "B", known.incarnation + 1, 7),
        ]
        for header in forged:
            (await way_out(mallory)).post("A", pack(header, [b"{}"]))
        await fleet.near.meets(lambda counts: rejected(counts) >= len(forged), "counts")
        assert fleet.caller.ref("m") is None
        await station.do("tell", "a", [1])
        await record.timed(fleet.near.until([1], "noted", "a"))
        assert fleet.counts.get("node_down", 0) == 0
        record.saw("nothing; `rejected_…` are counted, and logged once for each kind")
        record.loses("what nobody of us has signed, counted")


def rejected(counts: dict[str, int]) -> int:
    """How much was rejected."""
    return sum(count for kind, count in counts.items() if kind.startswith("rejected_"))


async def way_out(station: Any) -> Any:
    """The transport of a node of this process, once it is connected."""
    await eventually(lambda: router_of(station.node)._transports, within=WITHIN)  # pyright: ignore[reportPrivateUsage]
    return inside.way_out(station.node)
