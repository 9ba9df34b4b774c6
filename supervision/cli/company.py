"""`callboard run --processes N`: one process per tree, and their parent, which is a tree itself.

Each process is the work of one worker of the parent, so it is restarted by the same policy, and
seen by the same commands, as any worker. Orders and deaths travel over a socket pair.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from ...actors.errors import CallboardError
from ...actors.handlers import on
from ...actors.message import LocalMessage
from ...actors.worker import Worker
from ..child import Child
from ..node import Node
from ..restarts import Restarts
from ..supervisor import Supervisor
from . import exits
from .carrying import Carrying
from .ending import DRAIN, KILL, Ending
from .hosting import Hosting
from .lifeline import INTERRUPTED_HERE, LOADED, NUMBER, PROCESSES, READY, order

__all__ = ["Company", "ProcessDied"]

REAPED_WITHIN = 5.0
"""Seconds that the kernel may take to end a process that was killed."""

BEYOND_REPAIR = frozenset(
    {exits.USAGE, exits.UNREACHABLE, exits.ALREADY_RUNNING, exits.BAD_CONFIGURATION}
)
"""Exit codes that the next try would give again."""


class ProcessDied(CallboardError):
    """A process of the company ended abnormally; `code` is its exit code, 128+n for a signal."""

    def __init__(self, name: str, code: int) -> None:
        """Say which process ended, and how."""
        if code > 128:
            with contextlib.suppress(ValueError):
                super().__init__(f"{name} was ended by {signal.Signals(code - 128).name}")
        if not self.args:
            super().__init__(f"{name} exited with status {code}")
        self.code = code


class ProcessEnded(LocalMessage):
    """The process of this worker's life ended by itself."""

    code: int
    interrupted: bool


