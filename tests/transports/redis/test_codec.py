"""A codec handed to a transport over Redis is what turns messages into the bytes that pass."""

from __future__ import annotations

import asyncio

import pytest

from callboard import Child, Node, Supervisor
from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.redis import RedisTransport
from tests.transports.codec.test_transports import Greet, Greeter, Turned
from tests.transports.redis.broker import Broker

pytestmark = pytest.mark.realtime


@pytest.mark.check("M98")
async def test_messages_pass_redis_in_the_codec_that_was_handed_over(
    redis_server: RedisServer, channel: str
) -> None:
    codec = Turned()

    def transport() -> RedisTransport:
        return RedisTransport(redis_server.url, channel=channel, codec=codec)

    there = Node(Supervisor([Child("greeter", Greeter)]), transports=[transport()])
    here = Node(Supervisor, transports=[transport()])
    async with Broker(redis_server.url) as broker, there, here:
        await eventually(lambda: here.ref("greeter") is not None, within=30)
        ref = here.ref("greeter")
        assert ref is not None
        assert await asyncio.wait_for(ref.ask(Greet("Ada")), 30) == Greet("ADA")
        passed = b"".join(data for _, data in await broker.look())
    assert codec.encoded == codec.decoded == [Greet("Ada"), Greet("ADA")]
    assert passed and b"tests.transports.greet" not in passed
