"""A process dies, is told to end, or freezes, in the middle of its work."""

import asyncio
import signal

from callboard import JobCrashed
from tests.faults.fleet import Fleet, open_with_others
from tests.faults.recording import Record, fault
from tests.faults.stations import WITHIN, Far, Near, finished


@fault("killed")
async def test_a_process_is_killed_in_the_middle_of_a_job(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        assert isinstance(station, Far)
        await fleet.near.do("monitor", "b")
        jobs = [fleet.caller.start_job("b", "wait") for _ in range(10)]
        await station.until(["waits"] * 10, "noted", "b")
        left = await fleet.left("B")
        assert left
        await station.killed()
        for job in jobs:
            await record.raised(JobCrashed, finished(job), "'B' is down")
        await fleet.near.until(["down b"], "noted", "monitor")
        await fleet.forget("b")
        await eventually_left(fleet, [])
        await fleet.near.meets(lambda found: open_with_others(found) == 0, "snapshot")
        record.seen = record.seen[:1]
        record.saw("and its monitors `WorkerDown`")
        record.loses("the jobs in work, each told to its caller")


@fault("same-name-again")
async def test_a_node_restarts_under_its_old_name(fleet: Fleet, record: Record) -> None:
    async with fleet:
        old = await fleet.station()
        life = await old.do("incarnation")
        waiting = fleet.caller.start_job("b", "wait")
        await old.until(["waits"], "noted", "b")
        await fleet.near.do("tell", "b", [1, 2, 3])
        await old.until(["waits", 1, 2, 3], "noted", "b")
        if isinstance(old, Far):
            await old.killed()
        elif isinstance(old, Near):
            await old.node.stop()
        fleet.stations.remove(old)
        new = await fleet.start("B", ["b"])
        fleet.stations.append(new)
        await record.raised(JobCrashed, finished(waiting))
        later = await new.do("incarnation")
        assert later > life
        await fleet.near.until(later, "life_of", "B")
        assert await fleet.caller.request("b", "life", timeout=WITHIN) == later
        await fleet.near.do("tell", "b", [4, 5])
        await new.until([4, 5], "noted", "b")
        record.saw("and the next job is done by the new life")
        record.loses("the job in work, told to its caller")
        if isinstance(old, Far):
            await old.end()


@fault("frozen")
async def test_a_process_freezes_and_comes_back(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        assert isinstance(station, Far)
        waiting = fleet.caller.start_job("b", "sleep", 0.2)
        station.signal(signal.SIGSTOP)
        await record.raised(JobCrashed, finished(waiting), "'B' is down")
        await fleet.forget("b")
        station.signal(signal.SIGCONT)
        await fleet.know("b")
        answers = fleet.caller.request("b", "echo", 7, timeout=WITHIN)
        assert await answers == 7
        await fleet.near.meets(lambda found: open_with_others(found) == 0, "snapshot")
        record.saw("then `node_up` again, and the next job is done")
        record.loses("the job in work, told to its caller")


async def eventually_left(fleet: Fleet, wanted: list[str]) -> None:
    """Wait until this is all that a node has left at the broker."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WITHIN
    while (found := await fleet.left("B")) != wanted:
        assert loop.time() < deadline, found
        await asyncio.sleep(0.05)
