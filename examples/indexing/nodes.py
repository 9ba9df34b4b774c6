"""The other nodes of the demonstration: each is a process, and the work of one worker here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from types import TracebackType
from typing import IO

from callboard import CallboardError, LocalMessage, Worker, on

STOPS_WITHIN = 5.0
"""Seconds that a process has to end in order."""


class NodeKilled(CallboardError):
    """Something has killed the process of a node: it is started again."""


class NodeFailed(CallboardError):
    """The process of a node has ended by itself, which it never should: to try again is no cure."""


class Died(LocalMessage):
    """The process of this life has ended with this code; negative for a signal."""

    code: int


class NodeProcess(Worker):
    """Runs a node in a process of its own. It fails when that dies, and so it is started again."""

    directives = {NodeFailed: "escalate"}

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        super().__init__()
        self._environment = environment
        self._name = name
        self._process: Process | None = None
        self._following: asyncio.Task[None] | None = None
        self._errors: IO[bytes] | None = None
        self.pid = 0
        self.note = ""

    async def on_start(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (its life is this worker's)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "callboard.supervision.cli", "run"),
            *("callboard.examples.indexing.outpost:tree", f"--name={self._name}", "--no-control"),
            stdin=PIPE,  # its end tells the process that we are gone
            stdout=DEVNULL,
            stderr=self._errors,
            env={**os.environ, **self._environment},
            process_group=0,  # a Ctrl-C of the terminal is only ours to act on
        )
        self.pid = self._process.pid
        self.note = f"process {self.pid}"
        self._following = asyncio.create_task(self._wait(self._process))

    async def _wait(self, process: Process) -> None:
        code = await process.wait()
        with contextlib.suppress(CallboardError):  # this worker may have ended before
            self.actor_ref.tell(Died(code))

    @on(Died)
    def died(self, news: Died) -> None:
        if news.code < 0:
            raise NodeKilled(f"{self._name} was ended by signal {-news.code}")
        raise NodeFailed(f"{self._name} ended with status {news.code}: {self._last_words()}")

    async def on_stop(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOPS_WITHIN):
                    await process.wait()
        await self._end()

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        """Leaves nothing of this life behind."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._following is not None:
            self._following.cancel()
        if self._errors is not None:
            self._errors.close()

    def _last_words(self) -> str:
        assert self._errors is not None, "it was started"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
