"""A proxy's connection: when it is made, with which headers, lost, made again, given up."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve

from callboard import JobError
from callboard.actors.testing import eventually
from callboard.examples.servers.server import free_port
from callboard.transports.transport import Packet
from callboard.transports.websocket.connection import Limits
from callboard.transports.websocket.proxying import DOWN_AFTER
from tests.servers.chaos import ChaosProxy
from tests.transports.contract_cast import Give, Log, Question
from tests.transports.websocket.proxies import Proxied, client_of, company, server_of

pytestmark = pytest.mark.realtime

CLIENT = "transport-websocketproxyclient"


@pytest.mark.check("M126")
async def test_the_headers_are_sent_at_every_connection() -> None:
    seen: list[dict[str, str]] = []

    async def refuse(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append(dict(socket.request.headers.raw_items()))
        await socket.close(1013, "not now")

    async with serve(refuse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        client = client_of(port, token="the-token-of-tests", headers={"X-Tenant": "acme"})
        async with company(Log(), "main", transports=[client]):
            await eventually(lambda: len(seen) >= 3, within=20)
    assert all(headers["X-Tenant"] == "acme" for headers in seen)
    assert all(headers["Authorization"] == "Bearer the-token-of-tests" for headers in seen)


@pytest.mark.check("M126")
async def test_there_is_no_connection_before_the_activation_and_none_after_its_end() -> None:
    port = free_port()
    async with (
        ChaosProxy(port) as way,
        Proxied(server=server_of(port=port), port=way.port, active=False) as two,
    ):
        # It has started, and done all that it does by itself.
        assert await two.main(lambda it: it.ask("stranger-here", Question("?"))) == "?"
        assert way.accepted == 0
        await two.here.activate(CLIENT)
        await two.know()
        assert way.accepted == 1
        await two.here.deactivate(CLIENT)
        await eventually(lambda: way.connections == 0)
        assert two.here.events.counts["disconnected"] == 1
        await two.here.activate(CLIENT)
        assert await two.main(lambda it: it.ask("assistant", Question("again"))) == "again"
        assert way.accepted == 2
        # Active, it connects again by itself.
        await way.cut()
        await eventually(lambda: two.here.events.counts["connected"] == 3, within=10)


async def test_a_server_tells_that_it_listens() -> None:
    server = server_of()
    assert not server.listening
    async with company(Log(), "assistant", transports=[server]) as node:
        await eventually(lambda: server.listening)
        assert server.port != 0
        assert node.events.counts["listening"] == 1
    assert not server.listening


@pytest.mark.check("M128")
@pytest.mark.parametrize(
    ("cut", "down_after"), [(3.0, DOWN_AFTER), pytest.param(30.0, 60.0, marks=pytest.mark.soak)]
)
async def test_a_cut_costs_time_and_no_message(cut: float, down_after: float) -> None:
    port = free_port()
    async with (
        ChaosProxy(port) as way,
        Proxied(
            server=server_of(port=port, down_after=down_after),
            port=way.port,
            down_after=down_after,
        ) as two,
    ):
        two.here.tell("main", Give("assistant", 500))
        two.there.tell("assistant", Give("main", 500))
        await two.noted("assistant", "note", count=100)
        asyncio.get_running_loop().call_later(cut, lambda: asyncio.ensure_future(way.listen()))
        await way.refuse()
        two.here.tell("main", Give("assistant", 500))
        two.there.tell("assistant", Give("main", 500))
        waiting = asyncio.ensure_future(
            two.main(lambda it: it.request("assistant", "echo", "asked in the cut"))
        )
        twice = [*range(500), *range(500)]
        assert await two.noted("assistant", "note", count=1000, within=60) == twice
        assert await two.noted("main", "note", count=1000, within=60) == twice
        assert await waiting == "asked in the cut"
        for node in (two.here, two.there):
            counts = node.events.counts
            assert (counts["connected"], counts["disconnected"]) == (2, 1)
            assert counts["node_down"] == 0


@pytest.mark.check("M128")
async def test_a_silent_way_is_noticed_and_costs_no_message_either() -> None:
    port = free_port()
    limits = Limits(ping_interval=0.2)
    async with (
        ChaosProxy(port) as way,
        Proxied(server=server_of(port=port, limits=limits), port=way.port, limits=limits) as two,
    ):
        way.to_server.swallows = True
        two.here.tell("main", Give("assistant", 100))
        await eventually(lambda: two.here.events.counts["disconnected"] == 1, within=10)
        way.clear()
        assert await two.noted("assistant", "note", count=100) == list(range(100))
        assert two.here.events.counts["node_down"] == two.there.events.counts["node_down"] == 0


@pytest.mark.check("M128")
async def test_who_is_away_for_too_long_is_down_on_both_sides() -> None:
    assert DOWN_AFTER == 6.0
    port = free_port()
    async with (
        ChaosProxy(port) as way,
        Proxied(server=server_of(port=port, down_after=1.0), port=way.port, down_after=1.0) as two,
    ):
        job = asyncio.ensure_future(two.main(lambda it: it.request("assistant", "wait", "long")))
        await two.noted("assistant", "waits")
        await way.refuse()
        with pytest.raises(JobError):
            await job
        await eventually(lambda: two.here.ref("assistant") is None, within=10)
        await eventually(lambda: two.there.ref("main") is None, within=10)
        assert await two.noted("assistant", "cancelled")
        await way.listen()
        await two.know()
        assert await two.main(lambda it: it.ask("assistant", Question("anew"))) == "anew"


async def test_a_client_that_stops_is_gone_at_once_and_another_takes_its_place() -> None:
    server = server_of()
    async with Proxied(server=server) as two:
        await two.here.stop()
        await eventually(lambda: two.there.ref("main") is None)
        again = client_of(server.port)
        async with company(two.log, "main", name="again", transports=[again]) as other:
            await eventually(lambda: other.ref("assistant") is not None)
            assert server.clients == ["again"]


async def test_without_sessions_there_is_one_client_at_a_time() -> None:
    server = server_of()
    async with Proxied(server=server) as two:
        second = client_of(server.port)
        async with company(two.log, "main", name="second", transports=[second]) as other:
            counts = two.there.events.counts
            await eventually(lambda: counts["rejected_second_client"] > 0, within=10)
            assert other.ref("assistant") is None
            assert server.clients == ["here"]
        assert await two.main(lambda it: it.ask("assistant", Question("still"))) == "still"


async def test_a_client_that_is_the_servers_namesake_is_told_so() -> None:
    server = server_of()
    async with Proxied(server=server) as two:
        namesake = client_of(server.port)
        async with company(two.log, "main", name="there", transports=[namesake]) as other:
            await eventually(lambda: two.there.events.counts["rejected_name"] > 0, within=10)
            assert other.ref("assistant") is None


async def test_a_second_connection_speaks_for_a_client_and_takes_nothing_from_the_first() -> None:
    async with Proxied() as two:
        network = two.here._network  # pyright: ignore[reportPrivateUsage]
        assert network is not None
        transport = network.router._transports[CLIENT]  # pyright: ignore[reportPrivateUsage]
        spare = transport.spare()
        assert spare is not None
        await spare.open()
        await spare.publish([Packet(None, b"no packet of ours")])
        rejected = two.there.events.counts
        await eventually(lambda: any(kind.startswith("rejected_") for kind in rejected))
        await spare.close()
        assert await two.main(lambda it: it.ask("assistant", Question("?"))) == "?"
        assert two.here.events.counts["disconnected"] == 0
