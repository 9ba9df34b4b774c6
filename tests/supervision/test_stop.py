"""Stopping in order: one after another, each with its time, whatever goes wrong in one of them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from callboard import (
    Child,
    DynamicSupervisor,
    Node,
    Stopped,
    Supervisor,
    SystemMessage,
    Worker,
    on,
)
from callboard.actors.testing import LeakCheck, eventually
from tests.supervision.company import PATIENT, Broken, Script, company, fail, lives, settle
from tests.supervision.endings import Note, Work, busy, seconds_of


@pytest.mark.check("S50")
async def test_each_child_has_ended_before_the_one_before_it_is_asked_to() -> None:
    script = Script()
    script.stop_takes = {"c3": 3, "c2": 1, "c1": 2}
    node = company(*script.children("c1", "c2", "c3"))
    await node.start()
    script.take()
    assert await seconds_of(node.stop()) == pytest.approx(6)
    assert script.take() == [
        "stop c3",
        "stopped c3",
        "stop c2",
        "stopped c2",
        "stop c1",
        "stopped c1",
    ]


@pytest.mark.check("S50")
async def test_a_nested_supervisor_has_stopped_its_children_before_its_elder_siblings_stop() -> (
    None
):
    script = Script()
    script.stop_takes = {"deep1": 8, "deep2": 8}  # longer than the 5 s that a worker has

    class Inner(Supervisor):
        children = script.children("deep1", "deep2", shutdown=10)

    node = company(script.child("first"), Child("inner", Inner), script.child("last"))
    await node.start()
    script.take()
    await node.stop()
    stops = [line for line in script.take() if line.startswith("stopped")]
    assert stops == ["stopped last", "stopped deep2", "stopped deep1", "stopped first"]


@pytest.mark.check("S54")
async def test_a_stop_hook_that_raises_is_logged_once_and_the_rest_are_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = Script()

    class BadEnd(Worker):
        async def on_stop(self) -> None:
            raise Broken("in on_stop")

    node = company(script.child("a"), Child("bad", BadEnd), script.child("c"))
    await node.start()
    script.take()
    with caplog.at_level(logging.WARNING, "callboard"):
        await node.stop()
    assert script.take() == ["stop c", "stopped c", "stop a", "stopped a"]
    assert [record.getMessage() for record in caplog.records] == [
        "root/bad hook_failed (failed: Broken: in on_stop)"
    ]


@pytest.mark.check("S55")
async def test_a_stop_lets_the_handler_end_and_answers_for_all_that_waits() -> None:
    log: list[str] = []
    node = company(busy(log, "a", shutdown=5))
    await node.start()
    at_work = node.ask("a", Work(3, "in time"))
    waiting = node.ask("a", Work(0))
    node.tell("a", Note("never handled"))
    await eventually(lambda: log == ["a begins"])
    await node.stop()
    assert await at_work == "in time"
    with pytest.raises(Stopped):
        await waiting
    assert log == ["a begins", "a done", "a stops", "a stopped"]
    letters = node.dead_letters.last()
    assert [type(letter.envelope.message) for letter in letters] == [Work, Note]
    assert all(isinstance(letter.reason, Stopped) for letter in letters)


@pytest.mark.check("S55", "S52")
async def test_a_handler_that_does_not_end_within_the_budget_is_cancelled_and_answered_for() -> (
    None
):
    log: list[str] = []
    node = company(busy(log, "a", shutdown=2))
    await node.start()
    at_work = node.ask("a", Work(100))
    await eventually(lambda: log == ["a begins"])
    assert await seconds_of(node.stop()) == pytest.approx(2)
    with pytest.raises(Stopped):
        await at_work
    assert log == ["a begins", "a cancelled"]


@pytest.mark.check("S55")
async def test_a_handler_beside_another_is_waited_for_too() -> None:
    class Alarm(SystemMessage):
        pass

    log: list[str] = []

    class Guard(Worker):
        @on(Work)
        async def work(self, message: Work) -> None:
            await asyncio.sleep(message.seconds)
            log.append("worked")

        @on(Alarm, preempt=True)
        async def alarm(self, message: Alarm) -> str:
            log.append("alarmed")
            await asyncio.sleep(3)
            log.append("calm")
            return "calm"

        def on_stop(self) -> None:
            log.append("stopped")

    node = company(Child("guard", Guard))
    await node.start()
    node.tell("guard", Work(1))
    await settle()
    answer = node.ask("guard", Alarm())
    await eventually(lambda: "alarmed" in log)
    await node.stop()
    assert log == ["alarmed", "worked", "calm", "stopped"]
    assert await answer == "calm"


@pytest.mark.check("S56")
async def test_ten_stops_at_once_are_one_shutdown_and_all_return_after_it() -> None:
    script = Script()
    script.stop_takes = {"a": 2}
    node = company(script.child("a"))
    await node.start()
    script.take()
    ends: list[list[str]] = []

    async def stop() -> None:
        await node.stop()
        ends.append(list(script.log))

    await asyncio.gather(*(stop() for _ in range(10)))
    assert ends == [["stop a", "stopped a"]] * 10


@pytest.mark.check("S56")
async def test_terminating_a_child_twice_at_once_runs_its_stop_hook_once() -> None:
    script = Script()
    script.stop_takes = {"a": 2}
    async with company(script.child("a")) as node:
        script.take()
        admin = node.admin()
        await asyncio.gather(*(admin.terminate_child("a") for _ in range(10)))
        assert script.take() == ["stop a", "stopped a"]


@pytest.mark.check("S59")
async def test_a_pool_stops_in_the_time_of_its_slowest_member() -> None:
    log: list[str] = []

    class Pool(DynamicSupervisor):
        children = [busy(log, f"w{budget}", 60, shutdown=budget) for budget in (1, 2, 3)]

    node = Node(Pool)
    await node.start()
    assert await seconds_of(node.stop()) == pytest.approx(3)
    assert sum("stop cancelled" in line for line in log) == 3


@pytest.mark.check("S60")
async def test_a_start_a_crash_a_restart_and_a_stop_leave_no_task_timer_or_name() -> None:
    check = LeakCheck()
    script = Script()
    node = company(*script.children("a", "b"), strategy="one_for_all", restarts=PATIENT)
    async with node:
        fail(node, "a")
        await eventually(lambda: "started b" in script.log[4:])
        await settle()
        assert await lives(node) == {"a": 2, "b": 2}
        registry = node.registry
        assert sorted(registry.names()) == ["a", "b", "root"]
    assert registry.names() == []
    assert registry.watches == 0
    await check.verify()


async def test_a_stop_waits_for_an_end_that_is_under_way_and_tells_its_true_reason() -> None:
    script = Script()
    ended: list[str] = []

    class Failing(Worker):
        @on(Note)
        async def note(self, message: Note) -> None:
            raise Broken(message.text)

        async def on_failure(self, *_: object, **__: object) -> None:
            await asyncio.sleep(3)
            ended.append("failed in peace")

    node = company(script.child("a"), Child("b", Failing))
    await node.start()
    node.tell("b", Note("now"))
    await settle()
    await node.admin().terminate_child("b")
    assert ended == ["failed in peace"]
    info = {each.name: each for each in await node.admin().which_children()}["b"]
    assert info.state.value == "stopped"
    assert info.reason == "failed: Broken: now"
    await node.stop()


async def test_a_stop_whose_asker_is_cancelled_goes_on_to_its_end() -> None:
    script = Script()
    script.stop_takes = {"b": 3}
    node = company(*script.children("a", "b"))
    await node.start()
    script.take()
    asker = asyncio.create_task(node.stop())
    await asyncio.sleep(1)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    await node.stop()
    assert script.take() == ["stop b", "stopped b", "stop a", "stopped a"]


async def test_a_worker_that_is_ending_takes_no_new_children() -> None:
    refused: list[BaseException] = []

    class Parent(Worker):
        async def on_start(self) -> None:
            await self.spawn(Child("child", Worker))

        async def on_stop(self) -> None:
            try:
                await self.spawn(Child("late", Worker))
            except Stopped as error:
                refused.append(error)

    node = company(Child("parent", Parent))
    await node.start()
    assert node.ref("child") is not None
    await node.stop()
    assert [str(error) for error in refused] == ["'parent' is ending: it takes no new children"]
    assert node.registry.names() == []


async def test_a_restart_that_is_due_never_fires_after_the_stop() -> None:
    script = Script()
    node = Node(lambda: Supervisor(script.children("a")))
    await node.start()
    fail(node, "a")
    await eventually(lambda: node.events.counts["waiting"] == 1)
    await node.stop()
    await asyncio.sleep(3600)
    assert len(script.built["a"]) == 1


async def test_a_cancelled_run_stops_the_tree_in_order() -> None:
    script = Script()
    node = company(*script.children("a", "b"))
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    script.take()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert script.take() == ["stop b", "stopped b", "stop a", "stopped a"]
    assert node.state == "stopped"


async def test_a_stop_during_the_start_gives_it_up_and_stops_what_had_started() -> None:
    script = Script()
    script.start_takes = {"b": 1000}
    script.cleanup_takes = {"b": 0.2}
    node = company(*script.children("a", "b", "c", start_timeout=None))
    running = asyncio.create_task(node.run())
    await eventually(lambda: "start b" in script.log)
    await node.stop()
    await running
    assert script.take() == [
        "start a",
        "started a",
        "start b",
        "cleaned b",
        "stop a",
        "stopped a",
    ]
    assert node.registry.names() == []
