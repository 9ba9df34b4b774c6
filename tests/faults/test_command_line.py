"""Processes of `callboard run`: killed and started again, and told to end."""

import signal

import psutil
import pytest

from callboard import CallboardError, JobCrashed
from tests.faults.commands import run
from tests.faults.fleet import Fleet
from tests.faults.recording import Record, fault
from tests.faults.stations import WITHIN, finished

# What the command line has, too.
TIMES = {"beat": 2.0, "down_after": 6.0}


@fault("killed-under-supervision")
async def test_a_killed_process_is_started_again(fleet: Fleet, record: Record) -> None:
    fleet.times = TIMES
    async with fleet, run(await fleet.url("B"), "first", "--name=B", "--processes=1") as command:
        await fleet.know("b")
        life = await fleet.caller.request("b", "life", timeout=WITHIN)
        job = fleet.caller.start_job("b", "wait")
        assert await fleet.caller.request("b", "echo", 1) == 1  # so the other has begun
        (child,) = psutil.Process(command.pid).children()
        child.kill()
        await record.raised(JobCrashed, finished(job))
        await fleet.near.meets(lambda found: (found or 0) > life, "life_of", "B-1")
        assert await fleet.caller.request("b", "life", timeout=WITHIN) > life
        record.saw("and the next job is done by the new process")
        record.loses("the job in work, told to its caller")
        command.send_signal(signal.SIGTERM)
        assert await command.code() == 0


@fault("terminated")
async def test_a_process_is_told_to_end(fleet: Fleet, record: Record) -> None:
    fleet.times = TIMES
    async with (
        fleet,
        run(await fleet.url("B"), "first", "--name=B", "--drain-within=20s") as patient,
        run(await fleet.url("C"), "second", "--name=C", "--drain-within=200ms") as hasty,
    ):
        await fleet.know("b")
        await fleet.know("d")
        sleeping = fleet.caller.start_job("b", "sleep", 1.0)
        waiting = fleet.caller.start_job("d", "wait")
        assert await fleet.caller.request("b", "echo", 1) == 1
        assert await fleet.caller.request("d", "echo", 1) == 1
        patient.send_signal(signal.SIGTERM)
        hasty.send_signal(signal.SIGTERM)
        await patient.until("finishing what runs")
        await fleet.near.until(None, "knows", "c")
        with pytest.raises(CallboardError) as refused:
            await fleet.caller.request("c", "echo", 2, timeout=0.2)
        assert await finished(sleeping) == "slept"
        assert await patient.code() == 0
        with pytest.raises(CallboardError) as cut:
            await record.timed(finished(waiting))
        assert await hasty.code() == 4
        record.saw("what was taken is answered, exit code 0", refused.value, "for new work")
        record.saw(cut.value, "and exit code 4, where the deadline passes")
        record.loses("what the deadline cuts off, told to its caller")
