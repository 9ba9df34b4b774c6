"""What is between the nodes breaks, is away, is slow, or carries one way only."""

import asyncio

import pytest

from callboard import CallboardError, JobCrashed
from callboard.transports.errors import LinkFull
from tests.faults.cast import Note, Question
from tests.faults.fleet import DOWN_AFTER, Fleet, open_with_others
from tests.faults.recording import Record, fault
from tests.faults.stations import WITHIN, finished
from tests.faults.traffic import Traffic


@fault("connection-killed")
async def test_the_connection_is_killed_again_and_again(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        async with Traffic(fleet, station) as traffic:
            for _ in range(3):
                await traffic.flows()
                for proxy in fleet.proxies.values():
                    await proxy.cut()
                await record.timed(traffic.flows())
        await traffic.all_arrived()
        record.saw("answers, later")
        record.loses()


async def away(fleet: Fleet, record: Record, seconds: float) -> None:
    """Have the broker be away while messages are sent."""
    async with fleet:
        station = await fleet.station()
        # Not more than a node keeps as dead letters, where nobody is there to be told.
        async with Traffic(fleet, station, max(0.01, seconds / 300)) as traffic:
            await traffic.flows()
            await fleet.break_down()
            await asyncio.sleep(seconds)  # the fault itself: how long it is away
            await fleet.come_back()
            if fleet.lasts < seconds:
                await fleet.know("b")
            await record.timed(traffic.flows())
        if fleet.counts.get("node_down", 0) == 0:
            await traffic.all_arrived()
            record.saw("answers, later")
            record.loses()
            return
        # Here the connection is the node: it was declared down, and nobody is left without an end.
        assert fleet.lasts < seconds
        await traffic.all_accounted_for()
        record.saw(*traffic.kinds, "then `node_up` again")
        record.loses("what was sent meanwhile: errors to who asked, dead letters")


@fault("broker-down-short")
async def test_the_broker_is_away_for_a_moment(fleet: Fleet, record: Record) -> None:
    await away(fleet, record, DOWN_AFTER / 6)


@fault("broker-down")
async def test_the_broker_is_away(fleet: Fleet, record: Record) -> None:
    await away(fleet, record, DOWN_AFTER)


@fault("broker-down-long")
async def test_the_broker_is_away_for_long(fleet: Fleet, record: Record) -> None:
    await away(fleet, record, 3.3 * DOWN_AFTER)


@fault("stop-without-broker")
async def test_a_node_stops_while_the_broker_is_away(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        assert await fleet.caller.ask("b", Question(1)) == 1
        await fleet.break_down()
        await station.meets(lambda counts: counts.get("disconnected"), "counts")
        fleet.caller.tell("b", Note(1))
        asked = fleet.caller.ask("b", Question(2))
        stopping = asyncio.ensure_future(fleet.caller.stop())
        await record.timed(stopping)
        with pytest.raises(CallboardError) as caught:
            await asked
        record.saw("`stop()` returns", caught.value)
        letters = [letter.envelope.message for letter in fleet.caller.dead_letters.last()]
        assert Note(1) in letters
        record.loses("what was not sent: dead letters, and errors to who asked")


@fault("slow-way")
async def test_the_way_to_a_node_is_slow(fleet: Fleet, record: Record) -> None:
    """Told without a pause, a way that is too narrow fills up to its bound and no further."""
    # Who fills it keeps both sides busy for long: the times of real life, as this is no silence.
    fleet.times = {"beat": 2.0, "down_after": 6.0}
    async with fleet:
        station = await fleet.station()
        way = fleet.way_to("B")
        way.rate = 200_000
        body = bytes(10_000)
        sent = 0
        with pytest.raises(LinkFull) as caught:
            while sent < 20_000:
                fleet.caller.tell("b", Note(sent, body))
                sent += 1
                if sent % 100 == 0:
                    await asyncio.sleep(0)
        record.saw(caught.value)
        waiting = asyncio.ensure_future(fleet.caller.send("b", Note(sent, body)))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        record.saw("or `await send()` waits")
        (peer,) = (await fleet.near.do("snapshot"))["peers"]
        assert peer["waiting"] <= sent
        way.rate = None
        await record.timed(waiting)
        await station.until(list(range(sent + 1)), "noted", "b")
        record.loses()


@fault("cut-one-way")
async def test_the_network_is_cut_in_one_direction(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        waiting = fleet.caller.start_job("b", "wait")
        await station.until(["waits"], "noted", "b")
        fleet.proxies["B"].to_server.hold()
        with pytest.raises(JobCrashed) as caught:
            await record.timed(finished(waiting))
        record.saw(caught.value)
        await fleet.forget("b")
        both = ("node_down", "disconnected")
        await station.meets(lambda counts: any(map(counts.get, both)), "counts")
        fleet.proxies["B"].to_server.release()
        await fleet.know("b")
        assert await fleet.caller.request("b", "echo", 7, timeout=WITHIN) == 7
        await station.until("A", "knows", "a")
        assert await station.do("request", "a", "echo", 8) == 8
        await fleet.near.meets(lambda found: open_with_others(found) == 0, "snapshot")
        record.saw("then `node_up` again, and the next job is done")
        record.loses("the job in work, told to its caller")
