"""The server's side of jobs: starting them, reporting on them, answering each exactly once."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from threading import get_ident
from types import CoroutineType
from typing import Any, Protocol, cast

from ..cell import Cell
from ..delivery import Entry
from ..errors import JobCancelled, JobCrashed, JobError, JobFailed
from ..handlers import JobHandler
from ..reason import Reason
from ..ref import WorkerRef
from ..scheduler import Step
from .messages import JobChunk, JobEvent, JobStart, JobUpdate

__all__ = ["CURRENT_JOB", "JobRequest", "JobServer", "JobSink"]

CURRENT_JOB: contextvars.ContextVar[JobRequest | None] = contextvars.ContextVar(
    "callboard_current_job", default=None
)
"""The job whose handler is running; jobs that it starts inherit its deadline and its end."""


class JobSink(Protocol):
    """The caller's side of one job, as its server sees it."""

    @property
    def done(self) -> bool:
        """Whether nobody waits for the job any more."""
        ...

    def accept(self, request: JobRequest, /) -> None:
        """Take note of who does the job, to be able to cancel it."""
        ...

    def put(self, event: JobEvent, /) -> asyncio.Future[None] | None:
        """Take an event; return a future to wait for where the caller is behind."""
        ...

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Take the outcome; False if there was one already."""
        ...


class Started(Protocol):
    """A job that was started inside this one."""

    def cancel(self, reason: str = "") -> None:
        """Cancel it."""
        ...


class Sent:
    """What `update` and `stream` return: await it to be held back while the caller is behind."""

    __slots__ = ("_room",)

    def __init__(self, room: asyncio.Future[None] | None) -> None:
        """Wait for `room` when awaited, if there is any."""
        self._room = room

    def __await__(self) -> Generator[Any, None, None]:
        """Return at once, or when the caller has caught up."""
        if self._room is not None and not self._room.done():
            yield from self._room


class JobRequest:
    """One job, as its handler sees it.

    The handler's return value is the answer. It may also report progress (`update`), stream
    (`stream`, or by being an async generator), answer early (`respond`), or keep the job open
    after it has returned (`defer`), to be answered later from anywhere in the worker.
    """

    # Defaults on the class: one request is made for every job, and most need none of these.
    handler: JobHandler | None = None
    answered: bool = False
    """Whether the job has ended: answered, failed or cancelled."""
    deferred: bool = False
    step: Step | None = None
    started: dict[Started, None] | None = None

    def __init__(self, server: JobServer, start: JobStart, entry: Entry) -> None:
        """Take a job that has come in."""
        self._server = server
        self._sink = cast("JobSink", entry[3])
        self.id, self.name, self.payload, self.chain, _ = start
        self.caller = cast("WorkerRef | None", entry[1])
        """The worker that asked; `None` for one outside the company."""
        self.deadline = entry[4]
        """Seconds on the node's clock after which nobody waits for the answer; `None`: no limit."""

    def __repr__(self) -> str:
        """Show id and name."""
        return f"<JobRequest {self.id} {self.name!r}>"

    def update(self, data: Any) -> Awaitable[None]:
        """Report progress; `await` it to be held back while the caller is far behind."""
        return self._put(JobUpdate(self._server.cell.name, data))

    def stream(self, data: Any) -> Awaitable[None]:
        """Send a part of the answer; `await` it to be held back while the caller is far behind."""
        return self._put(JobChunk(self._server.cell.name, data))

    def defer(self) -> None:
        """Keep the job open after its handler has returned, until `respond` or `fail`."""
        self.deferred = True

    def respond(self, value: Any = None) -> bool:
        """Answer the job. The first answer is the answer: another returns False and is counted."""
        return self._server.answer(self, value, None)

    def fail(self, text: str = "", response: Any = None) -> bool:
        """End the job as failed, as `raise JobFailed(text)` in its handler would."""
        return self._server.answer(self, None, self._server.failed(self, text, response))

    def _put(self, event: JobEvent) -> Awaitable[None]:
        if self.answered or self._sink.done:
            self._server.cell.runtime.events.count("late_job_events")
            return Sent(None)
        runtime = self._server.cell.runtime
        if get_ident() != runtime.thread:
            runtime.call_from_thread(self._sink.put, event)
            return Sent(None)
        return Sent(self._sink.put(event))


