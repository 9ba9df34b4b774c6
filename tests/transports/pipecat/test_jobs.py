"""Jobs over a channel of Pipecat, both ways, with an unmodified Pipecat process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from callboard import (
    JobCancelled,
    JobChunk,
    JobCrashed,
    JobError,
    JobFailed,
    JobMessage,
    JobTimeout,
    JobUpdate,
    Node,
)
from tests.transports.pipecat.brokers import Broker
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.theirs import Refused, Theirs

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def theirs(broker: Broker) -> Iterator[Theirs]:
    """A Pipecat process with a worker that does jobs, and one that is not active."""
    with broker.theirs(doers=["doer"], idle=["idle"]) as process:
        yield process


class Meeting:
    """A node of ours with one worker, and what has happened."""

    def __init__(self, node: Node, name: str, log: Log) -> None:
        self.node = node
        self.name = name
        self.log = log


@asynccontextmanager
async def met(broker: Broker, theirs: Theirs, **settings: Any) -> AsyncGenerator[Meeting]:
    """Our node and their process, once they know each other."""
    log: Log = []
    name = f"ours-{next(NUMBERS)}"
    await theirs.ready()
    async with Node(tree(ours(name, log)), transports=[broker.transport(**settings)]) as node:
        await until(lambda: is_ready(node, "doer"))
        await theirs.knows(name)
        yield Meeting(node, name, log)
        counts = node.events.counts
        assert not [kind for kind in counts if kind.startswith(("rejected", "foreign", "lost"))]


# -- ours asks, theirs does ----


@pytest.mark.check("M141")
async def test_a_worker_of_theirs_does_our_job(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        payload: dict[str, Any] = {"x": 1, "b": b"\x00\xff", "n": None, "t": [1, 2.5, True, "é"]}
        node = meeting.node
        assert await node.request("doer", "echo", payload, timeout=60) == {"echo": payload}
        assert await node.request("doer", payload={"y": 2}, timeout=60) == {"default": {"y": 2}}
        assert await node.request("doer", "echo", timeout=60) == {"echo": None}


@pytest.mark.check("M141")
async def test_updates_and_parts_of_an_answer_come_in_order(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        async with meeting.node.job("doer", "steps", timeout=60) as job:
            events = [event async for event in job]
        assert events == [JobUpdate("doer", {"step": step}) for step in range(3)]
        assert job.response == {"steps": 3}
        async with meeting.node.job("doer", "stream", timeout=60) as job:
            events = [event async for event in job]
        assert events == [JobChunk("doer", {"text": part}) for part in "abc"]
        assert job.response == {"whole": "abc"}


@pytest.mark.check("M141")
@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("fail", JobFailed, "no such thing"),
        ("wrong", JobCrashed, "went wrong"),
        ("give_up", JobCancelled, "has cancelled it"),
    ],
)
async def test_what_did_not_complete_there_is_an_error_here(
    broker: Broker, theirs: Theirs, name: str, kind: type[JobError], text: str
) -> None:
    async with met(broker, theirs) as meeting:
        with pytest.raises(kind, match=text) as caught:
            await meeting.node.request("doer", name, timeout=60)
        assert (caught.value.worker, caught.value.job) == ("doer", name)
        if name == "fail":
            assert caught.value.response == {"error": "no such thing", "code": 7}


@pytest.mark.check("M141")
async def test_a_job_that_is_never_answered_ends_all_the_same(
    broker: Broker, theirs: Theirs
) -> None:
    """It crashes there, or is of no name they know, or its worker is not active."""
    async with met(broker, theirs, job_within=1.0) as meeting:
        asked = [("doer", "crash"), ("doer", "no such job"), ("idle", "echo")]
        silent = await asyncio.gather(
            *(meeting.node.request(*each) for each in asked), return_exceptions=True
        )
        for error in silent:
            assert isinstance(error, JobTimeout) and "nothing was heard" in str(error)
        with pytest.raises(JobTimeout, match="before its deadline"):
            await meeting.node.request("doer", "crash", timeout=1.0)


@pytest.mark.check("M141")
async def test_a_job_that_is_heard_of_may_take_longer(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs, job_within=2.0) as meeting:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with meeting.node.job("doer", "slow") as job:
            events = aiter(job)
            while loop.time() - begun < 4.0:
                job.ask_progress()
                assert await anext(events) == JobUpdate("doer", {"asked": True})
            job.cancel("enough")
        assert isinstance(job.error, JobCancelled)
        await theirs.until("cancelled", reason="enough")


@pytest.mark.check("M141")
async def test_a_job_that_we_cancel_is_cancelled_there(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        before = len(theirs.happened("begun"))
        asking = asyncio.create_task(meeting.node.request("doer", "slow"))
        [*_, begun] = await theirs.until("begun", before + 1)
        asking.cancel()
        await theirs.until("cancelled", job=begun["job"])
        with pytest.raises(asyncio.CancelledError):
            await asking
        # The courtesy of their answer changes nothing, and the next job is as any other.
        assert await meeting.node.request("doer", "echo", {"x": 1}, timeout=60)


class Typed(JobMessage[int], wire="tests.pipecat.typed"):
    number: int


@pytest.mark.check("M141")
async def test_what_their_channel_cannot_carry_is_refused_at_once(
    broker: Broker, theirs: Theirs
) -> None:
    async with met(broker, theirs) as meeting:
        node = meeting.node
        for payload, text in (
            ((1, 2), "a dict or None, not tuple"),
            ("text", "a dict or None, not str"),
            ({"value": {1, 2}}, "not set"),
            ({"__type__": 1, "__data__": 2}, "keeps to itself"),
        ):
            with pytest.raises(JobCrashed, match=text) as caught:
                await node.request("doer", "echo", payload)
            assert caught.value.kind == "NotCarried"
        with pytest.raises(JobCrashed, match="no typed job Typed"):
            await node.request("doer", Typed(5))
        with pytest.raises(ValueError, match="no Typed: ask it for a job"):
            node.tell("doer", Typed(5))
        with pytest.raises(ValueError, match="no Typed: ask it for a job"):
            await node.ask("doer", Typed(5))


# -- theirs asks, ours does ----


@pytest.mark.check("M141")
async def test_our_worker_does_their_job(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        asking: dict[str, Any] = {"by": "doer", "worker": meeting.name}
        payload: dict[str, Any] = {"x": 1, "b": b"\x00\xff", "t": [1, 2.5, True, "é"]}
        found = await theirs.do("job", **asking, name="echo", payload=payload)
        assert found == {"events": [], "response": {"echo": payload}}
        found = await theirs.do("job", **asking, payload={"y": 2})
        assert found["response"] == {"default": {"y": 2}}
        found = await theirs.do("job", **asking, name="plain")
        assert found["response"] == {"value": 5}
        found = await theirs.do("job", **asking, name="nothing")
        assert found["response"] == {}


@pytest.mark.check("M141")
async def test_their_caller_sees_updates_and_parts(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        asking = {"by": "doer", "worker": meeting.name}
        found = await theirs.do("job", **asking, name="steps")
        assert found["events"] == [["update", {"step": step}] for step in range(3)]
        assert found["response"] == {"steps": 3}
        found = await theirs.do("job", **asking, name="stream")
        parts = [["stream_data", {"text": part}] for part in "abc"]
        assert found["events"] == [["stream_start", None], *parts, ["stream_end", None]]


@pytest.mark.check("M141")
@pytest.mark.parametrize("name", ["fail", "crash", "odd"])
async def test_what_did_not_complete_here_is_an_error_there(
    broker: Broker, theirs: Theirs, name: str
) -> None:
    async with met(broker, theirs) as meeting:
        with pytest.raises(Refused, match=r"JobError: .* errored"):
            await theirs.do("job", by="doer", worker=meeting.name, name=name)


@pytest.mark.check("M141")
async def test_a_job_that_they_cancel_or_wait_for_no_longer_ends_here(
    broker: Broker, theirs: Theirs
) -> None:
    async with met(broker, theirs) as meeting:
        asking = {"by": "doer", "worker": meeting.name, "name": "slow"}
        number = theirs.tell("job", **asking)
        await until(lambda: len([1 for what, _ in meeting.log if what == "begun"]) == 1)
        # Cancelled while it still sends its request, their side would not send that it gives up.
        await theirs.until("asked", id=number)
        await theirs.do("cancel", of=number)
        await until(lambda: ("ended", "context exited with error") in meeting.log)
        with pytest.raises(Refused, match="JobError: timeout"):
            await theirs.do("job", **asking, timeout=1)
        await until(lambda: ("ended", "timeout") in meeting.log)


@pytest.mark.check("M141")
async def test_our_worker_that_stops_answers_with_an_error(broker: Broker, theirs: Theirs) -> None:
    async with met(broker, theirs) as meeting:
        number = theirs.tell("job", by="doer", worker=meeting.name, name="slow")
        await until(lambda: any(what == "begun" for what, _ in meeting.log))
        ref = meeting.node.ref(meeting.name)
        assert ref is not None
        ref.stop()
        with pytest.raises(Refused, match=r"JobError: .* errored"):
            await theirs.answer(number)
        number = theirs.tell("job", by="doer", worker=meeting.name, name="slow")
        await until(lambda: len([1 for what, _ in meeting.log if what == "begun"]) == 2)
    with pytest.raises(Refused, match=r"JobError: .* errored"):
        await theirs.answer(number)
