"""A private PgBouncer in transaction mode: each statement may run in another session."""

import socket
import struct
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from callboard.examples.servers.postgres_server import PROTOCOL, PostgresServer, plain_user
from callboard.examples.servers.programs import Program
from callboard.examples.servers.server import LOOPBACK, Server

__all__ = ["PGBOUNCER", "PgBouncer"]

PGBOUNCER = Program(
    "pgbouncer", package="pgbouncer", variable="CALLBOARD_PGBOUNCER", folders=("/usr/sbin",)
)


class PgBouncer(Server):
    """In front of a PostgreSQL, for all of its databases."""

    program = "pgbouncer"

    def __init__(self, postgres: PostgresServer, users: Mapping[str, str] | None = None) -> None:
        """Prepare one; `users`: passwords of other users than the superuser, by name."""
        super().__init__()
        self.user = plain_user()
        self._binary = PGBOUNCER.find()
        self._postgres = postgres
        self._users = {"postgres": postgres.password} | dict(users or {})

    def url_for(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return how a user reaches a database through it."""
        secret = quote(self._users[user], safe="")
        return f"postgresql://{quote(user)}:{secret}@{LOOPBACK}:{self.port}/{quote(database)}"

    def prepare(self) -> None:
        users = [f'"{name}" "{password}"' for name, password in self._users.items()]
        (self.folder / "users").write_text("\n".join(users) + "\n")
        settings = {
            "listen_addr": LOOPBACK,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self.folder / "users"),
            "pool_mode": "transaction",
            "default_pool_size": "10",
            "max_client_conn": "200",
            "ignore_startup_parameters": "extra_float_digits,jit",
        }
        said = "\n".join(f"{key} = {value}" for key, value in settings.items())
        target = f"* = host={LOOPBACK} port={self._postgres.port}"
        (self.folder / "pgbouncer.ini").write_text(f"[databases]\n{target}\n[pgbouncer]\n{said}\n")

    def command(self) -> Sequence[str]:
        return [str(self._binary), str(self.folder / "pgbouncer.ini")]

    def answers(self, connection: socket.socket) -> bool:
        who = b"user\0postgres\0database\0postgres\0\0"
        connection.sendall(struct.pack("!ii", 8 + len(who), PROTOCOL) + who)
        return connection.recv(1) == b"R"
