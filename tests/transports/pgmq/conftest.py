"""Databases that have what the transport needs, ours included."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.transports.pgmq.install import install
from tests.servers.fixtures import execute

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
