"""What goes wrong between a RedisTransport and its Redis is noticed, and costs time."""

from __future__ import annotations

import asyncio

import pytest

from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.redis import RedisTransport
from callboard.transports.transport import Packet
from tests.servers.chaos import ChaosProxy, Way
from tests.servers.fixtures import NewRedis
from tests.transports.redis.broker import Broker, until
from tests.transports.redis.redis_end import RedisEnd

pytestmark = pytest.mark.realtime

SILENCE = 0.8
"""Seconds, in place of 4: a test of silence takes as long."""


def end(name: str, port: int, silence: float = SILENCE) -> RedisEnd:
    return RedisEnd(name, RedisTransport(f"redis://127.0.0.1:{port}", silence=silence))


@pytest.mark.check("M105")
@pytest.mark.parametrize("subscribers", [True, False])
async def test_a_connection_that_is_killed_is_made_again(
    new_redis: NewRedis, subscribers: bool
) -> None:
    server = new_redis()
    async with (
        Broker(server.url) as broker,
        end("a", server.port, silence=60.0) as a,
        end("b", server.port, silence=60.0) as b,
    ):
        await a.connected()
        await b.connected()
        assert await broker.kill(subscribers=subscribers) == 2
        await eventually(lambda: a.downs == b.downs == 1)
        await a.reach(b)
        await b.reach(a)
        assert (a.ups, b.ups) == (2, 2)

        async def no_more_than_needed() -> bool:
            return len(await broker.others()) == 4

        await until(no_more_than_needed)


@pytest.mark.check("M105")
async def test_a_redis_that_comes_back_empty_is_used_again(new_redis: NewRedis) -> None:
    server = new_redis()
    async with end("a", server.port) as a, end("b", server.port) as b:
        await a.connected()
        await b.connected()
        await asyncio.to_thread(server.kill)
        await eventually(lambda: a.downs == b.downs == 1)
        await asyncio.to_thread(server.start)
        await a.reach(b)
        await b.reach(a)


@pytest.mark.parametrize("how", ["both ways", "to Redis", "from Redis"])
async def test_a_silence_is_noticed_and_healed(redis_server: RedisServer, how: str) -> None:
    async with ChaosProxy(redis_server.port) as proxy, end("a", proxy.port) as a:
        await a.connected()
        ways: dict[str, list[Way]] = {
            "both ways": [proxy.to_server, proxy.to_client],
            "to Redis": [proxy.to_server],
            "from Redis": [proxy.to_client],
        }
        for way in ways[how]:
            way.swallows = True
        await eventually(lambda: a.downs == 1)
        assert a.failed_of("does not answer")
        proxy.clear()
        await a.reach(a)


@pytest.mark.parametrize("silent", [0, 1])
async def test_the_silence_of_one_connection_is_enough(
    redis_server: RedisServer, silent: int
) -> None:
    """Each of the two connections has a proxy of its own, one of which goes silent."""
    async with ChaosProxy(redis_server.port) as one, ChaosProxy(redis_server.port) as other:
        prototype = RedisTransport(f"redis://127.0.0.1:{one.port}", silence=SILENCE)
        ports = [one.port, other.port]
        make = prototype._address.make  # pyright: ignore[reportPrivateUsage]

        def in_turn() -> object:
            connection: object = make()
            vars(connection)["port"] = ports[0]
            ports.reverse()
            return connection

        vars(prototype._address)["make"] = in_turn  # pyright: ignore[reportPrivateUsage]
        async with RedisEnd("a", prototype) as a:
            await a.connected()
            assert one.connections == other.connections == 1
            (one, other)[silent].to_client.swallows = True
            await eventually(lambda: a.downs == 1)
            (one, other)[silent].clear()
            await a.reach(a)


async def test_an_idle_connection_is_not_taken_for_a_silent_one(redis_server: RedisServer) -> None:
    async with ChaosProxy(redis_server.port) as proxy, end("a", proxy.port) as a:
        await a.connected()
        carried = proxy.to_server.carried
        ping = len(b"*1\r\n$4\r\nPING\r\n")
        await eventually(lambda: proxy.to_server.carried >= carried + 8 * ping, within=20)
        assert (a.ups, a.downs) == (1, 0)


@pytest.mark.parametrize("way", ["from Redis", "to Redis"])
async def test_a_slow_line_is_not_taken_for_a_silent_one(
    redis_server: RedisServer, way: str
) -> None:
    async with (
        ChaosProxy(redis_server.port) as proxy,
        end("near", redis_server.port) as near,
        end("far", proxy.port) as far,
    ):
        await near.connected()
        await far.connected()
        sender, receiver = (near, far) if way == "from Redis" else (far, near)
        # Twice the silence for each, and several pieces in each part of it.
        proxy.to_client.rate = proxy.to_server.rate = 500_000
        data = [bytes([number]) * 800_000 for number in range(2)]
        for each in data:
            sender.post(receiver.name, each)
        received = await receiver.got(2, within=20)
        assert [each for each, _ in received] == data
        assert (near.downs, far.downs) == (0, 0)


