"""Behind a pooler that gives each statement to another session."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.transports.pgmq.connections import FromUrl
from callboard.transports.pgmq.direct import DirectBackend
from callboard.transports.pgmq.transport import PgmqTransport
from tests.servers.fixtures import NewPgBouncer
from tests.servers.pgbouncer import PgBouncer
from tests.transports.pgmq.backends import Noting
from tests.transports.pgmq.conftest import PASSWORD, TENANT
from tests.transports.pgmq.ends import End

pytestmark = pytest.mark.realtime

pools: Any = asyncpg


def through(pooler: PgBouncer, url: str, user: str = "postgres") -> str:
    """How a database is reached by way of the pooler."""
    return pooler.url_for(url.rpartition("/")[2], user)


@pytest.fixture
def pooled_url(
    isolated: bool,
    shared_database: str,
    postgres_server: PostgresServer,
    new_pgbouncer: NewPgBouncer,
    tenant_role: str,
) -> str:
    pooler = new_pgbouncer(postgres_server, users={TENANT: PASSWORD})
    return through(pooler, shared_database, TENANT if isolated else "postgres")


@pytest.mark.check("M116")
async def test_the_long_poll_takes_over_by_itself_and_says_so_once(
    isolated: bool, pooled_url: str, bus_url: str, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    pooled = PgmqTransport(pooled_url, channel=channel, isolated=isolated)
    direct = PgmqTransport(bus_url, channel=channel, isolated=isolated)
    with caplog.at_level(logging.WARNING, "callboard.pgmq"):
        async with End("a", direct) as a, End("b", pooled) as b:
            await a.opened()
            await b.opened()
            assert (a.transport.listens, b.transport.listens) == (True, False)
            data = [b"%d" % number for number in range(50)]
            for each in data:
                await a.carry("b", each)
            await b.got(*data)
            await b.carry("a", *data)
            await a.got(*data)
            await b.carry(None, b"all")
            await a.got(*data, b"all")
            # Also where it has to connect again.
            b.transport.lost(ConnectionResetError("cut by the test"))
            await b.opened(2)
            await a.carry("b", b"after it")
            await b.got(*data, b"after it")
    assert len([text for text in caplog.messages if "do not get through" in text]) == 1


@pytest.mark.check("M116")
async def test_a_message_arrives_within_the_poll_interval(
    pgbouncer: PgBouncer, shared_database: str, channel: str
) -> None:
    url = through(pgbouncer, shared_database)
    backend = Noting(DirectBackend(FromUrl(url), poll_interval=0.05))
    async with End("a", PgmqTransport(shared_database, channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened()
            # While it looks, not before or after it: the longest look is 5 s.
            looks = len(backend.looks)
            began = asyncio.get_running_loop().time()
            for number in range(10):
                await a.carry("b", b"%d" % number)
                await b.got(*(b"%d" % each for each in range(number + 1)))
            assert asyncio.get_running_loop().time() - began < 5 * 10 / 2
            long = [reading for reading, found in backend.looks[looks:] if reading.wait and found]
            assert long  # how many is a matter of chance: one may come between two looks


@pytest.mark.check("M119")
async def test_the_isolated_backend_takes_a_poll_interval_without_effect(
    postgres_server: PostgresServer,
    new_pgbouncer: NewPgBouncer,
    shared_database: str,
    tenant_url: str,
    channel: str,
) -> None:
    pooler = new_pgbouncer(postgres_server, users={TENANT: PASSWORD})
    url = through(pooler, shared_database, TENANT)
    slow = PgmqTransport(url, channel=channel, isolated=True, poll_interval=3600)
    async with End("a", PgmqTransport(tenant_url, channel=channel, isolated=True)) as a:
        async with End("b", slow) as b:
            await a.opened()
            await b.opened()
            await a.carry("b", b"within its own interval")
            await b.got(b"within its own interval", within=30)


async def test_a_pool_of_the_users_works_behind_it(
    pgbouncer: PgBouncer, shared_database: str, channel: str
) -> None:
    url = through(pgbouncer, shared_database)
    async with pools.create_pool(url, min_size=0, max_size=3, statement_cache_size=0) as pool:
        async with End("a", PgmqTransport(client=pool, channel=channel)) as a:
            async with End("b", PgmqTransport(url, channel=channel)) as b:
                await a.opened()
                await b.opened()
                await b.carry("a", b"there")
                await a.got(b"there")
                await a.carry("b", b"and back")
                await b.got(b"and back")
