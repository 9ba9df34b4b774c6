"""Ring: the names of the other nodes in order, and who comes after whom. Pure."""

from __future__ import annotations

import random
from bisect import bisect_left, insort

__all__ = ["Ring"]


class Ring:
    """The other nodes, seen from one place among them."""

    def __init__(self, name: str, neighbours: int, chance: random.Random) -> None:
        """Stand alone; `neighbours` is how many count on each side."""
        self._name = name
        self._neighbours = neighbours
        self._chance = chance
        self._names: list[str] = []

    def add(self, name: str) -> None:
        """Take in a node that is not there yet."""
        insort(self._names, name)

    def remove(self, name: str) -> None:
        """Leave out a node that is there."""
        del self._names[bisect_left(self._names, name)]

    def after(self) -> set[str]:
        """Return the neighbours that come next: they watch this node."""
        place = bisect_left(self._names, self._name)
        return {self._names[(place + step) % len(self._names)] for step in range(self._count)}

    def before(self) -> set[str]:
        """Return the neighbours that came before: this node watches them."""
        place = bisect_left(self._names, self._name)
        return {self._names[(place - 1 - step) % len(self._names)] for step in range(self._count)}

    def anybody(self) -> str | None:
        """Return any one of the nodes."""
        return self._chance.choice(self._names) if self._names else None

    @property
    def _count(self) -> int:
        return min(self._neighbours, len(self._names))
