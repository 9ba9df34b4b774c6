"""Who is stopped and started with a child that ends, in which order, and when that fails too."""

from __future__ import annotations

import asyncio

import pytest

from callboard import Backoff, Exceeded, Failed, Normal, Reason, Restarts
from tests.supervision.company import (
    Broken,
    Script,
    cell_of,
    company,
    end,
    fail,
    infos,
    lives,
    settle,
    states,
)

ALL = ["c1", "c2", "c3", "c4", "c5"]


def started(*names: str) -> list[str]:
    return [line for name in names for line in (f"start {name}", f"started {name}")]


def stopped(*names: str) -> list[str]:
    return [line for name in names for line in (f"stop {name}", f"stopped {name}")]


@pytest.mark.check("S26")
async def test_one_for_one_restarts_only_the_one_that_failed() -> None:
    script = Script()
    async with company(*script.children(*ALL)) as node:
        script.take()
        fail(node, "c1")
        await settle()
        assert await lives(node) == {name: 2 if name == "c1" else 1 for name in ALL}
        assert script.take() == started("c1")


@pytest.mark.check("S27")
async def test_one_for_all_stops_the_rest_in_reverse_and_starts_all_in_order() -> None:
    script = Script()
    names = ALL[:4]
    script.start_takes = {"c1": 3, "c3": 2}
    script.stop_takes = {"c4": 2, "c1": 1}
    policy = Restarts(intensity=1, period=1000, backoff=Backoff(min=0))
    async with company(*script.children(*names), strategy="one_for_all", restarts=policy) as node:
        script.take()
        fail(node, "c2")
        await asyncio.sleep(20)
        assert script.take() == [*stopped("c4", "c3", "c1"), *started(*names)]
        assert await lives(node) == dict.fromkeys(names, 2)  # all of it counted as one restart


@pytest.mark.check("S28")
async def test_rest_for_one_restarts_the_failed_one_and_those_after_it() -> None:
    script = Script()
    script.start_takes = {"c3": 2}
    script.stop_takes = {"c5": 2}
    async with company(*script.children(*ALL), strategy="rest_for_one") as node:
        script.take()
        fail(node, "c3")
        await asyncio.sleep(10)
        assert script.take() == [*stopped("c5", "c4"), *started("c3", "c4", "c5")]
        assert await lives(node) == {"c1": 1, "c2": 1, "c3": 2, "c4": 2, "c5": 2}


@pytest.mark.check("S27", "S28")
@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@pytest.mark.parametrize("delay", [0.0, 2.0])
async def test_members_of_one_group_that_fail_in_one_tick_are_one_restart(
    strategy: str, delay: float
) -> None:
    script = Script()
    policy = Restarts(intensity=1, period=1000, backoff=Backoff(min=delay, jitter=0))
    async with company(*script.children(*ALL), strategy=strategy, restarts=policy) as node:
        script.take()
        fail(node, "c1", "c4", "c2", "c3")
        await asyncio.sleep(3)
        assert await lives(node) == dict.fromkeys(ALL, 2)
        assert script.take() == [*stopped("c5"), *started(*ALL)]


@pytest.mark.check("S30")
async def test_two_that_fail_in_one_tick_are_two_restarts_under_one_for_one() -> None:
    script = Script()
    policy = Restarts(intensity=1, backoff=Backoff(min=0))
    node = company(*script.children("a", "b", "c"), restarts=policy)
    await node.start()
    fail(node, "a", "b")
    with pytest.raises(Exceeded):
        await node.run()
    assert script.log[-2:] == stopped("c") or script.log[-4:-2] == stopped("c")


@pytest.mark.check("S30")
async def test_every_one_of_many_failures_of_one_tick_is_repaired() -> None:
    script = Script()
    names = [f"w{number}" for number in range(50)]
    async with company(*script.children(*names)) as node:
        fail(node, *names)
        await settle()
        assert await lives(node) == dict.fromkeys(names, 2)


@pytest.mark.check("S31")
async def test_a_failed_start_in_one_for_all_stops_those_restarted_and_tries_all_again() -> None:
    script = Script()
    policy = Restarts(intensity=2, period=1000, backoff=Backoff(min=1, jitter=0))
    names = ["a", "b", "c"]
    async with company(*script.children(*names), strategy="one_for_all", restarts=policy) as node:
        script.take()
        script.broken_starts["b"] = 1
        fail(node, "c")
        await asyncio.sleep(1.5)
        first = [*stopped("b", "a"), *started("a"), "start b", *stopped("a")]
        assert script.take() == first
        assert await states(node) == dict.fromkeys(names, "waiting")
        await asyncio.sleep(1)
        assert script.take() == started(*names)
        assert await states(node) == dict.fromkeys(names, "running")
        # Two attempts, two restarts: a third is one too many.
        fail(node, "a")
        await settle()
        assert node.state == "stopped"


