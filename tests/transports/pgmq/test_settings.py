"""What PgmqTransport takes, and what it refuses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest
from pgmq.async_queue import PGMQueue

from callboard import StartFailed
from callboard.transports.pgmq.connections import FromUrl
from callboard.transports.pgmq.direct import DirectBackend
from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.pgmq.backends import Noting, Shelf, Shelves
from tests.transports.pgmq.ends import End

URL = "postgresql://user:canary@127.0.0.1/base"

pools: Any = asyncpg


@pytest.mark.check("M108")
@pytest.mark.parametrize(
    ("url", "more"),
    [
        (None, {}),
        (URL, {"client": object()}),
        (URL, {"backend": Shelf(Shelves(decoded=False))}),
        (None, {"client": object(), "backend": Shelf(Shelves(decoded=False))}),
    ],
)
def test_none_or_several_of_url_client_and_backend_are_refused(
    url: str | None, more: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="one of a URL, client= and backend="):
        PgmqTransport(url, **more)


@pytest.mark.check("M108")
def test_a_backend_is_not_to_be_isolated() -> None:
    with pytest.raises(ValueError, match="isolated="):
        PgmqTransport(backend=Shelf(Shelves(decoded=False)), isolated=True)


@pytest.mark.check("M111")
def test_the_defaults() -> None:
    transport = PgmqTransport(URL)
    settings = (transport.visibility_timeout, transport.batch_size)
    assert settings == (30, 10)
    assert (transport.poll_interval, transport.max_poll_seconds) == (0.1, 5)
    assert transport.channel == "callboard"


@pytest.mark.check("M111")
@pytest.mark.parametrize(
    "name", ["visibility_timeout", "batch_size", "poll_interval", "max_poll_seconds"]
)
@pytest.mark.parametrize("number", [0, -1, float("nan")])
def test_zero_or_less_is_refused_by_name(name: str, number: float) -> None:
    settings: dict[str, Any] = {name: number}
    with pytest.raises(ValueError, match=f"{name} must be more than 0"):
        PgmqTransport(URL, **settings)


@pytest.mark.parametrize("channel", ["", "a\0b", "\n", "\ud800"])
def test_a_channel_that_no_database_can_hold_is_refused(channel: str) -> None:
    with pytest.raises(ValueError, match="channel must be a printable text"):
        PgmqTransport(URL, channel=channel)


@pytest.mark.check("M119")
def test_the_isolated_backend_accepts_a_poll_interval() -> None:
    assert PgmqTransport(URL, isolated=True, poll_interval=0.5).isolated


@pytest.mark.realtime
@pytest.mark.check("M108")
async def test_a_client_that_was_not_initialised_is_refused_at_start(shared_database: str) -> None:
    for client in (PGMQueue(conn_string=shared_database), pools.create_pool(shared_database)):
        with pytest.raises(StartFailed, match="initialised"):
            await End("a", PgmqTransport(client=client)).node.start()


@pytest.mark.realtime
@pytest.mark.check("M108")
async def test_a_pool_of_one_connection_is_refused_at_start(shared_database: str) -> None:
    async with pools.create_pool(shared_database, min_size=0, max_size=1) as pool:
        with pytest.raises(StartFailed, match=r"needs two connections.*max_size=2"):
            await End("a", PgmqTransport(client=pool)).node.start()


@pytest.mark.realtime
@pytest.mark.check("M108")
async def test_what_is_no_pool_is_refused_at_start() -> None:
    with pytest.raises(StartFailed, match="asyncpg pool or an async client of pgmq"):
        await End("a", PgmqTransport(client=object())).node.start()


@pytest.mark.realtime
@pytest.mark.check("M108")
@pytest.mark.parametrize("kind", ["a pool", "a client"])
async def test_two_connections_of_a_pool_are_enough_and_are_given_back(
    shared_database: str, channel: str, kind: str
) -> None:
    async with pools.create_pool(shared_database, min_size=0, max_size=2) as pool:
        client = pool if kind == "a pool" else PGMQueue(pool=pool, init_extension=False)
        async with End("a", PgmqTransport(client=client, channel=channel)) as a:
            async with End("b", PgmqTransport(shared_database, channel=channel)) as b:
                await a.opened()
                await b.opened()
                await b.carry("a", b"there")
                await a.got(b"there")
                await a.carry("b", b"and back")
                await b.got(b"and back")
                assert a.transport.spare() is None
        assert await pool.fetchval("SELECT 7") == 7
        assert pool.get_size() - pool.get_idle_size() == 0


@pytest.mark.realtime
@pytest.mark.check("M108")
async def test_a_publish_returns_while_the_reader_is_in_its_long_poll(
    shared_database: str, channel: str
) -> None:
    backend = Noting(DirectBackend(FromUrl(shared_database)))
    deaf = PgmqTransport(backend=backend, channel=channel, max_poll_seconds=600)
    backend.hears = False
    looking = asyncio.Event()

    def note(reading: Any) -> Any:
        if reading.wait:
            looking.set()
        return reading

    backend.before_read = note
    async with End("a", deaf) as a:
        await a.opened()
        async with asyncio.timeout(20):
            await looking.wait()
            await a.carry("nobody", b"into the void")
        assert [reading for reading, _ in backend.looks if reading.wait] == []
        assert a.transport.undelivered == 1


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("asyncpg", "pgmq"):
            raise ImportError(f"No module named {name!r}")
sys.meta_path.insert(0, Block())
import callboard, callboard.transports.urls, callboard.supervision.cli, callboard.transports.redis
try:
    import callboard.transports.pgmq.transport
except ImportError as error:
    print(error)
"""


@pytest.mark.check("M120")
def test_without_the_extra_the_import_names_it_and_everything_else_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True
    )
    assert "pip install 'callboard[pgmq]'" in done.stdout
