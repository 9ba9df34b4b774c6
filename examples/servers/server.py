"""A server in a process of its own, on a free loopback port, that ends with who started it.

The calls wait (for milliseconds): in async code give them to `asyncio.to_thread`.
"""

from __future__ import annotations

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypedDict

__all__ = ["LOOPBACK", "Server", "ServerFailed", "free_port", "kept_folder", "run_as"]

LOOPBACK = "127.0.0.1"

PATIENCE = 60.0
"""Seconds that a server has to start, or to end. All take less than one where nothing is wrong."""

PORTS = range(20_000, 32_000)
"""Below those that a system gives to outgoing connections: while a server is down, nobody gets its
port, and no client that tries again and again comes to be connected with itself."""

ATTEMPTS = 8
"""How many ports are tried: between the look and the start, another may take one."""

# Waits for the end of who started the server, by whatever cause: then the pipe ends.
WATCH = """
read _
kill -s "$2" "$1"; kill -s CONT "$1"
i=0; while kill -0 "$1" && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL "$1"
shift 2; rm -rf "$@"
"""

KEPT: list[Path] = []
"""Folders of this process that its servers share."""


class ServerFailed(RuntimeError):
    """A server did not start; the text ends with what it wrote last."""


class Identity(TypedDict):
    """The arguments of `subprocess` that say who runs something."""

    user: str | None
    group: int | None
    extra_groups: list[int] | None


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    for _ in range(1000):
        port = random.choice(PORTS)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise ServerFailed(f"no port of {PORTS.start} to {PORTS.stop - 1} is free")


class Server(ABC):
    """What all of them share; a server says how it is run, and how to see that it answers."""

    program: str
    end_signal = signal.SIGTERM
    """Asks it to end in order, without waiting for its clients."""
    watch_signal = signal.SIGKILL
    """What ends it when who started it is gone."""

    def __init__(self) -> None:
        """Prepare one; nothing runs before `start`."""
        self.port = 0
        self.user: str | None = None
        """The user that it runs as, where it refuses to run as root."""
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    # -- what a server says ----

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command line."""

    @abstractmethod
    def answers(self, connection: socket.socket) -> bool:
        """Return whether it is ready for clients: it listens, and here is a connection to it."""

    def prepare(self) -> None:
        """Write what it needs into its folder, before each start."""

    # -- its life ----

    @property
    def folder(self) -> Path:
        """A folder of its own, removed with it."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"callboard-{self.program}-"))
            if self.user is not None:
                shutil.chown(self._folder, self.user)
            atexit.register(self.stop)
        return self._folder

    @property
    def pid(self) -> int:
        """The process; an error where none runs."""
        if self._process is None:
            raise ServerFailed(f"{self.program} does not run")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process of it, stopped by `pause` or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it and wait until it answers; on the port it had, if it had one."""
        if self._process is not None:
            raise ServerFailed(f"{self.program} runs already")
        chosen = self.port != 0
        for attempt in range(ATTEMPTS):
            self.port = self.port if chosen else free_port()
            try:
                self._start()
            except ServerFailed:
                self._end(signal.SIGKILL)
                if attempt == ATTEMPTS - 1 or not self._port_was_taken():
                    raise
                time.sleep(0.1 * chosen)  # who holds it may let go of it
            else:
                return self
        raise AssertionError("the last attempt returns or raises")

    def stop(self) -> None:
        """End it in order, and remove what it had; without effect where it does not run."""
        self._end(self.end_signal)
        atexit.unregister(self.stop)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self) -> None:
        """End it at once (SIGKILL); its folder stays, for a `start` on the same port."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Kill it and start it again, on the same port."""
        self.kill()
        return self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open and nothing moves on them."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on after a `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def log(self) -> str:
        """What it has written."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    # -- how ----

    def _start(self) -> None:
        self.prepare()
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                list(self.command()),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt is for who started it
                **run_as(self.user),
            )
        kept = map(str, [self.folder, *KEPT])
        number = self.watch_signal.name.removeprefix("SIG")
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "watch", str(self.pid), number, *kept],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + PATIENCE
        while not self._is_up():
            if self._process.poll() is not None:
                raise ServerFailed(f"{self.program} ended at its start:\n{self.log[-2000:]}")
            if time.monotonic() > until:
                raise ServerFailed(f"{self.program} does not answer:\n{self.log[-2000:]}")
            time.sleep(0.01)

    def _is_up(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
                return self.answers(connection)
        except OSError:
            return False

    def _port_was_taken(self) -> bool:
        return "in use" in self.log

    def _end(self, number: signal.Signals) -> None:
        """End the process, then who watches: never the other way round."""
        process, self._process = self._process, None
        watch, self._watch = self._watch, None
        if process is not None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(PATIENCE / 2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(PATIENCE / 2)
        if watch is not None:
            watch.kill()
            watch.communicate()


def kept_folder(prefix: str, user: str | None) -> Path:
    """Make a folder that belongs to this user, and is removed at the end of this process."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if user is not None:
        shutil.chown(folder, user)
    KEPT.append(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run_as(user: str | None) -> Identity:
    """Return what `subprocess` is to be told to run something as this user."""
    if user is None:
        return Identity(user=None, group=None, extra_groups=None)
    return Identity(user=user, group=pwd.getpwnam(user).pw_gid, extra_groups=[])
