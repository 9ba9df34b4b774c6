"""A life that nobody can have had: one packet of a stranger must not cut a node off for good."""

import pytest

from callboard.transports.packet import Header, Kind, pack
from tests.faults.columns import LocalFleet
from tests.faults.stations import WITHIN
from tests.faults.test_names import way_out


@pytest.mark.realtime
async def test_a_forged_life_beyond_all_numbers_cuts_nobody_off() -> None:
    async with LocalFleet() as fleet:
        station = await fleet.station()
        mallory = await fleet.guest("M", "m")
        forged = pack(Header(Kind.HELLO, "B", 2**64 - 1, 5), [b'{"version": 1, "workers": []}'])
        (await way_out(mallory)).post("A", forged)
        await fleet.near.meets(lambda counts: counts.get("rejected_malformed"), "counts")
        assert await fleet.caller.request("b", "echo", 1, timeout=WITHIN) == 1
        assert fleet.counts.get("node_down", 0) == 0
        assert await station.do("incarnation") < 2**52
