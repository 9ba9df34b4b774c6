"""Who is on a channel of Pipecat, who is active, and handing over, with unmodified processes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from callboard import JobCrashed, LLMActivationArgs, Node
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.pipecat.pgmq_channel import prefix_of
from callboard.transports.pipecat.transport import PipecatPgmqTransport, PipecatRedisTransport
from tests.servers.fixtures import execute
from tests.transports.pipecat.brokers import Broker
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.theirs import Theirs

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)


def node_of(broker: Broker, log: Log, *names: str, **settings: Any) -> Node:
    """A node of ours on the channel, with these workers."""
    children = [ours(name, log, **settings) for name in names]
    return Node(tree(*children), transports=[broker.transport()])


@pytest.mark.check("M141")
@pytest.mark.parametrize("first", ["ours", "theirs"])
async def test_both_discover_each_other_whoever_is_there_first(broker: Broker, first: str) -> None:
    log: Log = []
    name, runner = f"first-{next(NUMBERS)}", f"runner-{next(NUMBERS)}"
    with broker.theirs(runner=runner, doers=["doer"], idle=["idle"]) as theirs:
        if first == "theirs":
            await theirs.ready()
        async with node_of(broker, log, name) as node:
            await until(lambda: is_ready(node, "doer") and is_ready(node, "idle"))
            await theirs.ready()
            await theirs.knows(name)
            known = node.runtime.registry.find("doer")
            assert known is not None and known.node == runner
            await until(lambda: ("ready", ("doer", runner)) in log)
            assert log.count(("ready", ("doer", runner))) == 1
            assert await node.request("doer", "echo", {"x": 1}, timeout=60) == {"echo": {"x": 1}}
            found = await theirs.do("job", by="doer", worker=name, name="echo")
            assert found["response"] == {"echo": None}


@pytest.fixture(scope="module")
def theirs(broker: Broker) -> Iterator[Theirs]:
    """A Pipecat process with an active and an inactive worker."""
    with broker.theirs(doers=["doer"], idle=["idle"]) as process:
        yield process


@pytest.mark.check("M141")
async def test_their_workers_hear_that_ours_is_ready(broker: Broker, theirs: Theirs) -> None:
    name = f"watched-{next(NUMBERS)}"
    await theirs.ready()
    await theirs.do("watch", by="doer", worker=name)
    async with node_of(broker, [], name) as node:
        [event] = await theirs.until("ready", of=name)
        assert event["worker"] == "doer" and event["runner"].startswith(f"callboard-{node.name}-")


@pytest.mark.check("M141")
async def test_ours_activates_theirs_and_theirs_ours(broker: Broker, theirs: Theirs) -> None:
    log: Log = []
    name = f"turns-{next(NUMBERS)}"
    await theirs.ready()
    async with node_of(broker, log, name, active=False) as node:
        await until(lambda: is_ready(node, "idle"))
        await theirs.knows(name)

        # Ours is inactive, and takes no job; an error says so, where theirs would say nothing.
        with pytest.raises(Exception, match="errored"):
            await theirs.do("job", by="doer", worker=name, name="echo")

        args = {"metadata": {"k": "v"}, "messages": [{"role": "user", "content": "hi"}]}
        await theirs.do("activate", by="doer", worker=name, args=args)
        await until(lambda: ("activated", (name, args)) in log)
        await node.request(name, "activate", ("idle", args, False), timeout=60)
        await theirs.until("activated", worker="idle", args=args)
        assert await node.request("idle", "echo", {"x": 1}, timeout=60) == {"echo": {"x": 1}}

        said = LLMActivationArgs([{"role": "user", "content": "hello"}])
        await node.request(name, "activate", ("idle", said, False), timeout=60)
        expected = {"messages": said.messages, "run_llm": True}
        await theirs.until("activated", worker="idle", args=expected)
        await theirs.do("activate", by="doer", worker=name, args=expected)
        await until(lambda: ("activated", (name, {**expected, "run": True})) in log)

        before = len(theirs.happened("deactivated"))
        await node.request(name, "deactivate", "idle", timeout=60)
        await theirs.until("deactivated", before + 1, worker="idle")
        await theirs.do("deactivate", by="doer", worker=name)
        await until(lambda: ("deactivated", name) in log)


@pytest.mark.check("M141")
async def test_handing_over_there_and_back(broker: Broker, theirs: Theirs) -> None:
    log: Log = []
    name = f"hands-{next(NUMBERS)}"
    await theirs.ready()
    await theirs.do("deactivate", by="doer", worker="idle")
    async with node_of(broker, log, name) as node:
        await until(lambda: is_ready(node, "idle"))
        await theirs.knows(name)
        before = len(theirs.happened("activated", worker="idle"))

        # From ours to theirs: ours is inactive before theirs is told.
        await node.request(name, "activate", ("idle", {"turn": 1}, True), timeout=60)
        await theirs.until("activated", before + 1, worker="idle")
        assert ("deactivated", name) in log
        with pytest.raises(JobCrashed, match="is inactive"):
            await node.request(name, "echo", timeout=60)

        # And back.
        await theirs.do("activate", by="idle", worker=name, args={"turn": 2}, deactivate_self=True)
        await until(lambda: ("activated", (name, {"turn": 2})) in log)
        assert await theirs.do("active", worker="idle") is False

        # To nobody: ours stays active.
        with pytest.raises(JobCrashed, match="no hand-over to 'nobody'"):
            await node.request(name, "activate", ("nobody", None, True), timeout=60)
        assert await node.request(name, "is_active", timeout=60) is True


@pytest.mark.check("M141")
@pytest.mark.parametrize(
    ("channel", "prefix"),
    [
        ("pipecat:acme/v2", "pipecat_acme_v2"),
        ("123corp", "q_123corp"),
        ("", "pipecat_bus"),
        ("a" * 40, "a" * 30),
    ],
)
def test_the_prefix_of_queues_is_pipecats_own(channel: str, prefix: str) -> None:
    from pipecat.bus.network import pgmq_backends

    assert prefix_of(channel) == prefix
    assert pgmq_backends._sanitize_channel(channel) == prefix  # pyright: ignore[reportPrivateUsage]


@pytest.mark.check("M141")
async def test_our_queue_is_called_as_theirs_are_and_goes_with_us(pipecat_database: str) -> None:
    for channel, prefix in (("pipecat:acme/v2", "pipecat_acme_v2_"), ("123corp", "q_123corp_")):
        transport = PipecatPgmqTransport(pipecat_database, channel=channel)
        async with Node(tree(), transports=[transport]) as node:
            await until(lambda: node.events.counts["connected"])
            [(queue,)] = _queues(pipecat_database, prefix)
            assert len(queue) == len(prefix) + 12
            assert not set(queue.removeprefix(prefix)) - set("0123456789abcdef")
        assert _queues(pipecat_database, prefix) == []


def _queues(database: str, prefix: str) -> list[tuple[str]]:
    found = execute(database, "SELECT queue_name FROM pgmq.meta")
    return [(each[0],) for each in found if each[0].startswith(prefix)]


@pytest.mark.check("M141")
async def test_the_channel_on_redis_is_exactly_the_one_named(redis_server: RedisServer) -> None:
    assert PipecatRedisTransport(redis_server.url).channel == "pipecat:bus"
    client: Any = cast("Any", Redis).from_url(redis_server.url)
    async with client as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe("pipecat:acme/é 1")
        transport = PipecatRedisTransport(redis_server.url, channel="pipecat:acme/é 1")
        async with Node(tree(ours("w", [])), name="n", transports=[transport]):
            async for message in pubsub.listen():
                if message["type"] == "message" and b'"name":"w"' in message["data"]:
                    break
