"""Strangers, rubbish and too much on a channel of Pipecat."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from callboard import (
    Child,
    JobCancelled,
    JobCrashed,
    JobRequest,
    Node,
    Worker,
    job,
)
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.transports.pipecat.cast import is_ready, tree, until
from tests.transports.pipecat.meeting import meeting
from tests.transports.pipecat.peer import Peer

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


async def test_answers_of_strangers_and_late_ones_change_nothing(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        asked = asyncio.create_task(node.request("p", "x", {"a": 1}))
        [request] = await peer.until(said.JobRequest)
        assert (request.target, request.job_name, request.payload) == ("p", "x", {"a": 1})
        about: dict[str, Any] = {"target": request.source, "job_id": request.job_id}
        await peer.say(
            said.JobResponse(source="q", status="completed", response={"n": 0}, **about),
            said.StreamEnd(source="q", data={"n": 0}, **about),
            said.JobResponse(source="p", target=request.source, job_id="x", status="completed"),
            said.JobResponse(source="p", status="completed", response={"n": 1}, **about),
            said.JobResponse(source="p", status="completed", response={"n": 2}, **about),
        )
        assert await asked == {"n": 1}
        await until(lambda: node.events.counts["late_job_answers"] == 1)
        assert node.events.counts["foreign_job_answers"] == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [("cancelled", JobCancelled), ("perhaps", JobCrashed), ("error", JobCrashed)],
)
async def test_whatever_is_not_completed_is_an_error(
    redis_server: RedisServer, channel: str, status: str, kind: type[Exception]
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        asked = asyncio.create_task(node.request("p", "x"))
        [request] = await peer.until(said.JobRequest)
        answer = said.JobResponse(
            source="p", target=request.source, job_id=request.job_id, status=status
        )
        await peer.say(answer)
        with pytest.raises(kind):
            await asked


async def test_an_answer_that_cannot_be_read_is_an_error_and_the_job_is_cancelled(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        asked = asyncio.create_task(node.request("p", "x"))
        [request] = await peer.until(said.JobRequest)
        await peer.publish(
            b'{"__type__":"pipecat.bus.messages.BusJobResponseMessage","__data__":{"source":"p",'
            b'"target":"n","job_id":"%b","status":"completed","response":{"v":{"__type__":'
            b'"acme.Thing","__data__":{}}}}}' % request.job_id.encode()
        )
        with pytest.raises(JobCrashed, match=r"acme\.Thing"):
            await asked
        await peer.until(said.JobCancel, job_id=request.job_id)


async def test_a_request_that_cannot_be_done_is_answered_with_an_error(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (_, peer):
        await peer.publish(
            b'{"__type__":"pipecat.bus.messages.BusJobRequestMessage","__data__":{"source":"p",'
            b'"target":"w","job_id":"1","job_name":"echo","payload":{"v":{"__type__":'
            b'"acme.Thing","__data__":{}}}}}'
        )
        [answer] = await peer.until(said.JobResponse, job_id="1")
        assert answer.status == "error" and "acme.Thing" in str(answer.response)
        begin = said.JobRequest(source="p", target="w", job_id="2", job_name="slow")
        await peer.say(begin, begin)
        [answer] = await peer.until(said.JobResponse, job_id="2")
        assert answer.status == "error" and "second job" in str(answer.response)
        # Somebody else cannot cancel it, and who has asked for it can.
        await peer.say(
            said.JobCancel(source="q", target="w", job_id="2"),
            said.JobUpdateRequest(source="p", target="w", job_id="2"),
        )
        await peer.until(said.JobUpdate, job_id="2", update={"asked": True})
        await peer.say(said.JobCancel(source="p", target="w", job_id="2", reason="enough"))
        [_, answer] = await peer.until(said.JobResponse, 2, job_id="2")
        assert (answer.status, answer.response) == ("cancelled", None)
        # What is for nobody here is nobody's affair here.
        await peer.say(
            said.JobRequest(source="p", target="nobody", job_id="3"),
            said.JobRequest(source="p", target="transport-pipecatredis", job_id="4"),
            said.JobRequest(source="p", target="w", job_id="5", job_name="plain"),
        )
        await peer.until(said.JobResponse, job_id="5")
        assert not peer.of(said.JobResponse, job_id="3")
        assert not peer.of(said.JobResponse, job_id="4")


async def test_rubbish_is_counted_and_nothing_else_changes(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        for junk in (
            b"\x00\xff",
            b"{}",
            b'{"a": 1}',
            b"[" * 100_000,
            b'{"__type__":"pipecat.bus.messages.BusAddWorkerMessage","__data__":{"source":"x"}}',
            b'{"__type__":"builtins.eval","__data__":"1"}',
            b'{"__type__":"pipecat.bus.messages.BusWorkerRegistryMessage","__data__":{}}',
            b"x" * ((4 << 20) + 1),
        ):
            await peer.publish(junk)
        await peer.say(said.JobRequest(source="p", target="w", job_id="1", job_name="plain"))
        await peer.until(said.JobResponse, job_id="1")
        counts = node.events.counts
        assert {kind: n for kind, n in counts.items() if kind.startswith("rejected_")} == {
            "rejected_no_json": 1,
            "rejected_untagged": 2,
            "rejected_too_deep": 1,
            "rejected_local_only": 1,
            "rejected_unknown_tag": 1,
            "rejected_malformed": 1,
            "rejected_too_large": 1,
        }
        assert counts["disconnected"] == 0


async def test_the_end_of_all_is_obeyed_only_where_that_was_said(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        await peer.say(said.End(source="peer", reason="over"), said.Cancel(source="peer"))
        await until(lambda: node.events.counts["ends_not_obeyed"] == 2)
        assert node.state == "running"
        await peer.say(said.Activate(source="p", args={}))
        await until(lambda: node.events.counts["activations_of_all"] == 1)
    async with meeting(redis_server.url, f"{channel}-2", obey_end=True) as (node, peer):
        await peer.say(said.End(source="peer", reason="over"))
        await until(lambda: node.state == "stopped")


async def test_a_stream_is_held_back_by_a_broker_that_is_behind(
    redis_server: RedisServer, channel: str
) -> None:
    class Pouring(Worker):
        poured = 0

        @job("pour")
        async def pour(self, request: JobRequest) -> None:
            while True:
                await request.stream({"n": self.poured})
                self.poured += 1

    transport = PipecatRedisTransport(redis_server.url, channel=channel)
    async with (
        Peer(redis_server.url, channel) as peer,
        Node(tree(Child("w", Pouring)), transports=[transport]) as node,
    ):
        await until(lambda: node.events.counts["connected"])
        await peer.tell_of("p")
        await until(lambda: is_ready(node, "p"))
        await peer.say(said.JobRequest(source="p", target="w", job_id="1", job_name="pour"))
        await peer.until(said.StreamData, 5000, job_id="1")
        place: Any = node.runtime.registry.here("transport-pipecatredis")
        assert place.target.actor.unsent <= 1100
        await peer.say(said.JobCancel(source="p", target="w", job_id="1"))
        await peer.until(said.JobResponse, job_id="1", status="cancelled")
