"""What a link sends, and when."""

from __future__ import annotations

from typing import Any

import pytest

from callboard.transports.link import Link, Segment
from tests.transports.link.wires import Wires


def bodies(count: int, size: int = 4, start: int = 0) -> list[bytes]:
    return [b"%0*d" % (size, number) for number in range(start, start + count)]


def filled(count: int, size: int = 4, **settings: Any) -> Link:
    link = Link(**settings)
    assert all(link.push(body) for body in bodies(count, size))
    return link


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


def test_of_a_segment_that_overlaps_only_what_is_new_is_delivered() -> None:
    link = Link()
    link.receive(Segment(1, 1, False, bodies(2)), 1.0)
    assert link.receive(Segment(2, 1, False, bodies(3, start=1)), 1.0) == bodies(2, start=2)
    assert link.repeated == 1
    assert link.receive(Segment(1, 1, False, bodies(1)), 1.0) == []
    assert link.repeated == 2


# -- gaps ----


def test_a_gap_is_reported_at_once_and_once() -> None:
    link = Link()
    for number in range(2, 40):
        assert link.receive(Segment(number, 1, False, [b"x"]), 1.0) == []
    assert link.dropped == 38
    assert link.due() == 1.0
    assert link.segments(1.0) == [Segment(1, 1, True, [])]
    assert link.receive(Segment(40, 1, False, [b"x"]), 1.04) == []
    assert link.segments(1.04) == []


def test_it_is_reported_again_if_it_is_still_there_a_while_later() -> None:
    link = Link()
    link.receive(Segment(2, 1, False, [b"x"]), 1.0)
    link.segments(1.0)
    link.receive(Segment(3, 1, False, [b"x"]), 1.05)
    assert link.segments(1.05) == [Segment(1, 1, True, [])]


def test_the_next_gap_is_another() -> None:
    link = Link()
    link.receive(Segment(2, 1, False, [b"x"]), 1.0)
    link.segments(1.0)
    link.receive(Segment(1, 1, False, [b"x"]), 1.01)
    link.receive(Segment(3, 1, False, [b"x"]), 1.01)
    assert link.segments(1.01) == [Segment(1, 2, True, [])]


def test_a_gap_report_goes_with_the_first_segment_only() -> None:
    link = Link(segment_bytes=10)
    link.receive(Segment(2, 1, False, [b"x"]), 1.0)
    for body in bodies(2, 9):
        link.push(body)
    assert [each.want for each in link.segments(1.0)] == [True, False]


def test_after_a_gap_report_all_goes_again_from_there_and_new_ones_with_it() -> None:
    link = filled(5)
    link.segments(1.0)
    link.push(b"new")
    link.receive(Segment(1, 3, True, []), 1.1)
    assert link.due() == 1.1
    assert link.segments(1.1) == [Segment(3, 1, False, [*bodies(3, start=2), b"new"])]
    assert (link.sent, link.resent) == (6, 3)


def test_reports_that_come_in_the_same_round_make_it_go_back_once() -> None:
    link = filled(5)
    link.segments(1.0)
    link.receive(Segment(1, 1, True, []), 1.1)
    assert len(link.segments(1.1)) == 1
    for _ in range(20):
        link.receive(Segment(1, 1, True, []), 1.11)
        assert link.segments(1.11) == []
    link.receive(Segment(1, 2, True, []), 1.12)
    assert link.segments(1.12) == [], "that one was on its way before, too"
    due = link.due()
    assert due is not None
    assert due == pytest.approx(1.15), "but if there is no progress, it was no old report"
    assert link.segments(due) == [Segment(2, 1, False, bodies(4, start=1))]


def test_a_report_of_what_has_arrived_meanwhile_is_void() -> None:
    link = filled(5)
    link.segments(1.0)
    link.receive(Segment(1, 4, False, []), 1.1)
    link.receive(Segment(1, 2, True, []), 1.1)
    assert link.segments(1.2) == []


def test_a_way_on_which_everything_is_out_of_order_is_not_flooded() -> None:
    wires = Wires((Link(), Link()))
    for _ in range(200):
        wires.push(0)
        wires.pump(0)
    for place in range(0, 200, 2):
        early = wires.transit[place], wires.transit[place + 1]
        wires.transit[place + 1], wires.transit[place] = early
    for _ in range(200):
        wires.arrive()
        wires.now += 0.0001
        wires.pump(1)
        for place in reversed([at for at, (to, _) in enumerate(wires.transit) if to == 0]):
            wires.arrive(place)
        wires.pump(0)
    assert wires.links[0].resent <= 200, "once, not once for each gap"
    wires.settle()
    wires.check_complete()


