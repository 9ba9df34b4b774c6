"""Rows: into one queue, read in batches, deleted when they were handed over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq import reader
from callboard.transports.pgmq.backend import Reading
from callboard.transports.pgmq.connections import Session
from callboard.transports.pgmq.transport import PgmqTransport
from callboard.transports.transport import Packet, Transport
from tests.transports.pgmq.backends import Noting
from tests.transports.pgmq.ends import End

pytestmark = pytest.mark.realtime

Made = Callable[..., PgmqTransport]
Sql = Callable[..., Any]


async def total(sql: Sql, end: End) -> int:
    """How many rows an end's queue has ever been given."""
    [(number,)] = await sql(f"SELECT total_messages FROM pgmq.metrics('{end.transport.queue}')")
    return int(number)


async def waiting(sql: Sql, queue: str) -> int:
    """How many rows a queue holds."""
    [(number,)] = await sql(f"SELECT count(*) FROM pgmq.q_{queue}")
    return int(number)


async def emptied(sql: Sql, queue: str) -> None:
    """Wait until a queue holds nothing."""
    async with asyncio.timeout(20):
        while await waiting(sql, queue):  # noqa: ASYNC110 - it is the server that is asked
            await asyncio.sleep(0.02)


@pytest.mark.check("M109")
async def test_a_packet_is_one_row_in_the_queue_of_its_node_and_in_no_other(
    made: Made, sql: Sql
) -> None:
    async with End("a", made()) as a, End("b", made()) as b, End("c", made()) as c:
        for end in (a, b, c):
            await end.opened()
        await a.carry("b", b"for b")
        await b.got(b"for b")
        assert [await total(sql, end) for end in (b, c)] == [1, 0]
        await a.carry(None, b"for all")
        await b.got(b"for b", b"for all")
        await c.got(b"for all")
        assert [await total(sql, end) for end in (b, c)] == [2, 1]
        for end in (a, b, c):
            await emptied(sql, end.transport.queue)
        assert (a.received, c.received) == ([], [b"for all"])


@pytest.mark.check("M109")
async def test_a_thousand_sends_do_not_read_the_list_of_queues(made: Made, sql: Sql) -> None:
    async with End("a", made()) as a, End("b", made()) as b:
        await a.opened()
        await b.opened()
        scans = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables"
        meta = f"{scans} WHERE schemaname = 'pgmq' AND relname = 'meta'"
        seen = f"SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'q_{b.transport.queue}'"
        [(before,)] = await sql(meta)
        for number in range(1000):
            await a.carry("b", b"%d" % number)
        await b.got(*(b"%d" % number for number in range(1000)))
        async with asyncio.timeout(20):
            # The session that has inserted them reports all that it has done at one time.
            while (await sql(seen))[0][0] < 1000:
                await a.carry("nobody", b"for the statistics to be sent")
                await asyncio.sleep(0.1)
        [(after,)] = await sql(meta)
        assert after - before < 100


