"""A hub over real sockets: who gets what, and what one connection's trouble does to the others."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from callboard.actors.testing import eventually
from callboard.transports.transport import Packet
from callboard.transports.websocket.client import WebSocketTransport
from callboard.transports.websocket.connection import Limits
from callboard.transports.websocket.framing import Route, frame
from callboard.transports.websocket.hello import Hello, Role
from callboard.transports.websocket.server import WebSocketHub
from tests.servers.chaos import ChaosProxy
from tests.transports.websocket.ends import End

pytestmark = pytest.mark.realtime


def to(hub: End) -> str:
    assert isinstance(hub.prototype, WebSocketHub)
    return f"ws://127.0.0.1:{hub.prototype.port}"


async def test_packets_go_where_they_are_for_and_tell_who_sent_them() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with (
            End("a", WebSocketTransport(to(hub))) as a,
            End("b", WebSocketTransport(to(hub))) as b,
            End("ç" * 200, WebSocketTransport(to(hub))) as c,
        ):
            for end in (a, b, c):
                await end.connected()
            a.post("b", b"to b")
            a.post("hub", b"to the hub")
            a.post(c.name, b"")
            assert await b.got(1) == [(b"to b", "a")]
            assert await hub.got(1) == [(b"to the hub", "a")]
            assert await c.got(1) == [(b"", "a")]
            hub.post("a", b"from the hub")
            assert await a.got(1) == [(b"from the hub", "hub")]
            b.post(None, b"to all")
            for end in (a, c, hub):
                assert (await end.got(2))[-1] == (b"to all", "b")
            hub.post(None, b"to all again")
            assert (await a.got(3))[2] == (await c.got(3))[2] == (b"to all again", "hub")
            assert (await b.got(2))[1] == (b"to all again", "hub")
            assert all(each != (b"to all", "b") for each in b.received)


async def test_the_hub_that_a_node_was_given_tells_who_is_connected() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        given = hub.prototype
        assert isinstance(given, WebSocketHub)
        assert given.connected == []
        async with End("b", WebSocketTransport(to(hub))), End("a", WebSocketTransport(to(hub))):
            await eventually(lambda: given.connected == ["a", "b"])
        await eventually(lambda: given.connected == [])


@pytest.mark.parametrize(
    ("role", "incarnation"),
    [(Role.NODE, 1), (Role.NODE, 1 << 62), (Role.SPARE, 1), (Role.SPARE, 2)],
)
async def test_nobody_speaks_as_a_node_that_is_connected(role: Role, incarnation: int) -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with End("b", WebSocketTransport(to(hub))) as b, connect(to(hub)) as socket:
            await b.connected()
            await socket.send(Hello(role, "b", incarnation, "guessed").text())
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            b.post("hub", b"still here")
            assert await hub.got(1) == [(b"still here", "b")]
            assert b.downs == 0


async def test_what_is_sent_arrives_in_order_and_whole() -> None:
    audio = bytes(range(256)) * 80
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with (
            End("a", WebSocketTransport(to(hub))) as a,
            End("b", WebSocketTransport(to(hub))) as b,
        ):
            await a.connected()
            await b.connected()
            sent = [number.to_bytes(2, "big") + audio for number in range(1000)]
            for each in sent:
                a.post("b", each)
            assert [data for data, _ in await b.got(1000)] == sent


async def test_packets_for_a_node_that_is_not_there_harm_nobody() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with End("a", WebSocketTransport(to(hub))) as a:
            await a.connected()
            a.post("nobody", b"lost")
            hub.post("nobody", b"lost")
            a.post("hub", b"there")
            assert await hub.got(1) == [(b"there", "a")]
            assert a.downs == 0


async def test_a_cut_connection_is_made_again_and_the_others_stay() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        assert isinstance(hub.prototype, WebSocketHub)
        async with (
            ChaosProxy(hub.prototype.port) as way,
            End("a", WebSocketTransport(f"ws://127.0.0.1:{way.port}")) as a,
            End("b", WebSocketTransport(to(hub))) as b,
        ):
            await a.connected()
            await b.connected()
            await way.cut()
            await eventually(lambda: a.ups == 2, within=10)
            a.post("b", b"again")
            assert await b.got(1) == [(b"again", "a")]
            assert (a.downs, b.downs) == (1, 0)


async def test_a_silent_connection_is_given_up_and_made_again() -> None:
    limits = Limits(ping_interval=0.1)
    async with End("hub", WebSocketHub(limits=limits)) as hub:
        await hub.connected()
        assert isinstance(hub.prototype, WebSocketHub)
        async with (
            ChaosProxy(hub.prototype.port) as way,
            End("a", WebSocketTransport(f"ws://127.0.0.1:{way.port}", limits=limits)) as a,
        ):
            await a.connected()
            way.to_client.hold()
            await eventually(lambda: a.downs == 1, within=10)
            way.to_client.release()
            await eventually(lambda: a.ups == 2, within=10)
            a.post("hub", b"again")
            assert await hub.got(1) == [(b"again", "a")]


async def test_a_hub_hears_that_a_node_is_silent() -> None:
    limits = Limits(ping_interval=0.1)
    hub_end = WebSocketHub(limits=limits)
    async with End("hub", hub_end) as hub:
        await hub.connected()
        async with (
            ChaosProxy(hub_end.port) as way,
            End("a", WebSocketTransport(f"ws://127.0.0.1:{way.port}")) as a,
        ):
            await a.connected()
            current = hub.transport
            assert isinstance(current, WebSocketHub)
            await eventually(lambda: current.connected == ["a"])
            way.to_server.swallows = True
            await eventually(lambda: current.connected == [], within=10)


async def test_a_node_that_does_not_read_costs_bounded_memory_and_is_closed() -> None:
    limits = Limits(buffered=64 * 1024, slow_after=0.3)
    hub_end = WebSocketHub(limits=limits)
    async with End("hub", hub_end) as hub:
        await hub.connected()
        async with (
            ChaosProxy(hub_end.port) as way,
            End("slow", WebSocketTransport(f"ws://127.0.0.1:{way.port}")) as slow,
            End("a", WebSocketTransport(to(hub))) as a,
            End("b", WebSocketTransport(to(hub))) as b,
        ):
            for end in (slow, a, b):
                await end.connected()
            current = hub.transport
            assert isinstance(current, WebSocketHub)
            way.to_client.hold()
            for _ in range(400):
                a.post("slow", bytes(64 * 1024))
            a.post("b", b"after it")
            # Whoever sends to the slow one waits for it, and only for so long.
            assert await b.got(1, within=30) == [(b"after it", "a")]
            assert "slow" not in current.connected
            assert (a.downs, b.downs) == (0, 0)


async def test_a_hub_that_is_restarted_listens_where_it_did() -> None:
    hub_end = WebSocketHub()
    async with End("hub", hub_end) as hub:
        await hub.connected()
        port = hub_end.port
        async with End("a", WebSocketTransport(to(hub))) as a:
            await a.connected()
            assert hub.transport is not None
            hub.transport.lost(RuntimeError("the hub fails"))
            await eventually(lambda: a.ups == 2 and hub.ups == 2, within=10)
            assert hub_end.port == port
            a.post("hub", b"again")
            assert await hub.got(1) == [(b"again", "a")]


async def test_a_later_life_of_a_node_takes_its_place_and_the_earlier_is_refused() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        first = End("a", WebSocketTransport(to(hub)))
        second = End("a", WebSocketTransport(to(hub)))
        second.incarnation = 2
        async with first:
            await first.connected()
            async with second:
                await second.connected()
                await eventually(lambda: first.downs == 1)
                await eventually(lambda: hub.counts.get("rejected_incarnation", 0) > 0, within=10)
                hub.post("a", b"to the later one")
                assert await second.got(1) == [(b"to the later one", "hub")]
                assert first.received == []


async def test_no_node_takes_the_hubs_name() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with End("hub", WebSocketTransport(to(hub))) as other:
            await eventually(lambda: hub.counts.get("rejected_name", 0) > 0, within=10)
            assert other.ups == 0


async def test_the_spare_connection_carries_out_and_leaves_the_first_one_alone() -> None:
    hub_end = WebSocketHub()
    async with End("hub", hub_end) as hub:
        await hub.connected()
        async with End("a", WebSocketTransport(to(hub))) as a:
            await a.connected()
            assert a.transport is not None
            spare = a.transport.spare()
            assert spare is not None
            await spare.open()
            await spare.publish([Packet("hub", b"by the spare one")])
            assert await hub.got(1) == [(b"by the spare one", "a")]
            hub.post("a", b"to the first")
            assert await a.got(1) == [(b"to the first", "hub")]
            await spare.close()
            a.post("hub", b"still there")
            assert (await hub.got(2))[-1] == (b"still there", "a")
            assert a.downs == 0


async def test_a_spare_connection_that_has_no_time_to_close_leaves_nothing() -> None:
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        assert isinstance(hub.prototype, WebSocketHub)
        async with (
            ChaosProxy(hub.prototype.port) as way,
            End("a", WebSocketTransport(f"ws://127.0.0.1:{way.port}")) as a,
        ):
            await a.connected()
            spare = a.transport.spare() if a.transport is not None else None
            assert spare is not None

            async def close_in_vain() -> None:
                await spare.open()
                way.to_client.hold()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await spare.close()

            # What is not closed when its loop ends, Python complains of, and that fails a test.
            await asyncio.to_thread(asyncio.run, close_in_vain())
            gc.collect()
            way.clear()


async def test_what_is_malformed_is_counted_once_logged_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "callboard")
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with (
            End("a", WebSocketTransport(to(hub))) as a,
            End("b", WebSocketTransport(to(hub))) as b,
        ):
            await a.connected()
            await b.connected()
            assert isinstance(a.transport, WebSocketTransport)
            connection = a.transport._connection  # pyright: ignore[reportPrivateUsage]
            assert connection is not None
            for bad in (b"", b"\x01", b"\x01\xff\xff", b"\x09\x00\x00", b"\x01\x00\x02\xff\xff"):
                connection.post(bad)
            connection.post(frame(Route.FROM, "b", b"as if b had sent it"))
            a.post("b", b"good")
            assert await b.got(1) == [(b"good", "a")]
            assert hub.counts["rejected_framing"] == 6
            assert sum("framing" in record.getMessage() for record in caplog.records) == 1
            assert (a.downs, b.downs) == (0, 0)


async def test_what_is_too_long_closes_its_connection_only() -> None:
    async with End("hub", WebSocketHub(limits=Limits(size=1000))) as hub:
        await hub.connected()
        async with (
            End("a", WebSocketTransport(to(hub))) as a,
            End("b", WebSocketTransport(to(hub))) as b,
        ):
            await a.connected()
            await b.connected()
            a.post("b", bytes(2000))
            await eventually(lambda: a.downs == 1, within=10)
            b.post("hub", b"good")
            assert await hub.got(1) == [(b"good", "b")]
            assert b.downs == 0


async def test_nothing_is_left_when_all_have_stopped() -> None:
    before = asyncio.all_tasks()
    async with End("hub", WebSocketHub()) as hub:
        await hub.connected()
        async with End("a", WebSocketTransport(to(hub))) as a:
            await a.connected()
        current = hub.transport
        assert isinstance(current, WebSocketHub)
        await eventually(lambda: current.connected == [])
    await eventually(lambda: asyncio.all_tasks() <= before)


async def test_without_a_hub_it_is_tried_again_and_the_node_stops_at_once() -> None:
    async with ChaosProxy(1) as nothing:
        await nothing.refuse()
        async with End("a", WebSocketTransport(f"ws://127.0.0.1:{nothing.port}")) as a:
            await eventually(lambda: a.counts.get("failed", 0) >= 3, within=10)
            assert a.ups == 0
