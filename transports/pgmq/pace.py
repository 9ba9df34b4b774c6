"""How many rows a reader asks for at one time."""

from __future__ import annotations

__all__ = ["Pace"]

LOOK_WITHIN = 1.0
"""Seconds that a look should take at most: what is behind it waits for all of it."""


class Pace:
    """Fewer rows where they take long to come, and more again where they do not.

    A look is one transaction: what has come of it is worth nothing until all of it has. It outlives
    the reader, for one that was given up would ask for as much again.
    """

    def __init__(self, most: int) -> None:
        """Begin with what is wanted at most."""
        self._most = most
        self.limit = most
        """Rows to ask for."""
        self.took = 0.0
        """Seconds that the last look took."""

    def came(self, rows: int, seconds: float) -> None:
        """Note a look that went well."""
        self.took = seconds
        if seconds > LOOK_WITHIN and rows:
            self.limit = max(1, min(self.limit, int(rows * LOOK_WITHIN / seconds)))
        elif seconds < LOOK_WITHIN / 4 and rows >= self.limit:
            self.limit = min(self._most, self.limit * 2)

    def failed(self) -> None:
        """Note that no answer came: how much there is of it, nobody knows."""
        self.limit = 1
