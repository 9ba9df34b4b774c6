"""A node's queue: whose it is, what becomes of it when it is dropped, left or abandoned."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq import reader
from callboard.transports.pgmq import transport as transports
from callboard.transports.pgmq.errors import PgmqError
from callboard.transports.pgmq.transport import PgmqTransport
from callboard.transports.transport import Packet
from tests.servers.fixtures import OTHERS_GIVE_WAY, execute
from tests.transports.pgmq.ends import End

pytestmark = pytest.mark.realtime

Made = Callable[..., PgmqTransport]
Sql = Callable[..., Any]


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of a second."""
    for module in (reader, transports):
        monkeypatch.setattr(module, "LEASE", 1.0)
    monkeypatch.setattr(reader, "RENEWED_EVERY", 0.3)
    monkeypatch.setattr(transports, "SWEPT_EVERY", 0.5)


async def exists(sql: Sql, queue: str) -> bool:
    """Whether anything is left of a queue: its table, PGMQ's notes, ours."""
    [(found,)] = await sql(
        f"SELECT to_regclass('pgmq.q_{queue}') IS NOT NULL "
        f"OR EXISTS (SELECT FROM pgmq.meta WHERE queue_name = '{queue}') "
        f"OR EXISTS (SELECT FROM pgmq.topic_bindings WHERE queue_name = '{queue}') "
        f"OR EXISTS (SELECT FROM callboard.queues WHERE queue = '{queue}') "
        f"OR EXISTS (SELECT FROM callboard.members WHERE queue = '{queue}')"
    )
    return bool(found)


async def until_gone(sql: Sql, queue: str) -> None:
    async with asyncio.timeout(30):
        while await exists(sql, queue):  # noqa: ASYNC110 - it is the server that is asked
            await asyncio.sleep(0.05)


@pytest.mark.check("M115")
async def test_a_node_that_stops_leaves_no_queue(made: Made, sql: Sql) -> None:
    async with End("a", made()) as a:
        await a.opened()
        queue = a.transport.queue
        assert await exists(sql, queue)
    assert not await exists(sql, queue)


