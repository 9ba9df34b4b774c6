"""`callboard pgmq install` makes of an empty Postgres one that nodes can share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.supervision.cli import main
from callboard.transports.pgmq.install import install
from callboard.transports.pgmq.transport import PgmqTransport
from tests.servers.fixtures import execute
from tests.transports.pgmq.ends import End

CANARY = "c4n4ry"
ROLE = "callboard_narrow"

EVERYTHING = (
    "SELECT (SELECT array_agg(ROW(oid, xmin, relname, relacl::text)::text ORDER BY oid) "
    "FROM pg_class WHERE relnamespace IN ('pgmq'::regnamespace, 'callboard'::regnamespace)), "
    "(SELECT array_agg(ROW(oid, prosrc, proacl::text)::text ORDER BY oid) "
    "FROM pg_proc WHERE pronamespace IN ('pgmq'::regnamespace, 'callboard'::regnamespace)), "
    "(SELECT array_agg(i::text) FROM callboard.installed i)"
)
"""All that an installation could change."""


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["pgmq", "install", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def carries(url: str, *, isolated: bool) -> None:
    """Have two nodes send each other something."""

    async def run() -> None:
        one = End("a", PgmqTransport(url, isolated=isolated))
        async with one as a, End("b", PgmqTransport(url, isolated=isolated)) as b:
            await a.opened()
            await b.opened()
            await a.carry("b", b"there")
            await b.got(b"there")
            await b.carry(None, b"and back")
            await a.got(b"and back")

    asyncio.run(run())


@pytest.mark.check("M117")
@pytest.mark.parametrize("isolated", [False, True])
def test_an_empty_database_gets_all_of_it_and_a_second_run_changes_nothing(
    capsys: pytest.CaptureFixture[str], database: str, isolated: bool
) -> None:
    arguments = ["--isolated"] if isolated else []
    code, out, _ = said(capsys, *arguments, database)
    assert code == 0
    assert "installed PGMQ" in out and "table of leases" in out
    assert ("functions of the isolated backend" in out) == isolated
    before = execute(database, EVERYTHING)
    code, out, _ = said(capsys, *arguments, database)
    assert (code, "nothing to do" in out) == (0, True)
    assert execute(database, EVERYTHING) == before
    carries(database, isolated=isolated)


@pytest.mark.check("M117")
def test_what_is_there_of_pgmq_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str], pgmq_database: str
) -> None:
    execute(pgmq_database, "SELECT pgmq.create('kept')", "SELECT pgmq.send('kept', '{}')")
    code, out, _ = said(capsys, "--isolated", pgmq_database)
    assert (code, "installed PGMQ" in out) == (0, False)
    assert execute(pgmq_database, "SELECT count(*) FROM pgmq.q_kept") == [(1,)]


@pytest.mark.check("M117", "M118")
@pytest.mark.parametrize("isolated", [False, True])
def test_a_role_is_given_what_its_backend_needs(
    capsys: pytest.CaptureFixture[str],
    postgres_server: PostgresServer,
    database: str,
    isolated: bool,
) -> None:
    execute(postgres_server.url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{CANARY}'")
    try:
        arguments = ["--isolated"] if isolated else []
        arguments += ["--role", ROLE, database]
        code, out, _ = said(capsys, *arguments)
        assert (code, f"let the role '{ROLE}' use" in out) == (0, True)
        code, out, _ = said(capsys, *arguments)
        assert (code, "nothing to do" in out) == (0, True)
        name = database.rpartition("/")[2]
        carries(postgres_server.url_for(name, ROLE, CANARY), isolated=isolated)
    finally:
        execute(database, f"DROP OWNED BY {ROLE} CASCADE")
        execute(postgres_server.url, f"DROP ROLE {ROLE}")


@pytest.mark.realtime
@pytest.mark.parametrize("isolated", [False, True])
async def test_a_role_that_was_given_nothing_says_which_command_to_run(
    postgres_server: PostgresServer,
    pgmq_database: str,
    caplog: pytest.LogCaptureFixture,
    isolated: bool,
) -> None:
    await install(pgmq_database, isolated=True)
    execute(postgres_server.url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{CANARY}'")
    try:
        url = postgres_server.url_for(pgmq_database.rpartition("/")[2], ROLE, CANARY)
        async with End("a", PgmqTransport(url, isolated=isolated)) as a:
            async with asyncio.timeout(20):
                while "run 'callboard pgmq install --role NAME'" not in caplog.text:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert not a.is_up
    finally:
        execute(postgres_server.url, f"DROP ROLE {ROLE}")


@pytest.mark.check("M117")
@pytest.mark.realtime
async def test_the_isolated_backend_without_the_functions_says_which_command_to_run(
    pgmq_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with End("a", PgmqTransport(pgmq_database, isolated=True)) as a:
        async with asyncio.timeout(20):
            while "callboard pgmq install --isolated" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not a.is_up


def test_the_url_may_come_from_the_environment_or_from_a_file(
    capsys: pytest.CaptureFixture[str],
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = tmp_path / "url"
    secret.write_text(database + "\n")
    monkeypatch.setenv("CALLBOARD_DATABASE_URL_FILE", str(secret))
    code, out, err = said(capsys)
    assert (code, err) == (0, "") and "installed PGMQ" in out
    monkeypatch.setenv("CALLBOARD_DATABASE_URL", database)
    code, out, err = said(capsys)
    assert (code, out) == (78, "") and "are both set" in err
    monkeypatch.delenv("CALLBOARD_DATABASE_URL_FILE")
    code, out, err = said(capsys)
    assert (code, err) == (0, "") and "nothing to do" in out
    password = urlsplit(database).password
    assert password and password not in out


@pytest.mark.check("M106")
def test_a_mistake_is_one_line_without_the_password(
    capsys: pytest.CaptureFixture[str], postgres_server: PostgresServer, database: str
) -> None:
    port = postgres_server.port
    for arguments, code, word in (
        ([], 2, "CALLBOARD_DATABASE_URL"),
        ([f"postgresql://postgres:{CANARY}@127.0.0.1:1/x"], 3, "cannot be reached"),
        ([f"postgresql://postgres:{CANARY}@127.0.0.1:{port}/x"], 1, "password"),
        ([f"postgresql://postgres:{CANARY}@127.0.0.1:port/x"], 1, "written rightly"),
        ([f"mysql://postgres:{CANARY}@127.0.0.1/x"], 1, "written rightly"),
        (["--role", "nobody_there", database], 1, "CREATE ROLE"),
    ):
        ended, out, err = said(capsys, *arguments)
        assert (ended, out) == (code, "") and word in err, arguments
        assert CANARY not in err and "Traceback" not in err


def test_a_user_who_may_create_nothing_is_told_so(
    capsys: pytest.CaptureFixture[str], postgres_server: PostgresServer, database: str
) -> None:
    execute(postgres_server.url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{CANARY}'")
    try:
        name = database.rpartition("/")[2]
        code, out, err = said(capsys, postgres_server.url_for(name, ROLE, CANARY))
        assert (code, out) == (1, "")
        assert "may not do that" in err and "--role" not in err and CANARY not in err
    finally:
        execute(postgres_server.url, f"DROP ROLE {ROLE}")
