"""The leak check: what a test leaves behind of tasks, timers, threads and nodes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

__all__ = ["LeakCheck", "Leaked"]


class Leaked(AssertionError):
    """A test left something behind; the text lists it."""


class LeakCheck:
    """Compares what there is on a loop at two moments.

    check = LeakCheck()
    …
    await check.verify()
    """

    def __init__(self) -> None:
        """Note what there is now."""
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.all_tasks()
        self._timers = set(map(id, _timers(self._loop)))
        self._threads = set(threading.enumerate())

    async def verify(self) -> None:
        """Raise if there is more than there was.

        Raises:
            Leaked: lists tasks, timers and threads that are new.

        """
        for _ in range(3):
            await asyncio.sleep(0)
        found = [f"task {task!r}" for task in asyncio.all_tasks() - self._tasks]
        found += [
            f"timer {timer!r}" for timer in _timers(self._loop) if id(timer) not in self._timers
        ]
        found += [
            f"thread {thread.name!r}"
            for thread in threading.enumerate()
            if thread not in self._threads
            and thread.is_alive()
            and not thread.name.startswith(("asyncio_", "callboard-background"))
        ]
        if found:
            raise Leaked("left behind: " + "; ".join(found))


def _timers(loop: asyncio.AbstractEventLoop) -> list[asyncio.TimerHandle]:
    scheduled: Any = getattr(loop, "_scheduled", [])
    return [timer for timer in scheduled if not timer.cancelled()]
