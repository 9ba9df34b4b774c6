"""The steps towards the end: drain, hurry, kill; one for each signal, and never back.

Signals are taken by Python's own handlers, not by the event loop's: so a loop that a worker blocks
cannot keep the third one from ending the process, and a stuck end has a last deadline in a thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .exits import WORK_LEFT, by_signal

__all__ = ["DRAIN", "HURRY", "HURRY_WITHIN", "KILL", "Ending", "Limits", "say"]

DRAIN, HURRY, KILL = 1, 2, 3

HURRY_WITHIN = 5.0
"""Seconds that an orderly stop may take once it is hurried; then everything is killed."""

KILL_WITHIN = 1.0
"""Seconds that a kill may take; then the process ends by force."""

REASONS = {
    signal.SIGINT: "interrupt signal",
    signal.SIGTERM: "termination signal",
    signal.SIGHUP: "hang-up signal",
}


@dataclass(frozen=True)
class Limits:
    """Seconds that a drain, and the orderly stop after it, may take."""

    drain: float
    stop: float
    slack: float = 8.0
    """Seconds on top of both before the process ends by force; more than the grace after which a
    worker's task that cannot be cancelled is abandoned."""
    hurry_slack: float = 3.0
    """The same on top of `HURRY_WITHIN`."""

    def allowed(self, level: int) -> float:
        """Return the seconds from reaching this level to the end by force."""
        steps = {
            DRAIN: self.drain + self.stop + self.slack,
            HURRY: HURRY_WITHIN + self.hurry_slack,
            KILL: KILL_WITHIN,
        }
        return steps[level]

    def longer(self, seconds: float) -> Limits:
        """Return limits for who waits for a process with these."""
        more = self.slack + seconds, self.hurry_slack + seconds
        return Limits(self.drain, self.stop, *more)


def say(text: str) -> None:
    """Write a line to stderr in one piece, also from within a signal handler."""
    try:
        os.write(2, f"callboard: {text}\n".encode(errors="replace"))
    except OSError:
        return  # nobody reads it any more


class Ending:
    """How far the end of this process has come. Entered on the main thread, it acts on signals."""

    def __init__(self, limits: Limits) -> None:
        """Begin with no end in sight."""
        self.limits = limits
        self.level = 0
        self.number = 0
        """The last signal that asked for the end; 0 if it was something else."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._steps: Sequence[Callable[[str], object]] = ()
        self._dump: Callable[[], None] | None = None
        self._signals = 0
        self._deadlines: queue.SimpleQueue[tuple[float, int] | None] = queue.SimpleQueue()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Ending:
        """Begin to act on signals; one that is ignored (`nohup`) stays so."""
        for number in REASONS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._signalled)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._asked_for_dump)
        # Begun beforehand: a thread cannot be started safely within a signal handler.
        threading.Thread(target=self._wait, name="callboard-ending", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave signals as they were."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._deadlines.put(None)

    def attach(
        self,
        loop: asyncio.AbstractEventLoop,
        steps: Sequence[Callable[[str], object]],
        dump: Callable[[], None],
    ) -> None:
        """Act on this loop from now on: what to do at each level, and how to show all there is."""
        self._loop, self._steps, self._dump = loop, steps, dump

    def reached(self, level: int) -> bool:
        """Whether the end has come so far."""
        return self.level >= level

    def advance(self, level: int, reason: str, number: int = 0) -> None:
        """Go on to this level, from any thread; nothing if it is that far already."""
        if level <= self.level or level > KILL:
            return
        self.level, self.number = level, number
        code = by_signal(number or signal.SIGKILL) if level == KILL else WORK_LEFT
        self.force_after(self.limits.allowed(level), code)
        if self._loop is not None:
            # An empty context: the handler may have interrupted a worker in its own.
            step = self._steps[level - 1]
            try:
                self._loop.call_soon_threadsafe(step, reason, context=contextvars.Context())
            except RuntimeError:
                return  # the loop has ended already

    def force_after(self, seconds: float, code: int) -> None:
        """End the process by force if it has not ended in time: the last deadline, in a thread."""
        self._deadlines.put((seconds, code))

    def _wait(self) -> None:
        """Wait for the last deadline, each one in place of the one before; in a thread."""
        order = self._deadlines.get()
        while order is not None:
            seconds, code = order
            try:
                order = self._deadlines.get(timeout=seconds)
            except queue.Empty:
                say(f"not ended within {seconds:g} s: ended by force")
                os._exit(code)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        if self._loop is None:
            # Nothing runs yet. An exception could be caught by the module that is being imported.
            say(f"{REASONS[signal.Signals(number)]}: ended before anything ran")
            os._exit(by_signal(number))
        # Counted for themselves: one that comes besides the parent's order asks for nothing more.
        self._signals += 1
        level = max(self.level, min(self._signals, KILL))
        says = {
            DRAIN: "finishing what runs, then stopping; once more to hurry",
            HURRY: f"stopping within {HURRY_WITHIN:g} s; once more to kill",
            KILL: "killed",
        }
        say(f"{REASONS[signal.Signals(number)]}: {says[level]}")
        self.advance(level, REASONS[signal.Signals(number)], number)

    def _asked_for_dump(self, number: int, _: FrameType | None) -> None:
        if self._dump is not None:
            self._dump()
