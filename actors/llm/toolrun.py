"""One tool at work: its task, its time, the jobs it starts, its one outcome."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ..cell import Cell
from ..dispatch import fail
from ..jobs.server import CURRENT_JOB, JobRequest
from ..reason import in_words
from ..worker import Worker
from .model import ToolCall
from .schema import Misfit
from .tools import Tool, ToolAnswer, content_of

__all__ = ["CURRENT_RUN", "Outcome", "ToolRun", "turn_mark"]

CURRENT_RUN: ContextVar[ToolRun | None] = ContextVar("callboard_tool_run", default=None)
"""The tool that is at work here."""


def turn_mark(worker: str) -> str:
    """Return what stands in the chain of a job that a turn of this worker waits for."""
    return f"{worker} in its turn"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool call ended."""

    value: Any = None
    error: str = ""
    """What went wrong; empty where nothing did."""
    run: bool = True
    """Whether the model is to run again for it."""

    @property
    def content(self) -> str:
        """The result as the model sees it."""
        if self.error:
            return json.dumps({"error": self.error}, ensure_ascii=False)
        return content_of(self.value)

    @property
    def plain(self) -> Any:
        """The result as a value that JSON knows, for frames, which may leave the process."""
        if self.error or isinstance(self.value, str):
            return self.value if not self.error else None
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content


class StartedJob(Protocol):
    """A job that the tool has started."""

    def cancel(self, reason: str = "") -> None:
        """Cancel it."""
        ...


class ToolScope:
    """Stands where a job stands for those that its handler starts: they end with the tool.

    They inherit what is left of its time, and are cancelled with it, awaited or not. All else is
    the job's in whose turn the tool runs.
    """

    def __init__(self, worker: str, outer: JobRequest | None, deadline: float | None) -> None:
        """Begin with no jobs started."""
        self.started: dict[StartedJob, None] | None = None
        self.deadline = deadline
        if outer is not None and outer.deadline is not None:
            self.deadline = min(outer.deadline, deadline or outer.deadline)
        self.chain = (*(outer.chain if outer is not None else ()), turn_mark(worker))
        self.worker = outer.worker if outer is not None else ""
        self._outer = outer

    def __getattr__(self, name: str) -> Any:
        """Be the job of the turn in all else."""
        if self._outer is None:
            raise AttributeError(name)
        return getattr(self._outer, name)

    def cancel(self, reason: str) -> None:
        """Cancel the jobs that were started."""
        started, self.started = self.started, None
        for job in started or ():
            job.cancel(reason)


class ToolRun:
    """One call of a tool, from the model's wish to its outcome."""

    def __init__(self, call: ToolCall, tool: Tool | None, known: list[str]) -> None:
        """Check the call: what does not fit has its outcome at once, and is never begun."""
        self.call = call
        self.tool = tool
        self.arguments: dict[str, Any] = {}
        self.outcome: Outcome | None = None
        self.shown = False
        """Whether its result has been announced already."""
        self.held_back = False
        """Whether its time is not limited now: it ends the turn."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[Outcome] | None = None
        self._scope: ToolScope | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._when_over: Callable[[ToolRun], None] | None = None
        if tool is None:
            self._end(Outcome(error=f"there is no tool {call.name!r}; there are: {known}"))
            return
        try:
            self.arguments = tool.check(call.arguments)
        except Misfit as error:
            self._end(Outcome(error=str(error)))

    @property
    def begun(self) -> bool:
        """Whether the tool was called."""
        return self._task is not None

    @property
    def running(self) -> bool:
        """Whether it was begun and has no outcome yet."""
        return self.begun and self.outcome is None

    @property
    def given_up(self) -> bool:
        """Whether its outcome is an error that it has not heard of yet."""
        return self._task is not None and self.outcome is not None and not self._task.done()

    @property
    def outlives_interruption(self) -> bool:
        """Whether an interruption lets it go on."""
        return (
            self.running and self.tool is not None and not self.tool.options.cancel_on_interruption
        )

    def begin(self, worker: Worker, cell: Cell, when_over: Callable[[ToolRun], None]) -> None:
        """Call the tool, in a task that the worker's life waits for; `when_over` once it ends."""
        tool = self.tool
        if tool is None or self.outcome is not None:
            when_over(self)
            return
        loop = cell.runtime.loop
        limit = tool.options.timeout
        deadline = loop.time() + limit if limit is not None else None
        self._when_over = when_over
        self._scope = ToolScope(cell.name, CURRENT_JOB.get(), deadline)
        if deadline is not None:
            self._timer = loop.call_at(deadline, self._expire)
        task = self._task = cell.runtime.spawn(
            self._work(tool, worker, cell), contextvars.copy_context()
        )
        if cell.beside is None:
            cell.beside = set()
        cast("set[asyncio.Task[Any]]", cell.beside).add(task)
        task.add_done_callback(cast("set[asyncio.Task[Any]]", cell.beside).discard)
        task.add_done_callback(self._done)

    def cancel(self, reason: str) -> None:
        """End it now, with the jobs that it has started; nothing if it has ended."""
        self._end(Outcome(error=reason))
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._scope is not None:
            self._scope.cancel(reason)

    async def _work(self, tool: Tool, worker: Worker, cell: Cell) -> Outcome:
        CURRENT_RUN.set(self)
        CURRENT_JOB.set(cast("JobRequest", self._scope))
        arguments = self.arguments
        if tool.worker_parameter is not None:
            arguments = {**arguments, tool.worker_parameter: worker}
        try:
            value = tool.function(**arguments)
            if inspect.isawaitable(value):
                value = await value
        except (KeyboardInterrupt, SystemExit) as error:
            fail(cell, error)
            return Outcome(error="the node is ending")
        except Exception as error:
            if self._scope is not None:
                self._scope.cancel("the tool that started it has failed")
            return Outcome(error=in_words(error))
        if isinstance(value, ToolAnswer):
            return Outcome(value.value, run=value.run)
        return Outcome(value)

    def _done(self, task: asyncio.Task[Outcome]) -> None:
        if task.cancelled():
            self._end(Outcome(error="it was cancelled"))
        elif task.exception() is None:
            self._end(task.result())

    def _expire(self) -> None:
        if self.held_back or self.tool is None:
            return
        self.cancel(f"it took longer than {self.tool.options.timeout:g} s")

    def _end(self, outcome: Outcome) -> None:
        if self.outcome is not None:
            return
        self.outcome = outcome
        if self._timer is not None:
            self._timer.cancel()
        if not self.over.done():
            self.over.set_result(None)
        if self._when_over is not None:
            self._when_over(self)
