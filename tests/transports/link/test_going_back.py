"""What goes again: after a gap, after silence, over a new connection."""

from __future__ import annotations

import pytest

from callboard.transports.link import Link, Segment
from tests.transports.link.wires import Wires, bodies, filled

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
