"""Postgres goes away and comes back; and nothing secret is ever said."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from callboard.actors.testing import eventually
from callboard.examples.servers.postgres_server import PostgresServer
from callboard.transports.pgmq.connections import FromUrl, Session
from callboard.transports.pgmq.direct import DirectBackend
from callboard.transports.pgmq.transport import PgmqTransport
from tests.servers.chaos import ChaosProxy
from tests.servers.fixtures import NewPostgres, execute
from tests.transports.contract_cast import Note
from tests.transports.contract_stage import Stage
from tests.transports.pgmq.backends import Noting
from tests.transports.pgmq.ends import End
from tests.transports.pgmq.network import PgmqNetwork

pytestmark = pytest.mark.realtime

CANARY = "c4n4ry"


@pytest.fixture
def postgres(new_postgres: NewPostgres, install_pgmq: Callable[[str], None]) -> PostgresServer:
    """A Postgres with PGMQ, to be killed."""
    server = new_postgres()
    install_pgmq(server.url)
    return server


@pytest.mark.check("M113")
@pytest.mark.realtime(patience=120)
async def test_what_is_sent_while_postgres_is_down_arrives_once_and_in_order(
    postgres: PostgresServer, channel: str
) -> None:
    network = PgmqNetwork(postgres.url, channel)
    network.down_after = 60.0
    async with Stage(network) as stage:
        a, b = await stage.pair(watchful=True)
        for number in range(10):
            a.tell("b", Note(number))
        postgres.kill()
        for number in range(10, 20):
            a.tell("b", Note(number))
        await eventually(lambda: stage.counted(a, "disconnected") == 1, within=30)
        for number in range(20, 30):
            a.tell("b", Note(number))
        await asyncio.to_thread(postgres.start)
        await stage.noted("b", "note", count=30)
        await a.ask("b", Note(30))
        assert stage.log.of("b", "note") == list(range(31))
        assert b.ref("a") is not None


@pytest.mark.check("M113")
async def test_a_read_that_fails_is_tried_again_after_a_growing_delay(
    shared_database: str, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Noting(DirectBackend(FromUrl(shared_database)))
    failures = 3

    def fail(reading: object) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OSError("the disk is full")
        return reading

    backend.before_read = fail  # type: ignore[assignment]
    async with End("a", PgmqTransport(shared_database, channel=channel)) as a:
        async with End("b", PgmqTransport(backend=backend, channel=channel)) as b:
            await a.opened()
            await b.opened(4)
            await a.carry("b", b"in the end")
            await b.got(b"in the end")
    delays = [text for text in caplog.messages if "the disk is full" in text and "restart" in text]
    assert len(delays) == 3


@pytest.mark.check("M115")
@pytest.mark.parametrize("how", ["killed", "frozen", "cut off"])
async def test_a_node_stops_within_its_budget_where_postgres_has_gone(
    postgres: PostgresServer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with ChaosProxy(postgres.port) as proxy:
        url = postgres.url.replace(f":{postgres.port}/", f":{proxy.port}/")
        a = End("a", PgmqTransport(url))
        await a.node.start()
        await a.opened()
        if how == "killed":
            postgres.kill()
        elif how == "frozen":
            postgres.pause()
        else:
            proxy.hold()
        began = asyncio.get_running_loop().time()
        await a.stop()
        assert asyncio.get_running_loop().time() - began < 10
        proxy.clear()
    if how == "frozen":
        postgres.resume()
    assert len([text for text in caplog.messages if "could not be removed" in text]) <= 1
    assert "was not ended" not in caplog.text and "abandoned" not in caplog.text


async def test_a_connection_that_is_given_up_while_it_is_made_is_closed(
    shared_database: str, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = asyncio.Event()

    async def wait(session: Session) -> None:
        connected.set()
        await asyncio.sleep(600)

    monkeypatch.setattr(Session, "probe", wait)
    here = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{channel}'"

    async def count() -> int:
        [row] = await asyncio.to_thread(execute, shared_database, here)
        return int(row[0])

    opening = asyncio.create_task(FromUrl(shared_database, channel).open())
    await connected.wait()
    assert await count() == 1
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    deadline = time.monotonic() + 20
    while await count():  # the server takes a moment to notice
        assert time.monotonic() < deadline, "it was not closed"


async def test_without_postgres_the_node_starts_and_it_is_tried_again(
    postgres: PostgresServer,
) -> None:
    postgres.kill()
    async with End("a", PgmqTransport(postgres.url)) as a:
        assert not a.is_up
        await asyncio.to_thread(postgres.start)
        await a.opened()


async def test_a_way_that_has_become_silent_is_given_up(postgres: PostgresServer) -> None:
    async with ChaosProxy(postgres.port) as proxy:
        url = postgres.url.replace(f":{postgres.port}/", f":{proxy.port}/")
        async with End("a", PgmqTransport(url)) as a:
            await a.opened()
            proxy.hold()
            await eventually(lambda: not a.is_up, within=30)
            proxy.clear()
            await a.opened(2)


@pytest.mark.check("M106")
async def test_no_password_is_ever_shown(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(postgres.url)
    urls = [
        postgres.url_for(password=CANARY),
        f"postgresql://postgres:{CANARY}@127.0.0.1:1/postgres",
        f"postgresql://postgres:{CANARY}:1@2{CANARY}@127.0.0.1:port/postgres",
        f"postgresql://postgres:pa/{CANARY}@127.0.0.1:{parts.port}/postgres",
        f"postgresql://127.0.0.1:{parts.port}/postgres?user=postgres&password={CANARY}",
        f"mysql://postgres:{CANARY}@127.0.0.1/postgres",
    ]
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for url in urls:
            end = End("a", PgmqTransport(url))
            events = end.node
            said.append(repr(end.prototype))
            async with end:
                seen = events.events.subscribe()
                async with asyncio.timeout(20):
                    async for event in seen:
                        said += [repr(event), str(event)]
                        if event.reason is not None:
                            said.append(repr(event.reason))
                            cause = getattr(event.reason, "error", None)
                            if isinstance(cause, BaseException):
                                said += traceback.format_exception(cause)
                        if event.kind in ("failed", "waiting"):
                            break
                said.append(repr(end.node.snapshot()))
                seen.close()
    for record in caplog.records:
        said += [logging.Formatter().format(record), repr(vars(record))]
    written = capfd.readouterr()
    said += [written.out, written.err]
    assert said
    assert not [text for text in said if CANARY in text]
