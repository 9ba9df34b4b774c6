"""Run: one run of a Pipecat pipeline, from its start frame to the last of its tasks.

What runs it is Pipecat's own `PipelineWorker`, without Pipecat's runner, bus and registry: who
starts it, restarts it and sends to it is our tree.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ...actors.cancelling import cancel_tasks
from ...actors.cell import Cell
from ...actors.clock import wait_done
from ...actors.errors import CallboardError
from .hosted import HostedWorker
from .library import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    FrameProcessor,
    Pipeline,
    StartFrame,
    StopFrame,
    TheirFrame,
    WorkerParams,
)
from .tasks import Tasks

__all__ = ["PipelineFailed", "Run", "all_in", "was_set_up"]

CANCELLED_WITHIN = 2.0
"""Seconds that Pipecat may take to cancel a pipeline, before its tasks are cancelled one by one."""


class PipelineFailed(CallboardError):
    """A Pipecat pipeline has not started, or cannot go on."""

    @classmethod
    def of(cls, frame: ErrorFrame) -> PipelineFailed:
        """Make it of an error frame: with its text, in which Pipecat has masked what is secret."""
        where = f"{frame.processor}: " if frame.processor is not None else ""
        error = cls(f"{where}{frame.error}")
        error.__cause__ = frame.exception
        return error


class Run:
    """One run of a Pipecat pipeline: starts it, ends it, and leaves nothing of it."""

    def __init__(
        self,
        cell: Cell,
        host: Callable[[Tasks], HostedWorker],
        *,
        on_error: Callable[[ErrorFrame], Awaitable[None]],
        raised: Callable[[BaseException], None],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        """Prepare to run what `host` makes, for the worker of this cell.

        `on_error` takes each error that reaches the start of the pipeline, and may raise; `raised`
        takes what it raises, or any task of the pipeline; `ended` is called when the pipeline has
        ended by itself, with the error if it died of one.
        """
        self._cell = cell
        self._on_error, self._raised, self._ended = on_error, raised, ended
        self._tasks = Tasks(cell, self._fail)
        loop = cell.runtime.loop
        self._ready: asyncio.Future[None] = loop.create_future()
        self._hurry: asyncio.Future[None] = loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        """Pipecat's part of it."""
        self._told_to_end = False
        self._last: TheirFrame | None = None
        """The frame that ended the pipeline."""
        self._died_of: BaseException | None = None
        self._held = "it ended while it started"
        """Why it has not started."""
        self._errors_in_start: list[int] = []
        self.hosted = host(self._tasks)
        """Pipecat's worker."""
        self._listen()

    @property
    def over(self) -> bool:
        """Whether the pipeline has ended, or was never begun."""
        return self._task is None or self._task.done()

    async def begin(self) -> None:
        """Start the pipeline; return once the start frame has reached its end.

        Raises:
            PipelineFailed: it did not get there, or an error came up that the pipeline dies of.
            Exception: whatever a task of the pipeline has raised.

        """
        self._task = self._cell.runtime.spawn(self._carry(), contextvars.copy_context())
        await self._ready

    async def end(self, *, orderly: bool, reason: str = "") -> None:
        """End the pipeline and all that belongs to it; after this there is no task of it.

        An orderly end lets through what was queued before, however long that takes; `hurry` cuts
        it short.
        """
        self._told_to_end = True
        if self._task is None:
            return
        started = self._ready.done() and not self._ready.cancelled() and not self._ready.exception()
        if orderly and started and not self.over:
            await self.hosted.queue_frame(EndFrame(reason=reason))
            await asyncio.wait({self._task, self._hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not self.over:
            await self._cancel(self._task, reason)
        await self._clear_away()

    def hurry(self) -> None:
        """Cut an orderly end short: cancel."""
        if not self._hurry.done():
            self._hurry.set_result(None)

    # -- inside ----

    async def _carry(self) -> None:
        run = self.hosted.run(WorkerParams(task_manager=self._tasks))
        running = self._running = self._cell.runtime.spawn(run, contextvars.copy_context())
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            # The loop ends, say: Pipecat takes the first cancellation as a wish, and goes on.
            while not running.done():
                running.cancel()
                await asyncio.wait({running}, timeout=self._cell.options.recancel)
            raise
        error = None if running.cancelled() else running.exception()
        if error is not None:
            self._died_of = error
        if not self._ready.done():
            text = f"the pipeline of {self._cell.name!r} has not started: {self._held}"
            self._ready.set_exception(self._died_of or PipelineFailed(text))
        elif not self._told_to_end:
            orderly = isinstance(self._last, EndFrame | StopFrame)
            self._ended(None if orderly else self._died_of)

    async def _cancel(self, task: asyncio.Task[None], reason: str) -> None:
        """Have Pipecat cancel the pipeline; cancel it ourselves if that takes too long."""
        await self.hosted.cancel(reason=reason)
        # Past Pipecat's own queue as well: an end frame that is on its way holds that up.
        frame = CancelFrame(reason=reason)
        past = self._cell.runtime.spawn(self.hosted.pipeline.queue_frame(frame))
        await wait_done([task], self._cell.runtime.budget(CANCELLED_WITHIN))
        running = [self._running] if self._running is not None else []
        await cancel_tasks(self._cell, [past, *running, task], "its pipeline")

    async def _clear_away(self) -> None:
        """Clean up where Pipecat has not, and end what is left of its tasks."""
        pipeline = self.hosted.pipeline
        if not self.hosted.cleaned or isinstance(self._last, StopFrame):
            cleanup: Callable[[], Any] = pipeline.cleanup
            clean = self._cell.runtime.spawn(cleanup(), contextvars.copy_context())
            await wait_done([clean], self._cell.runtime.budget(CANCELLED_WITHIN))
            await cancel_tasks(self._cell, [clean], "the cleanup of its pipeline")
        left: list[asyncio.Task[Any]] = self._tasks.left
        for each in (self.hosted, pipeline, *all_in(pipeline)):
            # Handlers of events run in tasks that no task manager of Pipecat knows.
            left += [task for _, task in getattr(each, "_event_tasks", ())]
        await cancel_tasks(self._cell, left, "a task of its pipeline")

    def _fail(self, error: BaseException) -> None:
        """Take what a task of the pipeline or `on_error` has raised."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            self.hurry()  # the node ends, and no end frame comes through where this was raised
        if not self._ready.done():
            self._ready.set_exception(error)
        elif not self._told_to_end:
            self._raised(error)

    # -- what Pipecat tells ----

    def _listen(self) -> None:
        _listen(self.hosted, "on_pipeline_started", self._they_started)
        _listen(self.hosted, "on_pipeline_finished", self._they_finished)
        _listen(self.hosted, "on_setup_timeout", self._setup_took_too_long)
        _listen(self.hosted, "on_pipeline_timeout", self._frame_was_held)
        _listen(self.hosted, "on_pipeline_error", self._error_reached_start)
        for each in _in_row(self.hosted.pipeline):
            _listen(each, "on_error", self._error_came_up)

    def _they_started(self, _: HostedWorker, frame: StartFrame) -> None:
        if not self._ready.done():
            self._ready.set_result(None)

    def _they_finished(self, _: HostedWorker, frame: TheirFrame) -> None:
        self._last = frame

    def _setup_took_too_long(self, _: HostedWorker) -> None:
        self._held = "a processor was not set up in time"

    def _frame_was_held(self, _: HostedWorker, frame: TheirFrame) -> None:
        if isinstance(frame, StartFrame):
            self._held = "a processor has kept the start frame: push it on"

    async def _error_came_up(self, _: FrameProcessor, frame: ErrorFrame) -> None:
        """Take an error in the start at once: the start frame may be faster than it."""
        if not self._ready.done():
            self._errors_in_start.append(frame.id)
            await self._take(frame)

    async def _error_reached_start(self, _: HostedWorker, frame: ErrorFrame) -> None:
        if frame.fatal:
            self._died_of = PipelineFailed.of(frame)  # Pipecat cancels the pipeline, in any case
        if frame.id not in self._errors_in_start:
            await self._take(frame)

    async def _take(self, frame: ErrorFrame) -> None:
        try:
            await self._on_error(frame)
        except Exception as error:
            self._fail(error)


def _listen(to: Any, event: str, handler: Callable[..., object]) -> None:
    """Have a handler called with an event; Pipecat gives its handlers no type."""
    to.add_event_handler(event, handler)


def _in_row(processor: FrameProcessor) -> Iterator[FrameProcessor]:
    """Go over the processors one after another; what is parallel, or a switch, is one of them."""
    if type(processor) is not Pipeline:
        yield processor
        return
    for each in processor.processors:
        yield from _in_row(each)


def all_in(processor: FrameProcessor) -> Iterator[FrameProcessor]:
    """Go over everything inside a processor."""
    for each in processor.processors:
        yield each
        yield from all_in(each)


def was_set_up(processor: FrameProcessor) -> bool:
    """Whether a processor stands in a pipeline that has been started."""
    return getattr(processor, "_setup", None) is not None
