"""Outages: what is logged of a transport that tries to connect again and again.

Its failures are counted and raise events like any other's. But one line for each attempt, with a
traceback, would bury whatever else the log says: an outage is a warning, and its end a line more.
"""

from __future__ import annotations

import logging
from collections import Counter

from ..actors.observe import Event

__all__ = ["Outages"]

TRANSPORTS = "transports/"
"""How the paths of transports begin."""

MOST_REASONS = 10
"""Reasons that are told of one outage."""


class Outages:
    """The outages of one node's transports."""

    def __init__(self) -> None:
        """Begin with none."""
        self._failures: Counter[str] = Counter()
        self._reasons: dict[str, set[str]] = {}

    def level_of(self, event: Event, level: int) -> int:
        """Return the level on which an event is logged: `level`, unless it is of an outage."""
        if event.kind not in ("failed", "waiting") or not event.path.startswith(TRANSPORTS):
            return level
        if event.kind == "waiting":
            return logging.DEBUG
        name = event.path.removeprefix(TRANSPORTS)
        self._failures[name] += 1
        told = self._reasons.setdefault(name, set())
        reason = str(event.reason)
        if reason in told or len(told) >= MOST_REASONS:
            return logging.DEBUG
        told.add(reason)
        return logging.WARNING

    def over(self, name: str) -> str:
        """Take note that a transport has connected; return what is to be said of its outage."""
        self._reasons.pop(name, None)
        failures = self._failures.pop(name, 0)
        return f"after {failures} failures" if failures > 1 else ""
