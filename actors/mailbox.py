"""The mailbox: a bounded priority queue that outlives the incarnations of its worker.

It is filled and emptied on the node's event loop only, so it needs no lock; what other threads
send is brought onto the loop first (`cell.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from .delivery import Entry, must_arrive
from .errors import MailboxFull, NoActor

__all__ = ["DEFAULT_BOUND", "Mailbox", "MailboxStatistics", "Overflow"]

Overflow: TypeAlias = Literal["wait", "reject", "drop_oldest", "drop_newest"]
"""What a full mailbox does with one more data message."""

OVERFLOWS: tuple[str, ...] = get_args(Overflow)

DEFAULT_BOUND = 10_000
"""Data messages that a mailbox takes unless its child spec says otherwise."""

SYSTEM = 0
LANE: Final = 2  # where an entry keeps its lane


@dataclass(frozen=True)
class MailboxStatistics:
    """What a mailbox holds at one moment."""

    system: int
    high: int
    normal: int
    low: int
    bound: int
    senders_waiting: int

    @property
    def data(self) -> int:
        """Messages that count towards the bound."""
        return self.high + self.normal + self.low


class Mailbox:
    """Four lanes with strict priority, first in first out inside each.

    HIGH, NORMAL and LOW share one bound; SYSTEM has none. A lane's queue is made when its first
    message comes: an idle worker that never had mail owns none.
    """

    __slots__ = ("bound", "closed", "coming", "lanes", "name", "overflow", "room", "waiting")

    def __init__(
        self, name: str, bound: int = DEFAULT_BOUND, overflow: Overflow = "reject"
    ) -> None:
        """Make an empty mailbox for the worker called `name`."""
        self.name = name
        self.bound = bound
        self.overflow = overflow
        self.room = bound
        self.coming = 0
        """Entries that other threads have sent, and that are not here yet: they have their room."""
        self.closed = False
        self.lanes: list[deque[Entry] | None] = [None, None, None, None]
        self.waiting: deque[tuple[Entry, asyncio.Future[None]]] | None = None

    def __len__(self) -> int:
        """Messages in all lanes."""
        return sum(len(queue) for queue in self.lanes if queue)

    def put(self, entry: Entry) -> Entry | None:
        """Take the entry in, or return the one that was dropped for want of room.

        Raises:
            MailboxFull: the mailbox is at its bound and its policy drops nothing.
            NoActor: the mailbox is closed: its worker is gone for good.

        """
        lane = entry[LANE]
        dropped = None
        if self.room > 0 and lane:
            self.room -= 1
        else:
            dropped = self._make_room(entry)
            if dropped is entry:
                return entry
        queue = self.lanes[lane]
        if queue is None:
            queue = self.lanes[lane] = deque()
        queue.append(entry)
        return dropped

    def take(self) -> Entry | None:
        """Take out the entry that goes first, or return None."""
        for queue in self.lanes:
            if queue:
                entry = queue.popleft()
                if entry[LANE]:
                    self.room += 1
                    if self.waiting:
                        self._admit()
                return entry
        return None

    def put_back(self, entry: Entry) -> None:
        """Put an entry at the head of its lane, bound or not: it was taken from there."""
        lane = entry[LANE]
        queue = self.lanes[lane]
        if queue is None:
            queue = self.lanes[lane] = deque()
        queue.appendleft(entry)
        if lane:
            self.room -= 1

    def wait_for_room(self, entry: Entry, future: asyncio.Future[None]) -> None:
        """Keep the entry of a sender that waits; it is taken in, in turn, as room comes."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((entry, future))

    def wait_no_longer(self, future: asyncio.Future[None]) -> None:
        """Forget a sender that waits no longer, its message not sent."""
        if self.waiting:
            self.waiting = deque(each for each in self.waiting if each[1] is not future)

    def let_in(self, wanted: Callable[[Entry], bool]) -> None:
        """Take in those entries of waiting senders that are wanted, bound or not."""
        for entry, future in list(self.waiting or ()):
            if wanted(entry) and not future.done():
                self.wait_no_longer(future)
                self.put_over(entry)
                future.set_result(None)

    def put_over(self, entry: Entry) -> None:
        """Take in an entry that was accepted elsewhere already, bound or not."""
        lane = entry[LANE]
        queue = self.lanes[lane]
        if queue is None:
            queue = self.lanes[lane] = deque()
        queue.append(entry)
        if lane:
            self.room -= 1

    def take_where(self, lane: int, wanted: Callable[[Entry], bool]) -> list[Entry]:
        """Take out, of one lane, the entries that are wanted."""
        taken: list[Entry] = []
        kept: deque[Entry] = deque()
        for entry in self.lanes[lane] or ():
            (taken if wanted(entry) else kept).append(entry)
        if taken:
            self.lanes[lane] = kept
            if lane:
                self.room += len(taken)
                self._admit()
        return taken

    def clear(self) -> list[Entry]:
        """Take out everything, in the order of handling; senders that wait are let in."""
        entries = list(self) if any(self.lanes) else []
        self.lanes = [None, None, None, None]
        self.room = 0 if self.closed else self.bound
        if self.waiting:
            self._admit()
        return entries

    def close(self) -> list[Entry]:
        """Refuse everything from now on, and return what was still there."""
        waiting, self.waiting = self.waiting, None
        entries = self.clear()
        self.closed = True
        self.room = 0
        for _, future in waiting or ():
            if not future.done():
                future.set_exception(self._gone())
        return entries

    def reopen(self) -> None:
        """Take messages again: a worker that was stopped is started once more."""
        self.closed = False
        self.room = self.bound

    def __iter__(self) -> Iterator[Entry]:
        """Go over the entries in the order of handling."""
        for queue in self.lanes:
            if queue:
                yield from queue

    def statistics(self) -> MailboxStatistics:
        """Count what is there now."""
        system, high, normal, low = (len(queue) if queue else 0 for queue in self.lanes)
        senders = len(self.waiting) if self.waiting else 0
        return MailboxStatistics(system, high, normal, low, self.bound, senders)

    def _make_room(self, entry: Entry) -> Entry | None:
        """Find room for one more, or return what is dropped: the entry itself, or an older one."""
        if self.closed:
            raise self._gone()
        if entry[LANE] == SYSTEM:
            return None
        if must_arrive(entry):
            self.room -= 1
            return None
        if self.overflow == "drop_newest":
            return entry
        if self.overflow == "drop_oldest":
            # The oldest of the lowest lane that has any: priority holds here too. A message
            # never pushes out one of a higher lane than its own.
            for lane in (3, 2, 1):
                if lane < entry[LANE]:
                    break
                queue = self.lanes[lane] or deque()
                for place, oldest in enumerate(queue):
                    if not must_arrive(oldest):
                        del queue[place]
                        return oldest
            return entry
        raise MailboxFull(self.name, self.bound)

    def _gone(self) -> NoActor:
        return NoActor(f"no worker {self.name!r} is running: it is gone for good", self.name)

    def _admit(self) -> None:
        """Take in the messages of waiting senders while there is room."""
        waiting = self.waiting
        while waiting and self.room > 0:
            entry, future = waiting.popleft()
            if not future.done():
                self.put(entry)
                future.set_result(None)