@pytest.mark.check("S31")
async def test_each_attempt_of_a_group_counts_until_the_supervisor_gives_up() -> None:
    script = Script()
    policy = Restarts(intensity=3, period=1000, backoff=Backoff(min=1, jitter=0))
    node = company(*script.children("a", "b"), strategy="one_for_all", restarts=policy)
    await node.start()
    script.broken_starts["b"] = 100
    fail(node, "a")
    with pytest.raises(Exceeded) as exceeded:
        await node.run()
    assert exceeded.value.child == "b"
    assert isinstance(exceeded.value.__cause__, Broken)
    assert len(script.built["b"]) == 1 + 3
    assert script.log[-2:] == stopped("a")


@pytest.mark.check("S32")
async def test_a_failed_start_in_rest_for_one_keeps_the_earlier_ones_and_retries_the_rest() -> None:
    script = Script()
    policy = Restarts(intensity=5, period=1000, backoff=Backoff(min=1, jitter=0))
    async with company(*script.children(*ALL), strategy="rest_for_one", restarts=policy) as node:
        script.take()
        script.broken_starts["c4"] = 1
        fail(node, "c2")
        await asyncio.sleep(1.5)
        begun = [*stopped("c5", "c4", "c3"), *started("c2", "c3"), "start c4"]
        assert script.take() == begun
        up, down = dict.fromkeys(ALL[:3], "running"), dict.fromkeys(ALL[3:], "waiting")
        assert await states(node) == up | down
        await asyncio.sleep(1)
        assert script.take() == started("c4", "c5")
        assert await lives(node) == {"c1": 1, "c2": 2, "c3": 2, "c4": 3, "c5": 2}


async def test_a_failure_before_a_group_that_waits_takes_that_group_in() -> None:
    script = Script()
    policy = Restarts(intensity=5, period=1000, backoff=Backoff(min=1, jitter=0))
    async with company(*script.children(*ALL), strategy="rest_for_one", restarts=policy) as node:
        fail(node, "c4")
        await asyncio.sleep(0.5)
        script.take()
        fail(node, "c2")
        await asyncio.sleep(0.8)
        assert script.take() == stopped("c3")  # the wait that c4 had begun is over, unfinished
        await asyncio.sleep(0.5)
        assert script.take() == started("c2", "c3", "c4", "c5")
        await asyncio.sleep(60)
        assert script.take() == []


async def test_a_failed_restart_is_another_failure_that_keeps_both_causes() -> None:
    script = Script()
    async with company(script.child("a")) as node:
        subscription = node.events.subscribe()
        script.broken_starts["a"] = 1
        first = ValueError("first")
        end(node, "a", Failed(first))
        await settle()
        assert (await infos(node))["a"].restarts == 1
        failed = [event.reason for event in subscription.take() if event.kind == "failed"]
        causes = [reason.error for reason in failed if reason is not None]
        assert causes[0] is first
        assert isinstance(causes[1], Broken)
        assert causes[1].__context__ is first


async def test_many_failed_restarts_are_chained_to_what_began_them_and_not_to_each_other() -> None:
    script = Script()
    async with company(script.child("a")) as node:
        subscription = node.events.subscribe()
        script.broken_starts["a"] = 20
        first = ValueError("first")
        end(node, "a", Failed(first))
        await settle()
        failed = [event.reason for event in subscription.take() if event.kind == "failed"]
        starts = [reason.error for reason in failed[1:] if reason is not None]
        assert len(starts) == 20
        assert all(error is not None and error.__context__ is first for error in starts)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
async def test_a_start_that_fails_again_and_again_without_delay_does_not_recurse(
    strategy: str,
) -> None:
    script = Script()
    policy = Restarts(intensity=None, backoff=Backoff(min=0))
    async with company(*script.children("a", "b"), strategy=strategy, restarts=policy) as node:
        script.broken_starts["a"] = 500
        fail(node, "a")
        await settle()
        assert (await states(node))["a"] == "running"
        assert len(script.built["a"]) == 502
        assert cell_of(node, "root").incarnation == 1


@pytest.mark.parametrize("reason", [Normal(), Failed(Broken("c3"))], ids=str)
async def test_the_strategy_does_not_ask_why_a_permanent_child_ended(reason: Reason) -> None:
    script = Script()
    async with company(*script.children(*ALL), strategy="rest_for_one") as node:
        end(node, "c3", reason)
        await settle()
        assert await lives(node) == {"c1": 1, "c2": 1, "c3": 2, "c4": 2, "c5": 2}
