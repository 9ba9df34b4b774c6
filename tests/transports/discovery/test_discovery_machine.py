"""Whatever happens to the nodes, in the end each knows those that live, and their workers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.transports.discovery.world import World

NAMES = ["A", "B", "C", "D", "E", "F"]
WORKERS = ["x", "y", "z"]


class Fleet(RuleBasedStateMachine):
    """Starts, ends, freezes and cuts off nodes while packets are lost."""

    @initialize(lose=st.sampled_from([0, 3, 7]), delay=st.sampled_from([0.001, 0.3]))
    def begin(self, lose: int, delay: float) -> None:
        self.world = World()
        self.world.lose = lose
        self.world.delay = delay
        self.clock_back = 0

    @rule(name=st.sampled_from(NAMES), workers=st.sets(st.sampled_from(WORKERS)))
    def start(self, name: str, workers: set[str]) -> None:
        self.world.start(name, *sorted(workers))

    @rule(name=st.sampled_from(NAMES))
    def kill(self, name: str) -> None:
        if name in self.world.places:
            self.world.kill(name)

    @rule(name=st.sampled_from(NAMES))
    def stop(self, name: str) -> None:
        if name in self.world.places:
            self.world.stop(name)

    @rule(name=st.sampled_from(NAMES), worker=st.sampled_from(WORKERS), life=st.integers(1, 3))
    def ready(self, name: str, worker: str, life: int) -> None:
        if name in self.world.places:
            self.world.add(name, worker, life)

    @rule(name=st.sampled_from(NAMES), worker=st.sampled_from(WORKERS))
    def gone(self, name: str, worker: str) -> None:
        place = self.world.places.get(name)
        if place is not None and worker in place.discovery.workers:
            self.world.remove(name, worker)

    @rule(name=st.sampled_from(NAMES), how=st.sampled_from(["deaf", "mute", "frozen"]))
    def trouble(self, name: str, how: str) -> None:
        place = self.world.places.get(name)
        if place is not None:
            setattr(place, how, not getattr(place, how))

    @rule(seconds=st.floats(0.01, 15))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @invariant()
    def nobody_knows_itself(self) -> None:
        for name, place in getattr(self, "world", World()).places.items():
            assert name not in place.discovery.nodes
            assert set(place.seen) <= set(place.discovery.nodes)

    def teardown(self) -> None:
        world = self.world
        world.lose = 0
        world.delay = 0.001
        for place in world.places.values():
            place.deaf = place.mute = place.frozen = False
        world.advance(240)
        for name in world.places:
            assert world.knows(name) == world.truth(name), name


Fleet.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFleet = Fleet.TestCase