@pytest.mark.check("M115")
async def test_a_queue_that_cannot_be_dropped_is_logged_once_and_the_node_stops(
    made: Made, shared_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    a = End("a", made())
    await a.node.start()
    await a.opened()
    with psycopg.connect(shared_database) as holder:
        holder.execute(f"SELECT FROM pgmq.q_{a.transport.queue}".encode())
        with caplog.at_level(logging.WARNING, "callboard.pgmq"):
            await a.stop()
    assert len([text for text in caplog.messages if "could not be removed" in text]) == 1
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


@pytest.mark.check("M115")
async def test_a_killed_nodes_queue_is_removed_once_it_is_declared_down(
    made: Made, sql: Sql, short_leases: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "SWEPT_EVERY", 3600.0)
    async with End("a", made()) as a:
        await a.opened()
        b = End("b", made())
        await b.node.start()
        await b.opened()
        queue = b.transport.queue
        b.node.kill()
        await b.stop()
        assert await exists(sql, queue)
        started = "SELECT extract(epoch FROM now() - pg_postmaster_start_time())"
        async with asyncio.timeout(30):
            while (await sql(started))[0][0] < 11:  # noqa: ASYNC110 - a young server removes none
                await asyncio.sleep(0.1)
        await a.transport.forget("b")
        await until_gone(sql, queue)
        assert await exists(sql, a.transport.queue)


@pytest.mark.check("M115")
async def test_what_nodes_have_left_that_were_all_killed_is_removed_by_the_next_one(
    made: Made, sql: Sql, short_leases: None
) -> None:
    ends = [End(name, made()) for name in "ab"]
    queues: list[str] = []
    for end in ends:
        await end.node.start()
        await end.opened()
        queues.append(end.transport.queue)
    for end in ends:
        end.node.kill()
        await end.stop()
    assert all([await exists(sql, queue) for queue in queues])
    async with End("c", made()) as c:
        await c.opened()
        for queue in queues:
            await until_gone(sql, queue)


async def test_a_node_that_lives_keeps_its_queue(made: Made, sql: Sql, short_leases: None) -> None:
    async with End("a", made()) as a, End("b", made()) as b:
        await a.opened()
        await b.opened()
        [(began,)] = await sql("SELECT clock_timestamp()")
        async with asyncio.timeout(30):
            while True:
                [(now,)] = await sql("SELECT clock_timestamp()")
                if (now - began).total_seconds() > 3:
                    break
                await a.transport.forget("b")
                await asyncio.sleep(0.1)
        await a.carry("b", b"alive")
        await b.got(b"alive")
        assert (b.ups, a.transport.undelivered) == (1, 0)


@pytest.mark.check("M114")
@pytest.mark.parametrize("to", ["c", None], ids=["by name", "to all"])
async def test_a_queue_that_goes_between_the_look_and_the_deed_keeps_nothing_from_the_others(
    made: Made, shared_database: str, to: str | None
) -> None:
    async with End("a", made()) as a, End("b", made()) as b, End("c", made()) as c:
        for each in (a, b, c):
            await each.opened()
        queue = b.transport.queue
        with psycopg.connect(shared_database) as dropper:
            # The others still see the table, and wait for what becomes of it.
            dropper.execute(f"DROP TABLE pgmq.q_{queue}".encode())
            packets = (
                [Packet("b", b"lost"), Packet("c", b"kept")] if to else [Packet(None, b"kept")]
            )
            sending = asyncio.ensure_future(a.transport.publish(packets))
            await eventually(lambda: _waits_for_a_lock(shared_database), within=20)
            dropper.commit()
        await sending
        await c.got(b"kept")
        assert a.ups == 1 and a.downs == 0


def _waits_for_a_lock(url: str) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    [(count,)] = execute(url, waiting)
    return bool(count)


@pytest.mark.check("M114")
@pytest.mark.parametrize("how", ["SELECT pgmq.drop_queue('{}')", "DROP TABLE pgmq.q_{}"])
async def test_a_dropped_queue_harms_no_other_and_is_made_anew_without_a_restart(
    made: Made, sql: Sql, how: str
) -> None:
    async with End("a", made()) as a, End("b", made()) as b, End("c", made()) as c:
        for end in (a, b, c):
            await end.opened()
        await sql(how.format(b.transport.queue))
        await a.transport.publish([Packet("b", b"lost"), Packet("c", b"for c")])
        await a.carry(None, b"for all")
        await c.got(b"for c", b"for all")
        # Unless b has looked in between, and has made it anew.
        assert a.transport.undelivered == 1 or b"lost" in b.received
        async with asyncio.timeout(30):
            while b"anew" not in b.received:
                await a.carry("b", b"anew")
                await asyncio.sleep(0.05)
        await a.carry(None, b"for all, again")
        await eventually(lambda: b"for all, again" in b.received, within=20)
        assert [end.ups for end in (a, b, c)] == [1, 1, 1]


@pytest.mark.check("M114")
async def test_a_dropped_schema_is_named_with_the_command_and_all_goes_on_when_it_is_back(
    pgmq_database: str, install_pgmq: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with End("a", PgmqTransport(pgmq_database)) as a:
        async with End("b", PgmqTransport(pgmq_database)) as b:
            await a.opened()
            await b.opened()
            await asyncio.to_thread(
                execute, pgmq_database, OTHERS_GIVE_WAY, "DROP SCHEMA pgmq CASCADE"
            )
            await eventually(lambda: not a.is_up and not b.is_up, within=30)
            await eventually(lambda: "callboard pgmq install" in caplog.text, within=30)
            await asyncio.to_thread(install_pgmq, pgmq_database)
            await a.opened()
            await b.opened()
            await a.carry("b", b"again")
            await b.got(b"again")


@pytest.mark.check("M114")
async def test_the_table_of_leases_is_made_anew_where_it_was_dropped(pgmq_database: str) -> None:
    async with End("a", PgmqTransport(pgmq_database)) as a:
        async with End("b", PgmqTransport(pgmq_database)) as b:
            await a.opened()
            await b.opened()
            await asyncio.to_thread(
                execute, pgmq_database, OTHERS_GIVE_WAY, "DROP SCHEMA callboard CASCADE"
            )
            async with asyncio.timeout(30):
                while b"again" not in b.received:
                    if a.is_up:
                        with suppress(PgmqError):
                            await a.carry("b", b"again")
                    await asyncio.sleep(0.05)


async def test_a_lost_connection_loses_no_row(made: Made, sql: Sql) -> None:
    async with End("a", made()) as a, End("b", made()) as b:
        await a.opened()
        await b.opened()
        channel = a.transport.channel
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        for number in range(5):
            await sql(f"{cut} WHERE application_name = 'callboard b' AND pid <> pg_backend_pid()")
            await a.carry("b", b"%d" % number)
        await b.opened(2)
        await b.got(*(b"%d" % number for number in range(5)))
        assert b.transport.channel == channel


async def test_what_is_left_for_an_earlier_life_is_not_read_by_the_next(
    made: Made, sql: Sql
) -> None:
    async with End("a", made()) as a:
        await a.opened()
        first = End("b", made())
        await first.node.start()
        await first.opened()
        first.node.kill()
        await first.stop()
        await a.carry("b", b"for the first life")
        async with End("b", made()) as second:
            await second.opened()
            await a.carry("b", b"for the second")
            await second.got(b"for the second")


async def test_of_two_living_nodes_of_one_name_the_later_has_the_queue(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    async with End("a", made()) as a, End("b", made()) as earlier:
        await a.opened()
        await earlier.opened()
        async with End("b", made()) as later:
            await later.opened()
            await eventually(lambda: "give each node a name of its own" in caplog.text, within=30)
            await a.carry("b", b"for the later one")
            await later.got(b"for the later one")
            assert earlier.received == []
        await earlier.opened(2)
        await a.carry("b", b"for who is left")
        await earlier.got(b"for who is left")


@pytest.mark.check("M109")
async def test_without_topics_each_node_is_told_once_all_the_same(pgmq_database: str) -> None:
    execute(pgmq_database, "DROP FUNCTION pgmq.send_batch_topic(text, jsonb[])")
    ends = [End(name, PgmqTransport(pgmq_database)) for name in "abc"]
    async with ends[0] as a, ends[1] as b, ends[2] as c:
        for end in ends:
            await end.opened()
        await a.carry(None, b"one", b"two")
        for end in (b, c):
            await end.got(b"one", b"two")
        total = f"SELECT total_messages FROM pgmq.metrics('{c.transport.queue}')"
        assert await asyncio.to_thread(execute, pgmq_database, total) == [(2,)]


async def test_a_thread_can_send_while_the_event_loop_is_blocked(made: Made) -> None:
    async with End("a", made()) as a, End("b", made()) as b:
        await a.opened()
        await b.opened()
        spare = a.transport.spare()
        assert spare is not None

        async def send() -> None:
            await spare.open()
            try:
                await spare.publish([Packet("b", b"alive"), Packet(None, b"all the same")])
            finally:
                await spare.close()

        thread = threading.Thread(target=lambda: asyncio.run(send()))
        thread.start()
        thread.join(20)  # the loop of this test is blocked meanwhile
        await b.got(b"alive", b"all the same")
