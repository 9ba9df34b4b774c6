"""The server's side of jobs: starting them, reporting on them, answering each exactly once."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from threading import get_ident
from types import CoroutineType
from typing import Any, Protocol, TypeAlias, cast

from ..cell import Cell
from ..errors import JobCancelled, JobCrashed, JobError, JobFailed
from ..handlers import JobHandler
from ..reason import Reason, in_words
from ..ref import WorkerRef
from ..scheduler import Step
from .messages import JobChunk, JobEvent, JobStart, JobUpdate
from .sent import Sent, send_from_thread
from .turns import Turns

__all__ = ["CURRENT_JOB", "Doing", "JobEntry", "JobRequest", "JobServer", "JobSink"]

CURRENT_JOB: contextvars.ContextVar[JobRequest | None] = contextvars.ContextVar(
    "callboard_current_job", default=None
)
"""The job whose handler is running; jobs that it starts inherit its deadline and its end."""


class Doing(Protocol):
    """A job that is being done, as its caller's side sees it: here, or the way to another node."""

    def withdraw(self, reason: str, /) -> None:
        """Stop doing it: its outcome is of no interest any more."""
        ...

    def report(self) -> None:
        """Have the worker report on it."""
        ...


class JobSink(Protocol):
    """The caller's side of one job, as its server sees it."""

    @property
    def done(self) -> bool:
        """Whether nobody waits for the job any more."""
        ...

    def accept(self, request: Doing, /) -> None:
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


JobEntry: TypeAlias = "tuple[JobStart, WorkerRef | None, int, JobSink, float | None, str | None]"
"""A mailbox entry that asks for a job: its message starts one, its answer goes to the caller."""


class JobRequest:
    """One job, as its handler sees it.

    The handler's return value is the answer. It may also report progress (`update`), stream
    (`stream`, or by being an async generator), answer early (`respond`), or keep the job open
    after it has returned (`defer`), to be answered later from anywhere in the worker.
    """

    # Defaults on the class: one request is made for every job, and most need none of these.
    answered: bool = False
    """Whether the job has ended: answered, failed or cancelled."""
    cancelled: str | None = None
    """Why the job was cancelled; None if it was not. For what its handler then cleans up."""
    deferred: bool = False
    running: bool = False
    """Whether its handler was begun and has not ended."""
    step: Step | None = None
    started: dict[Started, None] | None = None

    def __init__(self, server: JobServer, entry: JobEntry, handler: JobHandler) -> None:
        """Take a job that has come in."""
        start, caller, _, sink, deadline, _ = entry
        self._server = server
        self._sink = sink
        self.handler = handler
        self.id, self.name, self.payload, self.chain, _ = start
        self.caller = caller
        """The worker that asked; `None` for one outside the company."""
        self.deadline = deadline
        """Seconds on the node's clock after which nobody waits for the answer; `None`: no limit."""

    def __repr__(self) -> str:
        """Show id and name."""
        return f"<JobRequest {self.id} {self.name!r}>"

    @property
    def worker(self) -> str:
        """The name of the worker that does the job."""
        return self._server.cell.name

    def update(self, data: Any) -> Awaitable[None]:
        """Report progress; `await` it to be held back while the caller is far behind.

        A thread is held back in the call itself.
        """
        return self._put(JobUpdate(self.worker, data))

    def stream(self, data: Any) -> Awaitable[None]:
        """Send a part of the answer; held back as in `update`."""
        return self._put(JobChunk(self.worker, data))

    def defer(self) -> None:
        """Keep the job open after its handler has returned, until `respond` or `fail`."""
        self.deferred = True

    def respond(self, value: Any = None) -> bool:
        """Answer the job. The first answer is the answer: another returns False and is counted."""
        return self._server.answer(self, value, None)

    def fail(self, text: str = "", response: Any = None) -> bool:
        """End the job as failed, as `raise JobFailed(text)` in its handler would."""
        return self._server.answer(self, None, self._server.failed(self, text, response))

    def withdraw(self, reason: str) -> None:
        """Stop doing it, because its caller has cancelled it; for the runtime."""
        self._server.cancel(self, reason)

    def report(self) -> None:
        """Have the worker report on it, because its caller asks; for the runtime."""
        self._server.ask_progress(self)

    def _put(self, event: JobEvent) -> Awaitable[None]:
        if self.answered or self._sink.done:
            self._server.cell.runtime.events.count("late_job_events")
            return Sent(None)
        runtime = self._server.cell.runtime
        if get_ident() != runtime.thread:
            send_from_thread(runtime, functools.partial(self._sink.put, event))
            return Sent(None)
        return Sent(self._sink.put(event))


