"""Processes and brokers on a channel of Pipecat that die."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from callboard import (
    JobCrashed,
    Node,
)
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.servers.fixtures import NewRedis
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.meeting import meeting
from tests.transports.pipecat.theirs import Theirs

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


@pytest.mark.check("M141")
async def test_a_process_of_theirs_that_is_killed_is_noticed_and_its_jobs_end(
    redis_server: RedisServer, channel: str
) -> None:
    log: Log = []
    transport = PipecatRedisTransport(redis_server.url, channel=channel, probe=0.5)
    theirs = Theirs(redis=redis_server.url, channel=channel, doers=["doer"])
    with theirs:
        await theirs.ready()
        async with Node(tree(ours("w", log)), transports=[transport]) as node:
            await until(lambda: is_ready(node, "doer"))
            await theirs.knows("w")
            ours_there = asyncio.create_task(node.request("doer", "slow"))
            await theirs.until("begun")
            theirs.tell("job", by="doer", worker="w", name="slow")
            await until(lambda: any(what == "begun" for what, _ in log))

            await asyncio.to_thread(theirs.kill)
            with pytest.raises(JobCrashed, match="is down: nothing was heard of it"):
                await ours_there
            assert node.runtime.registry.find("doer") is None
            await until(lambda: any(what == "ended" for what, _ in log))

            # Its next life is welcome.
            theirs.start()
            await theirs.ready()
            await until(lambda: is_ready(node, "doer"))
            assert len([1 for what, _ in log if what == "ready"]) == 2
            assert await node.request("doer", "echo", {"x": 1}, timeout=60)


@pytest.mark.check("M141")
async def test_a_redis_that_is_killed_costs_time(new_redis: NewRedis) -> None:
    server = new_redis()
    log: Log = []
    transport = PipecatRedisTransport(server.url, channel="c", probe=2.0)
    with Theirs(redis=server.url, channel="c", doers=["doer"], patient=True) as theirs:
        await theirs.ready()
        async with Node(tree(ours("w", log)), transports=[transport]) as node:
            await until(lambda: is_ready(node, "doer"))
            await theirs.knows("w")
            await asyncio.to_thread(server.kill)
            await until(lambda: node.events.counts["disconnected"])
            # What is asked for while nobody can be reached waits.
            asking = asyncio.create_task(node.request("doer", "echo", {"x": 1}, timeout=50))
            await asyncio.to_thread(server.start)
            assert await asking == {"echo": {"x": 1}}
            found = await theirs.do("job", by="doer", worker="w", name="echo", payload={"y": 2})
            assert found["response"] == {"echo": {"y": 2}}
            assert node.events.counts["node_down"] == 0
            assert len([1 for what, _ in log if what == "ready"]) == 1


@pytest.mark.check("M141")
async def test_a_process_of_theirs_that_is_deaf_after_that_is_down(new_redis: NewRedis) -> None:
    """It has no retries: its reader ends with the connection, and only it knows."""
    server = new_redis()
    transport = PipecatRedisTransport(server.url, channel="c", probe=0.5)
    with Theirs(redis=server.url, channel="c", doers=["doer"]) as theirs:
        await theirs.ready()
        async with Node(tree(ours("w", [])), transports=[transport]) as node:
            await until(lambda: is_ready(node, "doer"))
            await asyncio.to_thread(server.kill)
            await until(lambda: node.events.counts["disconnected"])
            asking = asyncio.create_task(node.request("doer", "echo", {"x": 1}, timeout=50))
            await until(lambda: "_reader_loop unexpected exception" in theirs.log)
            await asyncio.to_thread(server.start)
            with pytest.raises(JobCrashed, match="is down: nothing was heard of it"):
                await asking


async def test_a_worker_of_ours_that_crashes_is_itself_again(
    redis_server: RedisServer, channel: str
) -> None:
    log: Log = []
    async with meeting(redis_server.url, channel, log) as (node, peer):
        before = len(peer.of(said.Listing))
        ref = node.ref("w")
        assert ref is not None
        await ref.stop()
        await until(lambda: log.count(("started", "w")) == 2)
        await peer.until(said.Listing, before + 1)
        await peer.say(said.JobRequest(source="p", target="w", job_id="1", job_name="plain"))
        [answer] = await peer.until(said.JobResponse)
        assert (answer.status, answer.response) == ("completed", {"value": 5})
