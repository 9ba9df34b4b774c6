"""A link whose other side is mad or hostile, and one whose way is bad for long."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.link import Link, Segment
from tests.transports.link.wires import Wires

NUMBER = st.one_of(st.integers(-3, 30), st.integers(-(2**70), 2**70))
SEGMENT = st.builds(
    Segment, NUMBER, NUMBER, st.booleans(), st.lists(st.binary(max_size=3), max_size=5)
)


@given(pushed=st.integers(0, 20), came=st.lists(SEGMENT, max_size=30))
def test_no_segment_raises_or_makes_it_keep_or_send_without_end(
    pushed: int, came: list[Segment]
) -> None:
    link = Link(in_flight=7)
    for _ in range(pushed):
        link.push(b"mine")
    now = 10.0
    left = link.open
    delivered = 0
    for segment in came:
        delivered += len(link.receive(segment, now))
        assert link.open <= left
        left = link.open
        made = link.segments(now)
        assert sum(len(each.bodies) for each in made) <= 7
        assert all(each.ack == delivered + 1 for each in made)
        assert link.segments(now) == []
        due = link.due()
        assert due is None or due > now
        now += 0.001
    assert delivered <= sum(len(segment.bodies) for segment in came)
    assert link.acknowledged + link.open == pushed


def test_what_was_never_sent_cannot_be_acknowledged() -> None:
    link = Link(in_flight=2)
    for _ in range(3):
        link.push(b"mine")
    link.segments(0.0)
    link.receive(Segment(1, 4, False, []), 0.1)
    assert (link.open, link.strange) == (3, 1)
    link.receive(Segment(1, 3, False, []), 0.1)
    assert (link.open, link.strange) == (1, 1)


@pytest.mark.parametrize("first", [0, -1, -(2**80)])
def test_bodies_without_a_right_number_are_ignored(first: int) -> None:
    link = Link()
    assert link.receive(Segment(first, 1, False, [b"a"] * 5), 0.0) == []
    assert link.strange == 1
    assert link.due() is None


@pytest.mark.parametrize("trip", [0.001, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_thousands_of_messages_cross_a_bad_way(seed: int, trip: float) -> None:
    """One in ten is lost, one in ten comes twice, all out of order, and it is cut for 3 s."""
    chance = random.Random(seed)
    wires = Wires((Link(), Link()))
    events: list[tuple[float, int, int, Segment | None]] = []
    order = itertools.count()
    end = wires.now + 5.0
    cut = wires.now + 1.0, wires.now + 4.0

    def at(when: float, side: int, segment: Segment | None = None) -> None:
        heapq.heappush(events, (when, next(order), side, segment))

    def send(side: int) -> None:
        link = wires.links[side]
        for segment in link.segments(wires.now):
            if cut[0] <= wires.now < cut[1]:
                continue
            for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2])):
                at(wires.now + trip * chance.uniform(0.5, 1.5), 1 - side, segment)
        due = link.due()
        if due is not None:
            at(due, side)

    for side in (0, 1):
        at(wires.now, side)
        for number in range(1_000):
            at(wires.now + number * 0.005, side, Segment(-1, 0, False, []))
    at(cut[1], 0)
    at(cut[1], 1)
    while events:
        wires.now, _, side, segment = heapq.heappop(events)
        if wires.now == cut[1]:
            wires.links[side].resume(wires.now)
        if segment is not None:
            if segment.first < 0:
                wires.push(side)
            else:
                wires.delivered[side].extend(wires.links[side].receive(segment, wires.now))
        send(side)
        assert wires.now < end + 60, "it is not quiet yet"
    wires.check_complete()
    assert all(len(got) == 1_000 for got in wires.delivered)
    # Going back costs something on such a way; what it must not do is feed on itself.
    for link in wires.links:
        assert link.resent < 6 * link.sent
