"""Floor: who on a bridge gets frames, and whose are heard. Pure: facts in, what to do out.

On a plain bridge all workers that have joined get every frame, and all of theirs are heard. On an
exclusive one they have turns, in the order of their activations: each is heard, and gets the
frames, once those before it have left. A hand-over names the activation before it, so it loses no
word and never has two speakers, whatever overtakes what on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from .messages import Stamp

__all__ = ["HELD", "Act", "Floor", "Give", "Hear", "Heard", "Probe", "Yield"]

T = TypeVar("T")

HELD = 1000
"""Frames that wait for somebody to take them, or for a speaker's turn; the oldest leave."""

LATEST = "\U0010ffff"
"""Comes after the word of any stamp of the same number."""


@dataclass(frozen=True, slots=True)
class Give(Generic[T]):
    """Send these to a worker, in its turn of this number: they had waited."""

    worker: str
    turn: int
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
    activation: Stamp


@dataclass(frozen=True, slots=True)
class Probe:
    """Have a worker say when it has come to the end of what it was sent in this turn."""

    worker: str
    turn: int


Act: TypeAlias = "Give[T] | Hear[T] | Heard | Probe | Yield"
"""Something to be done."""


@dataclass(slots=True, eq=False)
class Turn(Generic[T]):
    """One worker's time on the floor."""

    worker: str
    activation: Stamp
    number: int
    """The worker's own number for it."""
    after: tuple[str, Stamp] | None = None
    """Who handed over to it, where nothing was heard of that activation yet."""
    since: int = 0
    """How many items had been given when it began."""
    sent: int = 0
    """Items that it was sent."""
    left: bool = False
    """Whether it has said its last word; it goes when its turn has come."""
    muted: bool = False
    """Whether it was interrupted and has not noticed yet."""
    said: deque[T] = field(default_factory=lambda: deque[T]())
    """What it said before its turn."""


@dataclass(slots=True)
class Owed:
    """What comes back of one turn that was left."""

    count: int
    place: int
    """Which of all items that were given the next one is."""


