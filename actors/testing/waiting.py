"""Waiting in tests for what happens, never for time to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .loop import VirtualTimeLoop

__all__ = ["eventually", "settle"]

LOOK_EVERY = 0.01
"""Seconds between two looks at a condition."""


async def eventually(condition: Callable[[], object], *, within: float = 5.0) -> None:
    """Return as soon as the condition is true; `within` is in seconds of the loop's clock.

    On virtual time looking costs nothing; on the real clock it looks a hundred times a second.

    Raises:
        AssertionError: it was never true.

    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not condition():
        if loop.time() >= deadline:
            raise AssertionError(f"the condition did not come true within {within:g} s")
        await asyncio.sleep(LOOK_EVERY)


async def settle() -> None:
    """Let everything run that can run now, without time passing; on virtual time only.

    Raises:
        TypeError: the loop is not on virtual time: use `eventually`.

    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        raise TypeError("settle() needs virtual time: on the real clock use eventually()")
    await asyncio.sleep(0)
    while not loop.idle:  # noqa: ASYNC110 - no event tells that nothing is left
        await asyncio.sleep(0)
