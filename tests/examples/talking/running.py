"""The program of `program.py` as a process: run to its end, or begun and looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT

__all__ = ["COMMAND", "environment", "run"]

COMMAND = [sys.executable, "-W", "error", "-m", "tests.examples.talking.program"]

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
