"""A worker does wrong: what a caller on another node sees of it."""

import asyncio

from callboard import ActorFailed, JobCrashed, JobTimeout, MailboxFull, NotReady
from tests.faults.cast import SMALL, TRIES, Busy, Fail, Note, Poison, Question
from tests.faults.fleet import DOWN_AFTER, Fleet
from tests.faults.recording import Record, fault
from tests.faults.stations import finished

DEADLINE = 0.5


@fault("handler-raises")
async def test_a_handler_raises(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        await fleet.near.do("tell", "b", [1, 2])
        failing = fleet.caller.ask("b", Fail("on purpose"))
        await fleet.near.do("tell", "b", [3, 4])
        error = await record.raised(ActorFailed, failing, "on purpose")
        assert "Broken" in repr(error.__cause__)
        record.saw("its cause chained")
        await station.until([1, 2, 3, 4], "noted", "b")
        record.loses()


@fault("job-raises")
async def test_a_job_raises(fleet: Fleet, record: Record) -> None:
    async with fleet:
        await fleet.station()
        error = await record.raised(JobCrashed, fleet.caller.request("b", "raise"), "in a job")
        assert "'b'" in str(error) and "raise" in str(error)
        record.saw("which names the worker, the job and the cause")
        assert await fleet.caller.request("b", "echo", 1) == 1
        record.loses()


@fault("never-answers")
async def test_a_worker_never_answers(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station()
        waiting = fleet.caller.request("b", "wait", timeout=DEADLINE)
        await record.raised(JobTimeout, waiting)
        await station.until(["waits", "cancelled"], "noted", "b")
        record.saw("and the job is cancelled there")
        unready = fleet.caller.request("nobody", "wait", timeout=DEADLINE)
        error = await record.raised(NotReady, unready, "nobody")
        assert isinstance(error, NotReady)
        record.loses()


@fault("blocks-the-loop")
async def test_a_worker_blocks_the_event_loop(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station("B", "b", "c")
        blocking = fleet.caller.request("b", "block", 1.5 * DOWN_AFTER)
        assert await record.timed(blocking) == "blocked"
        record.saw("the answer, late")
        assert fleet.counts.get("node_down", 0) == 0
        (named, *_) = await station.meets(bool, "events", "blocked")
        assert "root/b" in named and "time.sleep" in named
        record.saw("the event `blocked` there names the worker and its line")
        assert await fleet.caller.ask("c", Question(7)) == 7
        charged = await station.do("events", "waiting")
        assert all("transport" in each for each in charged)
        record.loses()


@fault("swallows-cancellation")
async def test_a_worker_swallows_its_cancellation(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station("B", "b", "c")
        stubborn = fleet.caller.request("b", "stubborn", timeout=DEADLINE)
        await record.raised(JobTimeout, stubborn)
        job = fleet.caller.start_job("b", "stubborn")
        await station.meets(lambda noted: noted.count("waits") == 2, "noted", "b")
        terminating = asyncio.ensure_future(station.do("terminate", "b"))
        await record.raised(JobCrashed, finished(job))
        await terminating
        assert "swallowed" in await station.do("noted", "b")
        (abandoned, *_) = await station.meets(bool, "events", "abandoned")
        assert "b" in abandoned
        record.saw("the event `abandoned` there")
        assert await fleet.caller.ask("c", Question(7)) == 7
        record.loses()
        await station.do("release")


@fault("poison")
async def test_a_message_kills_its_worker_every_time(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station("B", "frail")
        await record.raised(ActorFailed, fleet.caller.ask("frail", Poison()), "3 times")
        assert await fleet.caller.ask("frail", Question(7)) == 7
        assert await station.do("noted", "frail") == ["poison"] * (1 + TRIES)
        await station.until(1, "dead_letters")
        assert (await station.do("counts"))["quarantined"] == 1
        record.saw("after its tries", "the event `quarantined` there")
        record.loses("the message: a dead letter there")


@fault("mailbox-full")
async def test_a_mailbox_is_full(fleet: Fleet, record: Record) -> None:
    async with fleet:
        station = await fleet.station("B", "small", "patient", "dropping")
        for name in ("small", "patient", "dropping"):
            fleet.caller.tell(name, Busy())
            await station.until(["busy"], "noted", name)
            await fleet.near.do("tell", name, list(range(SMALL)))
        for attempt in (fleet.caller.send("small", Note(9)), _asked(fleet, "small")):
            await record.raised(MailboxFull, attempt, "small")
        waiting = asyncio.ensure_future(fleet.caller.send("patient", Note(9)))
        dropped = fleet.caller.ask("dropping", Question(9))
        fleet.caller.tell("dropping", Note(10))
        await station.until(3, "dead_letters")  # the two oldest of "dropping", and the refused ask
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        record.saw("or `await send()` waits, as the policy says")
        await station.do("release")
        await waiting
        assert await dropped == 9
        await station.until(["busy", *range(SMALL)], "noted", "small")
        await station.until(["busy", *range(SMALL), 9], "noted", "patient")
        await station.until(["busy", 2, 10], "noted", "dropping")
        record.loses("what the policy drops: dead letters there")


async def _asked(fleet: Fleet, name: str) -> object:
    return await fleet.caller.ask(name, Question(9))
