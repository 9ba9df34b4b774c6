"""Over Redis, too, an interrupted, killed or handed-over conversation has one speaker at a time."""

from typing import Any

import pytest

from callboard import Child, Node, Supervisor, Transport
from callboard.actors.testing import eventually
from callboard.examples.handoff.cast import apart, talker
from callboard.examples.servers.redis_server import RedisServer
from callboard.examples.talking.events import FloorChanged
from callboard.examples.talking.session import Session
from callboard.transports.redis import RedisTransport
from tests.examples.handoff.conversing import check_one_speaker
from tests.examples.handoff.hearing import as_it_is, one_at_a_time, replies, say
from tests.examples.handoff.processes import Company
from tests.examples.talking.cast import Echo, read

pytestmark = pytest.mark.realtime

MODULE = "callboard.examples.handoff_redis"


@pytest.mark.check("M165")
@pytest.mark.parametrize("seed", range(2))
async def test_there_are_never_two_speakers_whatever_happens(
    redis_server: RedisServer, channel: str, seed: int
) -> None:
    def transports() -> list[Transport]:
        return [RedisTransport(redis_server.url, channel=channel)]

    options = ("--redis-url", redis_server.url, "--channel", channel)
    with Company(MODULE, options).running() as company:
        await check_one_speaker(company, transports, seed)


def talkers(*names: str) -> Supervisor:
    return Supervisor([child for name in names for child in talker(name, as_it_is)])


@pytest.mark.check("M162")
async def test_two_channels_are_two_applications(redis_server: RedisServer, channel: str) -> None:
    def on(name: str) -> list[Transport]:
        return [RedisTransport(redis_server.url, channel=f"{channel}:{name}")]

    async with (
        Node(lambda: talkers("greeter", "support"), transports=on("one")),
        Node(lambda: talkers("greeter", "support"), transports=on("other")),
        Session(apart(lambda: on("one"))) as one,
        Session(apart(lambda: on("other"))) as other,
    ):
        await say(one, "my name is Ada", "support!")
        await say(other, "what is my name?")
        await one.end()
        await other.end()
        assert replies(await read(one))[-1] == "support: Hello, this is support. What is wrong?"
        assert replies(await read(other))[1:] == ["greeter: You have not told me your name yet."]


class Clerk(Echo):
    """A worker that the example has never heard of."""

    async def on_activated(self, args: Any) -> None:
        await self.reply("the clerk is here")


@pytest.mark.check("M166")
async def test_any_worker_of_the_channel_can_be_named(
    redis_server: RedisServer, channel: str
) -> None:
    def transports() -> list[Transport]:
        return [RedisTransport(redis_server.url, channel=channel)]

    clerk = Node(Supervisor([Child("clerk", Clerk)]), name="desk", transports=transports())
    async with Session(apart(transports, names=("greeter", "clerk"))) as session:
        async with Node(lambda: talkers("greeter"), transports=transports()):
            await say(session, "hello")
            async with clerk:
                await eventually(lambda: FloorChanged("clerk", "greeter") in session.unread)
                await say(session, "hello")
    events = await read(session)
    one_at_a_time(events)
    assert replies(events)[1:] == [
        "greeter: Hello! What can I do for you?",
        "clerk: the clerk is here",
        "clerk: you said: hello",
    ]
