"""The incarnation numbers of nodes: higher at each start under the same name."""

from __future__ import annotations

import time

__all__ = ["next_incarnation"]

_last: dict[str, int] = {}


def next_incarnation(name: str) -> int:
    """Return a number higher than that of any earlier node of this name.

    Milliseconds of the wall clock, so that it rises over restarts of the process too; in one
    process it rises even where that clock stands still or goes back.
    """
    number = max(time.time_ns() // 1_000_000, _last.get(name, 0) + 1)
    _last[name] = number
    return number
