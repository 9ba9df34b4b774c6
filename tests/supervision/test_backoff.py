"""Waiting before a restart: seen, cut short, and never outliving what it was for."""

from __future__ import annotations

import asyncio

import pytest

from callboard import (
    AlreadyPresent,
    AlreadyRunning,
    Backoff,
    ChildNotFound,
    Restarts,
)
from tests.supervision.company import Script, company, fail, infos, lives, settle, states

GROWING = Backoff(min=1.0, factor=2.0, max=8.0, jitter=0)
ENDLESS = Restarts(intensity=None, backoff=GROWING)


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.check("S42")
async def test_the_waits_of_a_child_that_never_starts_grow_up_to_the_maximum() -> None:
    script = Script()
    async with company(script.child("a"), restarts=ENDLESS) as node:
        script.broken_starts["a"] = 8
        fail(node, "a")
        waits: list[float] = []
        for _ in range(8):
            await settle()
            info = (await infos(node))["a"]
            assert info.due is not None
            waits.append(round(info.due - now(), 1))
            await asyncio.sleep(info.due - now())
        assert waits == [1, 2, 4, 8, 8, 8, 8, 8]


@pytest.mark.check("S43")
async def test_the_jitter_of_the_policy_is_used() -> None:
    script = Script()
    names = [f"w{number}" for number in range(20)]
    wide = Restarts(intensity=None, backoff=Backoff(min=1.0, max=3.0, jitter=0.5))
    async with company(*script.children(*names), restarts=wide) as node:
        failed = now()
        fail(node, *names)
        await settle()
        dues = [info.due for info in (await infos(node)).values()]
        waits = [due - failed for due in dues if due is not None]
        assert len(set(waits)) > 1
        assert all(1.0 <= wait <= 1.5 for wait in waits)


@pytest.mark.check("S45")
async def test_a_waiting_child_shows_its_attempt_and_when_it_is_due() -> None:
    script = Script()
    async with company(script.child("a"), restarts=ENDLESS) as node:
        fail(node, "a")
        failed = now()
        await settle()
        info = (await infos(node))["a"]
        assert (info.state.value, info.attempt, info.due) == ("waiting", 1, failed + 1.0)
        await asyncio.sleep(1.0)
        fail(node, "a")
        failed = now()
        await settle()
        info = (await infos(node))["a"]
        assert (info.state.value, info.attempt, info.due) == ("waiting", 2, failed + 2.0)
        await asyncio.sleep(2.0)
        info = (await infos(node))["a"]
        assert (info.state.value, info.due, info.restarts) == ("running", None, 2)


@pytest.mark.check("S45")
async def test_a_waiting_child_that_is_terminated_never_starts_again() -> None:
    script = Script()
    async with company(*script.children("a", "b"), restarts=ENDLESS) as node:
        fail(node, "a")
        await settle()
        await node.admin().terminate_child("a")
        assert await states(node) == {"a": "stopped", "b": "running"}
        assert (await infos(node))["a"].reason == "failed: Broken: a"
        await asyncio.sleep(3600)
        assert len(script.built["a"]) == 1


@pytest.mark.check("S45")
@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@pytest.mark.parametrize("name", ["b", "c"])
async def test_a_group_that_waits_starts_without_a_member_that_is_terminated(
    strategy: str, name: str
) -> None:
    script = Script()
    names = ["a", "b", "c", "d"]
    async with company(*script.children(*names), strategy=strategy, restarts=ENDLESS) as node:
        fail(node, "b")
        await asyncio.sleep(0.5)
        await node.admin().terminate_child(name)
        await asyncio.sleep(0.6)  # when it was due, whoever of the group had failed
        expected = dict.fromkeys(names, "running") | {name: "stopped"}
        assert await states(node) == expected


