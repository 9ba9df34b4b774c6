"""Who comes to a channel of Pipecat and goes, as far as that can be known."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    JobCrashed,
    JobTimeout,
    NoActor,
    Node,
    Worker,
    WorkerDown,
    WorkerRestarted,
)
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.meeting import meeting
from tests.transports.pipecat.peer import Peer

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


async def test_who_is_new_is_told_once_and_children_and_the_unstarted_are_nobodys(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        told = len(peer.of(said.Listing))
        await peer.say(
            said.Listing(
                source="other",
                runner="other",
                workers=(
                    said.Entry("top", started_at=5.0),
                    said.Entry("root", started_at=5.0),  # as our supervisor is called
                    said.Entry("child", "top", started_at=5.0),
                    said.Entry("not yet"),
                    said.Entry("tab\there", started_at=5.0),
                ),
            )
        )
        await until(lambda: is_ready(node, "top"))
        assert set(node.runtime.registry.names(local=False)) == {"p", "top"}
        await peer.until(said.Listing, told + 2)
        [listing] = [each for each in peer.of(said.Listing)[told:] if each.source != "other"]
        assert [entry.name for entry in listing.workers] == ["w"]
        assert listing.workers[0].started_at is not None and listing.workers[0].active
        await peer.say(
            said.Listing(source="other", runner="other", workers=(said.Entry("top"),)),
            said.Ready(source="late", runner="other", started_at=9.0),
        )
        await until(lambda: is_ready(node, "late"))
        assert len([e for e in peer.of(said.Listing)[told:] if e.source != "other"]) == 1


async def test_a_name_is_who_has_started_last(redis_server: RedisServer, channel: str) -> None:
    async with meeting(redis_server.url, channel) as (node, peer):
        asked = asyncio.create_task(node.request("p", "wait"))
        [request] = await peer.until(said.JobRequest)
        entry = said.Entry("p", started_at=2000.0)
        await peer.say(said.Listing(source="next", runner="next", workers=(entry,)))
        with pytest.raises(JobCrashed, match="'next' has started it anew"):
            await asked
        known = node.runtime.registry.find("p")
        assert known is not None and (known.node, known.incarnation) == ("next", 2)
        await peer.tell_of("p")  # the one before still tells of it
        await peer.tell_of("q")
        await until(lambda: is_ready(node, "q"))
        known = node.runtime.registry.find("p")
        assert known is not None and known.node == "next"
        await peer.say(
            said.JobResponse(source="p", target="n", job_id=request.job_id, status="completed")
        )
        await until(lambda: node.events.counts["late_job_answers"] == 0)


async def test_who_ends_or_is_not_told_of_any_more_is_gone(
    redis_server: RedisServer, channel: str
) -> None:
    log: Log = []
    async with meeting(redis_server.url, channel, log) as (node, peer):
        await peer.tell_of("p", "q", "r")
        await until(lambda: is_ready(node, "r"))
        await peer.say(said.CancelWorker(source="peer", target="q"))
        await until(lambda: node.runtime.registry.find("q") is None)
        await peer.tell_of("p", "q", "s")  # a runner goes on telling of those that have ended
        await until(lambda: is_ready(node, "s"))
        assert node.runtime.registry.find("q") is None
        assert node.runtime.registry.find("r") is None
        await peer.tell_of("p", "q", started_at=3000.0)
        await until(lambda: is_ready(node, "q"))
        ref = node.ref("q")
        assert ref is not None
        await ref.stop()
        await peer.until(said.EndWorker, target="q")
        await until(lambda: node.runtime.registry.find("q") is None)
        with pytest.raises(NoActor):
            ref.tell("x")


async def test_who_is_silent_is_asked_and_then_gone(
    redis_server: RedisServer, channel: str
) -> None:
    async with meeting(redis_server.url, channel, probe=0.3) as (node, peer):
        probes = len([e for e in peer.of(said.Listing) if "-probe-" in e.runner])
        await until(lambda: node.runtime.registry.find("p") is None)
        asked = [each for each in peer.of(said.Listing) if "-probe-" in each.runner][probes:]
        assert len(asked) >= 2
        assert all(each.workers == () for each in asked)
        assert len({each.runner for each in asked}) == len(asked)
        await peer.tell_of("p")
        await until(lambda: is_ready(node, "p"))


async def test_who_leaves_says_so_and_its_jobs_there_are_cancelled(
    redis_server: RedisServer, channel: str
) -> None:
    async with Peer(redis_server.url, channel) as peer:
        transport = PipecatRedisTransport(redis_server.url, channel=channel)
        async with Node(tree(ours("w", [])), name="n", transports=[transport]) as node:
            await peer.tell_of("p")
            await until(lambda: is_ready(node, "p"))
            asked = asyncio.create_task(node.request("p", "x"))
            [request] = await peer.until(said.JobRequest)
        with pytest.raises(JobCrashed, match="has left the channel"):
            await asked
        await peer.until(said.JobCancel, job_id=request.job_id)
        [*_, last] = [each for each in peer.of(said.Listing) if each.source.startswith("callb")]
        assert last.workers == ()


async def test_two_nodes_of_ours_know_each_other_over_the_channel_too(
    redis_server: RedisServer, channel: str
) -> None:
    def node(name: str, worker: str) -> Node:
        transport = PipecatRedisTransport(redis_server.url, channel=channel, probe=1.0)
        return Node(tree(ours(worker, [])), name=name, transports=[transport])

    async with node("a", "one") as a:
        async with node("b", "two") as b:
            await until(lambda: is_ready(a, "two") and is_ready(b, "one"))
            assert await a.request("two", "echo", {"x": 1}, timeout=30) == {"echo": {"x": 1}}
            with pytest.raises(JobTimeout):
                await b.request("one", "slow", timeout=0.2)
            async with b.job("one", "steps", timeout=30) as job:
                assert len([event async for event in job]) == 3
        # A goodbye is a listing without workers.
        await until(lambda: a.runtime.registry.find("two") is None)


class Watching(Worker):
    """Monitors `p` as soon as it is known."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self.heard = heard

    async def on_start(self) -> None:
        self.watch_workers("p")

    async def on_worker_ready(self, data: Any) -> None:
        if data.incarnation == 1:
            self.monitor(self.ref("p"))

    async def on_receive(self, message: Any) -> None:
        self.heard.append(message)


async def test_a_monitor_hears_of_their_worker(redis_server: RedisServer, channel: str) -> None:
    heard: list[Any] = []
    transport = PipecatRedisTransport(redis_server.url, channel=channel)
    child = Child("w", partial(Watching, heard))
    async with (
        Peer(redis_server.url, channel) as peer,
        Node(tree(child), transports=[transport]) as node,
    ):
        await peer.tell_of("p")
        await until(lambda: is_ready(node, "p"))
        await peer.tell_of("p", started_at=2000.0)
        await until(lambda: len(heard) == 1)
        await peer.tell_of()
        await until(lambda: len(heard) == 2)
        assert isinstance(heard[0], WorkerRestarted) and heard[0].incarnation == 2
        assert isinstance(heard[1], WorkerDown) and heard[1].worker.name == "p"
