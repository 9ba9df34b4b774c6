"""The brokers of a measurement: each started for it alone, and asked what it has used."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import psycopg

from callboard.examples.servers.postgres_server import PostgresServer
from callboard.examples.servers.redis_server import RedisServer

TICKS = os.sysconf("SC_CLK_TCK")


class Broker(NamedTuple):
    """Where it is; what a second process is told."""

    kind: str
    """`redis` or `pgmq`."""
    url: str


class Used(NamedTuple):
    """What a broker has used since its start."""

    cpu: float
    """Processor seconds of all its processes."""
    bytes: float
    commands: float
    """Commands of Redis, or transactions of Postgres."""


class Running:
    """A broker that runs."""

    def __init__(self, at: Broker, pid: int) -> None:
        self.at = at
        self.pid = pid

    def used(self) -> Used:
        """Ask it, and the system."""
        cpu = _cpu_of(self.pid)
        if self.at.kind == "redis":
            return _used_by_redis(self.at.url, cpu)
        return _used_by_postgres(self.at.url, cpu)


@contextmanager
def running(kind: str) -> Generator[Running]:
    """Start one; PostgreSQL with PGMQ, and as durable as in production."""
    if kind == "redis":
        with RedisServer() as redis:
            yield Running(Broker(kind, redis.url), redis.pid)
        return
    # Durable: what is committed is on the disk.
    with PostgresServer(settings={"fsync": "on", "full_page_writes": "on"}) as postgres:
        _install(postgres.url)
        yield Running(Broker(kind, postgres.url), postgres.pid)


def _install(url: str) -> None:
    from pgmq.install import get_embedded_install_sql

    from callboard.transports.pgmq.install import install

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(get_embedded_install_sql().encode())
    asyncio.run(install(url))


def _used_by_redis(url: str, cpu: float) -> Used:
    from redis import Redis

    client = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    said = cast("dict[str, float]", client.info("stats"))  # pyright: ignore[reportUnknownMemberType]
    client.close()
    size = said["total_net_input_bytes"] + said["total_net_output_bytes"]
    return Used(cpu, size, said["total_commands_processed"])


def _used_by_postgres(url: str, cpu: float) -> Used:
    with psycopg.connect(url, autocommit=True) as connection:
        (row,) = connection.execute(
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8,"
            " (SELECT sum(xact_commit)::float8 FROM pg_stat_database)"
        ).fetchall()
    return Used(cpu, *row)


def _cpu_of(pid: int) -> float:
    """Sum up a process, its children, and those of its children that have ended."""
    stats: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        stats[int(name.split()[0])] = rest.split()
    family = {pid} | {each for each, fields in stats.items() if int(fields[1]) == pid}
    # After the name: state, parent, …; the 12th to 15th are its own and its children's ticks.
    ticks = sum(int(stats[each][place]) for each in family & stats.keys() for place in (11, 12))
    ended = sum(int(stats[pid][place]) for place in (13, 14)) if pid in stats else 0
    return (ticks + ended) / TICKS