class JobServer:
    """The jobs that one incarnation of a worker is doing."""

    __slots__ = ("_call", "_turns", "cell", "open", "worker")

    def __init__(
        self, cell: Cell, worker: Any, call: Callable[[JobHandler, Any], Any] | None = None
    ) -> None:
        """Do jobs for this worker; `call` calls a handler elsewhere than on the loop."""
        self.cell = cell
        self.worker = worker
        self.open: dict[str, JobRequest] = {}
        self._call = call
        self._turns: Turns[JobRequest] | None = Turns()
        """None once the worker has left."""

    def begin(self, entry: JobEntry) -> Step | None:
        """Start the job of this entry; return its step if it has to wait."""
        start, _, _, sink, _, _ = entry
        if sink.done:
            return None  # its caller has left before its turn came
        handler: JobHandler | None = self.worker.table.job(start.name)
        if handler is None or not self.worker.active:
            sink.settle(None, self._refusal(start, handler))
            return None
        request = JobRequest(self, entry, handler)
        self.open[start.id] = request
        sink.accept(request)
        if handler.sequential and self._turns and not self._turns.take(handler.name, request):
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
        if not request.running:
            self._close(request)
        return taken

    def failed(self, request: JobRequest, text: str, response: Any = None) -> JobFailed:
        """Make the error for a job that its handler fails."""
        text, label = text or "the job failed", _label(request.name)
        return JobFailed(text, worker=self.cell.name, job=label, response=response)

    def cancel(self, request: JobRequest, reason: str) -> None:
        """Interrupt a job that its caller has cancelled; its outcome is of no interest any more."""
        if self.open.get(request.id) is not request:
            self.cell.runtime.events.count("late_job_cancels")
            return
        request.answered = True
        request.cancelled = reason
        self._cancel_started(request, reason)
        if not request.running:
            self._close(request)
        elif request.step is not None:
            request.step.cancel()

    def ask_progress(self, request: JobRequest) -> None:
        """Have the worker report on an open job; nothing for one that has ended."""
        if self.open.get(request.id) is request and not request.answered:
            self.worker.job_progress(request)

    def leave(self, reason: Reason) -> list[Step]:
        """End all open jobs with an error; return the steps that still run."""
        steps: list[Step] = []
        self._turns = None
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
        return steps

    # -- running ----

    def _run(self, request: JobRequest) -> Step | None:
        """Begin the handler in a context of its own; return its step if it has to wait."""
        context = contextvars.copy_context()
        request.running = True
        try:
            coroutine, outcome = context.run(self._first_step, request)
        except BaseException as error:
            self._raised(request, error)
            return None
        if coroutine is None:
            self._returned(request, outcome)
            return None
        step = request.step = Step(request, coroutine, outcome, context, self._finished)
        if request.cancelled is not None:  # by itself, before it had to wait
            step.close()
            return None
        return step

    def _first_step(self, request: JobRequest) -> tuple[Coroutine[Any, Any, Any] | None, Any]:
        """Call the handler up to its first wait; return it and what it waits for, or its value."""
        CURRENT_JOB.set(request)
        handler = request.handler
        argument = request.payload if handler.typed else request
        result: Any
        coroutine: Coroutine[Any, Any, Any]
        if self._call is not None:
            result = self._call(handler, argument)
        else:
            result = handler.function(self.worker, argument)
        if result.__class__ is CoroutineType:
            coroutine = result
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
        else:
            request.running = False

    def _raised(self, request: JobRequest, error: BaseException) -> None:
        """Answer for a handler that raised; it fails its worker too where the class says so."""
        self._cancel_started(request, "the job that started it has ended")
        worker, label = self.cell.name, _label(request.name)
        if isinstance(error, asyncio.CancelledError):
            if not request.answered:
                text = "its handler was cancelled"
                self.answer(request, None, JobCancelled(text, worker=worker, job=label))
        elif isinstance(error, JobFailed) and not error.worker:
            self.answer(request, None, self.failed(request, str(error), error.response))
        else:
            kind = type(error).__name__
            crash = JobCrashed(
                f"{worker!r} raised in job {label!r}: {in_words(error)}",
                worker=worker,
                job=label,
                response=error.response if isinstance(error, JobError) else None,
                kind=kind,
            )
            crash.__cause__ = error
            if not request.answered:
                self.answer(request, None, crash)
            if self.worker is not None:
                self.worker.job_raised(error)
        self._close(request)

    def _close(self, request: JobRequest) -> None:
        """Forget a job that has ended; the next of its kind has its turn, if they go in turn."""
        if self.open.pop(request.id, None) is None:
            return
        if request.deferred and request.cancelled is not None and self.worker is not None:
            self.worker.job_cancelled(request, request.cancelled)
        handler = request.handler
        if handler.sequential and self._turns is not None:
            following = self._turns.end(handler.name, request)
            if following is not None:
                self._beside(functools.partial(self._take_turn, following))

    def _take_turn(self, request: JobRequest) -> Step | None:
        return None if request.answered else self._run(request)

    def begin_beside(self, entry: JobEntry) -> None:
        """Start a job that must not wait for its worker's turn: a handler of it waits for this."""

        def begin() -> Step | None:
            if self._turns is None:
                text = f"{self.cell.name!r} has ended"
                entry[3].settle(None, JobCrashed(text, worker=self.cell.name))
                return None
            return self.begin(entry)

        self._beside(begin)

    def _beside(self, begin: Callable[[], Step | None]) -> None:
        """Begin a job in a task and a context of its own: whoever is at work now has no part."""
        runtime = self.cell.runtime
        context = runtime.new_context(self.cell.ref)
        runtime.scheduler.beside(functools.partial(context.run, begin))

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
