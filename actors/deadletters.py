"""Dead letters: what could not be delivered, kept with the reason, and counted."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from .envelope import Envelope
from .errors import CallboardError

__all__ = ["DeadLetter", "DeadLetters"]


@dataclass(frozen=True)
class DeadLetter:
    """An envelope that could not be delivered, with the reason and the time."""

    envelope: Envelope
    reason: CallboardError
    at: float
    """Seconds on the node's clock."""
    causes: tuple[BaseException, ...] = ()
    """What its handler raised at each try, for a message that was tried."""


class DeadLetters:
    """The last dead letters of a node, and the count of all of them."""

    def __init__(self, bound: int = 1000) -> None:
        """Keep at most `bound` letters; the oldest leave first, and the count goes on."""
        self._letters: deque[DeadLetter] = deque(maxlen=bound)
        self.count = 0
        self.by_reason: Counter[str] = Counter()

    def add(self, letter: DeadLetter) -> None:
        """Keep one more."""
        self._letters.append(letter)
        self.count += 1
        self.by_reason[type(letter.reason).__name__] += 1

    def __len__(self) -> int:
        """Letters that are kept now."""
        return len(self._letters)

    def last(self, count: int | None = None) -> list[DeadLetter]:
        """Return the kept letters, or the last `count` of them, oldest first."""
        letters = list(self._letters)
        return letters if count is None else letters[-count:]
