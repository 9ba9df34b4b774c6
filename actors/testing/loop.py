"""Virtual time: an event loop whose clock jumps to the next timer when everything is idle.

All time in Callboard is the event loop's, so on this loop a test of minutes takes milliseconds and
never sleeps. A thread at work (a `ThreadWorker`'s, or the loop's own thread pool) holds time still.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["StuckError", "VirtualTimeLoop", "describe_tasks", "run_virtual"]

T = TypeVar("T")

STUCK_AFTER = 10.0
"""Real seconds that a loop with nothing to do waits for a thread or a socket to wake it."""

ASYNCIO = os.path.dirname(asyncio.__file__)

GLANCE = 0.05
"""Real seconds between two looks at what threads have done."""


class StuckError(AssertionError):
    """Everything waits and nothing can come, or the test took longer than its patience."""


class _JumpingSelector(selectors.DefaultSelector):
    """Polls; where it would have to wait for a timer, it moves the clock there instead."""

    def __init__(self, patience: float | None) -> None:
        super().__init__()
        self.now = 1000.0
        self.held = 0
        self.tasks: Callable[[], str] = str
        self._idle_since: float | None = None
        self._patience = patience
        self._begun = time.monotonic()
        self._threads = set(threading.enumerate())

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if self._patience is not None and time.monotonic() - self._begun > self._patience:
            self._stuck(f"the test has not ended within {self._patience:g} real seconds")
        if ready or timeout == 0:
            self._idle_since = None
            return ready
        if self.held or timeout is None:
            return self._wait_for_others()
        self._idle_since = None
        self.now += max(timeout, 0.0)
        return ready

    def _wait_for_others(self) -> Any:
        """Wait, in real time, for a thread or a socket; raise where neither can be expected."""
        ready = super().select(GLANCE)
        if ready:
            self._idle_since = None
            return ready
        now = time.monotonic()
        if self._idle_since is None:
            self._idle_since = now
        if not self._others():
            self._stuck("everything waits, and no timer is set")
        if now - self._idle_since > STUCK_AFTER:
            self._stuck(f"no thread or socket has done anything for {STUCK_AFTER:g} real seconds")
        return ready

    def _others(self) -> bool:
        """Whether something outside the loop may wake it: a thread or a socket."""
        sockets = len(self.get_map()) > 1  # the first is the loop's own, for threads to wake it
        threads = [
            thread
            for thread in threading.enumerate()
            if thread not in self._threads
            and not thread.name.startswith(("asyncio_", "callboard-"))
        ]
        return bool(self.held or sockets or threads)

    def _stuck(self, problem: str) -> None:
        # What cleans up after the error has the same patience again.
        self._begun = time.monotonic()
        self._idle_since = None
        raise StuckError(f"{problem}: the test waits for what does not come\n{self.tasks()}")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time; it begins at 1000 s.

    Raises `StuckError` out of its `run…` methods when everything waits for what cannot come, or
    when it has run for longer than `patience` (real seconds).
    """

    def __init__(self, patience: float | None = None) -> None:
        """Make the loop."""
        self._jumping = _JumpingSelector(patience)
        super().__init__(self._jumping)
        self._jumping.tasks = lambda: describe_tasks(asyncio.all_tasks(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.now

    @property
    def _clock_resolution(self) -> float:
        """How near to its time a timer fires; read by asyncio at every turn.

        Some steps of the clock's own precision: a fixed one is lost in rounding after 97 days.
        """
        return 4 * math.ulp(self._jumping.now)

    @_clock_resolution.setter
    def _clock_resolution(self, value: float) -> None:
        """Leave it as it is: asyncio sets that of the real clock."""

    def advance(self, seconds: float) -> None:
        """Move the clock as if the loop had been blocked for so long."""
        self._jumping.now += seconds

    @property
    def idle(self) -> bool:
        """Whether nothing but the caller could run now, without time passing."""
        inside: Any = self
        due = any(
            timer.when() <= self.time() for timer in inside._scheduled if not timer.cancelled()
        )
        return not inside._ready and not due and not self._jumping.held

    def hold(self) -> Callable[[object], None]:
        """Hold time still until what is returned is called; for work in threads."""
        self._jumping.held += 1
        released = False

        def release(_: object) -> None:
            nonlocal released
            if not released:
                released = True
                self._jumping.held -= 1

        return release

    def lend(self) -> Callable[[], None]:
        """Let time go on, until what is returned is called: a thread that holds it waits for us."""
        self._jumping.held -= 1

        def take_back() -> None:
            self._jumping.held += 1

        return take_back

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Run in a thread, time standing still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self.hold())
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Join the thread pool, time standing still: its limit, new in 3.12, is a real one."""
        release = self.hold()
        try:
            await super().shutdown_default_executor()
        finally:
            release(None)


def run_virtual(main: Coroutine[Any, Any, T], *, patience: float | None = None) -> T:
    """Run a coroutine to its end on virtual time, as `asyncio.run` does on real time.

    Raises:
        StuckError: everything waits for what cannot come, or `patience` real seconds have passed.

    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(patience)) as runner:
        return runner.run(main)


def describe_tasks(tasks: Iterable[asyncio.Task[Any]]) -> str:
    """Return a line for each task: its name, what it waits in, and where the user's code is."""
    lines: list[str] = []
    for task in sorted(tasks, key=lambda task: task.get_name()):
        waiting: Any = task.get_coro()
        where = ""
        # Along what each coroutine awaits, to the innermost: that is where it hangs.
        while inspect.iscoroutine(waiting):
            frame = waiting.cr_frame
            if frame is not None and not frame.f_code.co_filename.startswith(ASYNCIO):
                where = f" at {frame.f_code.co_filename}:{frame.f_lineno}"
            name = waiting.__qualname__
            if not inspect.iscoroutine(waiting.cr_await):
                break
            waiting = waiting.cr_await
        else:
            name = repr(waiting)
        lines.append(f"  {task.get_name()} waits in {name}{where}")
    return "\n".join(lines)