async def test_a_redis_that_stands_still_is_given_up_and_found_again(new_redis: NewRedis) -> None:
    server = new_redis()
    async with end("a", server.port) as a:
        await a.connected()
        server.pause()
        await eventually(lambda: a.downs == 1)
        # It still accepts connections: the system does that for it.
        await eventually(lambda: a.failed_of("accepts, but does not answer"), within=20)
        server.resume()
        await a.reach(a)


@pytest.mark.check("M105")
@pytest.mark.parametrize("how", ["not there", "stands still", "silent"])
@pytest.mark.parametrize("size", [None, 10, 1 << 24], ids=["idle", "little", "much"])
async def test_a_stop_does_not_need_redis(new_redis: NewRedis, how: str, size: int | None) -> None:
    server = new_redis()
    loop = asyncio.get_running_loop()
    async with ChaosProxy(server.port) as proxy, end("a", proxy.port, silence=60.0) as a:
        await a.connected()
        transport = a.transport
        assert transport is not None
        if how == "not there":
            await asyncio.to_thread(server.kill)
        elif how == "stands still":
            server.pause()
        else:
            proxy.hold()
        if size is not None:
            transport.post(None, b"x" * size)
            await asyncio.sleep(0)
            transport.post(None, b"and more")
        began = loop.time()
        await a.node.stop()
        assert loop.time() - began < 4
        if how != "not there":
            assert proxy.accepted == 2  # nothing is begun to be ended


@pytest.mark.check("M105")
async def test_a_stop_does_not_wait_for_a_connection_that_is_being_made(
    redis_server: RedisServer,
) -> None:
    loop = asyncio.get_running_loop()
    async with ChaosProxy(redis_server.port) as proxy:
        proxy.hold()
        async with end("a", proxy.port, silence=60.0) as a:
            await eventually(lambda: proxy.accepted == 1)
            began = loop.time()
            await a.node.stop()
            assert loop.time() - began < 4
            assert a.ups == 0


async def test_a_stop_returns_when_redis_has_taken_what_was_said_last(
    redis_server: RedisServer, channel: str
) -> None:
    async with Broker(redis_server.url) as broker, ChaosProxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        async with RedisEnd("a", RedisTransport(url, channel=channel)) as a:
            await a.connected()
            await broker.look()
            proxy.to_server.delay = 0.3
            a.post(None, b"bye")
        assert await broker.look() == [(f"{channel}:all", b"bye")]


@pytest.mark.check("M105")
async def test_without_a_redis_it_tries_again_and_begins_when_there_is_one(
    new_redis: NewRedis,
) -> None:
    server = new_redis()
    await asyncio.to_thread(server.kill)
    async with end("a", server.port) as a:
        assert a.node.state == "running"
        await eventually(lambda: a.counts.get("failed", 0) >= 3)
        assert a.failed_of("Connect call failed")
        await asyncio.to_thread(server.start)
        await a.reach(a)


async def test_a_subscriber_that_was_too_slow_comes_back(new_redis: NewRedis) -> None:
    limit = "pubsub 1mb 512kb 1"
    server = new_redis(settings={"client-output-buffer-limit": limit})
    async with ChaosProxy(server.port) as proxy, end("slow", proxy.port) as slow:
        await slow.connected()
        async with Broker(server.url) as broker:
            proxy.to_client.hold()

            async def gone() -> bool:
                await broker.client.publish("callboard:node:slow", b"x" * (1 << 20))
                return not await broker.channels("callboard:node:slow")

            await until(gone)
            proxy.to_client.release()
            await eventually(lambda: slow.downs >= 1, within=20)
            await slow.reach(slow)


async def test_a_redis_that_takes_nothing_holds_the_sender_up(new_redis: NewRedis) -> None:
    server = new_redis()
    async with end("a", server.port) as a:
        await a.connected()
        transport = a.transport
        assert transport is not None
        server.pause()
        piece, taken = 1 << 20, 0

        async def send() -> None:
            nonlocal taken
            while True:
                await transport.publish([Packet("nobody", bytes(piece))])
                taken += piece

        sending = asyncio.create_task(send())
        await eventually(lambda: a.downs == 1)
        sending.cancel()
        await asyncio.wait([sending])
        server.resume()
        # What the system's own buffers hold, a piece here, and a good deal to be sure.
        assert taken < 32 * piece
        await a.reach(a)
