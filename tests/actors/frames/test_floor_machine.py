"""The floor against a model: whatever comes when, words stay whole and one worker is heard.

The machine plays workers and the ways between them and the owner of an exclusive bridge. Each
worker says numbered words while it is active and hands over to others; each way keeps its order and
has its own speed. In the end everything that was said was heard, once, each activation in one
piece, in the order in which the activations began.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callboard.actors.frames.floor import Act, Floor, Give, Hear, Heard, Probe, Yield
from callboard.actors.frames.messages import Stamp

WORKERS = ("a", "b", "c")

Word = tuple[object, int]
"""Whose activation, and which word of it; or what the user said."""


class Talker:
    """A worker, as the floor's owner sees it from afar."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.active = False
        self.turn = 0
        self.taken = 0
        self.words = 0
        self.way: deque[tuple[Any, ...]] = deque()
        """What is on its way to the owner."""
        self.inbox: deque[tuple[int, Word | None]] = deque()
        """What is on its way from the owner; None: a probe."""

        self.activation: Stamp = (0, name)
        self.after: tuple[str, Stamp] | None = None


class FloorMachine(RuleBasedStateMachine):
    """One exclusive bridge and three workers, of which one is active at a time."""

    @initialize(first=st.sampled_from(WORKERS))
    def begin(self, first: str) -> None:
        self.floor: Floor[Word] = Floor(exclusive=True)
        self.talkers = {name: Talker(name) for name in WORKERS}
        self.heard: list[Word] = []
        self.said: list[Word] = []
        self.asked = 0
        self.answered: list[Word] = []
        self.dropped: set[Word] = set()
        self.now: str | None = None
        self.activations = 0
        self._activate(self.talkers[first], None)

    # -- what workers do ----

    def _activate(self, talker: Talker, after: tuple[str, Stamp] | None) -> None:
        talker.active = True
        talker.turn += 1
        talker.taken = talker.words = 0
        self.activations += 1
        talker.activation = (self.activations, talker.name)
        talker.after = after
        talker.way.append(("join", talker.activation, talker.turn, after))

    def _deactivate(self, talker: Talker) -> None:
        talker.active = False
        talker.way.append(("leave", talker.taken, talker.activation[0]))

    @property
    def active(self) -> Talker:
        return next(talker for talker in self.talkers.values() if talker.active)

    @rule(count=st.integers(1, 3))
    def says(self, count: int) -> None:
        talker = self.active
        for _ in range(count):
            talker.words += 1
            word = (talker.activation, talker.words)
            self.said.append(word)
            talker.way.append(("word", word))

    @rule(to=st.sampled_from(WORKERS))
    def hands_over(self, to: str) -> None:
        before = self.active
        after = (before.name, before.activation) if to != before.name else None
        self._deactivate(before)
        self._activate(self.talkers[to], after)

    @rule(name=st.sampled_from(WORKERS))
    def takes(self, name: str) -> None:
        if self.talkers[name].inbox:
            self._take(self.talkers[name])

    def _take(self, talker: Talker) -> None:
        turn, item = talker.inbox.popleft()
        if item is None:
            talker.way.append(("emptied", turn))
        elif talker.active and turn == talker.turn:
            talker.taken += 1
            self.answered.append(item)
        else:
            talker.way.append(("return", item, turn))

    @rule(name=st.sampled_from(WORKERS))
    def drops_the_oldest(self, name: str) -> None:
        inbox = self.talkers[name].inbox
        for place, (_, item) in enumerate(inbox):
            if item is not None:
                del inbox[place]
                self.dropped.add(item)
                return

    @rule()
    def the_owner_starts_again(self) -> None:
        """What was on its way is of an earlier life; all answer to its offer."""
        self.floor = Floor(exclusive=True)
        self.now = None
        self.heard.clear()
        self.said.clear()
        self.answered.clear()
        self.dropped.clear()
        self.asked = 0
        for talker in self.talkers.values():
            talker.way.clear()
            talker.inbox.clear()
            if talker.active:
                talker.turn += 1
                talker.taken = 0
                talker.way.append(("join", talker.activation, talker.turn, talker.after))
            else:
                talker.way.append(("leave", None, talker.activation[0]))

    # -- what the owner does ----

    @rule(count=st.integers(1, 3))
    def user_asks(self, count: int) -> None:
        for _ in range(count):
            self.asked += 1
            item = ("user", self.asked)
            for worker, turn in self.floor.give(item):
                self.talkers[worker].inbox.append((turn, item))

    @rule(name=st.sampled_from(WORKERS), count=st.integers(1, 4))
    def arrives(self, name: str, count: int) -> None:
        talker = self.talkers[name]
        for _ in range(min(count, len(talker.way))):
            self._arrive(talker, *talker.way.popleft())

    def _arrive(self, talker: Talker, what: str, *facts: Any) -> None:
        match what:
            case "join":
                self._do(self.floor.join(talker.name, *facts))
            case "leave":
                self._do(self.floor.leave(talker.name, *facts))
            case "return":
                self._do(self.floor.returned(talker.name, *facts))
            case "emptied":
                self._do(self.floor.emptied(talker.name, *facts))
            case _:
                if self.floor.hear(talker.name, facts[0]):
                    self.heard.append(facts[0])

    def _do(self, acts: list[Act[Word]]) -> None:
        for act in acts:
            match act:
                case Give(worker, turn, items):
                    self.talkers[worker].inbox.extend((turn, item) for item in items)
                case Hear(items):
                    self.heard.extend(items)
                case Heard(worker):
                    self.now = worker
                case Probe(worker, turn):
                    self.talkers[worker].inbox.append((turn, None))
                case Yield(worker, activation):
                    # It reaches who has given that activation up already, or is about to.
                    talker = self.talkers[worker]
                    assert not (talker.active and talker.activation == activation)

    # -- what holds ----

    @invariant()
    def one_is_heard_and_the_owner_knows_who(self) -> None:
        if hasattr(self, "floor"):
            assert len(self.floor.heard) <= 1
            assert self.floor.heard == (() if self.now is None else (self.now,))
            assert self.floor.lost == 0

    @invariant()
    def words_are_heard_in_the_order_said(self) -> None:
        if hasattr(self, "floor"):
            places = [self.said.index(word) for word in self.heard]
            assert places == sorted(places)

    def teardown(self) -> None:
        """Let all arrive: then everything was heard, and everything that was asked was taken."""
        if not hasattr(self, "floor"):
            return
        for _ in range(10_000):
            if not any(each.way or each.inbox for each in self.talkers.values()):
                break
            for name in WORKERS:
                self._drain(name)
        assert self.heard == self.said
        asked = [("user", number) for number in range(1, self.asked + 1)]
        assert self.answered == [word for word in asked if word not in self.dropped]
        assert self.floor.heard == (self.active.name,)

    def _drain(self, name: str) -> None:
        talker = self.talkers[name]
        while talker.way:
            self._arrive(talker, *talker.way.popleft())
        while talker.inbox:
            self._take(talker)


TestFloor = FloorMachine.TestCase
TestFloor.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
