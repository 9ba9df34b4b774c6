"""Two links over a way that loses, repeats, reorders, delays and cuts, as hypothesis likes."""

from __future__ import annotations

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

from callboard.transports.link import Link
from tests.transports.link.wires import Wires

SIDES = st.sampled_from([0, 1])
SMALL = st.integers(1, 6)
BYTES = st.integers(1, 60)


class LinkMachine(RuleBasedStateMachine):
    @initialize(
        bound=st.integers(1, 12),
        bytes_bound=st.integers(1, 200),
        in_flight=SMALL,
        in_flight_bytes=BYTES,
        segment_bytes=BYTES,
        ack_every=SMALL,
    )
    def make(
        self,
        bound: int,
        bytes_bound: int,
        in_flight: int,
        in_flight_bytes: int,
        segment_bytes: int,
        ack_every: int,
    ) -> None:
        def link() -> Link:
            return Link(
                bound=bound,
                bytes_bound=bytes_bound,
                in_flight=in_flight,
                in_flight_bytes=in_flight_bytes,
                segment_bytes=segment_bytes,
                ack_every=ack_every,
            )

        self.bound, self.bytes_bound = bound, bytes_bound
        self.in_flight, self.in_flight_bytes = in_flight, in_flight_bytes
        self.segment_bytes = segment_bytes
        self.wires = Wires((link(), link()))

    @rule(side=SIDES, size=st.integers(4, 30))
    def push(self, side: int, size: int) -> None:
        """It is refused exactly at the bound, of bodies or of bytes."""
        link = self.wires.links[side]
        room = link.open < self.bound and link.open_bytes < self.bytes_bound
        assert link.room is room
        assert self.wires.push(side, size) is room

    @rule(side=SIDES)
    def push_an_answer(self, side: int) -> None:
        assert self.wires.push(side, force=True)

    @rule(side=SIDES)
    def pump(self, side: int) -> None:
        wires, link = self.wires, self.wires.links[side]
        for segment in wires.pump(side):
            assert segment.ack == len(wires.delivered[side]) + 1
            whole = wires.pushed[side][segment.first - 1 :]
            assert segment.bodies == whole[: len(segment.bodies)]
            size = sum(map(len, segment.bodies))
            assert size <= self.segment_bytes or len(segment.bodies) == 1
        flying = wires.pushed[side][link.acknowledged :][: link.unacknowledged()]
        assert len(flying) <= self.in_flight
        assert sum(map(len, flying)) <= self.in_flight_bytes or len(flying) == 1

    @precondition(lambda self: self.wires.transit)
    @rule(data=st.data(), again=st.booleans())
    def arrive(self, data: st.DataObject, again: bool) -> None:
        """In any order, and any number of times."""
        place = data.draw(st.integers(0, len(self.wires.transit) - 1))
        self.wires.arrive(place, again=again)

    @precondition(lambda self: self.wires.transit)
    @rule()
    def arrive_in_order(self) -> None:
        self.wires.arrive()

    @precondition(lambda self: self.wires.transit)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.wires.transit) - 1))
        del self.wires.transit[place]

    @rule()
    def cut(self) -> None:
        self.wires.transit.clear()

    @rule(side=SIDES)
    def resume(self, side: int) -> None:
        link = self.wires.links[side]
        flying = link.unacknowledged()
        link.resume(self.wires.now)
        due = link.due()
        assert not flying or (due is not None and due <= self.wires.now)

    @rule(seconds=st.sampled_from([0.001, 0.05, 0.3, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.wires.now += seconds

    @rule()
    def wait_until_due(self) -> None:
        dues = [due for link in self.wires.links if (due := link.due()) is not None]
        self.wires.now = max(self.wires.now, min(dues, default=0.0))

    @rule()
    def settle(self) -> None:
        self.wires.settle()
        self.wires.check_complete()

    @invariant()
    def delivers_once_and_in_order(self) -> None:
        self.wires.check()

    def teardown(self) -> None:
        if hasattr(self, "wires"):
            self.settle()


def test_each_body_arrives_once_in_order_and_then_both_sides_are_quiet() -> None:
    run_state_machine_as_test(
        LinkMachine, settings=settings(max_examples=200, stateful_step_count=40, deadline=None)
    )
