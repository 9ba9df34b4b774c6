"""Sessions: each client has an assistant of its own, for as long as it does not stay away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from callboard import Node
from callboard.actors.testing import LeakCheck, eventually
from callboard.transports.websocket.connection import Limits
from callboard.transports.websocket.hello import Hello, Role
from callboard.transports.websocket.proxy_server import WebSocketProxyServer
from tests.servers.chaos import ChaosProxy
from tests.transports.contract_cast import Add, Give, Log, Note, Player, Question
from tests.transports.contract_stage import is_ready
from tests.transports.websocket.proxies import client_of, company, inside, server_of

pytestmark = pytest.mark.realtime


class House:
    """A server whose clients each get a node with an assistant; all of them, in order."""

    def __init__(self, **settings: object) -> None:
        self.sessions: list[Node] = []
        self.logs: list[Log] = []
        self.broken = False
        self.server: WebSocketProxyServer = server_of(session=self.session, **settings)
        self.node = company(Log(), "owner", name="house", transports=[self.server])
        self.stack = AsyncExitStack()

    def session(self) -> Node:
        """Make the node of one client."""
        if self.broken:
            raise RuntimeError("no room for another session")
        self.logs.append(Log())
        node = company(self.logs[-1], "assistant", "secretary")
        self.sessions.append(node)
        return node

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[House]:
        """Start it, and look afterwards that nothing is left."""
        leaks = LeakCheck()
        async with self.node:
            await eventually(lambda: self.server.port != 0)
            async with self.stack:
                yield self
        assert all(each.state == "stopped" for each in self.sessions)
        await leaks.verify()

    async def client(self, name: str, port: int | None = None, down_after: float = 6.0) -> Node:
        """Have a client come, whose main worker knows an assistant."""
        proxy = client_of(port or self.server.port, down_after=down_after)
        node = company(Log(), "main", name=name, transports=[proxy])
        await self.stack.enter_async_context(node)
        await eventually(lambda: is_ready(node, "assistant"), within=20)
        return node

    async def raw(self) -> ClientConnection:
        """Connect without being a client of ours."""
        return await self.stack.enter_async_context(connect(f"ws://127.0.0.1:{self.server.port}"))

    @property
    def counts(self) -> dict[str, int]:
        return self.node.events.counts


@pytest.mark.check("M129")
async def test_each_client_has_a_session_and_an_assistant_of_its_own() -> None:
    async with House().opened() as house:
        one, two = await house.client("one"), await house.client("two")
        for client, text in ((one, "of one"), (two, "of two")):
            ask = partial(Player.ask, worker="assistant", message=Question(text))
            assert await inside(client, "main", ask) == text
            add = partial(Player.request, worker="assistant", job=Add([1, 2]))
            assert await inside(client, "main", add) == 3
        assert [log.of("assistant", "question") for log in house.logs] == [["of one"], ["of two"]]
        assert house.server.clients == ["one", "two"]
        nodes = [session.name for session in house.sessions]
        for client, session, other in (
            (one, *house.sessions),
            (two, *reversed(house.sessions)),
        ):
            # Each side knows the two agreed workers, and no node but the other one.
            assert client.registry.names(local=False) == ["assistant"]
            assert session.registry.names(local=False) == ["main"]
            assert [peer.name for peer in client.snapshot().peers] == [session.name]
            assert [peer.name for peer in session.snapshot().peers] == [client.name]
            assert other.ref("main") is not session.ref("main")
        assert len(set(nodes)) == 2
        assert house.node.registry.names(local=False) == []
        assert house.node.snapshot().peers == ()


@pytest.mark.check("M128")
async def test_a_client_that_comes_back_in_time_finds_its_session_as_it_was() -> None:
    async with House().opened() as house, ChaosProxy(house.server.port) as way:
        client = await house.client("one", way.port)
        await way.refuse()
        await inside(client, "main", lambda it: it.tell("assistant", Note(1)))
        client.tell("main", Give("assistant", 100))
        await eventually(lambda: client.events.counts["disconnected"] == 1)
        await way.listen()
        log = house.logs[0]
        await eventually(lambda: len(log.of("assistant", "note")) == 101, within=20)
        assert log.of("assistant", "note") == [1, *range(100)]
        assert len(house.sessions) == 1
        # Told on both sides, and to whoever watches the server.
        session = house.sessions[0]
        for node in (client, session, house.node):
            counts = node.events.counts
            assert (counts["connected"], counts["disconnected"]) == (2, 1)


@pytest.mark.check("M128")
async def test_the_session_of_a_client_that_stays_away_ends_with_its_workers() -> None:
    async with House(down_after=0.5).opened() as house, ChaosProxy(house.server.port) as way:
        client = await house.client("one", way.port, down_after=0.5)
        waiting = asyncio.ensure_future(
            inside(client, "main", lambda it: it.request("assistant", "wait", "long"))
        )
        await eventually(lambda: house.logs[0].of("assistant", "waits"))
        before = asyncio.all_tasks()
        await way.refuse()
        await eventually(lambda: house.sessions[0].state == "stopped", within=10)
        await eventually(lambda: house.server.clients == [], within=10)
        assert house.logs[0].of("assistant", "cancelled")
        await eventually(lambda: client.ref("assistant") is None, within=10)
        with pytest.raises(Exception, match="down"):
            await waiting
        assert len(asyncio.all_tasks()) < len(before)
        await way.listen()
        await eventually(lambda: is_ready(client, "assistant"), within=20)
        assert len(house.sessions) == 2


async def test_a_session_ends_with_its_client_and_a_client_outlives_its_session() -> None:
    async with House(down_after=0.2).opened() as house:
        one, two = await house.client("one"), await house.client("two")
        await one.stop()
        await eventually(lambda: house.server.clients == ["two"])
        assert house.sessions[0].state == "stopped"
        await house.sessions[1].stop()
        # The client comes back, and finds a new assistant.
        await eventually(lambda: len(house.sessions) == 3, within=10)
        await eventually(lambda: is_ready(two, "assistant"), within=20)
        asked = inside(two, "main", lambda it: it.ask("assistant", Question("new?")))
        assert await asked == "new?"


def hello(**said: object) -> Hello:
    two = {"local": "main", "remote": "assistant", "session": "secret"}
    return Hello(Role.PROXY, "raw", 1, **{**two, **said})  # type: ignore[arg-type]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """What the server says when it closes."""
    with pytest.raises(ConnectionClosed) as caught:
        await socket.recv()
    received = caught.value.rcvd
    assert received is not None
    return received.code, received.reason


@pytest.mark.check("M130")
async def test_a_worker_that_was_not_agreed_is_refused_and_others_go_on() -> None:
    async with House().opened() as house:
        client = await house.client("one")
        for wrong in (
            hello(remote="secretary"),
            hello(local="stranger"),
            hello(local="assistant", remote="main"),
            hello(remote=""),
        ):
            socket = await house.raw()
            await socket.send(wrong.text())
            code, reason = await closed(socket)
            assert code == 1008
            assert "not agreed" in reason
        assert house.counts["rejected_worker"] == 4
        assert len(house.sessions) == 1
        asked = inside(client, "main", lambda it: it.ask("assistant", Question("still?")))
        assert await asked == "still?"


@pytest.mark.check("M130")
@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "[]",
        "no JSON",
        b"bytes",
        '{"callboard": 2}',
        '{"callboard": 1, "role": "proxy", "node": 7, "incarnation": 1}',
        '{"callboard": 1, "role": "proxy", "node": "n", "incarnation": "1"}',
        '{"callboard": 1, "role": "king", "node": "n", "incarnation": 1}',
        "[" * 100_000,
        '{"callboard": 1, "role": "proxy", "node": "' + "n" * 5000 + '", "incarnation": 1}',
    ],
)
async def test_a_first_message_that_is_none_is_refused_and_counted(said: str | bytes) -> None:
    async with House().opened() as house:
        socket = await house.raw()
        await socket.send(said)
        code, _ = await closed(socket)
        assert code == 1002
        assert house.counts["rejected_hello"] == 1
        assert house.sessions == []


async def _messages(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """What still comes, until the server closes."""
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


@pytest.mark.check("M130")
async def test_malformed_and_oversized_messages_are_rejected_and_others_go_on() -> None:
    async with House(limits=Limits(size=100_000)).opened() as house:
        client = await house.client("one")
        socket = await house.raw()
        await socket.send(hello().text())
        await socket.recv()
        await eventually(lambda: len(house.sessions) == 2)
        session = house.sessions[1]
        for bad in (b"", b"nothing of ours", bytes(1000), "text"):
            await socket.send(bad)
        counts = session.events.counts

        def rejected() -> int:
            return sum(count for kind, count in counts.items() if kind.startswith("rejected_"))

        await eventually(lambda: rejected() == 4)
        await socket.send(bytes(100_001))
        async for _ in _messages(socket):
            pass
        assert socket.close_code == 1009
        asked = inside(client, "main", lambda it: it.ask("assistant", Question("still?")))
        assert await asked == "still?"


async def test_a_session_that_cannot_be_started_is_told_and_tried_again() -> None:
    async with House().opened() as house:
        house.broken = True
        socket = await house.raw()
        await socket.send(hello().text())
        code, reason = await closed(socket)
        assert (code, reason) == (1011, "its session could not be started")
        assert house.counts["rejected_session"] >= 1
        house.broken = False
        await house.client("one")


async def test_there_are_only_so_many_sessions() -> None:
    async with House(most_sessions=1).opened() as house:
        await house.client("one")
        socket = await house.raw()
        await socket.send(hello().text())
        code, _ = await closed(socket)
        assert code == 1013
        assert house.counts["rejected_sessions"] == 1


async def test_nobody_takes_over_the_session_of_another() -> None:
    async with House().opened() as house:
        client = await house.client("one")
        # It says that it is that node, in that life; what only the client knows it has to guess.
        socket = await house.raw()
        stolen = Hello(Role.PROXY, "one", client.incarnation, "guessed", "main", "assistant")
        await socket.send(stolen.text())
        await socket.recv()
        await eventually(lambda: len(house.sessions) == 2)
        assert client.events.counts["disconnected"] == 0
        spare = await house.raw()
        await spare.send(Hello(Role.SPARE, "one", 1, "guessed", "main", "assistant").text())
        assert (await closed(spare))[0] == 1008


async def test_a_server_that_stops_ends_all_sessions() -> None:
    house = House()
    async with house.opened():
        client = await house.client("one")
        await house.node.stop()
        assert house.sessions[0].state == "stopped"
        await eventually(lambda: client.ref("assistant") is None, within=10)
