"""What a link sends, and when."""

from __future__ import annotations

from typing import Any

import pytest

from callboard.transports.link import Link, Segment
from tests.transports.link.wires import Wires, bodies, filled

# -- pushing ----


def test_a_link_with_nothing_to_do_is_never_due() -> None:
    link = Link()
    assert link.due() is None
    assert link.segments(5.0) == []
    assert (link.open, link.room, link.unacknowledged()) == (0, True, 0)


def test_bodies_of_one_turn_share_a_segment() -> None:
    link = filled(3)
    assert link.segments(5.0) == [Segment(1, 1, False, bodies(3))]
    assert link.segments(5.0) == []
    assert (link.sent, link.open, link.unacknowledged()) == (3, 3, 3)


def test_what_can_go_is_due_at_once() -> None:
    link = Link()
    link.segments(5.0)
    link.push(b"a")
    assert link.due() == 5.0


def test_a_segment_holds_no_more_than_it_may_and_a_larger_body_has_its_own() -> None:
    link = Link(segment_bytes=100)
    sizes = [40, 40, 40, 300, 1, 1]
    for size in sizes:
        link.push(b"x" * size)
    made = link.segments(0.0)
    assert [(each.first, [len(body) for body in each.bodies]) for each in made] == [
        (1, [40, 40]),
        (3, [40]),
        (4, [300]),
        (5, [1, 1]),
    ]


def test_empty_bodies_do_not_make_an_endless_segment() -> None:
    link = Link(segment_bytes=100)
    for _ in range(60):
        link.push(b"")
    assert max(len(each.bodies) for each in link.segments(0.0)) == 25


def test_a_full_link_refuses_and_takes_answers_all_the_same() -> None:
    link = filled(10_000)
    assert not link.room
    assert not link.push(b"one more")
    assert link.open == 10_000
    assert link.push(b"an answer", force=True)
    assert link.open == 10_001


def test_the_bytes_have_a_bound_too() -> None:
    link = Link(bytes_bound=10)
    assert link.push(b"12345")
    assert link.push(b"123456"), "the one that reaches the bound is taken"
    assert not link.push(b"")
    assert link.open_bytes == 11


def test_room_comes_with_an_acknowledgement() -> None:
    link = filled(10, bound=10)
    link.segments(0.0)
    assert not link.room
    link.receive(Segment(1, 2, False, []), 0.1)
    assert link.room
    assert (link.open, link.acknowledged) == (9, 1)


def test_no_more_is_sent_than_may_fly() -> None:
    link = filled(2_500)
    (made,) = link.segments(0.0)
    assert len(made.bodies) == 2_000
    assert (link.open, link.unacknowledged()) == (2_500, 2_000)
    assert link.due() == 1.0
    link.receive(Segment(1, 101, False, []), 0.1)
    assert link.due() == 0.1
    assert link.sent == 2_000
    assert link.segments(0.1) == [Segment(2_001, 1, False, bodies(100, start=2_000))]
    assert link.sent == 2_100


def test_no_more_bytes_are_sent_than_may_fly_but_one_body_always() -> None:
    link = Link(in_flight_bytes=100)
    for size in (60, 30, 60, 500, 1):
        link.push(b"x" * size)
    flights: list[list[int]] = []
    acknowledged = 0
    while acknowledged < 5:
        sizes = [len(body) for each in link.segments(0.0) for body in each.bodies]
        flights.append(sizes)
        acknowledged += len(sizes)
        link.receive(Segment(1, acknowledged + 1, False, []), 0.0)
    assert flights == [[60, 30], [60], [500], [1]]


# -- acknowledging ----


def test_what_came_is_acknowledged_with_what_goes() -> None:
    link = Link()
    assert link.receive(Segment(1, 1, False, bodies(3)), 1.0) == bodies(3)
    link.push(b"back")
    assert link.segments(1.0) == [Segment(1, 4, False, [b"back"])]
    assert link.due() == 2.0, "only the resend: nothing is left to acknowledge"


def test_or_by_itself_once_its_time_is_over() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, bodies(3)), 1.0)
    link.receive(Segment(4, 1, False, bodies(1)), 1.04)
    assert link.due() == 1.05, "since the first of them"
    assert link.segments(1.04) == []
    assert link.segments(1.05) == [Segment(1, 5, False, [])]
    assert link.due() is None
    assert link.segments(9.0) == []


def test_many_are_acknowledged_at_once() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, bodies(255)), 1.0)
    assert link.segments(1.0) == []
    link.receive(Segment(256, 1, False, bodies(1)), 1.01)
    assert link.due() == 1.01
    assert link.segments(1.01) == [Segment(1, 257, False, [])]


def test_so_are_many_bytes_since_the_window_of_the_other_side_is_full_soon() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, [bytes(1024 * 1024)]), 1.0)
    assert link.segments(1.0) == [Segment(1, 2, False, [])]


def test_what_was_acknowledged_counts_no_more_towards_many() -> None:
    for count, size in ((200, 1), (1, 1024 * 1024 - 300)):
        link = Link()
        link.receive(Segment(1, 1, False, bodies(count, size)), 1.0)
        link.push(b"back")
        assert link.segments(1.0)[0].ack == count + 1
        link.receive(Segment(count + 1, 1, False, bodies(count, size)), 1.0)
        assert link.due() == 1.05


def test_a_small_window_does_not_wait_for_many() -> None:
    link = Link(in_flight=8)
    link.receive(Segment(1, 1, False, bodies(2)), 1.0)
    assert link.segments(1.0) == [Segment(1, 3, False, [])]


def test_a_bare_acknowledgement_is_not_acknowledged() -> None:
    wires = Wires((Link(), Link()))
    wires.push(0)
    wires.settle()
    wires.check_complete()
    sent = Segment(1, 2, False, [])
    assert wires.links[0].receive(sent, wires.now) == []
    assert wires.links[0].due() is None


def test_a_repeated_body_is_dropped_counted_and_acknowledged_once_more() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, bodies(2)), 1.0)
    link.segments(2.0)
    assert link.receive(Segment(1, 1, False, bodies(2)), 3.0) == []
    assert link.repeated == 2
    assert link.due() == 3.05
    assert link.segments(3.05) == [Segment(1, 3, False, [])]


def test_who_will_say_no_more_acknowledges_at_once_what_has_arrived_and_nothing_else() -> None:
    link = Link()
    link.settle(0.5)
    assert link.segments(0.5) == []
    link.receive(Segment(1, 1, False, bodies(2)), 1.0)
    assert link.segments(1.0) == []
    link.settle(1.0)
    assert link.segments(1.0) == [Segment(1, 3, False, [])]
    link.settle(1.1)
    assert link.segments(1.1) == []


def test_of_a_segment_that_overlaps_only_what_is_new_is_delivered() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, bodies(2)), 1.0)
    assert link.receive(Segment(2, 1, False, bodies(3, start=1)), 1.0) == bodies(2, start=2)
    assert link.repeated == 1
    assert link.receive(Segment(1, 1, False, bodies(1)), 1.0) == []
    assert link.repeated == 2


# -- mistakes ----


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"bound": 0}, "bound"),
        ({"bytes_bound": 0}, "bytes_bound"),
        ({"in_flight": 0}, "in_flight"),
        ({"in_flight_bytes": 0}, "in_flight_bytes"),
        ({"segment_bytes": -1}, "segment_bytes"),
        ({"ack_every": 0}, "ack_every"),
        ({"ack_after": 0}, "ack_after"),
        ({"resend_after": 5.0}, "resend_most"),
        ({"resend_after": float("nan")}, "resend_after"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Link(**settings)
