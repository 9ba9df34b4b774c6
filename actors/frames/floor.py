"""Floor: who on a bridge gets frames, and whose are heard. Pure: facts in, what to do out.

On a plain bridge all workers that have joined get every frame, and all of theirs are heard. On an
exclusive one they have turns: who was activated last gets the frames, and is heard once the one
before has left. So a hand-over loses no word and never has two speakers, whatever overtakes what
on the way.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

__all__ = ["HELD", "Act", "Floor", "Give", "Hear", "Heard", "Yield"]

T = TypeVar("T")

HELD = 1000
"""Frames that wait for somebody to take them, or for a speaker's turn; the oldest leave."""

REMEMBERED = 1000
"""Workers whose last activation is remembered."""


@dataclass(frozen=True, slots=True)
class Give(Generic[T]):
    """Send these to a worker: they had waited for one."""

    worker: str
    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Hear(Generic[T]):
    """Let these into the pipeline: their speaker's turn has come."""

    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Another worker is heard from now on; None: nobody."""

    worker: str | None


@dataclass(frozen=True, slots=True)
class Yield:
    """Have a worker give up this activation: another one has the floor."""

    worker: str
    activation: str


Act: TypeAlias = "Give[T] | Hear[T] | Heard | Yield"
"""Something to be done."""


@dataclass(slots=True)
class Turn(Generic[T]):
    """One worker's time on the floor."""

    worker: str
    activation: str
    left: bool = False
    """Whether it has said its last word; it goes when its turn has come."""
    muted: bool = False
    """Whether it was interrupted and has not noticed yet."""
    said: deque[T] = field(default_factory=lambda: deque[T]())
    """What it said before its turn."""


class Floor(Generic[T]):
    """Who gets frames, and who is heard."""

    def __init__(self, *, exclusive: bool, held: int = HELD) -> None:
        """Begin empty."""
        self.exclusive = exclusive
        self.lost = 0
        """Items that nobody took: from workers that are not on the floor, or past the bound."""
        self._bound = held
        self._turns: list[Turn[T]] = []
        self._waiting: deque[T] = deque()
        self._activations: OrderedDict[str, str] = OrderedDict()

    @property
    def heard(self) -> tuple[str, ...]:
        """The workers that are heard now."""
        if self.exclusive:
            return tuple(turn.worker for turn in self._turns[:1])
        return tuple(turn.worker for turn in self._turns)

    # -- who comes and goes ----

    def join(self, worker: str, activation: str) -> list[Act[T]]:
        """Take note that a worker is active: from now on, or still, if the word is the same."""
        resumed = self._activations.get(worker) == activation
        self._activations[worker] = activation
        self._activations.move_to_end(worker)
        if len(self._activations) > REMEMBERED:
            self._activations.popitem(last=False)
        mine = self._turn_of(worker)
        if mine is not None and mine.activation == activation:
            mine.muted = False
            return []
        if mine is not None and not self.exclusive:
            mine.activation = activation
            return []
        others = [turn for turn in self._turns if turn.worker != worker and not turn.left]
        if self.exclusive and resumed and others:
            return [Yield(worker, activation)]
        acts: list[Act[T]] = []
        if mine is not None:  # activated anew, and the end of the time before got lost
            acts += self._leave(mine)
        if self.exclusive:
            acts += [Yield(turn.worker, turn.activation) for turn in others]
        self._turns.append(Turn(worker, activation))
        if len(self._turns) == 1 and self.exclusive:
            acts.append(Heard(worker))
        if self._waiting:
            acts.append(Give(worker, tuple(self._waiting)))
            self._waiting.clear()
        return acts

    def leave(self, worker: str) -> list[Act[T]]:
        """Take note that a worker has said its last word, or has ended."""
        turn = self._turn_of(worker)
        return self._leave(turn) if turn is not None else []

    # -- what is said ----

    def give(self, item: T) -> list[str]:
        """Return who gets an item of the pipeline; without anybody it is kept for the next one."""
        if not self.exclusive:
            targets = [turn.worker for turn in self._turns]
        else:
            targets = [turn.worker for turn in self._turns if not turn.left][-1:]
        if not targets:
            self._keep(self._waiting, item)
        return targets

    def hear(self, worker: str, item: T, *, speech: bool = True) -> bool:
        """Return whether an item of a worker may enter the pipeline now.

        `speech`: it is not let in from one that was interrupted and has not noticed it yet.
        """
        turn = self._turn_of(worker)
        if turn is None or (turn.muted and speech):
            self.lost += 1
            return False
        if self.exclusive and turn is not self._turns[0]:
            self._keep(turn.said, item)
            return False
        return True

    def mute(self, worker: str) -> None:
        """Take note that a worker was told to be silent: what it said before is not heard."""
        turn = self._turn_of(worker)
        if turn is not None:
            turn.muted = True

    def unmute(self, worker: str) -> None:
        """Take note that the worker has fallen silent: what it says from now on is heard."""
        turn = self._turn_of(worker)
        if turn is not None:
            turn.muted = False

    # -- inside ----

    def _turn_of(self, worker: str) -> Turn[T] | None:
        """Return the worker's present turn: the last one, if it has not left it."""
        for turn in reversed(self._turns):
            if turn.worker == worker and not turn.left:
                return turn
        return None

    def _leave(self, turn: Turn[T]) -> list[Act[T]]:
        turn.left = True
        if not self.exclusive:
            self._turns.remove(turn)
            return []
        acts: list[Act[T]] = []
        before = self._turns[0]
        while self._turns and self._turns[0].left:
            self._turns.pop(0)
            if self._turns and self._turns[0].said:
                acts.append(Heard(self._turns[0].worker))
                acts.append(Hear(tuple(self._turns[0].said)))
        first = self._turns[0] if self._turns else None
        if first is not before and not (first is not None and first.said):
            acts.append(Heard(first.worker if first is not None else None))
        if first is not None:
            first.said.clear()
        return acts

    def _keep(self, kept: deque[T], item: T) -> None:
        if len(kept) >= self._bound:
            kept.popleft()
            self.lost += 1
        kept.append(item)
