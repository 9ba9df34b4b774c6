"""Databases that have what the transport needs, ours included."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.transports.pgmq.connections import FromUrl
from callboard.transports.pgmq.direct import DirectBackend
from callboard.transports.pgmq.install import install
from callboard.transports.pgmq.isolated import IsolatedBackend
from callboard.transports.pgmq.transport import PgmqTransport
from tests.servers.fixtures import execute
from tests.transports.pgmq.backends import Noting

TENANT = "callboard_tenant"
PASSWORD = "canary-of-the-tenant"


@pytest.fixture(scope="session")
def tenant_role(postgres_server: PostgresServer) -> str:
    """A login that owns nothing and may do nothing yet."""
    execute(postgres_server.url, f"CREATE ROLE {TENANT} LOGIN PASSWORD '{PASSWORD}'")
    return TENANT


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer, tenant_role: str) -> Iterator[str]:
    """The URL of a database with all of it, for tests that use a channel of their own."""
    name = f"test_{os.getpid()}_pgmq"
    execute(postgres_server.url, f"CREATE DATABASE {name}")
    url = postgres_server.url_for(name)
    asyncio.run(install(url, isolated=True, roles=[tenant_role]))
    yield url
    execute(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def tenant_url(postgres_server: PostgresServer, shared_database: str) -> str:
    """How the tenant reaches that database."""
    return postgres_server.url_for(shared_database.rpartition("/")[2], TENANT, PASSWORD)


@pytest.fixture(params=["direct", "isolated"])
def isolated(request: pytest.FixtureRequest) -> bool:
    """Both backends, one after the other."""
    return str(request.param) == "isolated"


@pytest.fixture
def bus_url(isolated: bool, shared_database: str, request: pytest.FixtureRequest) -> str:
    """How nodes log in: as the owner of everything, or as the tenant who may do nothing else."""
    return str(request.getfixturevalue("tenant_url")) if isolated else shared_database


@pytest.fixture
def made(isolated: bool, bus_url: str, channel: str) -> Callable[..., PgmqTransport]:
    """Make transports that share a channel of this test's own."""
    return partial(PgmqTransport, bus_url, channel=channel, isolated=isolated)


@pytest.fixture
def noting(isolated: bool, bus_url: str) -> Callable[..., Noting]:
    """Make backends that note what they are asked for."""
    kind = IsolatedBackend if isolated else DirectBackend

    def make(**settings: Any) -> Noting:
        return Noting(kind(FromUrl(bus_url), **settings))

    return make


@pytest.fixture
def sql(shared_database: str) -> Callable[..., Awaitable[list[tuple[Any, ...]]]]:
    """Run statements at that database, as its owner."""
    return partial(asyncio.to_thread, execute, shared_database)
