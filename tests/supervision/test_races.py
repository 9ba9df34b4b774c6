"""What goes wrong in supervisors when two things happen at once, and does not here."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import (
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
    Supervisor,
    Worker,
    on,
)
from tests.supervision.company import (
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


class TerminateMe(LocalMessage):
    """Have the worker ask its own supervisor to stop it."""


class Inward(Worker):
    @on(TerminateMe)
    async def terminate(self, message: TerminateMe) -> None:
        parent = self.parent
        assert parent is not None
        await Admin(parent).terminate_child(self.name)


class InwardAtStart(Worker):
    async def on_start(self) -> None:  # type: ignore[override]
        parent = self.parent
        assert parent is not None
        await Admin(parent).count_children()


@pytest.mark.check("S11")
async def test_a_child_that_would_wait_for_its_own_end_is_told_so_at_once() -> None:
    async with company(Child("a", Inward)) as node:
        before = asyncio.get_running_loop().time()
        with pytest.raises(Exception, match="cannot wait") as failure:
            await node.ask("a", TerminateMe())
        assert isinstance(failure.value.__cause__, Deadlock)
        assert asyncio.get_running_loop().time() == before


@pytest.mark.check("S4")
async def test_a_start_that_would_wait_for_its_own_supervisor_is_told_so_at_once() -> None:
    before = asyncio.get_running_loop().time()
    with pytest.raises(Exception, match="cannot wait"):
        await company(Child("a", InwardAtStart)).start()
    assert asyncio.get_running_loop().time() == before


class Lead(Player):
    """Has children of its own."""

    async def on_start(self) -> None:  # type: ignore[override]
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
    with pytest.raises(Exception, match="helper"):
        await company(Child("lead", partial(Lead, script, "lead"))).start()
