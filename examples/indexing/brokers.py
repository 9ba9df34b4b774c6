"""What joins the nodes of the demonstration: a private server, which is killed in the middle."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from callboard import Child, Supervisor, Worker
from callboard.examples.servers.postgres_server import PostgresServer
from callboard.examples.servers.redis_server import RedisServer
from callboard.examples.servers.server import LOOPBACK, Server

TRANSPORTS = ("websocket", "redis", "pgmq")
"""What can carry; the first needs no server but this package itself."""

LIBRARIES = {"websocket": ("websockets",), "redis": ("redis",), "pgmq": ("asyncpg", "pgmq")}


class Hub(Server):
    """A node that does nothing but be the hub that the others connect to."""

    program = "hub"

    @property
    def url(self) -> str:
        """How nodes reach it."""
        return f"ws://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        return [
            *(sys.executable, "-P", "-m", "callboard.supervision.cli", "run"),
            *("callboard.examples.indexing.brokers:idle", "--name=hub", "--no-control"),
            f"--transport=ws+listen://{LOOPBACK}:{self.port}",
            "--connect-within=10s",  # another may have taken the port
        ]

    def answers(self, connection: socket.socket) -> bool:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
        return connection.recv(5) == b"HTTP/"


def idle() -> Supervisor:
    """Gives the tree of the hub: nobody works there."""
    return Supervisor([Child("nobody", Worker)])


class Broker:
    """A private server for one transport: entered it runs, and it can be killed and restarted."""

    def __init__(self, transport: str) -> None:
        missing = [each for each in LIBRARIES[transport] if find_spec(each) is None]
        if missing:
            raise ImportError(
                f"{transport} needs the package {missing[0]!r}: "
                f"pip install 'callboard[{transport}]'"
            )
        kinds: dict[str, Callable[[], Hub | RedisServer | PostgresServer]]
        kinds = {"websocket": Hub, "redis": RedisServer, "pgmq": PostgresServer}
        self.name = {"websocket": "hub", "redis": "Redis", "pgmq": "Postgres"}[transport]
        self._server = kinds[transport]()

    @property
    def url(self) -> str:
        """How nodes reach it, with whatever password it has."""
        return self._server.url

    def restart(self) -> None:
        """Kills it, and starts it again where it was. Blocks."""
        self._server.restart()

    def __enter__(self) -> Broker:
        self._server.start()
        if isinstance(self._server, PostgresServer):
            from callboard.transports.pgmq.install import install

            asyncio.run(install(self.url))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