@pytest.mark.check("M65")
async def test_what_is_published_at_one_time_is_one_statement(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with End("a", made()) as a, End("b", made()) as b, End("c", made()) as c:
        for end in (a, b, c):
            await end.opened()
        statements: list[str] = []
        fetch = Session.fetch

        async def noted(session: Session, query: str, *rest: Any, **more: Any) -> Any:
            if "pg_notify" in query or "callboard.send" in query:
                statements.append(query)
            return await fetch(session, query, *rest, **more)

        monkeypatch.setattr(Session, "fetch", noted)
        packets = [Packet("bc"[number % 2], b"%d" % number) for number in range(100)]
        await a.transport.publish(packets)
        await b.got(*(b"%d" % number for number in range(0, 100, 2)))
        await c.got(*(b"%d" % number for number in range(1, 100, 2)))
        assert len(statements) == 1


async def test_large_and_small_packets_to_one_and_to_all_stay_in_order(made: Made) -> None:
    async with End("a", made(batch_size=3)) as a, End("b", made(batch_size=3)) as b:
        await a.opened()
        await b.opened()
        data = [bytes([number]) * (20_000 if number % 3 else 5) for number in range(40)]
        for number in range(0, 40, 4):
            to = None if number % 8 else "b"
            await a.transport.publish([Packet(to, each) for each in data[number : number + 4]])
        await b.got(*data)


@pytest.mark.check("M111")
async def test_rows_are_read_ten_at_a_time(noting: Callable[..., Noting], channel: str) -> None:
    backend = noting()
    backend.brings = False
    async with End("a", PgmqTransport(backend=noting(), channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened()
            data = [b"%d" % number for number in range(25)]
            await a.carry("b", *data)
            await b.got(*data)
            assert backend.numbers == [10, 10, 5]


@pytest.mark.check("M112")
@pytest.mark.parametrize("brings", [True, False])
async def test_a_row_whose_deletion_fails_comes_back_and_is_known_again(
    noting: Callable[..., Noting],
    sql: Sql,
    channel: str,
    brings: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "RENEWED_EVERY", 0.1)
    backend = noting(visibility=1)
    backend.brings = brings
    kept: list[int] = []

    def keep(reading: Reading) -> Reading:
        if kept:
            return reading
        kept.extend(reading.done)
        return Reading(reading.limit, (), reading.wait, reading.lease)

    backend.before_read = keep
    async with End("a", PgmqTransport(backend=noting(), channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened()
            await a.carry("b", b"once")
            await b.got(b"once")
            await eventually(lambda: b.transport.repeated == 1, within=20)
            await emptied(sql, b.transport.queue)
            assert (kept, b.received) == ([1], [b"once"])


@pytest.mark.check("M112")
@pytest.mark.parametrize("size", [10, 20_000])
async def test_a_row_that_was_not_handed_over_comes_back_after_a_restart(
    made: Made, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RENEWED_EVERY", 0.1)
    async with End("a", made()) as a, End("b", made(visibility_timeout=1)) as b:
        await a.opened()
        await b.opened()
        receive, failed = b.receive, asyncio.Event()

        def fail(transport: Transport, data: bytes, sender: str | None, /) -> None:
            if failed.is_set():
                return receive(transport, data, sender)
            failed.set()
            raise RuntimeError("before the hand-over")

        b.receive = fail  # type: ignore[method-assign]
        await a.carry("b", b"x" * size)
        await b.got(b"x" * size)
        assert b.ups == 2


@pytest.mark.check("M113")
async def test_a_row_that_is_none_of_ours_is_removed_and_counted_and_the_next_one_arrives(
    made: Made, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    async with End("a", made()) as a, End("b", made()) as b:
        await a.opened()
        await b.opened()
        queue = b.transport.queue
        with caplog.at_level(logging.WARNING, "callboard.pgmq"):
            for row in ('{"x": 1}', "[]", '{"p": "no base64"}', "null"):
                await sql(f"SELECT pgmq.send('{queue}', '{row}')")
            await a.carry("b", b"a good one")
            await b.got(b"a good one")
            await eventually(lambda: b.transport.unreadable == 4, within=20)
        await emptied(sql, queue)
        assert (b.ups, b.received) == (1, [b"a good one"])
        assert len([text for text in caplog.messages if "logged once" in text]) == 1


@pytest.mark.check("M116")
async def test_an_idle_reader_makes_no_query_but_for_its_lease_and_hears_at_once(
    noting: Callable[..., Noting], channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RENEWED_EVERY", 0.5)
    backend = noting()
    async with End("a", PgmqTransport(backend=noting(), channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened()
            await eventually(lambda: backend.looks and backend.looks[-1][0].lease, within=20)
            begun = len(backend.looks)
            await eventually(lambda: len(backend.looks) >= begun + 3, within=20)
            assert all(reading.lease for reading, _ in backend.looks[begun:])

            loop = asyncio.get_running_loop()
            times: list[float] = []
            for number in range(20):
                began = loop.time()
                await a.carry("b", b"%d" % number)
                async with asyncio.timeout(20):
                    while len(b.received) <= number:  # noqa: ASYNC110 - looks more often
                        await asyncio.sleep(0.001)
                times.append(loop.time() - began)
            assert min(times) < 0.05