class JobServer:
    """The jobs that one incarnation of a worker is doing."""

    __slots__ = ("_call", "_waiting", "cell", "open", "worker")

    def __init__(
        self, cell: Cell, worker: Any, call: Callable[[JobHandler, Any], Any] | None = None
    ) -> None:
        """Do jobs for this worker; `call` calls a handler elsewhere than on the loop."""
        self.cell = cell
        self.worker = worker
        self.open: dict[str, JobRequest] = {}
        self._call = call
        self._waiting: dict[str, deque[JobRequest]] | None = None

    def begin(self, entry: Entry) -> Step | None:
        """Start the job of this entry; return its step if it has to wait."""
        start = cast("JobStart", entry[0])
        sink = cast("JobSink", entry[3])
        if sink.done:
            return None  # its caller has left before its turn came
        request = JobRequest(self, start, entry)
        handler = self.worker.table.job(start.name)
        if handler is None or not self.worker.active:
            sink.settle(None, self._refusal(start, handler))
            return None
        request.handler = handler
        self.open[request.id] = request
        sink.accept(request)
        if handler.sequential and not self._is_next(request):
            return None
        return self._run(request)

    def answer(self, request: JobRequest, value: Any, error: BaseException | None) -> bool:
        """Answer a job, from any thread; only the first answer counts."""
        runtime = self.cell.runtime
        if get_ident() != runtime.thread:
            runtime.call_from_thread(self.answer, request, value, error)
            return not request.answered
        if request.answered:
            runtime.events.count("late_job_answers")
            return False
        request.answered = True
        taken = request._sink.settle(value, error)  # pyright: ignore[reportPrivateUsage]
        if request.step is None or request.step.ended:
            self._close(request)
        return taken

    def failed(self, request: JobRequest, text: str, response: Any = None) -> JobFailed:
        """Make the error for a job that its handler fails."""
        return JobFailed(
            text or "the job failed",
            worker=self.cell.name,
            job=_label(request.name),
            response=response,
        )

    def cancel(self, request: JobRequest, reason: str) -> None:
        """Interrupt a job that its caller has cancelled; its outcome is of no interest any more."""
        if self.open.get(request.id) is not request:
            return
        request.answered = True
        self._cancel_started(request, reason)
        if request.step is not None and not request.step.ended:
            request.step.cancel()
            return
        self._close(request)
        if request.deferred:
            self.worker.job_cancelled(request, reason)

    def ask_progress(self, request: JobRequest) -> None:
        """Have the worker report on an open job; nothing for one that has ended."""
        if self.open.get(request.id) is request and not request.answered:
            self.worker.job_progress(request)

    def leave(self, reason: Reason) -> list[Step]:
        """End all open jobs with an error; return the steps that still run."""
        steps: list[Step] = []
        for request in list(self.open.values()):
            if not request.answered:
                text = f"{self.cell.name!r} ended before it had answered ({reason})"
                error = JobCrashed(text, worker=self.cell.name, job=_label(request.name))
                error.__cause__ = reason.error
                self.answer(request, None, error)
            self._cancel_started(request, f"{self.cell.name!r} ended")
            if request.step is not None and not request.step.ended:
                steps.append(request.step)
        self.open.clear()
        self._waiting = None
        return steps

    # -- running ----

    def _run(self, request: JobRequest) -> Step | None:
        """Begin the handler in a context of its own; return its step if it has to wait."""
        context = contextvars.copy_context()
        try:
            coroutine, outcome = context.run(self._first_step, request)
        except BaseException as error:
            self._raised(request, error)
            return None
        if coroutine is None:
            self._returned(request, outcome)
            return None
        request.step = Step(request, coroutine, outcome, context, self._finished)
        return request.step

    def _first_step(self, request: JobRequest) -> tuple[Coroutine[Any, Any, Any] | None, Any]:
        """Call the handler up to its first wait; return it and what it waits for, or its value."""
        CURRENT_JOB.set(request)
        handler = cast("JobHandler", request.handler)
        argument = request.payload if handler.typed else request
        result: Any
        if self._call is not None:
            result = self._call(handler, argument)
        else:
            result = handler.function(self.worker, argument)
        if isinstance(result, CoroutineType):
            coroutine = cast("Coroutine[Any, Any, Any]", result)
        elif inspect.isasyncgen(result):
            coroutine = self._stream(request, result)
        else:
            return None, result
        try:
            return coroutine, coroutine.send(None)
        except StopIteration as stop:
            return None, stop.value

    async def _stream(self, request: JobRequest, generator: Any) -> None:
        """Send on what a generator yields; it is closed, whatever happens."""
        try:
            async for chunk in generator:
                await request.stream(chunk)
        finally:
            await generator.aclose()

    def _finished(self, step: Step, value: Any, error: BaseException | None) -> None:
        request = cast("JobRequest", step.owner)
        if error is None:
            self._returned(request, value)
        else:
            self._raised(request, error)

    def _returned(self, request: JobRequest, value: Any) -> None:
        if request.answered:
            if value is not None:
                self.cell.runtime.events.count("late_job_answers")
            self._close(request)
        elif not request.deferred:
            request.answered = True
            request._sink.settle(value)  # pyright: ignore[reportPrivateUsage]
            self._close(request)

    def _raised(self, request: JobRequest, error: BaseException) -> None:
        """Answer for a handler that raised; it fails its worker too where the class says so."""
        self._cancel_started(request, "the job that started it has ended")
        worker = self.cell.name
        label = _label(request.name)
        if isinstance(error, asyncio.CancelledError):
            if not request.answered:
                text = "its handler was cancelled"
                self.answer(request, None, JobCancelled(text, worker=worker, job=label))
        elif isinstance(error, JobFailed) and not error.worker:
            self.answer(request, None, self.failed(request, str(error), error.response))
        else:
            kind = type(error).__name__
            crash = JobCrashed(
                f"{worker!r} raised in job {label!r}: {kind}: {error}",
                worker=worker,
                job=label,
                response=error.response if isinstance(error, JobError) else None,
                kind=kind,
            )
            crash.__cause__ = error
            if not request.answered:
                self.answer(request, None, crash)
            self.worker.job_raised(error)
        self._close(request)

    def _close(self, request: JobRequest) -> None:
        """Forget a job that has ended, and start the next of its kind if they wait in turn."""
        self.open.pop(request.id, None)
        handler = request.handler
        if handler is None or not handler.sequential or self._waiting is None:
            return
        queue = self._waiting.get(handler.name)
        if not queue or request not in queue:
            return
        first = queue[0] is request
        queue.remove(request)
        if not queue:
            del self._waiting[handler.name]
        elif first:
            step = self._run(queue[0])
            if step is not None:
                self.cell.runtime.scheduler.carry(step)

    def _is_next(self, request: JobRequest) -> bool:
        """Queue a sequential job; whether it is the first in the queue."""
        if self._waiting is None:
            self._waiting = {}
        name = cast("JobHandler", request.handler).name
        queue = self._waiting.setdefault(name, deque())
        queue.append(request)
        return len(queue) == 1

    def _cancel_started(self, request: JobRequest, reason: str) -> None:
        started, request.started = request.started, None
        for job in started or ():
            job.cancel(reason)

    def _refusal(self, start: JobStart, handler: JobHandler | None) -> JobCrashed:
        worker, label = self.cell.name, _label(start.name)
        if handler is not None:
            text = f"{worker!r} is inactive: it takes no job {label!r}"
        else:
            known = ", ".join(self.worker.table.job_names()) or "none"
            text = f"{worker!r} has no handler for job {label!r}; it has: {known}"
        return JobCrashed(text, worker=worker, job=label)


def _label(name: object) -> str:
    return name.__name__ if isinstance(name, type) else str(name or "")