class Company:
    """The processes of one `callboard run --processes N`, and how far their end has come."""

    def __init__(
        self,
        name: str,
        count: int,
        arguments: Sequence[str],
        max_restarts: int,
        period: float,
        ending: Ending,
        carrying: Carrying | None = None,
    ) -> None:
        """Prepare to run `count` processes with these arguments of the command line."""
        self.name = name
        self.count = count
        self.carrying = carrying or Carrying()
        self.arguments = [*arguments, *self.carrying.arguments]
        self.ending = ending
        # A process ends by its own last deadline; then the parent kills it; then ends itself.
        self.limits = ending.limits.longer(REAPED_WITHIN)
        ending.limits = self.limits.longer(REAPED_WITHIN)
        self.codes: dict[int, int] = {}
        """The exit code of each process that has ended and was not started again."""
        self.handles: dict[int, int] = {}
        """The pid of each process that runs and can be asked for a dump."""
        self.changed = asyncio.Event()
        self._policy = Restarts(max_restarts, period)

    def hosting(self, target: str) -> Hosting:
        """Return the parent's own node, with what is around it."""
        node = Node(
            functools.partial(_tree, self, self._policy),
            name=self.name,
            handle_signals=False,
            stop_within=self.ending.limits.allowed(DRAIN),
        )
        names = tuple(map(self.name_of, self.numbers))
        return CompanyHosting(node, self.ending, target, processes=names).of(self)

    async def run(self, hosting: Hosting) -> int:
        """Run the processes until all have ended; return the code of the worst end."""
        code = await hosting.run()
        if self.ending.reached(KILL):
            return code
        return exits.worst([code, *self.codes.values()])

    @property
    def numbers(self) -> range:
        """The numbers of the processes, from 1."""
        return range(1, self.count + 1)

    def name_of(self, number: int) -> str:
        """Return the name of a process's node."""
        return f"{self.name}-{number}"

    def advanced(self) -> None:
        """Have every process told how far the end has come."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def spawn(
        self, number: int, *, again: bool = False
    ) -> tuple[asyncio.subprocess.Process, socket.socket]:
        """Start a process; return it, and our end of the socket pair.

        One that is started again does not insist on its transports: what it lost once must not
        end the whole company.
        """
        arguments = self.arguments
        if self.carrying.connect_within is not None and not again:
            arguments = [*arguments, f"--connect-within={self.carrying.connect_within}s"]
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the current folder comes in when the tree is imported, not before
                "-m",
                "callboard.supervision.cli",
                *arguments,
                f"--name={self.name_of(number)}",
                f"--lifeline={theirs.fileno()}",
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=self._environment(number),
                # A group of its own: a terminal's Ctrl-C comes to the parent, which passes it on.
                process_group=0,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return process, ours

    def _environment(self, number: int) -> dict[str, str]:
        """Return the variables of a process: its number, and what must not be an argument."""
        changes = self.carrying.environment
        environment = {key: value for key, value in os.environ.items() if key not in changes}
        environment |= {key: value for key, value in changes.items() if value is not None}
        return environment | {NUMBER: str(number), PROCESSES: str(self.count)}


def _tree(company: Company, policy: Restarts) -> Supervisor:
    return CompanySupervisor(
        [
            Child(
                company.name_of(number),
                functools.partial(ProcessWorker, company, number),
                restart="transient",
                significant=True,
                shutdown=None,
                start_timeout=None,
            )
            for number in company.numbers
        ],
        # A budget that grows with the company: the death of all at once is one misfortune.
        restarts=Restarts(
            None if policy.intensity is None else policy.intensity * company.count, policy.period
        ),
        auto_shutdown="all_significant",
    )


class CompanySupervisor(Supervisor):
    """The supervisor of the processes, which drain all at the same time."""

    stop_together = True


class ProcessWorker(Worker):
    """Runs one process for as long as it lives itself, and fails when that dies."""

    def __init__(self, company: Company, number: int) -> None:
        """Prepare to run the process of this number."""
        super().__init__()
        self._company = company
        self._number = number
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[int] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready: asyncio.Future[None] | None = None

    async def on_start(self) -> None:
        """Start the process; the first one must be ready before others begin.

        So a tree that cannot start at all says so once, and not once for each process.
        """
        company = self._company
        self._process, ours = await company.spawn(self._number, again=self.incarnation > 1)
        self._ready = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._follow(ours))
        if self.incarnation == 1 and self._number == 1:
            try:
                either: set[asyncio.Future[Any]] = {self._ready, self._life}
                await asyncio.wait(either, return_when="FIRST_COMPLETED")
            except BaseException:
                self._kill()
                raise
            if not self._ready.done():
                raise ProcessDied(self.name, self._life.result())

    async def on_stop(self) -> None:
        """Have the process drain or hurry, as far as the end has come, and wait for it."""
        watching, company = self._life, self._company
        if watching is None:
            return
        told = 0
        loop = asyncio.get_running_loop()
        deadline = loop.time() + company.limits.allowed(DRAIN)
        while not watching.done():
            level = max(company.ending.level, DRAIN)
            if level > told:
                told = level
                self._order(level)
                deadline = min(deadline, loop.time() + company.limits.allowed(level))
            late = loop.time() >= deadline
            if level == KILL or late:
                self._kill()
                await asyncio.wait([watching], timeout=REAPED_WITHIN)
                if late:
                    company.codes[self._number] = exits.WORK_LEFT
                return
            changed = asyncio.ensure_future(company.changed.wait())
            left = deadline - loop.time()
            await asyncio.wait({watching, changed}, timeout=left, return_when="FIRST_COMPLETED")
            changed.cancel()
        company.codes[self._number] = watching.result()

    @on(ProcessEnded)
    def process_ended(self, event: ProcessEnded) -> None:
        """Decide what the end of the process is: a good end, a failure, or the end of all."""
        company, code = self._company, event.code
        if event.interrupted or code in BEYOND_REPAIR:
            company.codes[self._number] = code
            raise SystemExit(code)
        if code in (exits.CLEAN, exits.WORK_LEFT):
            company.codes[self._number] = code
            self.stop()
            return
        raise ProcessDied(self.name, code)

    def get_state(self) -> dict[str, object]:
        """Show the process."""
        pid = self._process.pid if self._process is not None else None
        return {"process": self._number, "pid": pid}

    async def _follow(self, ours: socket.socket) -> int:
        """Follow the process to its end; return its exit code."""
        process, company = self._process, self._company
        assert process is not None and self._ready is not None
        reader, self._writer = await asyncio.open_connection(sock=ours)
        interrupted = False
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                interrupted = interrupted or line == INTERRUPTED_HERE
                if line == LOADED:
                    company.handles[self._number] = process.pid
                elif line == READY and not self._ready.done():
                    self._ready.set_result(None)
        status = await process.wait()
        company.handles.pop(self._number, None)
        self._writer.close()
        code = exits.by_signal(-status) if status < 0 else status
        with contextlib.suppress(CallboardError):  # this worker may have ended before
            self.actor_ref.tell(ProcessEnded(code, interrupted))
        return code

    def _order(self, level: int) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(order(level))

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


class CompanyHosting(Hosting):
    """The parent's process: each step of the end is one of all its processes."""

    def of(self, company: Company) -> CompanyHosting:
        """Know the company."""
        self._company = company
        return self

    def drain(self, reason: str) -> None:
        """Have all processes drain, and wait for them."""
        self._company.advanced()
        if self._undo_start():
            return
        self._keep(asyncio.ensure_future(self.node.stop(reason)))

    def hurry(self, reason: str) -> None:
        """Have all processes hurry."""
        self._company.advanced()

    def kill(self, reason: str) -> None:
        """Kill all processes."""
        self._company.advanced()

    def dump(self) -> None:
        """Show the parent, and have each process show itself."""
        super().dump()
        for pid in self._company.handles.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)

    def failed(self, error: Exception) -> int:
        """Leave it at what a process has said itself, where trying again would not help."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ProcessDied) and cause.code in BEYOND_REPAIR:
                return cause.code
            cause = cause.__cause__
        return super().failed(error)
