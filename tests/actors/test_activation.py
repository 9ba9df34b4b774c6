"""Active or not: at the start, when told, over a restart, and what an inactive worker takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Child,
    DynamicSupervisor,
    JobCrashed,
    JobRequest,
    NoActor,
    Node,
    StartFailed,
    ThreadWorker,
    Worker,
    job,
)
from callboard.actors.testing import eventually
from tests.actors.jobs.crew import Boom, Do, Player, node_of, now

log: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def _empty() -> None:
    log.clear()


class Active(Player):
    """Writes down what is done to it, and the state that it sees then."""

    def on_start(self) -> Any:
        log.append((self.name, "start"))

    async def on_activated(self, args: Any) -> None:
        log.append((self.name, "activated", args, self.active, self.activation_args))
        await asyncio.sleep(0)

    async def on_deactivated(self) -> None:
        log.append((self.name, "deactivated", self.active, self.activation_args))


class Inactive(Active):
    active = False


class Bare(Player):
    """Has no hooks for activation."""

    active = False


async def state(worker: Player) -> tuple[bool, Any]:
    return worker.active, worker.activation_args


async def crash(worker: Player) -> None:
    raise Boom


async def restarted(node: Node, name: str) -> None:
    node.tell(name, Do(crash))
    await asyncio.sleep(1)
    assert await node.ask(name, Do(lambda b: asyncio.sleep(0, b.incarnation))) == 2
    log.append((name, "restarted"))


@pytest.mark.check("M38")
async def test_a_worker_starts_active_and_its_hook_ran_once_with_nothing() -> None:
    async with node_of(Child("b", Active)) as node:
        assert log == [("b", "start"), ("b", "activated", None, True, None)]
        assert await node.ask("b", Do(state)) == (True, None)


@pytest.mark.check("M38")
async def test_a_class_that_says_so_starts_inactive_and_its_hook_does_not_run() -> None:
    async with node_of(Child("b", Inactive), Child("c", Bare)) as node:
        assert log == [("b", "start")]
        assert await node.ask("b", Do(state)) == (False, None)
        assert await node.ask("c", Do(state)) == (False, None)


@pytest.mark.check("M39")
async def test_activation_gives_the_hook_its_arguments_and_deactivation_takes_them() -> None:
    args = {"topic": "bees"}
    async with node_of("a", Child("b", Inactive)) as node:
        await node.ask("a", Do(lambda a: a.activate("b", args)))
        assert log[1:] == [("b", "activated", args, True, args)]
        assert log[1][2] is args
        assert await node.ask("b", Do(state)) == (True, args)
        await node.ask("a", Do(lambda a: a.activate("b", "again")))
        assert log[2:] == [("b", "activated", "again", True, "again")]
        await node.ask("a", Do(lambda a: a.deactivate("b")))
        assert log[3:] == [("b", "deactivated", False, None)]
        assert await node.ask("b", Do(state)) == (False, None)
        await node.ask("a", Do(lambda a: a.deactivate("b")))
        assert len(log) == 4


@pytest.mark.check("M39")
async def test_a_worker_without_hooks_is_activated_and_deactivated_all_the_same() -> None:
    async with node_of(Child("b", Bare)) as node:
        await node.activate("b", 5)
        assert await node.ask("b", Do(state)) == (True, 5)
        await node.deactivate("b")
        assert await node.ask("b", Do(state)) == (False, None)


@pytest.mark.check("M39")
async def test_a_worker_activates_and_deactivates_itself() -> None:
    async def both(b: Player) -> None:
        await b.activate("b", 1)
        log.append(await state(b))
        await b.deactivate()

    async with node_of(Child("b", Inactive)) as node:
        await node.ask("b", Do(both))
        assert log[1:] == [
            ("b", "activated", 1, True, 1),
            (True, 1),
            ("b", "deactivated", False, None),
        ]


@pytest.mark.check("M39")
async def test_activation_overtakes_the_data_that_waits() -> None:
    async def note(b: Player) -> None:
        log.append(("data", b.active))

    async with node_of(Child("b", Inactive)) as node:
        node.tell("b", Do(lambda b: asyncio.sleep(1)))
        await asyncio.sleep(0)
        node.tell("b", Do(note))
        await node.activate("b")
        await asyncio.sleep(1)
        assert log[-1] == ("data", True)


@pytest.mark.check("M39")
async def test_who_activates_hears_of_a_hook_that_raises_and_of_a_name_that_nobody_has() -> None:
    class Broken(Inactive):
        async def on_activated(self, args: Any) -> None:
            raise Boom("no")

    async with node_of(Child("b", Broken)) as node:
        with pytest.raises(ActorFailed, match="'b' failed: Boom: no"):
            await node.activate("b", 1)
        await asyncio.sleep(1)
        assert await node.ask("b", Do(state)) == (False, None)
        for call in (node.activate("x"), node.deactivate("x")):
            with pytest.raises(NoActor, match="'x'"):
                await call


@pytest.mark.check("M42")
async def test_an_activation_of_a_worker_that_has_not_started_is_kept_until_it_has() -> None:
    class Slow(Inactive):
        async def on_start(self) -> None:
            await asyncio.sleep(5)
            super().on_start()

    async with Node(DynamicSupervisor()) as node:
        start = asyncio.get_running_loop().create_task(node.admin().start_child(Child("b", Slow)))
        await asyncio.sleep(1)
        began = now()
        await node.activate("b", "early")
        assert now() == began + 4
        assert log == [("b", "start"), ("b", "activated", "early", True, "early")]
        await start


@pytest.mark.check("M42")
async def test_an_activation_of_a_worker_that_restarts_is_kept_until_it_has() -> None:
    async with node_of(Child("b", Inactive)) as node:
        node.tell("b", Do(crash))
        await asyncio.sleep(0.05)
        await node.activate("b", "meanwhile")
        assert log[1:] == [("b", "start"), ("b", "activated", "meanwhile", True, "meanwhile")]


@pytest.mark.check("M42")
@pytest.mark.parametrize("kind", [Inactive, Bare])
async def test_an_active_worker_that_restarts_is_active_with_the_same_arguments(kind: Any) -> None:
    async with node_of(Child("b", kind)) as node:
        await node.activate("b", "args")
        await restarted(node, "b")
        assert await node.ask("b", Do(state)) == (True, "args")
        if kind is Inactive:
            activated = ("b", "activated", "args", True, "args")
            assert log[1:] == [activated, ("b", "start"), activated, ("b", "restarted")]


@pytest.mark.check("M42")
@pytest.mark.parametrize("kind", [Active, Player])
async def test_a_deactivated_worker_that_restarts_stays_inactive(kind: Any) -> None:
    async with node_of(Child("b", kind)) as node:
        await node.deactivate("b")
        await restarted(node, "b")
        assert await node.ask("b", Do(state)) == (False, None)


@pytest.mark.check("M42")
async def test_an_active_worker_whose_hook_fails_a_restart_is_active_in_the_next_try() -> None:
    class Shaky(Inactive):
        async def on_activated(self, args: Any) -> None:
            await super().on_activated(args)
            if self.incarnation == 2:
                raise Boom

    async with node_of(Child("b", Shaky)) as node:
        await node.activate("b", "args")
        node.tell("b", Do(crash))
        await asyncio.sleep(1)
        assert await node.ask("b", Do(lambda b: asyncio.sleep(0, b.incarnation))) == 3
        assert await node.ask("b", Do(state)) == (True, "args")


@pytest.mark.check("M38")
async def test_a_first_activation_that_fails_is_a_failed_start() -> None:
    class Broken(Active):
        async def on_activated(self, args: Any) -> None:
            raise Boom("not today")

    with pytest.raises(StartFailed, match="Boom: not today"):
        async with node_of(Child("b", Broken)):
            pass


class Server(Worker):
    active = False

    @job("work")
    async def work(self, request: JobRequest) -> str:
        await asyncio.sleep(request.payload or 0)
        return "worked"

    @job("in turn", sequential=True)
    async def in_turn(self, request: JobRequest) -> str:
        return await self.work(request)


@pytest.mark.check("M44")
async def test_an_inactive_server_refuses_a_job_at_once_and_says_why() -> None:
    async with node_of(Child("b", Server)) as node:
        began = now()
        with pytest.raises(JobCrashed) as refusal:
            await node.request("b", "work")
        assert now() == began
        assert "'b'" in str(refusal.value) and "inactive" in str(refusal.value)
        await node.activate("b")
        assert await node.request("b", "work") == "worked"


@pytest.mark.check("M44")
async def test_what_runs_when_a_server_is_deactivated_goes_on() -> None:
    async with node_of(Child("b", Server)) as node:
        await node.activate("b")
        taken = [node.start_job("b", "work", 5)]
        taken += [node.start_job("b", "in turn", 5) for _ in range(2)]
        await asyncio.sleep(1)
        await node.deactivate("b")
        with pytest.raises(JobCrashed, match="inactive"):
            await node.request("b", "work")
        assert [await each for each in taken] == ["worked"] * 3


@pytest.mark.check("M44")
async def test_an_inactive_worker_handles_plain_messages_as_usual() -> None:
    async with node_of(Child("b", Inactive)) as node:
        assert await node.ask("b", Do(lambda b: asyncio.sleep(1, "handled"))) == "handled"


@pytest.mark.check("M39", "M12")
async def test_the_hooks_of_a_threaded_worker_run_on_its_thread() -> None:
    import threading

    class Blocking(ThreadWorker):
        active = False

        def on_activated(self, args: Any) -> None:
            log.append((threading.current_thread() is not threading.main_thread(), args))

        def on_deactivated(self) -> None:
            log.append((threading.current_thread() is not threading.main_thread(), "over"))

    async with node_of(Child("b", Blocking)) as node:
        await node.activate("b", 1)
        await node.deactivate("b")
        await eventually(lambda: len(log) == 2)
        assert log == [(True, 1), (True, "over")]
