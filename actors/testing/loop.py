"""Virtual time: an event loop whose clock jumps to the next timer when everything is idle.

All time in Callboard is the event loop's, so on this loop a test of minutes takes milliseconds and
never sleeps. A thread at work (a `ThreadWorker`'s, or the loop's own thread pool) holds time still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualTimeLoop", "run_virtual"]

T = TypeVar("T")

STUCK_AFTER = 10.0
"""Real seconds without anything to do, any timer or any thread, after which a test is stuck."""


class StuckError(RuntimeError):
    """Everything waits, and nothing can come any more: the test would never end."""


class _JumpingSelector(selectors.DefaultSelector):
    """Polls; where it would have to wait for a timer, it moves the clock there instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.held = 0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.held:
            return super().select(timeout=0.05)  # a thread will wake the loop
        if timeout is None:
            ready = super().select(STUCK_AFTER)
            if not ready:
                raise StuckError(
                    f"nothing has happened for {STUCK_AFTER:g} s, and no timer is set: "
                    "the test waits for something that cannot come"
                )
            return ready
        self.now += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time; it begins at 1000 s."""

    def __init__(self) -> None:
        """Make the loop."""
        self._jumping = _JumpingSelector()
        self._jumping.now = 1000.0
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.now

    def advance(self, seconds: float) -> None:
        """Move the clock as if the loop had been blocked for so long."""
        self._jumping.now += seconds

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

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Run in a thread, time standing still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self.hold())
        return future


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time, as `asyncio.run` does on real time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
