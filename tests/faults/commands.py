"""`callboard run` as a process of the matrix."""

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from callboard.actors.testing import eventually
from tests.faults.stations import ROOT, WITHIN

__all__ = ["Command", "run"]


class Command:
    """A running command, and what it has written."""

    def __init__(self, url: str, tree: str, arguments: tuple[str, ...], folder: Path) -> None:
        self.folder = folder
        keep = {key: value for key, value in os.environ.items() if "CALLBOARD" not in key}
        command = [sys.executable, "-m", "callboard.supervision.cli", "run"]
        command += [f"tests.faults.company:{tree}", *arguments]
        with (folder / "log").open("wb") as log:
            self.popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env=keep | {"CALLBOARD_BUS_URL": url, "XDG_RUNTIME_DIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self.popen.pid
        self.send_signal = self.popen.send_signal

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    async def until(self, text: str) -> None:
        """Wait until it has written this."""
        try:
            await eventually(lambda: text in self.log, within=WITHIN)
        except AssertionError:
            raise AssertionError(f"{text!r} is not in\n{self.log}") from None

    async def code(self) -> int:
        """Wait for its end; return its exit code."""
        try:
            await eventually(lambda: self.popen.poll() is not None, within=WITHIN)
        except AssertionError:
            raise AssertionError(f"it does not end\n{self.log}") from None
        return self.popen.returncode


@asynccontextmanager
async def run(url: str, tree: str, *arguments: str) -> AsyncGenerator[Command]:
    """Run one of the trees of `company`; it is killed at the end, and those below it."""
    with tempfile.TemporaryDirectory(prefix="cb-") as folder:
        command = Command(url, tree, arguments, Path(folder))
        try:
            yield command
        finally:
            command.popen.kill()  # its processes end with it
            command.popen.wait()
