"""Admin calls while the supervisor runs: what each does, and what it refuses."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import (
    Admin,
    AlreadyPresent,
    AlreadyRunning,
    Backoff,
    Child,
    ChildNotFound,
    ChildRunning,
    MaxChildren,
    NoActor,
    Node,
    Normal,
    Restarting,
    Restarts,
    StartFailed,
    Supervisor,
)
from tests.supervision.company import (
    Broken,
    Script,
    Who,
    cell_of,
    company,
    end,
    fail,
    infos,
    lives,
    settle,
    states,
)

SLOW = Restarts(intensity=100, backoff=Backoff(min=60, max=60, jitter=0))
"""A child that failed waits for a minute."""


def trio(script: Script) -> Node:
    """A node with `running`, `stopped` and `waiting`; after `stand` they are what they say."""
    names = ("running", "stopped", "waiting")
    return company(*script.children(*names), restarts=SLOW)


async def stand(node: Node) -> None:
    await node.admin().terminate_child("stopped")
    fail(node, "waiting")
    await settle()
    expected = {"running": "running", "stopped": "stopped", "waiting": "waiting"}
    assert await states(node) == expected


@pytest.mark.check("S9")
async def test_a_child_of_a_known_name_is_refused_and_the_old_one_left_alone() -> None:
    script = Script()
    async with trio(script) as node:
        await stand(node)
        before = await infos(node)
        with pytest.raises(AlreadyRunning) as refusal:
            await node.admin().start_child(script.child("running"))
        assert refusal.value.ref == node.ref("running")
        for name in ("stopped", "waiting"):
            with pytest.raises(AlreadyPresent):
                await node.admin().start_child(script.child(name))
        assert await infos(node) == before
        assert len(script.built["running"]) == 1


@pytest.mark.check("S10")
async def test_a_start_child_that_fails_keeps_nothing_and_costs_nothing() -> None:
    script = Script()
    script.broken_starts["late"] = 2
    async with company(script.child("a"), restarts=Restarts(intensity=1)) as node:
        for _ in range(2):
            with pytest.raises(StartFailed, match="'late'") as failure:
                await node.admin().start_child(script.child("late"))
            assert isinstance(failure.value.__cause__, Broken)
        assert list(await infos(node)) == ["a"]
        assert node.ref("late") is None
        await asyncio.sleep(60)
        assert len(script.built["late"]) == 2  # each was asked for: no retry
        fail(node, "a")  # the one restart there is, untouched
        await asyncio.sleep(1)
        assert await states(node) == {"a": "running"}
        await node.admin().start_child(script.child("late"))
        assert await states(node) == {"a": "running", "late": "running"}


@pytest.mark.check("S11")
async def test_terminate_child_returns_after_the_stop_hook() -> None:
    script = Script()
    script.stop_takes = dict.fromkeys(("p", "t", "x"), 3.0)
    children = [
        script.child("p"),
        script.child("t", restart="transient"),
        script.child("x", restart="temporary"),
    ]
    async with company(*children) as node:
        script.take()
        for name in ("p", "t", "x"):
            await node.admin().terminate_child(name)
            assert script.take() == [f"stop {name}", f"stopped {name}"]
        assert await states(node) == {"p": "stopped", "t": "stopped"}
        await node.admin().terminate_child("p")
        assert script.take() == []
        for name in ("x", "nobody"):
            with pytest.raises(ChildNotFound, match=name):
                await node.admin().terminate_child(name)
        await asyncio.sleep(60)
        assert await states(node) == {"p": "stopped", "t": "stopped"}


@pytest.mark.check("S11")
async def test_a_child_that_is_terminated_twice_still_says_why_it_ended_first() -> None:
    script = Script()
    async with company(script.child("t", restart="transient")) as node:
        end(node, "t", Normal())
        await settle()
        await node.admin().terminate_child("t")
        assert (await infos(node))["t"].reason == "normal"


@pytest.mark.check("S13")
async def test_restart_child_is_for_stopped_children_only() -> None:
    script = Script()
    async with trio(script) as node:
        await stand(node)
        admin = node.admin()
        with pytest.raises(AlreadyRunning) as refusal:
            await admin.restart_child("running")
        assert refusal.value.ref == node.ref("running")
        with pytest.raises(Restarting):
            await admin.restart_child("waiting")
        with pytest.raises(ChildNotFound):
            await admin.restart_child("nobody")
        ref = await admin.restart_child("stopped")
        assert await ref.ask(Who()) == 2
        assert list(await infos(node)) == ["running", "stopped", "waiting"]


@pytest.mark.check("S13")
async def test_a_restart_child_that_fails_returns_the_error_and_leaves_it_stopped() -> None:
    script = Script()
    async with company(script.child("a"), restarts=Restarts(intensity=0)) as node:
        await node.admin().terminate_child("a")
        script.broken_starts["a"] = 1
        with pytest.raises(StartFailed) as failure:
            await node.admin().restart_child("a")
        assert isinstance(failure.value.__cause__, Broken)
        await asyncio.sleep(60)
        assert await states(node) == {"a": "stopped"}
        assert len(script.built["a"]) == 2
        await node.admin().restart_child("a")
        assert await states(node) == {"a": "running"}


@pytest.mark.check("S14")
async def test_delete_child_forgets_stopped_children_only() -> None:
    script = Script()
    async with trio(script) as node:
        await stand(node)
        admin = node.admin()
        with pytest.raises(ChildRunning):
            await admin.delete_child("running")
        with pytest.raises(Restarting):
            await admin.delete_child("waiting")
        with pytest.raises(ChildNotFound):
            await admin.delete_child("nobody")
        await admin.delete_child("stopped")
        assert await states(node) == {"running": "running", "waiting": "waiting"}
        assert node.ref("stopped") is None
        await admin.start_child(script.child("stopped"))  # the name is free again


@pytest.mark.check("S16")
async def test_children_are_listed_in_start_order_also_after_a_group_restart() -> None:
    script = Script()
    inner = Child("c1", partial(Supervisor, script.children("deep")))
    children = [script.child("c7"), inner, *script.children("c10", "c2")]
    async with company(*children, strategy="one_for_all") as node:
        order = ["c7", "c1", "c10", "c2"]
        assert list(await infos(node)) == order
        fail(node, "c10")
        await settle()
        assert await lives(node) == dict.fromkeys(order, 2)
        assert list(await infos(node)) == order
        await node.admin().start_child(script.child("c0"))
        assert list(await infos(node)) == [*order, "c0"]


@pytest.mark.check("S16")
async def test_counts_tell_what_runs_from_what_is_only_there() -> None:
    script = Script()
    inner = Child("inner", partial(Supervisor, script.children("deep")))
    children = [inner, *script.children("running", "stopped", "waiting")]
    async with company(*children, restarts=SLOW) as node:
        await node.admin().terminate_child("stopped")
        fail(node, "waiting")
        await settle()
        counts = await node.admin().count_children()
        assert (counts.specs, counts.active) == (4, 2)
        assert (counts.supervisors, counts.workers) == (1, 3)
        kinds = {name: info.kind for name, info in (await infos(node)).items()}
        assert kinds["inner"] == "supervisor"
        assert kinds["running"] == "worker"


@pytest.mark.check("S17")
async def test_each_call_to_a_dead_supervisor_is_refused_at_once() -> None:
    script = Script()
    inner = Child("inner", partial(Supervisor, script.children("deep")))
    async with company(inner) as node:
        ref = node.ref("inner")
        assert ref is not None
        await node.admin().terminate_child("inner")
        admin = Admin(ref)
        calls = [
            admin.start_child(script.child("a")),
            admin.terminate_child("deep"),
            admin.restart_child("deep"),
            admin.restart_now("deep"),
            admin.delete_child("deep"),
            admin.which_children(),
            admin.count_children(),
        ]
        before = asyncio.get_running_loop().time()
        for call in calls:
            with pytest.raises(NoActor):
                await call
        assert asyncio.get_running_loop().time() == before


@pytest.mark.check("S18")
async def test_a_waiting_child_takes_its_place_among_the_most_there_may_be() -> None:
    script = Script()
    async with company(*script.children("a", "b"), restarts=SLOW, max_children=3) as node:
        await node.admin().start_child(script.child("c"))
        fail(node, "c")
        await settle()
        with pytest.raises(MaxChildren) as refusal:
            await node.admin().start_child(script.child("d"))
        assert refusal.value.limit == 3
        assert not script.built["d"]
        await node.admin().terminate_child("c")
        await node.admin().delete_child("c")
        await node.admin().start_child(script.child("d"))


@pytest.mark.check("S9", "S13", "S14")
async def test_what_an_admin_call_refuses_is_the_callers_error_and_not_the_supervisors() -> None:
    script = Script()
    async with trio(script) as node:
        await stand(node)
        for call in (
            node.admin().restart_child("running"),
            node.admin().delete_child("running"),
            node.admin().terminate_child("nobody"),
        ):
            with pytest.raises((AlreadyRunning, ChildRunning, ChildNotFound)):
                await call
        await settle()
        assert cell_of(node, "root").incarnation == 1
        assert (await lives(node))["running"] == 1
        assert node.events.counts["failed"] == 1  # the child that waits
