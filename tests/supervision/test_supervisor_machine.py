"""Random trees, random trouble: what holds for a supervisor whatever happens to its children.

Each rule is one thing that goes wrong, or one thing that an operator does, on virtual time. What
must hold is looked at after each of them, and again when the tree has had time to recover, and
when it has been stopped.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from callboard import (
    Backoff,
    CallboardError,
    Child,
    ChildInfo,
    LocalMessage,
    Node,
    Restarts,
    State,
    Supervisor,
    Worker,
    on,
)
from callboard.actors.cell import Cell
from callboard.actors.testing import Stepper

UP = (State.RUNNING, State.STARTING, State.WAITING)
GROUPS = ("one_for_one", "one_for_all", "rest_for_one")


class Fail(LocalMessage):
    """Fail now."""


class Finish(LocalMessage):
    """End by yourself."""


class World:
    """What the players of one run do, and what is seen of them."""

    def __init__(self) -> None:
        self.alive: dict[str, Player] = {}
        self.log: list[str] = []
        self.takes: dict[str, float] = {}
        self.broken: Counter[str] = Counter()


class Player(Worker):
    def __init__(self, world: World, called: str) -> None:
        super().__init__()
        self.world = world
        self.called = called

    async def on_start(self) -> None:
        world, name = self.world, self.called
        assert name not in world.alive, f"a second {name} starts while the first one lives"
        world.alive[name] = self
        try:
            await asyncio.sleep(world.takes[name] / 2)
            if world.broken[name]:
                world.broken[name] -= 1
                raise OSError(f"{name} does not start")
        except BaseException:
            del world.alive[name]
            raise
        world.log.append(f"start {name}")

    async def on_stop(self) -> None:
        try:
            await asyncio.sleep(self.world.takes[self.called])
        finally:
            self.world.log.append(f"stop {self.called}")
            del self.world.alive[self.called]

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        del self.world.alive[self.called]

    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise ValueError(self.called)

    @on(Finish)
    def finish(self, message: Finish) -> None:
        self.stop()


class SupervisorMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stepper = Stepper()
        self.world = World()
        self.calls: set[asyncio.Task[Any]] = set()
        self.stopped: set[tuple[str, int, str]] = set()
        """Supervisor, its incarnation, and the child that was stopped there on purpose."""
        self.policies: dict[str, tuple[str, Restarts]] = {}
        self.added = 0

    # -- the tree ----

    @initialize(data=st.data())
    def build(self, data: st.DataObject) -> None:
        self.rests_before_its_end = data.draw(st.booleans())
        inner = [
            Child(f"s{number}", self.supervisor(data, f"s{number}", []))
            for number in range(data.draw(st.integers(0, 2)))
        ]
        self.node = Node(self.supervisor(data, "root", inner), handle_signals=False)
        self.stepper.run(self.node.start())

    def supervisor(
        self, data: st.DataObject, name: str, inner: list[Child]
    ) -> Callable[[], Supervisor]:
        players = [self.child(data, f"{name}-{n}") for n in range(data.draw(st.integers(1, 3)))]
        children = data.draw(st.permutations([*players, *inner]))
        strategy: Any = data.draw(st.sampled_from(GROUPS))
        # The root never gives up, so there is always something to look at.
        intensity = None if name == "root" else data.draw(st.sampled_from([None, 1, 3]))
        delay = data.draw(st.sampled_from([0.0, 0.1, 4.0]))
        restarts = Restarts(intensity, 10.0, Backoff(min=delay, max=8.0, jitter=0))
        self.policies[name] = (strategy, restarts)
        return partial(Supervisor, children, strategy=strategy, restarts=restarts)

    def child(self, data: st.DataObject, name: str) -> Child:
        self.world.takes[name] = data.draw(st.sampled_from([0.0, 0.0, 1.0]))
        restart: Any = data.draw(st.sampled_from(["permanent", "transient", "temporary"]))
        return Child(name, partial(Player, self.world, name), restart=restart)

    # -- trouble ----

    @rule(data=st.data(), kind=st.sampled_from([Fail, Fail, Finish]), both=st.booleans())
    def ends_by_itself(self, data: st.DataObject, kind: type[Fail], both: bool) -> None:
        names = sorted(self.world.alive)
        for name in data.draw(st.permutations(names))[: 1 + both] if names else ():
            ref = self.node.ref(name)
            if ref is not None:
                self.do(self.tell(name, kind()))

    @rule(data=st.data(), times=st.integers(1, 3))
    def does_not_start_the_next_times(self, data: st.DataObject, times: int) -> None:
        self.world.broken[data.draw(st.sampled_from(sorted(self.world.takes)))] += times

    @rule(seconds=st.sampled_from([0.05, 0.5, 3.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.stepper.pass_time(seconds)

    # -- what an operator does ----

    @rule(data=st.data(), call=st.sampled_from(["terminate_child", "restart_child"]))
    def stops_or_starts_a_child(self, data: st.DataObject, call: str) -> None:
        supervisor, name = self.draw_child(data)
        self.do(self.admin(supervisor, call, name))

    @rule(data=st.data(), call=st.sampled_from(["restart_now", "delete_child"]))
    def hurries_or_forgets_a_child(self, data: st.DataObject, call: str) -> None:
        supervisor, name = self.draw_child(data)
        self.do(self.admin(supervisor, call, name))

    @rule(data=st.data())
    def adds_a_child(self, data: st.DataObject) -> None:
        supervisor = data.draw(st.sampled_from(sorted(self.policies)))
        self.added += 1
        self.do(self.admin(supervisor, "start_child", self.child(data, f"new-{self.added}")))

    @rule(data=st.data())
    def one_failure_restarts_exactly_its_group(self, data: st.DataObject) -> None:
        """In a tree at rest the strategy says who stops, who starts, and in which order."""
        self.rest()
        before = self.infos(data.draw(st.sampled_from(self.supervisors())))
        supervisor, infos = before
        strategy, restarts = self.policies[supervisor]
        failing = [
            n for n, info in infos.items() if n in self.world.alive and info.restart != "temporary"
        ]
        if restarts.intensity is not None or not failing:
            return
        name = data.draw(st.sampled_from(failing))
        names = list(infos)
        group = {
            "one_for_one": [name],
            "one_for_all": names,
            "rest_for_one": names[names.index(name) :],
        }[strategy]
        life = self.life(supervisor)
        group = [each for each in group if (supervisor, life, each) not in self.stopped]
        self.world.log.clear()
        self.do(self.tell(name, Fail()))
        self.stepper.pass_time(60)
        started = [each for each in group if infos[each].restart != "temporary"]
        running = [each for each in group if infos[each].state is State.RUNNING and each != name]
        players = [f"stop {n}" for n in reversed(running) if n in self.world.takes]
        players += [f"start {n}" for n in started if n in self.world.takes]
        direct = {f"{what} {n}" for what in ("start", "stop") for n in names}
        assert [line for line in self.world.log if line in direct] == players
        _, after = self.infos(supervisor)
        assert list(after) == [each for each in names if each not in group or each in started]
        for each, info in after.items():
            assert info.incarnation == infos[each].incarnation + (each in started)

    # -- what holds ----

    @invariant()
    def what_is_seen_is_so(self) -> None:
        for supervisor in self.supervisors():
            _, infos = self.infos(supervisor)
            counts = self.stepper.run(self.node.admin(supervisor).count_children())
            assert counts.specs == len(infos) == counts.supervisors + counts.workers
            assert counts.active == sum(i.state is State.RUNNING for i in infos.values())
            life = self.life(supervisor)
            for name, info in infos.items():
                if (supervisor, life, name) in self.stopped:
                    assert info.state not in UP, f"{name} was stopped, and is {info.state}"
                if name in self.world.takes and info.state is State.RUNNING:
                    assert self.world.alive[name].actor_ref == self.node.ref(name)
                    assert self.world.alive[name].incarnation == info.incarnation
                if info.state is State.STOPPED:
                    assert name not in self.world.alive
            waiting = [info for info in infos.values() if info.state is State.WAITING]
            assert not waiting or any(info.due for info in waiting), "nobody wakes those who wait"

    def teardown(self) -> None:
        if hasattr(self, "node"):
            try:
                expected = self.recovered() if self.rests_before_its_end else None
            finally:
                self.world.log.clear()
                self.stepper.run(self.node.stop())
            self.reap()
            assert not self.calls, "a call to a supervisor was never answered"
            assert expected is None or self.world.log == [f"stop {name}" for name in expected]
            assert self.world.alive == {}
            assert self.node.registry.names() == []
        self.stepper.close()  # no task and no timer is left

    def recovered(self) -> list[str]:
        """Check that all that should have come back has; return the players in stop order."""
        self.rest()
        self.what_is_seen_is_so()
        for supervisor in self.supervisors():
            life = self.life(supervisor)
            for name, info in self.infos(supervisor)[1].items():
                if info.restart == "permanent" and (supervisor, life, name) not in self.stopped:
                    assert info.state is State.RUNNING, f"{name} did not come back"
        return self.in_stop_order("root")

    # -- how ----

    def do(self, main: Coroutine[Any, Any, Any]) -> None:
        """Begin something, and let happen what happens at once; it need not end."""

        async def begin() -> None:
            task = asyncio.get_running_loop().create_task(main)
            self.calls.add(task)

        self.stepper.run(begin())
        self.reap()

    def reap(self) -> None:
        for task in [task for task in self.calls if task.done()]:
            self.calls.remove(task)
            task.result()

    def rest(self) -> None:
        """Let the tree come to rest, all starts succeeding."""
        self.world.broken.clear()
        self.stepper.pass_time(200)
        self.reap()
        assert not self.calls, "a call to a supervisor was never answered"

    async def tell(self, name: str, message: object) -> None:
        self.node.tell(name, message)

    async def admin(self, supervisor: str, call: str, argument: Any) -> None:
        if self.node.ref(supervisor) is None:
            return
        life = self.life(supervisor)
        key = (supervisor, life, argument)
        was_stopped = key in self.stopped
        try:
            if call == "restart_child":
                self.stopped.discard(key)  # from the moment at which it is asked for
            await getattr(self.node.admin(supervisor), call)(argument)
        except CallboardError:
            if was_stopped and self.life(supervisor) == life:
                self.stopped.add(key)
            return
        if call == "terminate_child" and self.life(supervisor) == life:
            self.stopped.add(key)
        if call == "delete_child":
            self.stopped.discard(key)

    def draw_child(self, data: st.DataObject) -> tuple[str, str]:
        supervisor = data.draw(st.sampled_from(self.supervisors() or ["root"]))
        names = list(self.infos(supervisor)[1]) or ["nobody"]
        return supervisor, data.draw(st.sampled_from(names))

    def supervisors(self) -> list[str]:
        """Those that run and would answer now."""
        return [name for name in sorted(self.policies) if self.cell(name) is not None]

    def cell(self, name: str) -> Cell | None:
        ref = self.node.ref(name)
        cell = ref.target if ref is not None else None
        running = isinstance(cell, Cell) and cell.state is State.RUNNING and not cell.busy
        return cell if running and isinstance(cell, Cell) else None

    def life(self, supervisor: str) -> int:
        """The incarnation of a supervisor."""
        ref = self.node.ref(supervisor)
        return ref.target.incarnation if ref is not None and isinstance(ref.target, Cell) else 0

    def infos(self, supervisor: str) -> tuple[str, dict[str, ChildInfo]]:
        listed = self.stepper.run(self.node.admin(supervisor).which_children())
        return supervisor, {info.name: info for info in listed}

    def in_stop_order(self, supervisor: str) -> list[str]:
        """The players that run below a supervisor, the last one first."""
        order: list[str] = []
        for name, info in reversed(self.infos(supervisor)[1].items()):
            if info.state is State.RUNNING:
                order += self.in_stop_order(name) if name in self.policies else [name]
        return order


@pytest.mark.check("S16", "S24", "S26", "S27", "S28", "S46", "S50", "S60")
def test_a_supervisor_keeps_its_promises_whatever_happens_to_its_children() -> None:
    run_state_machine_as_test(
        SupervisorMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
