"""Real processes of the command line, and waiting for what they do: with deadlines, by polling."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from click.testing import CliRunner

from callboard.supervision.cli.seen import ps

__all__ = ["TREES", "Company", "Started", "alive", "poll"]

T = TypeVar("T")

TREES = Path(__file__).parent / "trees"

DEADLINE = 30.0
"""Seconds of patience: the machine may be busy, and no test waits so long when all is well."""


def poll(look: Callable[[], T], what: str | Callable[[], str]) -> T:
    """Look until there is something; return that."""
    until = time.monotonic() + DEADLINE
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            said = what if isinstance(what, str) else what()
            pytest.fail(f"after {DEADLINE:g} s there was not: {said}")
        time.sleep(0.02)


def _hear_hang_ups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Started:
    """A running `callboard run`, with what it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._out, self._err = out, err

    @property
    def out(self) -> str:
        return self._out.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self._err.read_text(errors="replace")

    def until(self, pattern: str, *, times: int = 1) -> list[str]:
        """Wait until it has written this, so many times, on either stream."""

        def look() -> list[str]:
            found: list[str] = re.findall(pattern, self.out + self.err)
            return found if len(found) >= times else []

        return poll(look, lambda: f"{pattern!r} ({times} times) in\n{self.out}\n{self.err}\n")

    def begun(self, processes: int = 0) -> None:
        """Wait until the tree runs, and its work, in this process or in those below it."""
        self.until("node_ready", times=1 + processes)
        self.until("begun", times=processes or 1)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def code(self) -> int:
        """Wait for its end; return its exit code."""
        poll(lambda: self.process.poll() is not None, lambda: f"its end\n{self.out}\n{self.err}\n")
        return self.process.wait()


class Company:
    """The command line, with a place of its own for sockets and output."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.sockets = folder / "callboard"
        self.started: list[Started] = []

    def run(self, *arguments: str, cwd: Path = TREES, **environment: str) -> Started:
        """Begin `callboard run`, or another verb, in a process of its own."""
        number = len(self.started)
        out, err = self.folder / f"out{number}", self.folder / f"err{number}"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=cwd,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
                # The tests themselves may run where a hang-up is ignored (nohup).
                preexec_fn=_hear_hang_ups,
            )
        started = Started(process, out, err)
        self.started.append(started)
        return started

    def ask(self, *arguments: str, cwd: Path = TREES, **environment: str) -> tuple[int, str, str]:
        """Run a verb to its end; return its code and what it wrote."""
        done = subprocess.run(
            self._command(arguments),
            cwd=cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Return the nodes that run, by name, as `ps -o json` shows them.

        In this process: who waits for a node looks often, and a command takes a while to start.
        """
        done = CliRunner().invoke(ps, ["-o", "json"], env={"XDG_RUNTIME_DIR": str(self.folder)})
        assert done.exit_code == 0, done.output
        return {node["name"]: node for node in json.loads(done.stdout)["nodes"]}

    def pid_of(self, name: str) -> int:
        """Wait until a node runs; return its process."""

        def look() -> int:
            node = self.nodes().get(name, {})
            return int(node["pid"]) if node.get("state") == "running" else 0

        return poll(look, f"the node {name}")

    def end(self) -> None:
        """Kill what a test has left running."""
        for started in self.started:
            if started.process.poll() is None:
                os.kill(started.pid, signal.SIGKILL)
                started.process.wait(DEADLINE)

    @staticmethod
    def _command(arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "callboard.supervision.cli", *arguments]


def alive(pid: int) -> bool:
    """Whether a process runs: neither gone nor a zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
