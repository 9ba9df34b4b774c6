"""Significant children: whose end is the end of their supervisor."""

from __future__ import annotations

from functools import partial

import pytest

from callboard import AutoShutdown, Child, Node, Normal, Shutdown, Strategy, Supervisor
from callboard.actors.reason import Failed
from callboard.actors.testing import eventually
from tests.supervision.company import (
    PATIENT,
    Broken,
    Script,
    cell_of,
    company,
    end,
    fail,
    lives,
    settle,
    states,
)

ENDED = "shutdown: its significant child {!r} ended"


async def ended(node: Node) -> str:
    """Wait until the tree has ended by itself, and return for what reason."""
    place = cell_of(node, "root")
    await eventually(lambda: place.closed and node.state == "stopped")
    return str(place.ended)


def significant(script: Script, *names: str, restart: str = "transient") -> list[Child]:
    return script.children(*names, restart=restart, significant=True)


@pytest.mark.check("S62")
@pytest.mark.parametrize("reason", [Normal(), Shutdown("done")], ids=str)
async def test_the_good_end_of_a_transient_significant_child_ends_the_supervisor(
    reason: Normal | Shutdown,
) -> None:
    script = Script()
    children = [script.child("a"), *significant(script, "b"), script.child("c")]
    node = company(*children, auto_shutdown="any_significant")
    await node.start()
    script.take()
    end(node, "b", reason)
    assert await ended(node) == ENDED.format("b")
    assert script.take() == ["stop b", "stopped b", "stop c", "stopped c", "stop a", "stopped a"]


@pytest.mark.check("S62")
@pytest.mark.parametrize("reason", [Normal(), Failed(Broken("b"))], ids=str)
async def test_any_end_of_a_temporary_significant_child_ends_the_supervisor(
    reason: Normal | Failed,
) -> None:
    script = Script()
    children = [script.child("a"), *significant(script, "b", restart="temporary")]
    node = company(*children, auto_shutdown="any_significant")
    await node.start()
    end(node, "b", reason)
    assert await ended(node) == ENDED.format("b")


@pytest.mark.check("S62")
async def test_a_transient_significant_child_that_fails_is_restarted() -> None:
    script = Script()
    children = [script.child("a"), *significant(script, "b")]
    async with company(*children, auto_shutdown="any_significant") as node:
        fail(node, "b")
        await settle()
        assert await lives(node) == {"a": 1, "b": 2}


@pytest.mark.check("S63")
async def test_under_all_significant_only_the_last_end_of_them_ends_the_supervisor() -> None:
    script = Script()
    children = [
        script.child("plain"),
        *significant(script, "b", "c"),
        *significant(script, "d", restart="temporary"),
    ]
    node = company(*children, auto_shutdown="all_significant")
    await node.start()
    for name in ("c", "d"):
        end(node, name, Normal())
        await settle()
        assert node.state == "running"
    assert await states(node) == {"plain": "running", "b": "running", "c": "stopped"}
    end(node, "b", Normal())
    assert await ended(node) == ENDED.format("b")


@pytest.mark.check("S63")
async def test_a_significant_child_that_waits_for_its_restart_has_not_ended() -> None:
    script = Script()
    tree = partial(Supervisor, significant(script, "a", "b"), auto_shutdown="all_significant")
    async with Node(tree) as node:
        fail(node, "a")
        await settle()
        assert (await states(node))["a"] == "waiting"
        end(node, "b", Normal())
        await eventually(lambda: len(script.built["a"]) == 2)
        assert node.state == "running"


@pytest.mark.check("S64")
@pytest.mark.parametrize("mode", ["any_significant", "all_significant"])
async def test_terminating_a_significant_child_does_not_end_the_supervisor(
    mode: AutoShutdown,
) -> None:
    script = Script()
    children = [*significant(script, "a"), *significant(script, "b", restart="temporary")]
    async with company(*children, auto_shutdown=mode) as node:
        await node.admin().terminate_child("a")
        await node.admin().terminate_child("b")
        await settle()
        assert await states(node) == {"a": "stopped"}
        assert node.state == "running"


@pytest.mark.check("S64")
@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_a_group_restart_of_significant_children_does_not_end_the_supervisor(
    strategy: Strategy,
) -> None:
    script = Script()
    children = [
        script.child("plain"),
        *significant(script, "t"),
        *significant(script, "gone", restart="temporary"),
    ]
    async with company(*children, strategy=strategy, auto_shutdown="any_significant") as node:
        fail(node, "plain")
        await settle()
        assert await lives(node) == {"plain": 2, "t": 2}
        assert node.state == "running"


@pytest.mark.check("S64")
async def test_the_end_of_a_child_that_is_not_significant_does_not_end_the_supervisor() -> None:
    script = Script()
    children = [script.child("a", restart="transient"), *significant(script, "b")]
    async with company(*children, auto_shutdown="any_significant") as node:
        end(node, "a", Normal())
        await settle()
        assert await states(node) == {"a": "stopped", "b": "running"}


@pytest.mark.check("S64")
@pytest.mark.parametrize("matters", [True, False])
async def test_a_nested_supervisor_ends_its_parent_only_if_it_is_significant_itself(
    matters: bool,
) -> None:
    script = Script()
    inner = partial(
        Supervisor, significant(script, "deep"), restarts=PATIENT, auto_shutdown="any_significant"
    )
    children = [
        script.child("a"),
        Child("inner", inner, restart="transient", significant=matters),
    ]
    node = company(*children, auto_shutdown="any_significant")
    await node.start()
    end(node, "deep", Normal())
    if matters:
        assert await ended(node) == ENDED.format("inner")
    else:
        await settle()
        assert await states(node) == {"a": "running", "inner": "stopped"}
        await node.stop()


async def test_a_run_whose_significant_child_has_ended_returns() -> None:
    script = Script()
    node = company(*significant(script, "a"), auto_shutdown="any_significant")
    await node.start()
    end(node, "a", Normal())
    await node.run()
    assert node.state == "stopped"
