"""The restart budget: how many restarts a supervisor makes before it gives up, one level up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from functools import partial

import pytest

from callboard import (
    Backoff,
    Child,
    Exceeded,
    Failed,
    Node,
    Restarts,
    Supervisor,
    Worker,
    WorkerDown,
    on,
)
from tests.supervision.company import (
    AT_ONCE,
    Broken,
    Script,
    company,
    fail,
    infos,
    lives,
    settle,
    states,
)


def policy(intensity: int | None, period: float = 10.0) -> Restarts:
    return Restarts(intensity=intensity, period=period, backoff=AT_ONCE)


async def failing(node: Node, *names: str) -> None:
    """Fail one after another, each after the last was repaired."""
    for name in names:
        fail(node, name)
        await settle()


@pytest.mark.check("S34")
async def test_a_restart_beyond_the_intensity_ends_the_supervisor_and_all_in_reverse() -> None:
    script = Script()
    node = company(*script.children("a", "b", "c", "d"), restarts=policy(3))
    await node.start()
    await failing(node, "b", "b", "b")
    assert await lives(node) == {"a": 1, "b": 4, "c": 1, "d": 1}
    script.take()
    fail(node, "b")
    with pytest.raises(Exceeded):
        await node.run()
    names = ["d", "c", "a"]
    assert script.take() == [f"{what} {name}" for name in names for what in ("stop", "stopped")]
    assert len(script.built["b"]) == 4  # the one too many was not made


@pytest.mark.check("S34")
async def test_restarts_that_are_older_than_the_period_do_not_count() -> None:
    script = Script()
    async with company(script.child("a"), restarts=policy(2, period=10)) as node:
        for _ in range(20):
            await failing(node, "a")
            await asyncio.sleep(5.1)
        assert await lives(node) == {"a": 21}


@pytest.mark.check("S35")
async def test_failures_of_different_children_add_up() -> None:
    script = Script()
    node = company(*script.children("a", "b", "c"), restarts=policy(2))
    await node.start()
    await failing(node, "a", "b")
    assert node.state == "running"
    await failing(node, "c")
    assert node.state == "stopped"


@pytest.mark.check("S37")
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
async def test_with_an_intensity_of_zero_the_first_restart_is_one_too_many(strategy: str) -> None:
    script = Script()
    children = [script.child("x", restart="temporary"), *script.children("a", "b")]
    node = company(*children, strategy=strategy, restarts=policy(0))
    await node.start()
    await failing(node, "x")  # calls for no restart
    assert await states(node) == {"a": "running", "b": "running"}
    fail(node, "a")
    with pytest.raises(Exceeded):
        await node.run()
    assert len(script.built["a"]) == 1


@pytest.mark.check("S39")
async def test_a_transient_supervisor_that_gave_up_is_restarted_with_its_static_children() -> None:
    script = Script()
    crew = Child(
        "crew",
        partial(Supervisor, script.children("a", "b"), restarts=policy(1)),
        restart="transient",
    )
    async with company(crew, script.child("other")) as node:
        await node.admin("crew").start_child(script.child("guest"))
        await failing(node, "a", "a")
        info = (await infos(node))["crew"]
        assert (info.state.value, info.incarnation) == ("running", 2)
        assert info.reason is not None
        assert info.reason.startswith("failed: Exceeded")
        assert await states(node, "crew") == {"a": "running", "b": "running"}
        assert node.ref("guest") is None
        assert (await lives(node))["other"] == 1
        await failing(node, "a")  # with a budget of its own again
        assert (await lives(node))["crew"] == 2


@pytest.mark.check("S39")
async def test_giving_up_goes_up_level_by_level_to_the_root() -> None:
    script = Script()
    low = Child("low", partial(Supervisor, script.children("a"), restarts=policy(1)))
    high = Child("high", partial(Supervisor, [low], restarts=policy(1)))
    node = company(high, script.child("other"), restarts=policy(0))
    await node.start()
    await failing(node, "a", "a", "a")
    assert node.state == "running"
    assert (await lives(node, "high"))["low"] == 2
    fail(node, "a")
    with pytest.raises(Exceeded) as exceeded:
        await node.run()
    error: BaseException | None = exceeded.value
    paths: list[str] = []
    while isinstance(error, Exceeded):
        paths.append(error.path)
        error = error.__cause__
    assert paths == ["root", "root/high", "root/high/low"]
    assert isinstance(error, Broken)


@pytest.mark.check("S40")
async def test_run_raises_what_the_root_gave_up_over() -> None:
    script = Script()
    node = company(script.child("a"), restarts=policy(1))
    await node.start()
    await failing(node, "a")
    fail(node, "a")
    with pytest.raises(Exceeded, match="root") as exceeded:
        await node.run()
    assert (exceeded.value.path, exceeded.value.child) == ("root", "a")
    assert (exceeded.value.intensity, exceeded.value.period) == (1, 10.0)
    assert isinstance(exceeded.value.__cause__, Broken)


PROGRAM = """
import asyncio
from callboard import Child, Node, Restarts, Supervisor, Worker

class Bad(Worker):
    async def on_start(self):
        self.tell(self.actor_ref, "fail")

    def on_receive(self, message):
        raise ValueError("it never works")

tree = Supervisor([Child("bad", Bad)], restarts=Restarts(intensity=0))
asyncio.run(Node(tree).run())
"""


@pytest.mark.check("S40")
def test_a_process_whose_root_gave_up_does_not_exit_well() -> None:
    run = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "the supervisor root gave up" in done.stderr
    assert "it never works" in done.stderr


@pytest.mark.check("S41")
@pytest.mark.parametrize("jump", [86_400, -86_400])
async def test_a_wall_clock_that_jumps_changes_nothing_of_the_period(
    jump: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = 0
    seconds, nanoseconds = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: seconds() + offset)
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + offset * 1_000_000_000)
    script = Script()
    node = company(script.child("a"), restarts=policy(2, period=10))
    await node.start()
    for _ in range(4):  # further apart than the period
        await failing(node, "a")
        offset += jump
        await asyncio.sleep(6)
    assert node.state == "running"
    await asyncio.sleep(10)
    await failing(node, "a")
    offset += jump
    await failing(node, "a")
    assert node.state == "running"
    offset += jump
    await failing(node, "a")  # all three within the period
    assert node.state == "stopped"


@pytest.mark.check("S34", "S39")
async def test_who_watches_a_supervisor_that_gave_up_hears_that_it_did() -> None:
    heard: list[WorkerDown] = []

    class Watcher(Worker):
        async def on_start(self) -> None:
            self.monitor(self.ref("crew"))

        @on(WorkerDown)
        def down(self, fact: WorkerDown) -> None:
            heard.append(fact)

    script = Script()
    crew = Child(
        "crew",
        partial(Supervisor, script.children("a"), restarts=policy(0)),
        restart="temporary",
    )
    async with company(crew, Child("watcher", Watcher)) as node:
        await failing(node, "a")
        assert await states(node) == {"watcher": "running"}
        assert len(heard) == 1
        reason = heard[0].reason
        assert isinstance(reason, Failed)
        assert isinstance(reason.cause, Exceeded)


async def test_the_wait_before_a_restart_is_separate_from_the_budget() -> None:
    script = Script()
    restarts = Restarts(intensity=2, period=5.0, backoff=Backoff(min=100, max=100, jitter=0))
    async with company(script.child("a"), restarts=restarts) as node:
        for life in range(2, 8):
            fail(node, "a")
            await asyncio.sleep(101)
            assert await lives(node) == {"a": life}
