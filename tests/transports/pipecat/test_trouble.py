"""What goes wrong on a channel of Pipecat: processes and brokers that die, strangers, rubbish."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    JobCancelled,
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
from callboard.transports.pipecat.gateway import Gateway
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.servers.fixtures import NewRedis
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.peer import Peer
from tests.transports.pipecat.theirs import Theirs

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


@asynccontextmanager
async def meeting(
    url: str, channel: str, log: Log | None = None, **settings: Any
) -> AsyncGenerator[tuple[Node, Peer]]:
    """A node of ours with the worker `w`, and a peer with the worker `p`, once they have met."""
    transport = PipecatRedisTransport(url, channel=channel, **settings)
    node = Node(tree(ours("w", [] if log is None else log)), name="n", transports=[transport])
    async with Peer(url, channel) as peer, node:
        await peer.until(said.Listing, source=gateway_of(node).runner)
        await peer.tell_of("p")
        await until(lambda: is_ready(node, "p"))
        yield node, peer


def gateway_of(node: Node) -> Gateway:
    """What joins the node to its channel."""
    known = node.runtime.registry.here("transport-pipecatredis")
    assert known is not None
    place: Any = known.target
    gateway: Gateway = place.actor.gateway
    return gateway


# -- processes and brokers that die ----


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


# -- who comes and goes ----


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


# -- strangers and rubbish ----


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
