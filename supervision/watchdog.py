"""The thread that names who blocks the event loop.

It asks the loop for a sign of life a few times a second. When none comes, it looks at the frames of
the loop's thread from outside, finds the worker whose handler is running, and raises an event with
its name and stack while the loop is still blocked. How long the loop was blocked goes into the
node's lag, so that the budgets of the others are not charged for it.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from types import FrameType
from typing import Any

from ..actors.cell import Cell
from ..actors.ref import CURRENT
from ..actors.runtime import Runtime
from ..actors.scheduler import Step

__all__ = ["Watchdog"]

BEAT = 0.1
"""Seconds between two signs of life."""

BLOCKED_AFTER = 0.5
"""Seconds without a sign of life after which the loop counts as blocked."""

NEGLIGIBLE = 0.05
"""Lag in seconds that is not charged to anybody."""


class Watchdog:
    """Watches the loop of one node from a thread of its own."""

    def __init__(self, runtime: Runtime) -> None:
        """Prepare to watch; `start` begins."""
        self._runtime = runtime
        self._stop = threading.Event()
        self._asked_at = 0.0
        self._answered = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(
            target=self._watch, name=f"callboard-watchdog-{self._runtime.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the thread has ended when this returns."""
        self._stop.set()
        self._answered.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def _watch(self) -> None:
        while not self._stop.wait(BEAT):
            self._answered.clear()
            self._asked_at = time.monotonic()
            try:
                self._runtime.loop.call_soon_threadsafe(self._beat, self._asked_at)
            except RuntimeError:
                return  # the loop has ended
            if not self._answered.wait(BLOCKED_AFTER) and not self._stop.is_set():
                self._report()
                self._answered.wait()

    def _beat(self, asked_at: float) -> None:
        """Answer, on the loop. It comes before any timer that fell due while it was blocked."""
        late = time.monotonic() - asked_at
        if late > NEGLIGIBLE:
            self._runtime.lag.total += late
        self._answered.set()

    def _report(self) -> None:
        """Say who blocks, while it does. The event is logged from here, at once."""
        frame = sys._current_frames().get(self._runtime.thread)  # pyright: ignore[reportPrivateUsage]
        if frame is None:
            return
        cell = _worker_of(frame)
        stack = "".join(traceback.format_stack(frame))
        waited = time.monotonic() - self._asked_at
        text = f"the event loop has been blocked for {waited:.1f} s, now at:\n{stack}"
        path, incarnation = self._runtime.name, 0
        if cell is not None:
            path, incarnation = cell.path, cell.incarnation
        self._runtime.emit("blocked", path, incarnation, text=text)


def _worker_of(frame: FrameType | None) -> Cell | None:
    """Return the worker whose code a stack is in: the innermost frame that knows one.

    The drain loop and the task of a hook have its place in a local variable, a carried step has it
    in its context.
    """
    while frame is not None:
        known: dict[str, Any] = frame.f_locals
        cell, step = known.get("cell"), known.get("step")
        if isinstance(step, Step):
            ref = step.context.get(CURRENT)
            cell = ref.target if ref is not None else None
        if isinstance(cell, Cell):
            return cell
        frame = frame.f_back
    return None
