"""The proxy does what networks do, and nothing else."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncGenerator, Callable

import pytest

from callboard.examples.servers.server import LOOPBACK, free_port
from tests.servers.certificates import Certificates
from tests.servers.chaos import ChaosProxy

pytestmark = pytest.mark.realtime

SHORT = 0.15
"""Seconds after which nothing has come: what is held never comes, however long one waits."""


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def get(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), 20)

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.get(len(data))

    async def hears_nothing(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.readexactly(1), SHORT)
        except TimeoutError:
            return True
        return False

    async def was_reset(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(), 20)
        except ConnectionResetError:
            return True
        return False


class Echo:
    """A server that says back what it hears."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard = b""
        self.met = 0
        self.ended = 0
        self.reset = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met += 1
        try:
            while data := await reader.read(65_536):
                self.heard += data
                writer.write(data)
                await writer.drain()
            self.ended += 1
        except ConnectionResetError:
            self.reset += 1
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def scene(
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[tuple[Echo, ChaosProxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, LOOPBACK, echo.port)
    async with ChaosProxy(echo.port, tls=tls) as proxy:
        yield echo, proxy
    server.close()
    await until(lambda: len(asyncio.all_tasks()) <= 2)


@contextlib.asynccontextmanager
async def connected(proxy: ChaosProxy, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Client]:
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port, ssl=tls)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not look():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_it_carries_everything_both_ways_and_the_end_of_each() -> None:
    async with scene() as (echo, proxy), connected(proxy) as client:
        data = bytes(range(256)) * 20_000
        client.send(data)
        client.writer.write_eof()
        assert await asyncio.wait_for(client.reader.read(), 20) == data
        assert echo.heard == data and echo.ended == 1
        assert proxy.to_server.carried == proxy.to_client.carried == len(data)
        await until(lambda: proxy.connections == 0)


async def test_a_cut_resets_both_sides_and_the_next_connection_is_accepted() -> None:
    async with scene() as (echo, proxy):
        async with connected(proxy) as client, connected(proxy) as second:
            assert await client.ask(b"one") == b"one"
            assert await second.ask(b"two") == b"two"
            assert proxy.connections == 2
            await proxy.cut()
            assert await client.was_reset() and await second.was_reset()
            await until(lambda: echo.reset == 2)
            assert proxy.connections == 0
        async with connected(proxy) as client:
            assert await client.ask(b"again") == b"again"
        assert proxy.accepted == 3


async def test_it_refuses_until_it_listens_again() -> None:
    async with scene() as (_, proxy):
        async with connected(proxy) as client:
            assert await client.ask(b"one") == b"one"
            await proxy.refuse()
            assert await client.was_reset()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOOPBACK, proxy.port)
        await proxy.listen()
        async with connected(proxy) as client:
            assert await client.ask(b"again") == b"again"


async def test_a_server_that_is_not_there_is_a_reset() -> None:
    async with ChaosProxy(free_port()) as proxy, connected(proxy) as client:
        assert await client.was_reset()


async def test_what_is_held_on_the_way_there_arrives_afterwards() -> None:
    async with scene() as (echo, proxy), connected(proxy) as client:
        assert await client.ask(b"one") == b"one"
        proxy.to_server.hold()
        client.send(b"two")
        assert await client.hears_nothing()
        assert echo.heard == b"one"
        proxy.to_server.release()
        assert await client.get(3) == b"two"


async def test_what_is_held_on_the_way_back_has_been_heard() -> None:
    async with scene() as (echo, proxy), connected(proxy) as client:
        proxy.to_client.hold()
        client.send(b"two")
        await until(lambda: echo.heard == b"two")
        assert await client.hears_nothing()
        proxy.to_client.release()
        assert await client.get(3) == b"two"


async def test_a_pulled_cable_tells_nobody_of_an_end_nor_makes_connections() -> None:
    async with scene() as (echo, proxy):
        async with connected(proxy) as client:
            assert await client.ask(b"one") == b"one"
            proxy.hold()
        async with connected(proxy) as late:
            late.send(b"late")
            assert await late.hears_nothing()
            assert echo.heard == b"one" and echo.ended == 0 and echo.met == 1
            proxy.clear()
            assert await late.get(4) == b"late"
        await until(lambda: echo.ended == 2)


async def test_a_full_way_holds_the_sender_back() -> None:
    async with scene() as (_, proxy), connected(proxy) as client:
        proxy.to_server.hold()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                while True:
                    client.send(bytes(1_000_000))
                    await client.writer.drain()
        client.writer.transport.abort()


async def test_what_is_swallowed_is_lost_and_the_connection_lives() -> None:
    async with scene() as (echo, proxy), connected(proxy) as client:
        proxy.to_server.swallows = True
        client.send(b"lost")
        assert await client.hears_nothing()
        proxy.to_server.swallows = False
        assert await client.ask(b"kept") == b"kept"
        assert echo.heard == b"kept"


async def test_delay_makes_each_byte_later_and_the_way_no_narrower() -> None:
    async with scene() as (_, proxy), connected(proxy) as client:
        proxy.to_server.delay = 0.8
        start = time.monotonic()
        for _ in range(10):
            client.send(b"x")
            await asyncio.sleep(0.01)
        assert await client.get(10) == b"x" * 10
        assert 0.8 <= time.monotonic() - start < 10 * 0.8


async def test_a_slow_way_takes_its_time() -> None:
    async with scene() as (_, proxy), connected(proxy) as client:
        proxy.to_client.rate = 100_000
        start = time.monotonic()
        client.send(bytes(30_000))
        await client.get(30_000)
        assert await client.ask(b"x") == b"x"
        assert time.monotonic() - start >= 0.3


async def test_it_cuts_after_as_many_bytes_as_it_was_told() -> None:
    async with scene() as (echo, proxy), connected(proxy) as client:
        proxy.to_server.cut_after = 5
        assert await client.ask(b"abc") == b"abc"
        client.send(b"defgh")
        await until(lambda: echo.heard == b"abcde")
        assert await client.was_reset()
        async with connected(proxy) as second:
            assert await second.ask(b"abcdefgh") == b"abcdefgh"


async def test_it_speaks_tls_before_a_server_that_does_not(certificates: Certificates) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificates.certificate, certificates.key)
    theirs = ssl.create_default_context(cafile=certificates.authority)
    async with scene(ours) as (_, proxy):
        async with connected(proxy, theirs) as client:
            assert await client.ask(b"one") == b"one"
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connected(proxy, ssl.create_default_context()):
                pass
