"""The same contract on a thread: a worker whose handlers and hooks may block.

The mailbox, the lanes and all control stay on the node's loop; one message at a time is carried
to the worker's own thread and its outcome back. So a stop is heard while the thread is busy, and
everything that holds for a worker holds for a threaded one.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from .cell import Cell
from .clock import lend_time
from .errors import SpecError
from .handlers import JobHandler
from .jobs.server import JobServer
from .runtime import Runtime
from .worker import Worker

__all__ = ["ThreadWorker", "WorkerThread"]

R = TypeVar("R")

Task: TypeAlias = "tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any], list[None]]"
"""A call on its way to the thread; whoever takes the one thing out of the list decides on it."""


class ThreadWorker(Worker):
    """A worker for code that blocks: its handlers, hooks and jobs run on a thread of its own.

    They are plain `def`, one at a time, as in Pykka. A thread cannot be interrupted: a handler
    that never returns has its worker declared abandoned when it is stopped.
    """

    _thread: WorkerThread | None = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Collect the handlers of the class, and refuse `async def` ones."""
        super().__init_subclass__(**keywords)
        for handler in cls.table.jobs.values():
            _plain_only(cls, handler.function)

    @classmethod
    def _wrap(cls, function: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        _plain_only(cls, function)

        async def on_thread(worker: ThreadWorker, message: Any) -> Any:
            return await worker._worker_thread.call(function, worker, message)

        return on_thread, False

    @property
    def _worker_thread(self) -> WorkerThread:
        if self._thread is None:
            self._thread = WorkerThread(self._place)
        return self._thread

    @property
    def _server(self) -> JobServer:
        if self._serving is None:
            self._serving = JobServer(self._place, self, self._call_job)
        return self._serving

    async def _call_job(self, handler: JobHandler, argument: Any) -> Any:
        value = await self._worker_thread.call(handler.function, self, argument)
        if inspect.isgenerator(value):
            raise TypeError(f"{handler.name} is a generator: report with job.stream(…) instead")
        return value

    async def _perform(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """Call a method or hook on the worker's thread."""
        value = await self._worker_thread.call(functools.partial(function, *args, **keywords))
        if inspect.iscoroutine(value):
            value.close()
            raise TypeError(
                f"{function.__name__} is 'async def': a ThreadWorker only has plain ones"
            )
        return value

    def wait(self, awaitable: Awaitable[R], timeout: float | None = None) -> R:
        """Await something on the node's loop and block this thread until it has ended.

        This is how a handler asks for a job: `self.wait(self.request("other", "job"))`.

        Raises:
            TimeoutError: it did not end within `timeout` seconds; it is cancelled.

        """
        loop = self._runtime.loop

        async def waited() -> R:
            take_back = lend_time(loop)
            try:
                return await awaitable
            finally:
                take_back()

        future = asyncio.run_coroutine_threadsafe(waited(), loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def release(self) -> None:
        """End the thread, after the last hook; for the runtime."""
        super().release()
        if self._thread is not None:
            self._thread.close()


class WorkerThread:
    """One thread, made at the first call and ended by `close`."""

    def __init__(self, cell: Cell) -> None:
        """Prepare for the worker of this cell; no thread is made yet."""
        self._cell = cell
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function on the thread, and return its value or raise its error.

        A call that the thread has not come to yet can be cancelled. A thread cannot be interrupted:
        later, a cancellation takes effect when the function has returned, and is lost on one that
        never does (its worker is then declared abandoned).
        """
        runtime = self._cell.runtime
        if self._thread is None:
            self._begin(runtime)
        outcome: asyncio.Future[Any] = runtime.loop.create_future()
        hold = getattr(runtime.loop, "hold", None)  # virtual time stands still meanwhile
        if hold is not None:
            outcome.add_done_callback(hold())
        # In the caller's context: what is sent from the thread is of this worker and this job.
        run = contextvars.copy_context().run
        undecided: list[None] = [None]
        self._tasks.put((run, (function, *arguments), outcome, undecided))
        cancelled = False
        while not outcome.done():
            try:
                await asyncio.wait([outcome])
            except asyncio.CancelledError:
                cancelled = True
                if _decide(undecided):
                    outcome.cancel()
                    raise
        if cancelled:
            outcome.exception()
            raise asyncio.CancelledError
        return outcome.result()

    def close(self) -> None:
        """Let the thread end after what it is doing."""
        if self._thread is not None:
            self._tasks.put(None)

    def _begin(self, runtime: Runtime) -> None:
        name = f"callboard-{self._cell.name}-{self._cell.incarnation}"
        thread = threading.Thread(target=self._run, args=(runtime,), name=name, daemon=True)
        self._thread = thread
        runtime.threads.add(thread)
        thread.start()

    def _run(self, runtime: Runtime) -> None:
        while (task := self._tasks.get()) is not None:
            function, arguments, outcome, undecided = task
            if not _decide(undecided):
                continue  # it was cancelled while it waited
            try:
                value = function(*arguments)
            except BaseException as error:
                # StopIteration cannot pass through a future.
                failure = RuntimeError("StopIteration") if _stops(error) else error
                self._report(runtime, outcome, None, failure)
            else:
                self._report(runtime, outcome, value, None)
            del task, function, arguments, outcome, undecided
        runtime.threads.discard(threading.current_thread())

    @staticmethod
    def _report(
        runtime: Runtime, outcome: asyncio.Future[Any], value: Any, error: BaseException | None
    ) -> None:
        def settle() -> None:
            if outcome.done():
                return
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(value)

        try:
            runtime.loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop has ended: nobody waits any more


def _decide(undecided: list[None]) -> bool:
    """Decide whether a call begins or is cancelled; False for whoever comes second."""
    try:
        undecided.pop()  # atomic, on any thread
    except IndexError:
        return False
    return True


def _stops(error: BaseException) -> bool:
    return isinstance(error, StopIteration)


def _plain_only(owner: type, function: Callable[..., Any]) -> None:
    """Refuse a coroutine function: the handlers of a threaded worker block, they do not await.

    Raises:
        SpecError: the function is `async def`.

    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise SpecError(
            f"{owner.__qualname__}.{function.__name__}",
            "handler",
            "a ThreadWorker's handlers and hooks are plain 'def': use a Worker to await",
        )