@pytest.mark.check("S46")
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_a_supervisor_with_waiting_children_stops_at_once_and_leaves_no_timer(
    strategy: str,
) -> None:
    script = Script()
    long = Restarts(intensity=None, backoff=Backoff(min=1000, max=1000))
    node = company(*script.children("a", "b"), strategy=strategy, restarts=long)
    await node.start()
    fail(node, "a", "b")
    await settle()
    before = now()
    await node.stop()
    assert now() == before
    await asyncio.sleep(5000)
    assert (len(script.built["a"]), len(script.built["b"])) == (1, 1)


@pytest.mark.check("S47")
async def test_restart_now_is_one_start_and_the_wait_is_over() -> None:
    script = Script()
    async with company(script.child("a"), restarts=ENDLESS) as node:
        fail(node, "a")
        await settle()
        before = now()
        await node.admin().restart_now("a")
        assert now() == before
        info = (await infos(node))["a"]
        assert (info.state.value, info.incarnation, info.due) == ("running", 2, None)
        await asyncio.sleep(3600)
        assert len(script.built["a"]) == 2


@pytest.mark.check("S47")
@pytest.mark.parametrize("name", ["a", "b", "c"])
async def test_restart_now_of_any_member_starts_the_group_that_waits(name: str) -> None:
    script = Script()
    names = ["a", "b", "c"]
    async with company(*script.children(*names), strategy="one_for_all", restarts=ENDLESS) as node:
        fail(node, "b")
        await settle()
        await node.admin().restart_now(name)
        assert await lives(node) == dict.fromkeys(names, 2)
        await asyncio.sleep(3600)
        assert await lives(node) == dict.fromkeys(names, 2)


@pytest.mark.check("S47")
async def test_restart_now_is_for_waiting_children_only() -> None:
    script = Script()
    async with company(*script.children("up", "down"), restarts=ENDLESS) as node:
        await node.admin().terminate_child("down")
        with pytest.raises(AlreadyRunning):
            await node.admin().restart_now("up")
        with pytest.raises(AlreadyPresent):
            await node.admin().restart_now("down")
        with pytest.raises(ChildNotFound):
            await node.admin().restart_now("nobody")
        assert await states(node) == {"up": "running", "down": "stopped"}


@pytest.mark.check("S49")
async def test_the_waits_grow_where_restarts_have_no_limit_too() -> None:
    script = Script()
    endless = Restarts(intensity=None)
    assert endless.backoff.min > 0
    assert endless.backoff.factor > 1
    async with company(script.child("a"), restarts=endless) as node:
        script.broken_starts["a"] = 10**9
        fail(node, "a")
        await asyncio.sleep(3600)
        # About an hour of waits near the maximum, and not of short ones begun anew.
        most = 3600 / endless.backoff.max + 20
        assert 10 < len(script.built["a"]) < most


@pytest.mark.check("S49")
async def test_the_waits_begin_anew_only_after_a_life_that_was_long_enough() -> None:
    script = Script()
    backoff = Backoff(min=1.0, factor=10.0, max=1000.0, jitter=0, reset_after=30.0)
    async with company(
        script.child("a"), restarts=Restarts(intensity=None, backoff=backoff)
    ) as node:

        async def waits_after(seconds: float) -> float:
            await asyncio.sleep(seconds)
            failed = now()
            fail(node, "a")
            await settle()
            due = (await infos(node))["a"].due
            assert due is not None
            await asyncio.sleep(due - now())
            return round(due - failed, 3)

        assert await waits_after(0) == 1
        assert await waits_after(29) == 10
        assert await waits_after(29) == 100  # the time it was down is no life
        assert await waits_after(31) == 1


@pytest.mark.check("S42")
async def test_a_spec_may_wait_otherwise_than_its_supervisor_says() -> None:
    script = Script()
    own = script.child("own", backoff=Backoff(min=5.0, jitter=0))
    async with company(own, script.child("usual"), restarts=ENDLESS) as node:
        fail(node, "own", "usual")
        await asyncio.sleep(1.5)
        assert await states(node) == {"own": "waiting", "usual": "running"}
        await asyncio.sleep(4)
        assert (await states(node))["own"] == "running"
