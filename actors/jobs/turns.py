"""Whose turn it is, where the jobs of one handler wait for each other."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


class Turn(Generic[T]):
    """Who is at work for one handler, and who waits, in order of arrival."""

    __slots__ = ("at_work", "waiting")

    def __init__(self, first: T) -> None:
        """Begin with the one whose turn it is."""
        self.at_work = first
        self.waiting: deque[T] = deque()


class Turns(Generic[T]):
    """The turns of all sequential handlers of one worker."""

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        """Begin with nobody at work."""
        self._turns: dict[str, Turn[T]] = {}

    def take(self, name: str, who: T) -> bool:
        """Whether it is its turn at once; otherwise it waits."""
        turn = self._turns.get(name)
        if turn is None:
            self._turns[name] = Turn(who)
            return True
        turn.waiting.append(who)
        return False

    def end(self, name: str, who: T) -> T | None:
        """Let it go, from its work or from the queue; return the one whose turn it is now."""
        turn = self._turns[name]
        if turn.at_work is not who:
            with suppress(ValueError):
                turn.waiting.remove(who)
        elif turn.waiting:
            turn.at_work = turn.waiting.popleft()
            return turn.at_work
        else:
            del self._turns[name]
        return None
