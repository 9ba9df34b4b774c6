"""Which ends call for a restart, by restart type, and what a restart is."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

import pytest

from callboard import (
    Child,
    Failed,
    Killed,
    Normal,
    Reason,
    Shutdown,
    Supervisor,
)
from callboard.supervision.strategy import Restart
from tests.supervision.company import (
    Broken,
    Script,
    Who,
    company,
    end,
    fail,
    infos,
    lives,
    settle,
    states,
)

REASONS: dict[str, Reason] = {
    "normal": Normal(),
    "shutdown": Shutdown("asked"),
    "failed": Failed(Broken("a")),
    "killed": Killed("by somebody"),
}
ENDS: dict[str, dict[str, Literal["restarted", "stopped", "absent"]]] = {
    "permanent": dict.fromkeys(REASONS, "restarted"),
    "transient": {
        "normal": "stopped",
        "shutdown": "stopped",
        "failed": "restarted",
        "killed": "restarted",
    },
    "temporary": dict.fromkeys(REASONS, "absent"),
}


@pytest.mark.check("S21", "S22", "S23")
@pytest.mark.parametrize("why", REASONS)
@pytest.mark.parametrize("restart", ENDS)
async def test_what_follows_an_end_is_by_restart_type_and_reason(
    restart: Restart, why: str
) -> None:
    script = Script()
    async with company(script.child("a", restart=restart), script.child("b")) as node:
        for life in (1, 2):  # each time, not only the first
            end(node, "a", REASONS[why])
            await settle()
            expected = ENDS[restart][why]
            if expected == "restarted":
                assert await lives(node) == {"a": life + 1, "b": 1}
                continue
            left = {"b": "running"} if expected == "absent" else {"a": "stopped", "b": "running"}
            assert await states(node) == left
            assert node.ref("a") is None
            await asyncio.sleep(60)
            assert len(script.built["a"]) == 1
            break


@pytest.mark.check("S22")
async def test_a_finished_transient_child_may_be_restarted_by_hand() -> None:
    script = Script()
    async with company(script.child("a", restart="transient")) as node:
        end(node, "a", Normal())
        await settle()
        ref = await node.admin().restart_child("a")
        assert await ref.ask(Who()) == 2


@pytest.mark.check("S23")
@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_the_end_of_a_temporary_child_restarts_nobody(strategy: str) -> None:
    script = Script()
    children = [script.child("a", restart="temporary"), *script.children("b", "c")]
    async with company(*children, strategy=strategy) as node:
        fail(node, "a")
        await settle()
        assert await lives(node) == {"b": 1, "c": 1}


@pytest.mark.check("S24")
async def test_a_group_restart_leaves_a_temporary_sibling_absent_and_the_supervisor_alive() -> None:
    script = Script()
    children = [script.child("a"), script.child("x", restart="temporary"), script.child("b")]
    async with company(*children, strategy="one_for_all") as node:
        script.take()
        fail(node, "a")
        await settle()
        assert await lives(node) == {"a": 2, "b": 2}
        assert "stopped x" in script.log
        assert node.ref("x") is None
        await node.admin().start_child(script.child("x"))


@pytest.mark.check("S24")
async def test_a_group_restart_leaves_a_child_stopped_that_was_stopped_on_purpose() -> None:
    script = Script()
    async with company(*script.children("a", "b", "c"), strategy="one_for_all") as node:
        await node.admin().terminate_child("b")
        fail(node, "a")
        await settle()
        assert await states(node) == {"a": "running", "b": "stopped", "c": "running"}
        await node.admin().restart_child("b")  # and from now on it goes with the group again
        fail(node, "a")
        await settle()
        assert await lives(node) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.check("S24")
async def test_a_group_restart_runs_a_finished_child_again_unless_its_spec_says_not_to() -> None:
    script = Script()
    once = script.child("once", restart="transient", rerun=False)
    again = script.child("again", restart="transient")
    async with company(script.child("a"), once, again, strategy="rest_for_one") as node:
        end(node, "once", Normal())
        end(node, "again", Normal())
        await settle()
        fail(node, "a")
        await settle()
        assert await states(node) == {"a": "running", "once": "stopped", "again": "running"}
        assert (len(script.built["once"]), len(script.built["again"])) == (1, 2)


@pytest.mark.check("S24")
async def test_a_group_restart_leaves_a_child_stopped_that_a_directive_stopped_for_good() -> None:
    script = Script()
    ended = script.child("ended", rerun=False, directives={Broken: "stop"})
    async with company(script.child("a"), ended, strategy="one_for_all") as node:
        fail(node, "ended")
        await settle()
        assert await states(node) == {"a": "running", "ended": "stopped"}
        fail(node, "a")
        await settle()
        assert await states(node) == {"a": "running", "ended": "stopped"}
        assert len(script.built["ended"]) == 1


@pytest.mark.check("S24")
async def test_members_that_end_together_with_the_failed_one_follow_their_own_specs() -> None:
    script = Script()
    children = [
        script.child("a"),
        script.child("x", restart="temporary"),
        script.child("once", restart="transient", rerun=False),
        script.child("again", restart="transient"),
        script.child("kept", rerun=False),
    ]
    async with company(*children, strategy="one_for_all") as node:
        script.take()
        fail(node, "a")
        for name in ("x", "once", "again", "kept"):
            end(node, name, Normal())
        await settle()
        assert await states(node) == {
            "a": "running",
            "once": "stopped",
            "again": "running",
            "kept": "running",
        }
        assert (await infos(node))["once"].reason == "normal"


@pytest.mark.check("S24")
async def test_a_member_that_had_to_be_killed_for_its_group_is_started_with_it() -> None:
    script = Script()
    script.stop_takes["b"] = 1e9
    stubborn = script.child("b", shutdown=1.0, restart="transient", rerun=False)
    async with company(script.child("a"), stubborn, strategy="one_for_all") as node:
        fail(node, "a")
        await asyncio.sleep(2)
        assert await lives(node) == {"a": 2, "b": 2}
        script.stop_takes.clear()


@pytest.mark.check("S25")
async def test_a_restart_builds_a_new_object_behind_the_same_ref() -> None:
    script = Script()
    script.stop_takes["a"] = 3.0
    async with company(script.child("a")) as node:
        ref = node.ref("a")
        assert ref is not None
        script.take()
        end(node, "a", Normal())
        await asyncio.sleep(1)
        assert script.take() == ["stop a"]  # the new life waits for the end of the old one
        assert len(script.built["a"]) == 1
        await asyncio.sleep(3)
        assert script.take() == ["stopped a", "start a", "started a"]
        first, second = script.built["a"]
        assert first is not second
        assert node.ref("a") == ref
        assert await ref.ask(Who()) == 2


@pytest.mark.check("S25")
async def test_the_ref_of_a_child_outlives_a_restart_of_its_supervisor() -> None:
    script = Script()
    inner = Child("inner", partial(Supervisor, script.children("deep")))
    async with company(inner) as node:
        ref = node.ref("deep")
        assert ref is not None
        end(node, "inner", Failed(Broken("inner")))
        await settle()
        assert node.ref("deep") == ref
        assert len(script.built["deep"]) == 2
        assert await ref.ask(Who()) == script.built["deep"][1].incarnation
