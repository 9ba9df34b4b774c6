"""The caller's side of jobs: `Job`, the handle of one that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from threading import get_ident
from types import TracebackType
from typing import Any, Generic, Self, cast

from ..cell import Cell
from ..delivery import Entry
from ..errors import (
    CallboardError,
    DeliveryError,
    Draining,
    JobCancelled,
    JobCrashed,
    JobError,
    JobTimeout,
    NoActor,
    NotReady,
    NotStarted,
)
from ..message import NORMAL, Lane
from ..registry import Registration
from .events import Changing, Unread
from .messages import JobEvent, JobStart, R_co
from .readiness import READY_WITHIN, Readiness
from .server import CURRENT_JOB, Doing, JobRequest

__all__ = ["Job", "JobCaller"]


class JobCaller:
    """The jobs that one worker has asked for."""

    __slots__ = ("cell", "open")

    def __init__(self, cell: Cell) -> None:
        """Ask for jobs in the name of the worker of this cell."""
        self.cell = cell
        self.open: dict[str, Job[Any]] = {}

    def leave(self, reason: str) -> None:
        """Cancel all open jobs at their servers."""
        for job in list(self.open.values()):
            job.cancel(reason)


class Job(Changing, Generic[R_co]):
    """A job that was asked for; the parameter is the type of its answer.

    `async with worker.job(…) as job:` asks; `async for event in job` gives its updates and chunks;
    leaving the block waits for the answer, which is then `job.response`. A block that is left by an
    exception, or whose loop was left early, cancels the job. `await job` gives the answer too.
    """

    # Defaults on the class: one is made for every job, and most need few of these.
    id: str = ""
    deadline: float | None = None
    """Seconds on the node's clock, the one limit for readiness, queue and work."""
    done: bool = False
    started: bool = False
    cancelled: str | None = None
    """Why this side ended the job: the reason of its cancellation, or "timeout"."""
    on_done: Any = None
    _value: Any = None
    _error: JobError | None = None
    _timer: asyncio.TimerHandle | None = None
    _readiness: Readiness | None = None
    _parent: JobRequest | None = None
    _doing: Doing | None = None

    def __init__(
        self,
        caller: JobCaller,
        worker: str,
        name: object,
        payload: Any,
        timeout: float | None,
        *,
        lane: Lane | None = None,
        unread: Unread | None = None,
    ) -> None:
        """Prepare a job; nothing is sent before `begin`. `unread` keeps its events to be read."""
        self.caller = caller
        self.worker = worker
        self.name = name
        self._payload = payload
        self._timeout = timeout
        self._lane = lane
        self._unread = unread

    def __repr__(self) -> str:
        """Show worker, name and whether it is done."""
        state = "done" if self.done else "open" if self.started else "not started"
        return f"<Job {self.label!r} of {self.worker!r} {state}>"

    @property
    def label(self) -> str:
        """The job's name as text."""
        return self.name.__name__ if isinstance(self.name, type) else str(self.name or "")

    @property
    def nested(self) -> bool:
        """Whether it was started inside another job, whose work it is part of."""
        return self._parent is not None

    # -- asking ----

    def begin(self) -> Self:
        """Ask for the job: at once if its worker is ready, otherwise when it is.

        Raises:
            Draining: the node is ending and takes no new jobs from outside its workers.
            RuntimeError: this thread is not that of the node's event loop.
            TypeError: the worker is not given by its name.

        """
        if not isinstance(self.worker, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a job is asked for by the worker's name, not {self.worker!r}")
        cell = self.caller.cell
        runtime = cell.runtime
        loop = runtime.loop
        if get_ident() != runtime.thread:
            raise RuntimeError(
                f"the job {self.label!r} of {self.worker!r} is asked for on another thread: "
                "jobs are asked for on the node's event loop"
            )
        parent = CURRENT_JOB.get()
        if runtime.draining and parent is None and cell.parent is None:
            raise Draining(f"the node is ending: it takes no new job {self.label!r}", self.worker)
        self.started = True
        self.id = runtime.new_job_id()
        self.caller.open[self.id] = self
        deadline = None if self._timeout is None else loop.time() + self._timeout
        if parent is not None:
            self._parent = parent
            if parent.started is None:
                parent.started = {}
            parent.started[self] = None
            if parent.deadline is not None and (deadline is None or parent.deadline < deadline):
                deadline = parent.deadline
        if deadline is not None:
            self.deadline = deadline
            self._timer = loop.call_at(deadline, self.expire)
        known = runtime.registry.find(self.worker)
        if known is not None and known.ready:
            self._send(known)
        else:
            if cell.closed:
                self.settle(None, NoActor(f"{cell.name!r} has ended: it can ask for nothing more"))
                return self
            self._readiness = Readiness(self, runtime, self._send, self.expire)
        return self

    def _send(self, known: Registration | None) -> None:
        cell = self.caller.cell
        parent = self._parent
        chain = parent.chain if parent is not None else (cell.name,)
        start = JobStart(self.id, self.name, self._payload, chain)
        lane = NORMAL if self._lane is None else int(self._lane)
        entry: Entry = (start, cell.ref, lane, self, self.deadline, None)
        self._payload = None
        self._readiness = None
        try:
            if known is None:
                raise DeliveryError(f"no worker is called {self.worker!r} any more", self.worker)
            target = known.target
            if self.worker in chain and isinstance(target, Cell) and target.actor is not None:
                # A handler of that worker waits for this very job: it cannot wait its turn.
                cast("Any", target.actor).begin_job_beside(entry)
            else:
                target.deliver(entry)
        except CallboardError as error:
            self.settle(None, error)

    # -- what the server does ----

    def accept(self, request: Doing, /) -> None:
        """Take note of who does the job, to be able to cancel it; for the server."""
        self._doing = request

    def put(self, event: JobEvent, /) -> asyncio.Future[None] | None:
        """Take an event; return a future to wait for where the caller is behind."""
        if self.done:
            self.caller.cell.runtime.events.count("late_job_events")
            return None
        return self._unread.put(event) if self._unread is not None else None

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Take the outcome; only the first one counts."""
        if self.done:
            self.caller.cell.runtime.events.count("late_job_answers")
            return False
        self.done = True
        self._value = value
        if error is not None:
            self._error = error if isinstance(error, JobError) else self._undelivered(error)
        self.caller.open.pop(self.id, None)
        if self._timer is not None:
            self._timer.cancel()
        parent = self._parent
        if parent is not None and parent.started is not None:
            parent.started.pop(self, None)
        if self._readiness is not None:
            self._readiness.stop()
        self._wake()
        if self.on_done is not None:
            self.on_done(self)
        elif self._unread is not None:
            self._unread.end()
        return True

    def _undelivered(self, error: BaseException) -> JobCrashed:
        kind = type(error).__name__
        crash = JobCrashed(str(error), worker=self.worker, job=self.label, kind=kind)
        crash.__cause__ = error
        return crash

    # -- what the caller does ----

    def cancel(self, reason: str = "the caller cancelled it") -> None:
        """Cancel the job, here and at its server; nothing if it has ended."""
        if self.done:
            return
        text = f"the job {self.label!r} of {self.worker!r} was cancelled: {reason}"
        self._end(JobCancelled(text, worker=self.worker, job=self.label), reason)

    def ask_progress(self) -> None:
        """Have the server's `on_job_progress` called once; nothing if the job has ended.

        It is a wish: where the way to another node is full it is dropped, and counted.
        """
        doing = self._doing
        if not self.done and doing is not None:
            doing.report()

    @property
    def response(self) -> R_co:
        """The answer.

        Raises:
            JobError: the job did not complete; the error carries its status.
            NotStarted: the job has not ended, or was never asked for.

        """
        if not self.done:
            raise NotStarted(f"{self!r} has no answer yet: read it after its block, or await it")
        return self._outcome()

    @property
    def error(self) -> JobError | None:
        """What became of the job where it did not complete."""
        return self._error

    def __await__(self) -> Generator[Any, None, R_co]:
        """Wait for the answer; cancel the job if this is cancelled."""
        self._must_have_started()
        if self._unread is not None:
            self._unread.await_answer()
        while not self.done:
            try:
                yield from self._waiter(self.caller.cell.runtime.loop)
            except asyncio.CancelledError:
                self.cancel("its caller was cancelled")
                raise
        return self._outcome()

    async def wait(self) -> None:
        """Wait until the job has ended, however it ends."""
        if self._unread is not None:
            self._unread.await_answer()
        while not self.done:
            await self._waiter(self.caller.cell.runtime.loop)

    async def __aenter__(self) -> Self:
        """Ask for the job."""
        return self.begin() if not self.started else self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the answer, or cancel the job if the block was left early."""
        unread = self._unread
        if unread is not None:
            unread.close()
        if error is not None:
            self.cancel(f"its caller left: {type(error).__name__}")
        elif unread is not None and unread.unfinished:
            self.cancel("its caller left early")
        else:
            await self

    def __aiter__(self) -> AsyncIterator[JobEvent]:
        """Go over updates and chunks as they come; end with the job, raising what it ended with.

        Raises:
            NotStarted: it is read before its block, or after it.

        """
        self._must_have_started()
        unread = self._unread
        if unread is None or unread.closed:
            raise NotStarted(f"{self!r} is read inside its block")
        return unread.read(self._outcome)

    # -- inside ----

    def _must_have_started(self) -> None:
        if not self.started:
            raise NotStarted(f"{self!r} is used outside its block: write 'async with … as job:'")

    def _outcome(self) -> R_co:
        if self._error is not None:
            raise self._error
        return cast("R_co", self._value)

    def expire(self) -> None:
        """End the job at its deadline, readiness included; for the runtime."""
        if self._readiness is not None:
            limit = f"within {READY_WITHIN:g} s" if self.deadline is None else "before its deadline"
            text = f"the worker {self.worker!r} was not ready {limit}"
            self._end(NotReady(text, worker=self.worker, job=self.label), "timeout")
            return
        text = f"the job {self.label!r} of {self.worker!r} was not answered before its deadline"
        self._end(JobTimeout(text, worker=self.worker, job=self.label), "timeout")

    def _end(self, error: JobError, reason: str) -> None:
        doing = self._doing
        self.cancelled = reason
        self.settle(None, error)
        if doing is not None:
            doing.withdraw(reason)