class Floor(Generic[T]):
    """Who gets items of the pipeline, and whose items are heard."""

    def __init__(
        self, *, exclusive: bool, held: int = HELD, expected: Callable[[str], bool] | None = None
    ) -> None:
        """Begin empty; `expected`: whether a worker will say something if it was active."""
        self.exclusive = exclusive
        self.lost = 0
        """Items that nobody took: from workers that are not on the floor, or past the bound."""
        self._bound = held
        self._expected = expected or _everybody
        self._turns: list[Turn[T]] = []
        self._now: Turn[T] | None = None
        """Whose turn it is, on an exclusive floor."""
        self._last: dict[str, Stamp] = {}
        """The activation that a worker has left last, of those that are expected."""
        self._waiting: deque[T] = deque()
        """Items that nobody was there for."""
        self._returned: list[T] = []
        self._owed: dict[tuple[str, int], Owed] = {}
        """What comes back from turns that were left."""
        self._given = 0

    @property
    def heard(self) -> tuple[str, ...]:
        """The workers that are heard now."""
        if self.exclusive:
            return (self._now.worker,) if self._now is not None else ()
        return tuple(turn.worker for turn in self._turns)

    @property
    def held(self) -> int:
        """How many items wait: for somebody to take them, or for their speaker's turn."""
        said = sum(len(turn.said) for turn in self._turns)
        return len(self._waiting) + len(self._returned) + said

    # -- who comes and goes ----

    def join(
        self,
        worker: str,
        activation: Stamp,
        number: int = 0,
        after: tuple[str, Stamp] | None = None,
    ) -> list[Act[T]]:
        """Take note that a worker is active: from now on, or still, if the activation is the same.

        `number` is the worker's own for this turn; `after`: whose activation was handed over to it.
        """
        mine = self._turn_of(worker)
        if mine is not None and (mine.activation == activation or not self.exclusive):
            if mine.number != number:  # it counts from here
                mine.number, mine.sent = number, 0
            mine.activation, mine.muted = activation, False
            return []
        if not self.exclusive:
            self._turns.append(Turn(worker, activation, number, since=self._given))
            return self._settle()
        if mine is not None:  # activated anew, and nothing was heard of the end before
            self._mark_left(mine)
        others = [turn for turn in self._turns if turn.worker != worker and not turn.left]
        if self._now is not None and self._now.activation > activation:
            return [Yield(worker, activation), *self._advance()]  # it was away when its time ended
        return [*self._insert(worker, activation, number, after, others), *self._advance()]

    def _insert(
        self,
        worker: str,
        activation: Stamp,
        number: int,
        after: tuple[str, Stamp] | None,
        others: list[Turn[T]],
    ) -> list[Act[T]]:
        unheard = after if self._unheard_of(after) else None
        turn = Turn[T](worker, activation, number, unheard)
        self._turns.append(turn)
        self._turns.sort(key=lambda each: each.activation)
        for each in self._turns:
            if each.after == (worker, activation):
                each.after = None
        before = after[0] if after is not None else None
        earlier = [each for each in others if each.activation < activation]
        if len(earlier) < len(others):
            earlier.append(turn)
        return [Yield(each.worker, each.activation) for each in earlier if each.worker != before]

    def leave(self, worker: str, taken: int | None = None, known: int = 0) -> list[Act[T]]:
        """Take note that a worker has said its last word, or has ended.

        `taken`: how many items of this turn it has taken, the others come back. None: none does.
        `known`: its activations up to this number have ended, whether they were heard of or not.
        """
        if taken is None:
            self._owed = {key: owed for key, owed in self._owed.items() if key[0] != worker}
        turn = self._turn_of(worker)
        acts: list[Act[T]] = []
        if turn is not None and taken is not None and taken < turn.sent:
            missing = turn.sent - taken
            self._owed[worker, turn.number] = Owed(missing, self._given - missing + 1)
            acts.append(Probe(worker, turn.number))  # some may be lost: a mailbox may drop them
        if turn is None:
            self._note_last(worker, (known, LATEST))
            for each in self._turns:
                if each.after is not None and not self._unheard_of(each.after):
                    each.after = None
        elif not self.exclusive:
            self._turns.remove(turn)
        else:
            self._mark_left(turn)
        if not self._expected(worker):
            self._last.pop(worker, None)
        return [*acts, *self._advance()]

    def returned(self, worker: str, item: T | None, number: int = 0) -> list[Act[T]]:
        """Take back an item that came to a worker too late; None: it is of no use to the next.

        `number`: the worker's own for the turn in which it was sent.
        """
        owed = self._owed.get((worker, number))
        place = owed.place if owed is not None else self._given
        if owed is not None:
            owed.count -= 1
            owed.place += 1
            if owed.count <= 0:
                del self._owed[worker, number]
        if item is not None and not self.exclusive and self._turns:
            return self._give_late(item, place)
        if item is not None:
            self._returned.append(item)
        return self._settle()

    def _give_late(self, item: T, place: int) -> list[Act[T]]:
        """Give an item that came back to those on a plain floor who have not had it."""
        late = [turn for turn in self._turns if turn.since >= place]
        for turn in late:
            turn.sent += 1
        return [Give(turn.worker, turn.number, (item,)) for turn in late]

    def emptied(self, worker: str, number: int) -> list[Act[T]]:
        """Take note that nothing more comes back of a turn that a worker has left."""
        self._owed.pop((worker, number), None)
        return self._settle()

    # -- what is said ----

    def give(self, item: T) -> list[tuple[str, int]]:
        """Return who gets an item of the pipeline, each with the number of its turn.

        Without anybody it is kept for the next one.
        """
        turns = self._taking()
        if not turns or self._blocked:
            self._keep(self._waiting, item)
            return []
        return self._give(turns)

    def give_at_once(self) -> list[tuple[str, int]]:
        """Return who gets an item that does not wait: all on the floor, also before their turn."""
        return self._give([turn for turn in self._turns if not turn.left])

    def _give(self, turns: list[Turn[T]]) -> list[tuple[str, int]]:
        self._given += 1
        for turn in turns:
            turn.sent += 1
        return [(turn.worker, turn.number) for turn in turns]

    def hear(self, worker: str, item: T, *, speech: bool = True) -> bool:
        """Return whether an item of a worker may enter the pipeline now.

        `speech`: it is not let in from one that was interrupted and has not noticed it yet.
        """
        turn = self._turn_of(worker)
        if turn is None or (turn.muted and speech):
            self.lost += 1
            return False
        if self.exclusive and turn is not self._now:
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

    def _unheard_of(self, before: tuple[str, Stamp] | None) -> bool:
        """Whether the turn before is one that nothing was heard of yet, and will be."""
        if before is None:
            return False
        worker, activation = before
        if any(turn.worker == worker and turn.activation == activation for turn in self._turns):
            return False  # it stands before the new one
        last = self._last.get(worker)
        return (last is None or last < activation) and self._expected(worker)

    def _mark_left(self, turn: Turn[T]) -> None:
        turn.left = True
        self._note_last(turn.worker, turn.activation)

    def _note_last(self, worker: str, activation: Stamp) -> None:
        self._last[worker] = max(activation, self._last.get(worker, activation))

    def _advance(self) -> list[Act[T]]:
        """Let turns end and begin; then give what has waited."""
        acts: list[Act[T]] = []
        before = self._now
        while self.exclusive:
            turn = self._turns[0] if self._turns else None
            if turn is not None and turn.after is not None:
                turn = None
            if turn is not None and turn.left and not turn.said:
                self._turns.pop(0)
                continue
            if turn is not self._now:
                self._now = turn
                if turn is not None or before is not None or acts:
                    acts.append(Heard(turn.worker if turn is not None else None))
            if turn is None or not turn.said:
                break
            acts.append(Hear(tuple(turn.said)))
            turn.said.clear()
        return [*acts, *self._settle()]

    def _taking(self) -> list[Turn[T]]:
        """Return the turns of those who get what the pipeline gives.

        On an exclusive floor nobody gets anything while one is about to leave: what it did not take
        comes back, and goes before all that is newer.
        """
        if not self.exclusive:
            return self._turns
        staying = [turn for turn in self._turns if not turn.left]
        return staying if len(staying) == 1 and staying[0] is self._now else []

    @property
    def _blocked(self) -> bool:
        """Whether something comes back that goes before all that is newer."""
        return self.exclusive and bool(self._owed)

    def _settle(self) -> list[Act[T]]:
        """Give what has waited to whoever takes it, once all has come back that comes back."""
        turns = self._taking()
        items = (*self._returned, *self._waiting)
        if not turns or not items or self._blocked:
            return []
        self._returned.clear()
        self._waiting.clear()
        self._given += len(items)
        for turn in turns:
            turn.sent += len(items)
        return [Give(turn.worker, turn.number, items) for turn in turns]

    def _keep(self, kept: deque[T], item: T) -> None:
        if len(kept) >= self._bound:
            kept.popleft()
            self.lost += 1
        kept.append(item)


def _everybody(worker: str) -> bool:
    return True
