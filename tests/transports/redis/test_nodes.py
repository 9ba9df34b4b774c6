"""Nodes over a real Redis: what passes it for what is said, and what its death costs."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from callboard import Node, Supervisor
from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.packet import Kind, unpack
from callboard.transports.redis import RedisTransport
from tests.servers.fixtures import NewRedis
from tests.transports.contract_cast import Log, Note, Question, player
from tests.transports.contract_stage import Stage, is_ready
from tests.transports.redis.broker import Broker
from tests.transports.redis.test_contract import RedisNetwork

pytestmark = pytest.mark.realtime


def carrying(passed: list[tuple[str, bytes]]) -> list[tuple[str, int]]:
    """Return what was published with bodies for workers: on which channel, and how many."""
    return [
        (channel, len(bodies))
        for channel, (header, bodies) in ((channel, unpack(data)) for channel, data in passed)
        if Kind(header.kind) is Kind.DATA and bodies
    ]


@pytest.mark.check("M65")
async def test_what_is_ready_together_is_published_once(
    redis_server: RedisServer, channel: str
) -> None:
    async with (
        Broker(redis_server.url) as broker,
        Stage(RedisNetwork(redis_server.url, channel)) as stage,
    ):
        a, _ = await stage.pair()
        await a.ask("b", Question("warm"))
        await broker.look()
        for number in range(100):
            a.tell("b", Note(number))
        assert await stage.noted("b", "note", count=100) == [*range(100)]
        assert carrying(await broker.look()) == [(f"{channel}:node:B", 100)]


@pytest.mark.check("M102")
async def test_an_envelope_is_published_once_and_what_is_not_ours_is_skipped(
    redis_server: RedisServer, channel: str
) -> None:
    async with (
        Broker(redis_server.url) as broker,
        Stage(RedisNetwork(redis_server.url, channel)) as stage,
    ):
        a, b = await stage.pair()
        await stage.node("C", "c")
        await stage.know(a, "c")
        await broker.look()
        a.tell("b", Note(1))
        await stage.noted("b", "note")
        assert carrying(await broker.look()) == [(f"{channel}:node:B", 1)]
        for junk in (b"\x00", b"{}", b'{"kind": "tell"}', b"x" * 100_000):
            await broker.client.publish(f"{channel}:node:B", junk)
            await broker.client.publish(f"{channel}:all", junk)
        a.tell("b", Note(2))
        assert await stage.noted("b", "note", count=2) == [1, 2]
        counted = b.events.counts
        assert sum(n for kind, n in counted.items() if kind.startswith("rejected_")) == 8
        assert stage.counted(b, "disconnected") == 0


@pytest.mark.check("M105")
async def test_a_redis_that_is_gone_for_seconds_costs_time_and_no_message(
    new_redis: NewRedis,
) -> None:
    server = new_redis()
    async with Stage(RedisNetwork(server.url, "shop")) as stage:
        a, b = await stage.pair()
        events = a.events.subscribe()
        for number in range(100):
            a.tell("b", Note(number))
        await asyncio.to_thread(server.kill)
        await stage.until(lambda: stage.counted(a, "disconnected"))
        sending = asyncio.create_task(a.request("b", "echo", "over the outage"))
        for number in range(100, 1000):
            a.tell("b", Note(number))
            b.tell("a", Note(number))
        loop = asyncio.get_running_loop()
        until = loop.time() + 3.0
        local = 0
        while loop.time() < until:
            assert await a.ask("a", Question("here")) == "here"
            local += 1
            await asyncio.sleep(0.01)
        assert local > 10
        await asyncio.to_thread(server.start)
        assert await stage.noted("b", "note", count=1000) == [*range(1000)]
        assert await stage.noted("a", "note", count=900) == [*range(100, 1000)]
        assert await sending == "over the outage"
        assert stage.counted(a, "node_down") == stage.counted(b, "node_down") == 0
        waited = [
            re.search(r"in (\S+) s", each.text) for each in events.take() if each.kind == "waiting"
        ]
        delays = [float(found[1]) for found in waited if found]
        assert len(delays) >= 4 and delays[:4] == sorted(delays[:4]) and delays[3] > 2 * delays[0]


@pytest.mark.check("M105")
async def test_without_a_redis_a_node_starts_works_and_stops(new_redis: NewRedis) -> None:
    server = new_redis()
    await asyncio.to_thread(server.kill)
    async with Stage(RedisNetwork(server.url, "shop")) as stage:
        a = await stage.node("A", "a")
        assert a.state == "running"
        assert await a.ask("a", Question("here")) == "here"
        await stage.until(lambda: stage.counted(a, "failed") >= 3)
        assert stage.counted(a, "exceeded") == 0
        await asyncio.to_thread(server.start)
        b = await stage.node("B", "b")
        await stage.know(a, "b")
        assert await a.ask("b", Question("there")) == "there"
        await asyncio.to_thread(server.kill)
        await eventually(lambda: stage.counted(b, "disconnected"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(a.stop(), b.stop())
        assert loop.time() - began < 5


@pytest.mark.check("M103")
async def test_a_node_that_has_stopped_leaves_nothing_at_redis(new_redis: NewRedis) -> None:
    server = new_redis()
    async with Broker(server.url) as broker:
        async with Stage(RedisNetwork(server.url, "shop")) as stage:
            await stage.pair()
            assert await broker.channels("shop:") == ["all", "node:A", "node:B"]
        assert await broker.client.dbsize() == 0
        await broker.gone("shop:")


async def test_a_node_whose_name_was_taken_is_back_when_the_other_has_stopped(
    redis_server: RedisServer, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    def node(name: str, worker: str) -> Node:
        transport = RedisTransport(redis_server.url, channel=channel)
        return Node(Supervisor([player(worker, log)]), name=name, transports=[transport])

    log = Log()
    async with node("A", "a") as a, node("B", "b") as b:
        assert await asked(a, "b") == "?"
        async with node("B", "later") as later:
            await eventually(lambda: b.events.counts["superseded"] == 1, within=20)
            assert await asked(a, "later") == "?"
            assert a.ref("b") is None and later.ref("a") is not None
        assert await asked(a, "b") == await asked(b, "a") == "?"
    (told,) = [each for each in caplog.records if "superseded" in each.getMessage()]
    assert told.levelno == logging.ERROR


async def asked(node: Node, worker: str) -> object:
    """Wait until a worker is known, and ask it."""
    await eventually(lambda: is_ready(node, worker), within=20)
    return await node.ask(worker, Question("?"))
