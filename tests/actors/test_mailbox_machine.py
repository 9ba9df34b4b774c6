"""The mailbox against a model that is too simple to be wrong: one list, sorted when it is read."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pykka import messages

from callboard import MailboxFull, NoActor, Overflow
from callboard.actors.delivery import Entry
from callboard.actors.mailbox import Mailbox

STOP = cast("type", messages._ActorStop)  # pyright: ignore[reportPrivateUsage]

LANES = st.sampled_from([0, 1, 2, 3])
DATA_LANES = st.sampled_from([1, 2, 3])


@dataclass
class Model:
    """What a mailbox is: entries, each with a place in line; and senders that wait."""

    bound: int
    overflow: Overflow
    entries: list[tuple[int, int, Entry]] = field(default_factory=list[tuple[int, int, Entry]])
    """Lane, place in the lane, entry."""
    waiting: list[tuple[Entry, asyncio.Future[None]]] = field(
        default_factory=list[tuple[Entry, asyncio.Future[None]]]
    )
    closed: bool = False
    first: int = 0
    last: int = 0

    def in_order(self) -> list[Entry]:
        return [entry for _, _, entry in sorted(self.entries, key=lambda each: each[:2])]

    @property
    def room(self) -> int:
        return self.bound - sum(1 for lane, _, _ in self.entries if lane)

    def append(self, entry: Entry) -> None:
        self.last += 1
        self.entries.append((entry[2], self.last, entry))

    def prepend(self, entry: Entry) -> None:
        self.first -= 1
        self.entries.append((entry[2], self.first, entry))

    def remove(self, entry: Entry) -> None:
        self.entries = [each for each in self.entries if each[2] is not entry]

    def admit(self) -> None:
        """Let in the senders for whom there is room, in turn; one that has gone is passed over."""
        while self.waiting and self.room > 0:
            entry, future = self.waiting.pop(0)
            if not future.cancelled():
                self.append(entry)

    def to_drop(self, entry: Entry) -> Entry:
        """Return what leaves for this entry under `drop_oldest`: maybe itself."""
        for lane in (3, 2, 1):
            in_lane = [old for old in self.in_order() if old[2] == lane and not is_stop(old)]
            if in_lane and lane >= entry[2]:
                return in_lane[0]
        return entry


def is_stop(entry: Entry) -> bool:
    return type(entry[0]) is STOP


class MailboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.numbers = itertools.count()
        self.taken: list[Entry] = []
        self.admitted: list[asyncio.Future[None]] = []

    def teardown(self) -> None:
        self.loop.close()

    def entry(self, lane: int, message: object = None) -> Entry:
        number = next(self.numbers)
        return (number if message is None else message, None, lane, None, None, None)

    @initialize(
        bound=st.integers(1, 4),
        overflow=st.sampled_from(["wait", "reject", "drop_oldest", "drop_newest"]),
    )
    def make(self, bound: int, overflow: Any) -> None:
        self.model = Model(bound, overflow)
        self.mailbox = Mailbox("b", bound, overflow)

    @rule(lane=LANES)
    def put(self, lane: int) -> None:
        entry = self.entry(lane)
        model = self.model
        if model.closed:
            with pytest.raises(NoActor):
                self.mailbox.put(entry)
        elif not lane or model.room > 0:
            assert self.mailbox.put(entry) is None
            model.append(entry)
        elif model.overflow in ("reject", "wait"):
            with pytest.raises(MailboxFull, match=f"'b'.*{model.bound}"):
                self.mailbox.put(entry)
        else:
            dropped = entry if model.overflow == "drop_newest" else model.to_drop(entry)
            assert self.mailbox.put(entry) is dropped
            if dropped is not entry:
                model.remove(dropped)
                model.append(entry)

    @rule(lane=DATA_LANES)
    def put_the_wish_to_stop(self, lane: int) -> None:
        """It goes in line with the data, and is never refused or dropped for want of room."""
        entry = self.entry(lane, STOP())
        if self.model.closed:
            with pytest.raises(NoActor):
                self.mailbox.put(entry)
        else:
            assert self.mailbox.put(entry) is None
            self.model.append(entry)

    @precondition(
        lambda self: (
            self.model.overflow == "wait" and self.model.room <= 0 and not self.model.closed
        )
    )
    @rule(lane=DATA_LANES)
    def wait_for_room(self, lane: int) -> None:
        entry, future = self.entry(lane), self.loop.create_future()
        self.mailbox.wait_for_room(entry, future)
        self.model.waiting.append((entry, future))

    @precondition(lambda self: self.model.waiting)
    @rule(data=st.data())
    def a_sender_waits_no_longer(self, data: st.DataObject) -> None:
        _, future = data.draw(st.sampled_from(self.model.waiting))
        future.cancel()
        self.mailbox.wait_no_longer(future)
        self.model.waiting = [each for each in self.model.waiting if each[1] is not future]

    @rule()
    def take(self) -> None:
        entry = self.mailbox.take()
        line = self.model.in_order()
        assert entry is (line[0] if line else None)
        if entry is not None:
            self.model.remove(entry)
            if entry[2]:
                self.model.admit()
            self.taken.append(entry)

    @precondition(lambda self: self.taken and not self.model.closed)
    @rule()
    def put_back(self) -> None:
        entry = self.taken.pop()
        self.mailbox.put_back(entry)
        self.model.prepend(entry)

    @precondition(lambda self: not self.model.closed)
    @rule(lane=LANES)
    def put_over(self, lane: int) -> None:
        entry = self.entry(lane)
        self.mailbox.put_over(entry)
        self.model.append(entry)

    @rule(lane=LANES, odd=st.booleans())
    def take_where(self, lane: int, odd: bool) -> None:
        def wanted(entry: Entry) -> bool:
            return isinstance(entry[0], int) and entry[0] % 2 == odd

        expected = [each for each in self.model.in_order() if each[2] == lane and wanted(each)]
        assert self.mailbox.take_where(lane, wanted) == expected
        for entry in expected:
            self.model.remove(entry)
        self.model.admit()

    @rule()
    def clear(self) -> None:
        assert self.mailbox.clear() == self.model.in_order()
        self.model.entries.clear()
        self.model.admit()

    @precondition(lambda self: not self.model.closed)
    @rule()
    def close(self) -> None:
        assert self.mailbox.close() == self.model.in_order()
        for _, future in self.model.waiting:
            assert isinstance(future.exception(), NoActor)
        self.model.entries.clear()
        self.model.waiting.clear()
        self.taken.clear()
        self.model.closed = True

    @precondition(lambda self: self.model.closed)
    @rule()
    def reopen(self) -> None:
        self.mailbox.reopen()
        self.model.closed = False

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        line = self.model.in_order()
        assert list(self.mailbox) == line
        assert len(self.mailbox) == len(line)
        seen = self.mailbox.statistics()
        lanes = [sum(1 for entry in line if entry[2] == lane) for lane in range(4)]
        assert [seen.system, seen.high, seen.normal, seen.low] == lanes
        assert seen.data == sum(lanes[1:])
        assert seen.senders_waiting == len(self.model.waiting)
        assert self.mailbox.closed == self.model.closed
        if not self.model.closed:
            assert self.mailbox.room == self.model.room

    @invariant()
    def a_sender_waits_only_while_there_is_no_room(self) -> None:
        for _, future in self.model.waiting:
            assert not future.done()
        assert not self.model.waiting or self.model.room <= 0


@pytest.mark.check("M2", "M8", "M9", "M10")
def test_a_mailbox_does_what_its_model_does() -> None:
    run_state_machine_as_test(
        MailboxMachine, settings=settings(max_examples=80, stateful_step_count=30, deadline=None)
    )
