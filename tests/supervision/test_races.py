"""What goes wrong in supervisors when two things happen at once, and does not here."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import (
    ActorFailed,
    Admin,
    AlreadyRunning,
    Backoff,
    Child,
    ChildRunning,
    Deadlock,
    Failed,
    LocalMessage,
    NoActor,
    Normal,
    Restarts,
    StartDeclined,
    StartFailed,
    Stopped,
    Supervisor,
    Worker,
    on,
)
from tests.supervision.company import (
    AT_ONCE,
    Broken,
    Player,
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


@pytest.mark.check("S11", "S22")
async def test_a_child_that_was_ending_when_it_was_terminated_says_why_and_stays_stopped() -> None:
    script = Script()
    script.stop_takes["a"] = 2.0
    async with company(script.child("a"), restarts=Restarts(intensity=0)) as node:
        script.take()
        end(node, "a", Normal())
        await asyncio.sleep(1)
        await node.admin().terminate_child("a")
        assert script.take() == ["stop a", "stopped a"]
        await asyncio.sleep(60)
        info = (await infos(node))["a"]
        assert (info.state.value, info.reason) == ("stopped", "normal")
        assert len(script.built["a"]) == 1


@pytest.mark.check("S11")
async def test_a_child_that_fails_while_it_is_terminated_is_not_restarted() -> None:
    script = Script()
    script.stop_takes["a"] = 2.0
    async with company(script.child("a"), restarts=Restarts(intensity=0)) as node:
        stopping = asyncio.create_task(node.admin().terminate_child("a"))
        await asyncio.sleep(1)
        end(node, "a", Failed(Broken("a")))
        await stopping
        await asyncio.sleep(60)
        assert await states(node) == {"a": "stopped"}
        assert len(script.built["a"]) == 1


@pytest.mark.check("S9", "S13", "S14", "S25")
async def test_while_a_child_still_ends_it_is_neither_started_nor_forgotten() -> None:
    script = Script()
    script.stop_takes["a"] = 3.0
    async with company(script.child("a", restart="transient")) as node:
        script.take()
        end(node, "a", Normal())
        await asyncio.sleep(1)
        with pytest.raises(AlreadyRunning):
            await node.admin().restart_child("a")
        with pytest.raises(AlreadyRunning):
            await node.admin().start_child(script.child("a"))
        with pytest.raises(ChildRunning):
            await node.admin().delete_child("a")
        assert script.take() == ["stop a"]
        await asyncio.sleep(5)
        assert await states(node) == {"a": "stopped"}
        await node.admin().restart_child("a")
        assert script.take() == ["stopped a", "start a", "started a"]
        assert (await lives(node))["a"] == 2


@pytest.mark.check("S46")
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
async def test_a_supervisor_that_stops_while_it_restarts_leaves_nobody_behind(
    strategy: str,
) -> None:
    script = Script()
    script.start_takes["b"] = 2.0
    script.cleanup_takes["b"] = 0.2
    node = company(*script.children("a", "b", "c"), strategy=strategy)
    await node.start()
    fail(node, "b")
    await asyncio.sleep(1)
    await node.stop()
    assert script.log[-1] == "stopped a"
    built = len(script.built["b"])
    await asyncio.sleep(3600)
    assert len(script.built["b"]) == built
    assert node.registry.names() == []


@pytest.mark.check("S46")
async def test_a_failure_in_the_instant_of_the_stop_restarts_nothing() -> None:
    script = Script()
    node = company(*script.children("a", "b"))
    await node.start()
    fail(node, "a")
    await node.stop()
    await asyncio.sleep(60)
    assert len(script.built["a"]) == 1


@pytest.mark.check("S17")
async def test_a_supervisor_that_is_stopping_takes_no_new_child() -> None:
    script = Script()
    script.stop_takes["a"] = 3.0
    inner = Child("inner", partial(Supervisor, script.children("a")))
    async with company(inner) as node:
        ref = node.ref("inner")
        assert ref is not None
        stopping = asyncio.create_task(node.admin().terminate_child("inner"))
        await asyncio.sleep(1)
        with pytest.raises(NoActor):
            await Admin(ref).start_child(script.child("late"))
        await stopping
        assert not script.built["late"]


@pytest.mark.check("S34")
async def test_the_failure_that_ends_a_supervisor_stops_those_it_was_about_to_restart() -> None:
    script = Script()
    policy = Restarts(intensity=1, period=1000, backoff=Backoff(min=5, jitter=0))
    crew = Child("crew", partial(Supervisor, script.children("a", "b", "c"), restarts=policy))
    later = Restarts(100, backoff=Backoff(min=50, max=50, jitter=0))
    async with company(crew, restarts=later) as node:
        fail(node, "a")
        await asyncio.sleep(1)
        script.take()
        fail(node, "b")
        await asyncio.sleep(20)  # a's wait would be over
        assert script.take() == ["stop c", "stopped c"]
        assert node.ref("a") is None


@pytest.mark.check("S3", "S45")
async def test_a_start_that_is_declined_in_a_restart_leaves_the_child_stopped() -> None:
    script = Script()

    class Once(Player):
        async def on_start(self) -> None:
            if self.incarnation > 1:
                raise StartDeclined("once is enough")

    children = [script.child("a"), Child("once", partial(Once, script, "once")), script.child("b")]
    async with company(*children, strategy="one_for_all") as node:
        fail(node, "a")
        await settle()
        assert await states(node) == {"a": "running", "once": "stopped", "b": "running"}
        assert await lives(node) == {"a": 2, "once": 2, "b": 2}
        await asyncio.sleep(60)
        assert len(script.built["once"]) == 2


@pytest.mark.check("S45")
async def test_a_wait_that_ends_while_the_supervisor_is_busy_starts_nobody_of_a_later_plan() -> (
    None
):
    script = Script()
    script.start_takes["slow"] = 3.0
    policy = Restarts(intensity=10, period=1000, backoff=Backoff(min=1, jitter=0))
    async with company(
        *script.children("b", "a"), strategy="rest_for_one", restarts=policy
    ) as node:
        fail(node, "a")  # due in 1 s
        await asyncio.sleep(0.5)
        adding = asyncio.create_task(node.admin().start_child(script.child("slow")))
        await settle()
        fail(node, "b")  # to be seen after `slow` has started, and before that a is due
        await asyncio.sleep(2)
        script.start_takes.clear()
        script.take()
        await adding
        await settle()
        assert script.take() == ["started slow", "stop slow", "stopped slow"]
        assert set((await states(node)).values()) == {"waiting"}
        await asyncio.sleep(1)
        assert script.take() == [
            f"{what} {name}" for name in ("b", "a", "slow") for what in ("start", "started")
        ]


@pytest.mark.check("S45")
async def test_a_wait_that_ends_while_the_supervisor_is_busy_is_not_taken_for_the_next_one() -> (
    None
):
    script = Script()
    script.start_takes["slow"] = 3.0
    policy = Restarts(intensity=10, period=1000, backoff=Backoff(min=1, jitter=0))
    children = [script.child("b", backoff=AT_ONCE), script.child("a")]
    async with company(*children, strategy="rest_for_one", restarts=policy) as node:
        fail(node, "a")
        await asyncio.sleep(0.5)
        adding = asyncio.create_task(node.admin().start_child(script.child("slow")))
        await settle()
        fail(node, "b")
        script.broken_starts["a"] = 1  # in the restart that follows at once
        await adding
        await settle()
        assert await states(node) == {"b": "running", "a": "waiting", "slow": "waiting"}
        assert len(script.built["a"]) == 2
        script.start_takes.clear()
        await asyncio.sleep(2)  # the wait of its second attempt
        assert set((await states(node)).values()) == {"running"}


@pytest.mark.check("S5")
async def test_a_node_that_is_stopped_while_it_starts_leaves_nothing() -> None:
    script = Script()
    script.start_takes["b"] = 1e9
    script.stop_takes["a"] = 3.0
    tasks = asyncio.all_tasks()
    node = company(*script.children("a", "b", "c"))
    start = asyncio.create_task(node.start())
    await asyncio.sleep(1)
    await node.stop()
    with pytest.raises(Stopped, match="while it started"):
        await start
    assert script.log[-2:] == ["stop a", "stopped a"]
    assert not script.built["c"]
    assert node.registry.names() == []
    assert asyncio.all_tasks() == tasks


class TerminateMe(LocalMessage):
    """Have the worker ask its own supervisor to stop it."""


class Inward(Worker):
    @on(TerminateMe)
    async def terminate(self, message: TerminateMe) -> None:
        parent = self.parent
        assert parent is not None
        await Admin(parent).terminate_child(self.name)


class InwardAtStart(Worker):
    async def on_start(self) -> None:
        parent = self.parent
        assert parent is not None
        await Admin(parent).count_children()


@pytest.mark.check("S11")
async def test_a_child_that_would_wait_for_its_own_end_is_told_so_at_once() -> None:
    async with company(Child("a", Inward)) as node:
        before = asyncio.get_running_loop().time()
        with pytest.raises(ActorFailed, match="cannot wait") as failure:
            await node.ask("a", TerminateMe())
        assert isinstance(failure.value.__cause__, Deadlock)
        assert asyncio.get_running_loop().time() == before


@pytest.mark.check("S4")
async def test_a_start_that_would_wait_for_its_own_supervisor_is_told_so_at_once() -> None:
    before = asyncio.get_running_loop().time()
    with pytest.raises(StartFailed, match="cannot wait"):
        await company(Child("a", InwardAtStart)).start()
    assert asyncio.get_running_loop().time() == before


class Lead(Player):
    """Has children of its own."""

    async def on_start(self) -> None:
        await super().on_start()
        await self.spawn(self.script.child("helper"))


@pytest.mark.check("S25")
async def test_the_children_of_a_worker_end_with_each_of_its_lives() -> None:
    script = Script()
    async with company(Child("lead", partial(Lead, script, "lead"))) as node:
        script.take()
        fail(node, "lead")
        await settle()
        begun = ["start lead", "started lead", "start helper", "started helper"]
        assert script.take() == ["stop helper", "stopped helper", *begun]
        assert cell_of(node, "helper").running
        assert len(script.built["helper"]) == 2


@pytest.mark.check("S10")
async def test_a_helper_that_does_not_start_is_the_error_of_who_wanted_it_only() -> None:
    script = Script()
    script.broken_starts["helper"] = 1
    with pytest.raises(StartFailed, match="helper"):
        await company(Child("lead", partial(Lead, script, "lead"))).start()
