"""Frames between nodes: over every kind of transport, in order, and to those nodes only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, ClassVar, cast

import pytest

from callboard import LocalBus, LocalTransport, Node, Transport, Worker
from callboard.actors.frames import Direction, Frame, InputAudioFrame, TextFrame
from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.errors import LinkFull
from callboard.transports.pgmq.install import install
from callboard.transports.pgmq.transport import PgmqTransport
from callboard.transports.redis import RedisTransport
from callboard.transports.websocket.proxy_client import WebSocketProxyClient
from callboard.transports.websocket.proxy_server import WebSocketProxyServer
from tests.actors.frames.studio import Echo, Main, company, heard, texts, worker_of

SAMPLES = bytes(range(256)) * 4

Make = Callable[[], Transport]


class OnVoice(Echo):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        self.taken.append(frame)
        await self.push_frame(frame, direction)


class Asleep(OnVoice):
    active = False


@pytest.fixture(params=["local", "redis", "pgmq"])
def make(request: pytest.FixtureRequest, channel: str) -> Iterator[Make]:
    if request.param == "local":
        bus = LocalBus()
        yield lambda: LocalTransport(bus)
    elif request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        yield lambda: RedisTransport(redis.url, channel=channel)
    else:
        database: str = request.getfixturevalue("frames_database")
        yield lambda: PgmqTransport(database, channel=channel)


@pytest.fixture
def frames_database(database: str) -> str:
    asyncio.run(install(database))
    return database


@pytest.mark.realtime
@pytest.mark.check("M138")
async def test_a_thousand_frames_cross_and_come_back_in_order(make: Make) -> None:
    async with AsyncExitStack() as stack:
        nodes: dict[str, Node] = {}
        cast: dict[str, list[tuple[str, Callable[[], Worker]]]] = {
            "pipeline": [("main", partial(Main, name="voice", exclusive=True))],
            "talking": [("talker", OnVoice)],
            "asleep": [("sleeper", Asleep)],
            "elsewhere": [("other", Echo), ("none", partial(Echo))],
        }
        for name, workers in cast.items():
            node = company(*workers, name=name, transports=[make()])
            nodes[name] = await stack.enter_async_context(node)
        other = worker_of(nodes["elsewhere"], "other")
        await other.deactivate()
        none = worker_of(nodes["elsewhere"], "none")
        await none.deactivate()
        main = worker_of(nodes["pipeline"], "main")
        await eventually(lambda: main.bridge.heard == ("talker",), within=20)
        frames: list[Frame] = [TextFrame(str(number)) for number in range(999)]
        frames.append(InputAudioFrame(SAMPLES, 16_000))
        for frame in frames:
            await main.queue_frame(frame)
        await eventually(lambda: len(main.after.frames) == 1000, within=30)
        assert main.after.frames == frames == worker_of(nodes["talking"], "talker").taken
        assert {type(each) for each in main.after.frames} == {TextFrame, InputAudioFrame}
        assert worker_of(nodes["asleep"], "sleeper").taken == other.taken == none.taken == []
        for name in ("asleep", "elsewhere"):
            assert nodes[name].runtime.events.counts["frames_lost"] == 0


@pytest.mark.realtime
async def test_a_hand_over_between_nodes_loses_no_word_and_has_one_speaker(make: Make) -> None:
    class Talker(Echo):
        active = False
        other = ""

        async def on_frame(self, frame: Frame, direction: Direction) -> None:
            assert isinstance(frame, TextFrame)
            await self.push_frame(TextFrame(f"{self.name}: {frame.text}"))
            if frame.text == "switch":
                other = "b" if self.name == "a" else "a"
                await self.activate(other, deactivate_self=True)

    async with AsyncExitStack() as stack:
        cast: dict[str, tuple[str, Callable[[], Worker]]] = {
            "here": ("main", partial(Main, exclusive=True)),
            "one": ("a", Talker),
            "two": ("b", Talker),
        }
        nodes = {
            name: await stack.enter_async_context(company(worker, name=name, transports=[make()]))
            for name, worker in cast.items()
        }
        main = worker_of(nodes["here"], "main")
        await eventually(
            lambda: all({"a", "b", "main"} <= set(n.registry.names()) for n in nodes.values()),
            within=20,
        )
        await nodes["here"].activate("a")
        words = [word for number in range(20) for word in (str(number), "switch")]
        for word in words:
            await main.queue_frame(TextFrame(word))
            await asyncio.sleep(0)
        await eventually(lambda: len(main.after.frames) == len(words), within=30)
        said = texts(main.after.frames)
        assert [each.partition(": ")[2] for each in said] == words
        speakers = [each.partition(": ")[0] for each in said]
        assert speakers == [name for _ in range(10) for name in ("a", "a", "b", "b")]


@pytest.mark.realtime
@pytest.mark.check("M125")
async def test_frames_cross_a_proxy_between_the_agreed_workers_in_order() -> None:
    server = WebSocketProxyServer(local_worker="assistant", remote_worker="main")
    there = company(("assistant", Echo), ("stranger", Echo), name="there", transports=[server])
    async with there:
        await eventually(lambda: server.port != 0, within=10)
        client = WebSocketProxyClient(
            f"ws://127.0.0.1:{server.port}/ws", local_worker="main", remote_worker="assistant"
        )
        here = company(("main", partial(Main, name="voice")), name="here", transports=[client])
        async with here:
            main = worker_of(here, "main")
            await eventually(lambda: main.bridge.heard == ("assistant",), within=20)
            frames: list[Frame] = [TextFrame(str(number)) for number in range(200)]
            frames.insert(100, InputAudioFrame(SAMPLES, 16_000))
            for frame in frames:
                await main.queue_frame(frame)
            await eventually(lambda: len(main.after.frames) == 200, within=20)
            assert worker_of(there, "assistant").taken == frames
            assert texts(main.after.frames) == [f"assistant: {number}" for number in range(200)]
            assert worker_of(there, "stranger").taken == []


@pytest.mark.realtime
async def test_a_worker_whose_node_is_killed_leaves_the_floor() -> None:
    bus = LocalBus()
    here = company(
        ("main", partial(Main, exclusive=True)), name="here", transports=[LocalTransport(bus)]
    )
    there = company(("a", Echo), name="there", transports=[LocalTransport(bus)])
    async with here:
        main = worker_of(here, "main")
        async with there:
            await heard(main, "a")
            there.kill()
        await eventually(lambda: main.bridge.heard == (), within=20)
        assert main.floor == ["a", None]


async def test_what_keeps_two_ends_agreed_passes_a_full_link() -> None:
    bus = LocalBus()
    here = company(("a", Asleep), name="here", transports=[LocalTransport(bus)])
    owner = ("main", partial(Main, name="voice"))
    there = company(owner, name="there", transports=[LocalTransport(bus)])
    async with here, there:
        await eventually(lambda: "main" in here.registry.names(), within=20)
        known = here.registry.find("main")
        assert known is not None
        link = cast("Any", known.target)._line.link
        link._bound = 0
        with pytest.raises(LinkFull):
            here.tell("main", TextFrame("hi"))
        await here.activate("a")
        await heard(worker_of(there, "main"), "a")
