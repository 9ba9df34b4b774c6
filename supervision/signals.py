"""SIGTERM and SIGINT: an orderly end first, then a kill."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["Stoppable", "Signals"]

NAMES = {signal.SIGINT: "interrupt signal", signal.SIGTERM: "termination signal"}


class Stoppable(Protocol):
    """What signals act on: a node."""

    async def stop(self, reason: str = "", *, within: float | None = None) -> None:
        """Stop in order."""
        ...

    def kill(self) -> None:
        """End everything now."""
        ...


class Signals:
    """Acts on SIGINT and SIGTERM while it is entered: the first stops in order, the second kills.

    On a thread other than the main one, or when not enabled, signals are left alone.
    """

    def __init__(self, node: Stoppable, *, enabled: bool = True) -> None:
        """Prepare to act for this node."""
        self._node = node
        self._enabled = enabled and threading.current_thread() is threading.main_thread()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None
        """The first signal that came."""

    def __enter__(self) -> Self:
        """Begin to act."""
        if self._enabled:
            loop = asyncio.get_running_loop()
            for number in NAMES:
                self._before[number] = signal.getsignal(number)
                loop.add_signal_handler(number, self._handle, number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let who acted on signals before act again."""
        if self._enabled:
            loop = asyncio.get_running_loop()
            for number in NAMES:
                loop.remove_signal_handler(number)
                signal.signal(number, self._before.pop(number))

    def _handle(self, number: signal.Signals) -> None:
        if self.received is not None:
            self._node.kill()
            return
        self.received = number
        task = asyncio.get_running_loop().create_task(self._node.stop(NAMES[number]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
