"""Time: the event loop is the clock.

Everything reads `loop.time()` and waits by the loop's timers, so a test that brings another loop
(`callboard.actors.testing`) has replaced time everywhere, the user's own `asyncio.sleep` included.
Seconds, monotonic: a wall clock that jumps is not noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Budget", "Lag", "lend_time", "wait_done"]


class Lag:
    """How long the loop was blocked, in all; written by the watchdog's probe."""

    __slots__ = ("total",)

    def __init__(self) -> None:
        """Begin at zero seconds."""
        self.total = 0.0


class Budget:
    """A time allowed, in seconds, that is not charged for a loop that somebody else blocks."""

    __slots__ = ("_lag", "_lag_before", "_loop", "_started", "allowed")

    def __init__(self, loop: asyncio.AbstractEventLoop, lag: Lag, allowed: float | None) -> None:
        """Begin now; `None` allows without limit."""
        self._loop = loop
        self._lag = lag
        self._lag_before = lag.total
        self._started = loop.time()
        self.allowed = allowed

    @property
    def left(self) -> float | None:
        """Seconds left, not below zero; `None` without a limit."""
        if self.allowed is None:
            return None
        blocked = self._lag.total - self._lag_before
        return max(0.0, self.allowed + blocked - (self._loop.time() - self._started))

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.left == 0.0


async def wait_done(
    futures: Iterable[asyncio.Future[Any]],
    budget: Budget,
    hurry: asyncio.Future[None] | None = None,
) -> set[asyncio.Future[Any]]:
    """Wait until all futures are done, the budget is spent, or `hurry` is done.

    Return those not done.
    """
    pending: set[asyncio.Future[Any]] = {future for future in futures if not future.done()}
    while pending and not budget.spent:
        # The timer may have fired only because the loop was blocked: then something is left.
        if hurry is None:
            _, pending = await asyncio.wait(pending, timeout=budget.left)
            continue
        if hurry.done():
            break
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait({hurry, *pending}, timeout=budget.left, return_when=first)
        pending = {future for future in pending if not future.done()}
    return pending


def lend_time(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Let virtual time go on while a thread that holds it waits for the loop itself.

    Call what is returned before the thread goes on. On the real clock there is nothing to lend.
    """
    lend: Callable[[], Callable[[], None]] | None = getattr(loop, "lend", None)
    return lend() if lend is not None else lambda: None
