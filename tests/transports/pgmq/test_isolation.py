"""Two tenants of one database: who does not know the channel sees nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.transports.pgmq.install import install
from callboard.transports.pgmq.transport import PgmqTransport
from tests.servers.fixtures import execute
from tests.transports.pgmq.ends import End

OTHER = "callboard_other_tenant"

Sql = Callable[..., Any]


@pytest.fixture
def stranger(
    postgres_server: PostgresServer, shared_database: str, tenant_url: str
) -> Iterator[str]:
    """How a second tenant logs in, who may execute the functions as well."""
    execute(postgres_server.url, f"CREATE ROLE {OTHER} LOGIN PASSWORD 'other'")
    asyncio.run(install(shared_database, isolated=True, roles=[OTHER]))
    yield postgres_server.url_for(shared_database.rpartition("/")[2], OTHER, "other")
    execute(shared_database, f"DROP OWNED BY {OTHER}")
    execute(postgres_server.url, f"DROP ROLE {OTHER}")


def refused(url: str, statement: str) -> str:
    """Run a statement that is refused; return why."""
    with pytest.raises(psycopg.Error) as caught:
        execute(url, statement)
    return str(caught.value)


@pytest.mark.realtime
@pytest.mark.check("M118")
async def test_a_second_tenant_can_neither_list_read_write_nor_drop(
    stranger: str, tenant_url: str, shared_database: str, channel: str
) -> None:
    # One login may join and send; the reader is stopped, so that the row stays where it is.
    joining = f"SELECT queue, token FROM callboard.join('{channel}', 'b', 'life', false, 60)"
    [(queue, token)] = execute(tenant_url, joining)
    async with End("a", PgmqTransport(tenant_url, channel=channel, isolated=True)) as a:
        await a.opened()
        await a.carry("b", b"for b alone")
        row = f"SELECT count(*) FROM pgmq.q_{queue}"
        assert execute(shared_database, row) == [(1,)]

        reading = "ARRAY[]::bigint[], 30, 10, 0, 0"
        for statement in (
            "SELECT * FROM pgmq.list_queues()",
            "SELECT * FROM pgmq.meta",
            f"SELECT * FROM pgmq.q_{queue}",
            f"SELECT * FROM pgmq.read('{queue}', 30, 1)",
            f"INSERT INTO pgmq.q_{queue} (vt, message) VALUES (now(), '7')",
            f"SELECT pgmq.send('{queue}', '7')",
            f"SELECT pgmq.drop_queue('{queue}')",
            f"DROP TABLE pgmq.q_{queue}",
            "SELECT * FROM callboard.members",
            "SELECT * FROM callboard.queues",
            "DELETE FROM callboard.members",
            f"SELECT callboard.drop_member('{queue}')",
            f"SELECT callboard.hash_of('{channel}')",
        ):
            assert "permission denied" in refused(stranger, statement), statement

        # The functions that it may execute tell nothing to who does not know the channel,
        # even with the names of the queue, the node and the life.
        for name in ("another", channel.upper(), f"{channel} ", "%", ""):
            looked = f"SELECT * FROM callboard.read('{name}', '{queue}', 'life', {reading})"
            left = f"SELECT callboard.leave('{name}', '{queue}', 'life')"
            # Not even to the login that has joined: another application may be using it.
            for url in (stranger, tenant_url):
                assert "no queue of this name is yours" in refused(url, looked)
                assert execute(url, left) == [(False,)]
            posted = f"SELECT callboard.send('{name}', '', ARRAY['b'], ARRAY['7'::jsonb])"
            assert execute(stranger, posted) == []
            posted = f"SELECT callboard.send('{name}', '', NULL, ARRAY['7'::jsonb])"
            assert execute(stranger, posted) == []
            assert execute(stranger, f"SELECT callboard.sweep('{name}')") == [(0,)]

        # Nor does knowing it give another login's queue away: it may only join and send.
        looked = f"SELECT * FROM callboard.read('{channel}', '{queue}', 'life', {reading})"
        assert "no queue of this name is yours" in refused(stranger, looked)
        assert "another node of this name lives" in refused(stranger, joining)
        left = f"SELECT callboard.leave('{channel}', '{queue}', 'life')"
        assert execute(stranger, left) == [(False,)]

        assert execute(shared_database, row) == [(1,)]
        # What any login reads in Postgres's own catalogs says neither channel nor node.
        seen = f"SELECT count(*) FROM pg_class WHERE relname LIKE '%{channel}%'"
        assert execute(stranger, seen) == [(0,)]
        assert channel not in queue and channel not in token


@pytest.mark.realtime
@pytest.mark.check("M118")
async def test_who_knows_the_channel_may_join_from_another_login(
    stranger: str, tenant_url: str, channel: str
) -> None:
    async with End("a", PgmqTransport(tenant_url, channel=channel, isolated=True)) as a:
        async with End("b", PgmqTransport(stranger, channel=channel, isolated=True)) as b:
            await a.opened()
            await b.opened()
            await a.carry("b", b"there")
            await b.got(b"there")
            await b.carry(None, b"and back")
            await a.got(b"and back")


@pytest.mark.check("M118")
def test_the_functions_of_the_isolated_backend_cannot_be_led_astray(shared_database: str) -> None:
    found = execute(
        shared_database,
        "SELECT proname, prosecdef, proconfig, has_function_privilege('public', oid, 'EXECUTE') "
        "FROM pg_proc WHERE pronamespace = 'callboard'::regnamespace ORDER BY proname",
    )
    assert {name for name, *_ in found if name not in ("drop_member", "hash_of")} == {
        "join",
        "leave",
        "read",
        "send",
        "sweep",
    }
    for name, definer, settings, anybody in found:
        assert not anybody, name
        assert definer == (name not in ("drop_member", "hash_of")), name
        if definer:
            assert settings == ["search_path=pg_catalog, pg_temp"], name


@pytest.mark.realtime
@pytest.mark.check("M119")
async def test_a_backend_whose_join_returns_no_name_is_an_error(
    pgmq_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    await install(pgmq_database, isolated=True)
    execute(
        pgmq_database,
        "CREATE OR REPLACE FUNCTION callboard.join(to_channel text, as_node text, life text, "
        "held boolean, lease double precision) RETURNS TABLE (queue text, token text) "
        "LANGUAGE sql AS $$ SELECT '', '' $$",
    )
    async with End("a", PgmqTransport(pgmq_database, isolated=True)) as a:
        async with asyncio.timeout(20):
            while "gave the node's queue no name" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not a.is_up
