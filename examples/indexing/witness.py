"""The witness: the plain loop, run beside the company in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from callboard import LocalMessage, Worker, on
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.news import Witnessed


class Testify(LocalMessage):
    """Have the plain loop run, and tell what it found."""


class Witness(Worker):
    """Runs `plain.py`, which knows nothing of actors, and tells the reporter what it found."""

    interruptible = True  # a stop need not wait for the process: it is killed

    def __init__(self, root: Path, skip: frozenset[str]) -> None:
        super().__init__()
        self._arguments = [str(root), *sorted(skip)]
        self.note = ""

    def on_start(self) -> None:
        self.note = "the same by a plain loop"
        self.tell(self.actor_ref, Testify())

    @on(Testify)
    async def testify(self, _: Testify) -> None:
        clock = asyncio.get_running_loop()
        started = clock.time()
        output = await self._run()
        index = await asyncio.to_thread(lambda: Index.from_lines(output.splitlines()))
        self.tell("reporter", Witnessed(index, clock.time() - started))
        self.stop()

    async def _run(self) -> bytes:
        """Runs the plain loop and returns what it writes; it never outlives this call."""
        # In a session of its own, so that a Ctrl-C of the terminal is only ours to act on. With
        # `-P` the folder we happen to stand in cannot lend it a wrong module.
        module = "callboard.examples.indexing.plain"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, *self._arguments),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"the plain loop failed: {errors.decode(errors='replace').strip()}")
        return output
