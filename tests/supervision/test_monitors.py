"""Monitors: one message about the end of a worker, whatever the end is."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import (
    Child,
    Failed,
    Killed,
    LocalMessage,
    Monitor,
    Node,
    Normal,
    Reason,
    Shutdown,
    Supervisor,
    Worker,
    WorkerDown,
    WorkerRestarted,
    on,
)
from callboard.actors.testing import eventually
from tests.supervision.company import Broken, Script, cell_of, company, end, fail, settle
from tests.supervision.endings import busy


class Watch(LocalMessage):
    """Monitor this worker."""

    name: str
    by_ref: bool = True


class Forget(LocalMessage):
    """Cancel the oldest monitor."""


class Sleep(LocalMessage):
    """Hold the mailbox for a second, and forget then if that is asked."""

    forget: bool = False


class Watcher(Worker):
    """Notes what its monitors bring."""

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self.heard = heard
        self.set: list[Monitor] = []

    @on(Watch)
    def watch(self, message: Watch) -> None:
        self.set.append(self.monitor(self.ref(message.name) if message.by_ref else message.name))

    @on(Forget)
    def forget(self, message: Forget) -> None:
        self.set.pop(0).cancel()

    @on(Sleep)
    async def sleep(self, message: Sleep) -> None:
        await asyncio.sleep(1)
        if message.forget:
            self.set.pop(0).cancel()

    @on(WorkerDown, WorkerRestarted)
    def changed(self, fact: WorkerDown | WorkerRestarted) -> None:
        self.heard.append(fact)


def watcher(heard: list[object], name: str = "watcher") -> Child:
    return Child(name, partial(Watcher, heard))


def monitors_of(node: Node, name: str) -> int:
    """How many watch the worker."""
    monitors = cell_of(node, name).monitors
    return len(monitors) if monitors is not None else 0


@pytest.mark.check("S74")
@pytest.mark.parametrize(
    "reason", [Normal(), Shutdown("done"), Failed(Broken("a")), Killed("fault")], ids=str
)
async def test_an_end_for_good_is_told_once_with_its_reason(reason: Reason) -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a", restart="temporary")) as node:
        node.tell("watcher", Watch("a"))
        await settle()
        ref = node.ref("a")
        end(node, "a", reason)
        await settle()
        assert heard == [WorkerDown(ref, reason)]  # type: ignore[arg-type]


@pytest.mark.check("S74")
async def test_a_terminated_a_killed_and_a_failing_start_are_told_with_the_true_reason() -> None:
    heard: list[object] = []
    log: list[str] = []
    children = [watcher(heard), busy(log, "a"), busy(log, "b", 100, shutdown=1)]
    async with company(*children, busy(log, "c", shutdown="kill")) as node:
        for name in ("a", "b", "c"):
            node.tell("watcher", Watch(name))
        await settle()
        for name in ("a", "b", "c"):
            await node.admin().terminate_child(name)
        await settle()
        reasons = [fact.reason for fact in heard if isinstance(fact, WorkerDown)]
        assert [type(reason) for reason in reasons] == [Shutdown, Killed, Killed]


@pytest.mark.check("S74")
async def test_a_restart_is_told_as_such_and_is_no_end() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a")) as node:
        node.tell("watcher", Watch("a"))
        await settle()
        for _ in range(2):
            fail(node, "a")
            await settle()
        ref = node.ref("a")
        assert ref is not None
        assert heard == [WorkerRestarted(ref, 2), WorkerRestarted(ref, 3)]
        await node.admin().terminate_child("a")
        await settle()
        assert heard[2:] == [WorkerDown(ref, Shutdown("terminate_child"))]


@pytest.mark.check("S74")
async def test_a_worker_is_monitored_by_its_name_as_by_its_ref() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a")) as node:
        for name in ("a", "nobody"):
            node.tell("watcher", Watch(name, by_ref=False))
        await settle()
        ref = node.ref("a")
        await node.admin().terminate_child("a")
        await settle()
        down = [fact.worker for fact in heard if isinstance(fact, WorkerDown)]
        assert [worker.name for worker in down] == ["nobody", "a"]
        assert down[1] == ref


@pytest.mark.check("S74")
async def test_a_monitor_on_nobody_tells_at_once() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("gone")) as node:
        await node.admin().terminate_child("gone")
        for name in ("nobody", "gone"):
            node.tell("watcher", Watch(name))
        await settle()
        assert [
            (fact.worker.name, fact.reason) for fact in heard if isinstance(fact, WorkerDown)
        ] == [
            ("nobody", None),
            ("gone", None),
        ]


@pytest.mark.check("S74")
async def test_two_monitors_of_one_worker_tell_twice_and_a_cancelled_one_never() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a")) as node:
        for message in (Watch("a"), Watch("a"), Watch("a"), Forget()):
            node.tell("watcher", message)
        await settle()
        assert monitors_of(node, "a") == 2
        await node.admin().terminate_child("a")
        await settle()
        assert len(heard) == 2


@pytest.mark.check("S74")
async def test_a_monitor_that_is_cancelled_takes_back_what_its_holder_has_not_handled() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a"), script.child("b")) as node:
        for message in (Watch("a"), Watch("b"), Sleep(forget=True)):
            node.tell("watcher", message)
        await settle()
        fail(node, "a")
        await settle()
        await node.admin().terminate_child("a")
        await node.admin().terminate_child("b")
        await asyncio.sleep(2)
        assert [(type(fact).__name__, str(fact.worker)) for fact in heard] == [  # type: ignore[attr-defined]
            ("WorkerDown", "b")
        ]


@pytest.mark.check("S74")
@pytest.mark.parametrize("how", ["terminated", "failed", "killed"])
async def test_a_watcher_that_is_gone_leaves_no_entry(how: str) -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard), script.child("a")) as node:
        node.tell("watcher", Watch("a"))
        await settle()
        assert monitors_of(node, "a") == 1
        if how == "terminated":
            await node.admin().terminate_child("watcher")
        elif how == "failed":
            end(node, "watcher", Failed(Broken("watcher")))
        else:
            end(node, "watcher", Killed())
        await settle()
        assert monitors_of(node, "a") == 0
        await node.admin().terminate_child("a")
        await settle()
        assert heard == []
        assert len(node.dead_letters) == 0


@pytest.mark.check("S74")
async def test_a_watcher_keeps_nothing_of_those_that_have_ended() -> None:
    heard: list[object] = []
    script = Script()
    async with company(watcher(heard)) as node:
        for number in range(20):
            name = f"w{number}"
            await node.admin().start_child(script.child(name, restart="temporary"))
            node.tell("watcher", Watch(name))
            await settle()
            await node.admin().terminate_child(name)
        await settle()
        assert len(heard) == 20
        holder = cell_of(node, "watcher").actor
        assert len(getattr(holder, "_watching")) == 0  # noqa: B009


@pytest.mark.check("S74")
async def test_the_end_of_a_whole_supervisor_is_told_of_each_worker_once() -> None:
    heard: list[object] = []
    script = Script()
    inner = partial(Supervisor, script.children("a", "b"))
    async with company(watcher(heard), Child("inner", inner)) as node:
        for name in ("a", "b", "inner"):
            node.tell("watcher", Watch(name))
        await settle()
        await node.admin().terminate_child("inner")
        await eventually(lambda: len(heard) == 3)
        await settle()
        told = [
            (str(fact.worker), type(fact.reason)) for fact in heard if isinstance(fact, WorkerDown)
        ]
        assert told == [("b", Shutdown), ("a", Shutdown), ("inner", Shutdown)]


@pytest.mark.check("S74")
async def test_those_who_are_killed_with_their_supervisor_are_told_as_killed() -> None:
    heard: list[object] = []
    log: list[str] = []
    inner = partial(Supervisor, [busy(log, "asked", 10), busy(log, "asking", 10)])
    async with company(watcher(heard), Child("inner", inner, shutdown=1)) as node:
        for name in ("asked", "asking"):
            node.tell("watcher", Watch(name))
        await settle()
        await node.admin().terminate_child("inner")
        await settle()
        told = [
            (str(fact.worker), type(fact.reason)) for fact in heard if isinstance(fact, WorkerDown)
        ]
        assert told == [("asking", Killed), ("asked", Killed)]
        assert log == ["asking stops", "asking stop cancelled"]
