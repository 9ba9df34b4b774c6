"""Pipecat, imported once without the warnings that its own imports raise; and channels."""

from __future__ import annotations

import importlib
import itertools
import os
import warnings
from collections.abc import Iterator

import pytest

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.examples.servers.redis_server import RedisServer
from tests.servers.fixtures import execute
from tests.transports.pipecat.brokers import ISOLATED_SQL, Broker, in_order

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    importlib.import_module("pipecat.frames.frames")

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def pipecat_database(postgres_server: PostgresServer, pgmq_template: str) -> Iterator[str]:
    """The URL of a database with PGMQ, and the functions of an isolated channel."""
    name = f"pipecat_{os.getpid()}_{next(NUMBERS)}"
    execute(postgres_server.url, f"CREATE DATABASE {name} TEMPLATE {pgmq_template}")
    execute(postgres_server.url_for(name), ISOLATED_SQL, *in_order())
    yield postgres_server.url_for(name)
    execute(postgres_server.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["redis", "direct", "isolated"])
def broker(
    request: pytest.FixtureRequest, redis_server: RedisServer, pipecat_database: str
) -> Broker:
    """A channel that the tests of a module share."""
    channel = f"pipecat:test/{os.getpid()}-{next(NUMBERS)}"
    url = redis_server.url if request.param == "redis" else pipecat_database
    return Broker(request.param, url, channel)
