"""The program of `program.py` as a process: run to its end, or begun and looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.architecture.source import ROOT

__all__ = ["COMMAND", "Server", "command", "environment", "run"]

PROGRAM = "tests.examples.talking.program"


def command(module: str) -> list[str]:
    """How Python runs a module, where each warning is an error."""
    return [sys.executable, "-W", "error", "-m", module]


COMMAND = command(PROGRAM)

KEYS = ("OPENAI_", "ANTHROPIC_", "DAILY_", "DEEPGRAM_", "CARTESIA_", "NO_COLOR", "PYTHONPATH")


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without keys, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(KEYS)}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


def run(
    *arguments: str, said: str | None = None, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; without anything said its input is empty."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=said or "",
        capture_output=True,
        encoding="utf-8",
        env=environment(**variables),
        cwd=cwd,
        timeout=60,
        check=False,
    )


class Server:
    """The program with `--transport web`, on a free port, until the block is left."""

    def __init__(self, *arguments: str, module: str = PROGRAM) -> None:
        self.process = subprocess.Popen(
            [*command(module), "--transport", "web", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(),
        )
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().strip()
        """What it has shown: where the page is."""

    @property
    def address(self) -> str:
        """Host and port."""
        return self.link.partition("://")[2].partition("/")[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; return its code and what it has written on its way."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