def test_who_goes_back_waits_for_as_long_as_the_way_takes() -> None:
    link = filled(1)
    link.segments(1.0)
    link.receive(Segment(1, 2, False, []), 1.3)
    for body in bodies(4, start=1):
        link.push(body)
    link.segments(2.0)
    link.receive(Segment(1, 2, True, []), 2.3)
    assert len(link.segments(2.3)) == 1
    link.receive(Segment(1, 2, True, []), 2.5)
    assert link.due() == pytest.approx(2.9)


def test_but_no_longer_than_it_would_in_silence() -> None:
    link = filled(1, 9, segment_bytes=10)
    link.segments(1.0)
    link.receive(Segment(1, 2, False, []), 7.0)
    for body in bodies(3, 9, start=1):
        link.push(body)
    link.segments(8.0)
    for now in (8.5, 8.75):
        link.receive(Segment(1, 2, True, []), now)
        link.segments(now)
    assert link.due() == 9.5
    assert len(link.segments(9.5)) == 3


def test_how_long_the_way_takes_is_learned_while_more_is_sent() -> None:
    link = filled(1)
    link.segments(1.0)
    link.push(b"another")
    link.segments(1.2)
    link.receive(Segment(1, 2, False, []), 1.3)
    for _ in range(2):
        link.receive(Segment(1, 2, True, []), 1.4)
        link.segments(1.4)
    assert link.due() == pytest.approx(2.0)


# -- silence ----


def test_after_silence_the_first_segment_goes_again_with_growing_pauses() -> None:
    link = filled(4, 50, segment_bytes=110)
    assert len(link.segments(0.0)) == 2
    at: list[float] = []
    while len(at) < 5:
        due = link.due()
        assert due is not None
        assert link.segments(due) == [Segment(1, 1, False, bodies(2, 50))]
        at.append(due)
    assert at == [1.0, 3.0, 7.0, 11.0, 15.0]
    assert link.resent == 10


def test_what_is_sent_meanwhile_does_not_put_it_off() -> None:
    link = filled(1)
    for now in (0.0, 0.4, 0.8):
        link.segments(now)
        link.push(b"more")
    link.segments(0.9)
    assert link.due() == 1.0


def test_empty_bodies_do_not_make_it_endless_either() -> None:
    link = filled(0, segment_bytes=100)
    for _ in range(60):
        link.push(b"")
    link.segments(0.0)
    (again,) = link.segments(1.0)
    assert len(again.bodies) == 25


def test_the_pauses_are_short_again_after_progress() -> None:
    link = filled(4)
    link.segments(0.0)
    link.segments(1.0)
    link.receive(Segment(1, 2, False, []), 2.0)
    assert link.due() == 3.0


def test_if_the_rest_was_lost_too_it_goes_as_soon_as_that_is_known() -> None:
    link = filled(6, 50, segment_bytes=110)
    link.segments(0.0)
    link.segments(1.0)
    link.receive(Segment(1, 3, False, []), 1.1)
    assert [each.first for each in link.segments(1.1)] == [3, 5]


def test_if_only_acknowledgements_were_lost_nothing_more_goes_again() -> None:
    link = filled(6, 50, segment_bytes=110)
    link.segments(0.0)
    link.segments(1.0)
    link.receive(Segment(1, 5, False, []), 1.1)
    assert link.segments(1.1) == []
    assert link.due() == 2.1


def test_new_bodies_go_beside_what_goes_again() -> None:
    link = filled(4, 50, segment_bytes=110)
    link.segments(0.0)
    link.push(b"new")
    assert link.segments(1.0) == [
        Segment(1, 1, False, bodies(2, 50)),
        Segment(5, 1, False, [b"new"]),
    ]


def test_a_new_connection_gets_all_that_is_not_acknowledged_at_once() -> None:
    link = filled(6, 50, segment_bytes=110)
    link.segments(0.0)
    for at in (1.0, 3.0):
        link.segments(at)
    link.receive(Segment(1, 2, False, []), 3.5)
    link.resume(5.0)
    assert link.due() == 5.0
    assert [each.first for each in link.segments(5.0)] == [2, 4, 6]
    assert link.due() == 6.0


def test_a_gap_report_does_not_hold_up_what_a_new_connection_gets() -> None:
    link = filled(3)
    link.segments(0.0)
    for _ in range(2):
        link.receive(Segment(1, 1, True, []), 0.5)
        link.segments(0.5)
    link.resume(0.51)
    link.receive(Segment(1, 1, True, []), 0.51)
    assert link.segments(0.51) == [Segment(1, 1, False, bodies(3))]


def test_a_new_connection_means_nothing_to_a_link_with_nothing_open() -> None:
    link = Link()
    link.resume(5.0)
    assert link.due() is None


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
