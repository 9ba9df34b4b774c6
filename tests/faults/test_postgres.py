"""Somebody drops a queue, or all of PGMQ, under nodes that run."""

from tests.faults.columns import PgmqFleet
from tests.faults.fleet import Fleet
from tests.faults.recording import Record, fault
from tests.faults.traffic import Traffic

PAUSE = 0.02


@fault("queue-dropped")
async def test_a_queue_is_dropped(fleet: Fleet, record: Record) -> None:
    assert isinstance(fleet, PgmqFleet)
    async with fleet:
        station = await fleet.station()
        async with Traffic(fleet, station, PAUSE) as traffic:
            await traffic.flows()
            (queue,) = await fleet.left("B")
            await fleet.run(f"SELECT pgmq.drop_queue('{queue}')")
            await record.timed(traffic.flows())
        await traffic.all_arrived()
        assert fleet.counts.get("node_down", 0) == 0
        assert len(await fleet.left("B")) == 1
        record.saw("answers, later: the queue is made anew")
        record.loses()


@fault("schema-dropped")
async def test_all_of_pgmq_is_dropped_and_put_back(fleet: Fleet, record: Record) -> None:
    assert isinstance(fleet, PgmqFleet)
    async with fleet:
        station = await fleet.station()
        async with Traffic(fleet, station, PAUSE) as traffic:
            await traffic.flows()
            await fleet.run("DROP SCHEMA pgmq CASCADE")
            for each in (fleet.near, station):
                await each.meets(
                    lambda found: any("callboard pgmq install" in text for text in found),
                    "events",
                    "failed",
                )
            await fleet.install()
            await record.timed(traffic.flows())
        await traffic.all_arrived()
        assert fleet.counts.get("node_down", 0) == 0
        record.saw("the event `failed` names the command that installs it", "answers, later")
        record.loses()
