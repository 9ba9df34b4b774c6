"""A RedisTransport at a real Redis: what it carries, to whom, and what it leaves behind."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.redis import RedisTransport
from callboard.transports.transport import Packet
from tests.servers.fixtures import NewRedis
from tests.transports.redis.broker import Broker, until
from tests.transports.websocket.ends import End

pytestmark = pytest.mark.realtime

EVERY_BYTE = bytes(range(256))


def _has(end: End, data: bytes) -> bool:
    return (data, None) in end.received


@pytest.fixture
def url(redis_server: RedisServer) -> str:
    return redis_server.url


def end(name: str, url: str, channel: str) -> End:
    return End(name, RedisTransport(url, channel=channel))


@pytest.mark.check("M102")
async def test_a_node_listens_to_two_channels_and_is_sent_to_on_its_own(
    url: str, channel: str
) -> None:
    async with Broker(url) as broker, end("a", url, channel) as a, end("b c", url, channel) as b:
        await a.connected()
        await b.connected()
        assert await broker.channels(f"{channel}:") == ["all", "node:a", "node:b%20c"]
        subscribed = [each["sub"] for each in await broker.others() if each["sub"] != "0"]
        assert subscribed.count("2") >= 2
        await broker.look()
        a.post("b c", EVERY_BYTE)
        assert await b.got(1) == [(EVERY_BYTE, None)]
        assert await broker.look() == [(f"{channel}:node:b%20c", EVERY_BYTE)]
        b.post(None, b"to all")
        assert await a.got(1) == [(b"to all", None)]
        assert await broker.look() == [(f"{channel}:all", b"to all")]


@pytest.mark.check("M102")
async def test_without_the_argument_the_channel_is_callboard(new_redis: NewRedis) -> None:
    server = new_redis()
    async with Broker(server.url) as broker, End("a", RedisTransport(server.url)) as a:
        await a.connected()
        assert await broker.channels("") == ["callboard:all", "callboard:node:a"]


async def test_what_is_sent_arrives_in_order_and_whole(url: str, channel: str) -> None:
    large = EVERY_BYTE * 8192
    async with end("a", url, channel) as a, end("b", url, channel) as b:
        await a.connected()
        await b.connected()
        sent = [b"%d" % number for number in range(3000)]
        sent[1000:1000] = [large, b"\r\n$3\r\nabc\r\n", large]
        for number, data in enumerate(sent):
            a.post("b", data)
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert [data for data, _ in await b.got(len(sent))] == sent


async def test_packets_for_several_nodes_leave_together(url: str, channel: str) -> None:
    async with Broker(url) as broker, end("a", url, channel) as a:
        await a.connected()
        await broker.look()
        for number in range(50):
            a.post(f"n{number}", b"x")
        a.post(None, b"y")

        async def passed() -> bool:
            found.extend(await broker.look())
            return len(found) == 51

        found: list[tuple[str, bytes]] = []
        await until(passed)
        assert found == [
            *((f"{channel}:node:n{n}", b"x") for n in range(50)),
            (f"{channel}:all", b"y"),
        ]


@pytest.mark.check("M60")
@pytest.mark.parametrize(
    ("one", "other"),
    [("", ":b"), ("", ":node:a"), ("x", "X"), (".", "_"), ("*", "?"), ("1" * 150, "1" * 149 + "2")],
)
async def test_two_channels_of_a_broker_do_not_meet(
    url: str, channel: str, one: str, other: str
) -> None:
    async with (
        end("a", url, channel + one) as a,
        end("b", url, channel + one) as b,
        end("a", url, channel + other) as stranger,
        end("all", url, channel + other) as odd,
    ):
        sides = {0: (a, b), 1: (stranger, odd)}
        for ends in sides.values():
            for each in ends:
                await each.connected()
        for side, ends in sides.items():
            for sender in ends:
                for to in (None, "a", "b", "all"):
                    sender.post(to, b"%d from %s" % (side, sender.name.encode()))
        # Redis hands out in order: after what is said next, nothing of the above can come.
        for last in (b"last", b"very last"):
            for ends in sides.values():
                for each in ends:
                    each.post(each.name, last)
                    await eventually(partial(_has, each, last))
        for side, ends in sides.items():
            for each in ends:
                heard = {data[:1] for data, _ in each.received} - {b"l", b"v"}
                assert heard == {b"%d" % side}


@pytest.mark.check("M103")
async def test_after_a_stop_nothing_is_left(url: str, channel: str) -> None:
    tasks = asyncio.all_tasks()
    async with Broker(url) as broker:
        before = len(await broker.others())
        async with end("a", url, channel) as a:
            await a.connected()
            assert len(await broker.others()) == before + 2

        async def gone() -> bool:
            return not await broker.channels(channel) and len(await broker.others()) <= before

        await until(gone)
        assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize("how", ["in its work", "after a failure"])
async def test_a_killed_node_disconnects(url: str, channel: str, how: str) -> None:
    async with Broker(url) as broker, end("a", url, channel) as a:
        await a.connected()
        if how == "after a failure":
            assert a.transport is not None
            a.transport.lost(ConnectionError("told so by the test"))
        a.node.kill()

        async def gone() -> bool:
            return not await broker.channels(channel)

        await until(gone)
        assert a.transport is None


@pytest.mark.check("M103")
async def test_a_client_that_is_given_is_neither_used_up_nor_closed(url: str, channel: str) -> None:
    client = cast("Any", Redis).from_url(url, decode_responses=True, max_connections=1)
    assert await client.ping()
    async with End("a", RedisTransport(client=client, channel=channel)) as a:
        await a.connected()
        assert await client.ping()
        a.post("a", EVERY_BYTE)
        assert await a.got(1) == [(EVERY_BYTE, None)]
    assert await client.ping()
    await client.aclose()


async def test_over_a_socket_of_the_machine(new_redis: NewRedis, tmp_path: Path) -> None:
    new_redis(settings={"unixsocket": str(tmp_path / "redis"), "unixsocketperm": "777"})
    async with End("a", RedisTransport(f"unix://{tmp_path}/redis")) as a:
        await a.connected()
        a.post("a", EVERY_BYTE)
        assert await a.got(1) == [(EVERY_BYTE, None)]


async def test_the_last_word_is_said(url: str, channel: str) -> None:
    for _ in range(20):
        async with end("b", url, channel) as b:
            await b.connected()
            async with end("a", url, channel) as a:
                await a.connected()
                a.post("b", b"good")
                a.post(None, b"bye")
            assert (await b.got(2))[:2] == [(b"good", None), (b"bye", None)]


async def test_a_spare_speaks_while_the_loop_is_blocked(url: str, channel: str) -> None:
    async with end("a", url, channel) as a, end("b", url, channel) as b:
        await a.connected()
        await b.connected()
        assert a.transport is not None
        spare = a.transport.spare()
        assert spare is not None

        async def speak() -> None:
            await spare.open()
            await spare.publish([Packet(None, b"alive"), Packet("b", b"still")])
            await spare.close()

        thread = threading.Thread(target=lambda: asyncio.run(speak()))
        thread.start()
        thread.join(20)  # the event loop of both ends stands still meanwhile
        assert not thread.is_alive()
        assert await b.got(2) == [(b"alive", None), (b"still", None)]


async def test_a_blocked_loop_is_not_taken_for_a_silent_redis(url: str, channel: str) -> None:
    async with End("a", RedisTransport(url, channel=channel, silence=0.4)) as a:
        await a.connected()
        for _ in range(3):
            time.sleep(0.8)  # noqa: ASYNC251 - it is what is tested
            a.post("a", b"x")
            await a.got(1)
            await asyncio.sleep(0.2)
        assert (a.ups, a.downs) == (1, 0)
