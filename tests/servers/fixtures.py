"""Real servers for every test: one of each kind that all share, and private ones to be killed."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pgmq.install import get_embedded_install_sql

from callboard.examples.servers.postgres_server import POSTGRES, PostgresServer
from callboard.examples.servers.redis_server import REDIS, RedisServer
from callboard.examples.servers.server import Server
from tests.servers.certificates import Certificates, certify
from tests.servers.installing import provided
from tests.servers.pgbouncer import PGBOUNCER, PgBouncer

__all__ = ["OTHERS_GIVE_WAY", "NewPgBouncer", "NewPostgres", "NewRedis", "execute"]

NewRedis = Callable[..., RedisServer]
NewPostgres = Callable[..., PostgresServer]
NewPgBouncer = Callable[..., PgBouncer]

NUMBERS = itertools.count(1)

WITH_PGMQ = "callboard_with_pgmq"
"""The database that those with PGMQ are copied from."""


OTHERS_GIVE_WAY = "SET deadlock_timeout = '1min'"
"""Before a superuser's statement: where it and another wait for each other, the other is ended.

Who notices a deadlock first is the one that gives up, by default after a second: without this it
may be the test.
"""


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements at a database, each by itself; return the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


@pytest.fixture
def channel() -> str:
    """A name that no other test uses, for what shares a server."""
    return f"test-{os.getpid()}-{next(NUMBERS)}"


@pytest.fixture
def started() -> Iterator[list[Server]]:
    """What is in the list is stopped after the test."""
    servers: list[Server] = []
    yield servers
    for server in reversed(servers):
        server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis that all tests share: use a `channel` of your own."""
    with provided(REDIS, RedisServer) as server:
        yield server


@pytest.fixture
def new_redis(started: list[Server]) -> NewRedis:
    """Start a Redis of your own, with `RedisServer`'s arguments."""

    def start(**arguments: Any) -> RedisServer:
        server = provided(REDIS, lambda: RedisServer(**arguments))
        started.append(server)
        return server.start()

    return start


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that all tests share: use `database` or `pgmq_database`."""
    with provided(POSTGRES, PostgresServer) as server:
        yield server


@pytest.fixture
def new_postgres(started: list[Server]) -> NewPostgres:
    """Start a PostgreSQL of your own, with `PostgresServer`'s arguments; it has no PGMQ."""

    def start(**arguments: Any) -> PostgresServer:
        server = provided(POSTGRES, lambda: PostgresServer(**arguments))
        started.append(server)
        return server.start()

    return start


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database."""
    yield from _database(postgres_server, "template1")


@pytest.fixture(scope="session")
def install_pgmq() -> Callable[[str], None]:
    """Load PGMQ into the database of a URL: the SQL that its client carries."""
    return lambda url: (execute(url, get_embedded_install_sql()), None)[1]


@pytest.fixture(scope="session")
def pgmq_template(postgres_server: PostgresServer) -> str:
    """The name of a database that has PGMQ, to copy from."""
    execute(postgres_server.url, f"CREATE DATABASE {WITH_PGMQ}")
    execute(postgres_server.url_for(WITH_PGMQ), get_embedded_install_sql())
    return WITH_PGMQ


@pytest.fixture
def pgmq_database(postgres_server: PostgresServer, pgmq_template: str) -> Iterator[str]:
    """The URL of a new database that has PGMQ, and no queue."""
    yield from _database(postgres_server, pgmq_template)


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """A pooler in transaction mode before the shared PostgreSQL: `pgbouncer.url_for(database)`."""
    with provided(PGBOUNCER, lambda: PgBouncer(postgres_server)) as server:
        yield server


@pytest.fixture
def new_pgbouncer(started: list[Server]) -> NewPgBouncer:
    """Start a pooler of your own, with `PgBouncer`'s arguments."""

    def start(postgres: PostgresServer, **arguments: Any) -> PgBouncer:
        server = provided(PGBOUNCER, lambda: PgBouncer(postgres, **arguments))
        started.append(server)
        return server.start()

    return start


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A certificate for loopback and the authority behind it."""
    return certify(Path(tmp_path_factory.mktemp("certificates")))


def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url_for(name)
    execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")
