"""The test's end of a station: a node in another process, or in this one, asked the same way."""

import asyncio
import atexit
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from callboard.actors.testing import eventually
from callboard.transports.transport import Transport
from tests.faults.cast import Post

__all__ = ["Far", "Near", "Process", "Station", "finished"]

ROOT = Path(__file__).parents[2]

T = TypeVar("T")

Check = Callable[[Any], object]

WITHIN = 30.0
"""Seconds of patience for what takes a fraction of one where nothing is wrong."""


async def finished(job: Awaitable[T]) -> T:
    """Wait for a job's end, as a coroutine."""
    return await job


class Station:
    """A node that a test looks at, and does things to."""

    name: str

    async def do(self, what: str, *arguments: Any) -> Any:
        """Have it do something, or say a fact: see `Post`."""
        raise NotImplementedError

    async def end(self) -> None:
        """Be gone, however it is."""
        raise NotImplementedError

    async def until(self, wanted: object, what: str, *arguments: object) -> None:
        """Ask for a fact until it is this one."""
        await self.meets(lambda found: found == wanted, what, *arguments)

    async def meets(self, check: Check, what: str, *arguments: object) -> Any:
        """Ask for a fact until it is as it should be; return it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WITHIN
        while True:
            found = await self.do(what, *arguments)
            if check(found):
                return found
            assert loop.time() < deadline, f"{self.name}: {what} {arguments} is {found!r}"
            await asyncio.sleep(0.02)


class Near(Station):
    """In this process."""

    def __init__(
        self, name: str, names: Sequence[str], transports: Sequence[Transport], **settings: Any
    ) -> None:
        self.name = name
        self.post = Post(name, names, transports, handle_signals=False, **settings)
        self.node = self.post.node

    async def do(self, what: str, *arguments: Any) -> Any:
        return await self.post.do(what, *arguments)

    async def end(self) -> None:
        self.post.log.released.set()
        await self.node.stop()


class Process:
    """A process that has loaded everything, and waits to be told which node to be."""

    waiting: "list[Process]" = []
    numbers = itertools.count(1)

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.connection = ours
        number = next(self.numbers)
        self.log = Path(tempfile.gettempdir()) / f"callboard-station-{os.getpid()}-{number}.log"
        with theirs, self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.station", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self.close)

    @classmethod
    def take(cls) -> "Process":
        """Return one, and begin the next."""
        process = cls.waiting.pop(0) if cls.waiting else cls()
        cls.waiting.append(cls())
        return process

    def close(self) -> None:
        """End it, whatever state it is in."""
        atexit.unregister(self.close)
        self.connection.close()
        self.popen.kill()
        self.popen.wait()
        self.log.unlink(missing_ok=True)


class Far(Station):
    """In a process of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = Process.take()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}

    async def start(self, **settings: Any) -> None:
        """Have it be a node."""
        self._reader, self._writer = await asyncio.open_connection(sock=self.process.connection)
        self._writer.write(json.dumps({"name": self.name, **settings}).encode() + b"\n")
        line = await asyncio.wait_for(self._reader.readline(), WITHIN)
        assert line, f"{self.name} did not start:\n{self.log}"
        self._answers = asyncio.ensure_future(self._read())

    @property
    def log(self) -> str:
        """What it wrote."""
        return self.process.log.read_text(errors="replace")[-4000:]

    async def do(self, what: str, *arguments: Any) -> Any:
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps([number, what, arguments]).encode() + b"\n")
        return await asyncio.wait_for(answer, WITHIN)

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self.process.popen.send_signal(number)

    async def killed(self) -> None:
        """Kill it, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        await self.code()

    async def code(self) -> int:
        """Wait for its end; return the exit code."""
        await eventually(lambda: self.process.popen.poll() is not None, within=WITHIN)
        return self.process.popen.returncode

    async def end(self) -> None:
        # Without a goodbye: the next test is not to wait for it.
        self._answers.cancel()
        await asyncio.wait([self._answers])
        self._writer.transport.abort()
        self.process.close()

    async def _read(self) -> None:
        while line := await self._reader.readline():
            reply = json.loads(line)
            answer = self._asked.pop(reply["number"])
            if "error" in reply:
                answer.set_exception(AssertionError(f"{self.name}: {reply['error']}"))
            elif not answer.done():
                answer.set_result(reply["value"])
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(AssertionError(f"{self.name} ended:\n{self.log}"))
