"""Waiting for workers to become ready: declared on the class, or asked for while it runs.

Watches over the nodes' border are proved with the transports.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    LocalMessage,
    Node,
    Restarts,
    Supervisor,
    Worker,
    WorkerReady,
    on,
    worker_ready,
)
from callboard.actors.testing import Probe, drive, settle

QUICK = Restarts(intensity=100, backoff=Backoff(min=0))


class Watch(LocalMessage):
    names: tuple[str, ...]


class Target(Worker):
    """What is watched."""

    @on(str)
    def do(self, text: str) -> None:
        if text == "fail":
            raise ValueError(text)


class Watcher(Worker):
    """Watches what its configuration says, and notes what it hears."""

    def __init__(self, log: list[tuple[str, str, str, int]], *names: str) -> None:
        super().__init__()
        self.log = log
        self.names = names

    def on_start(self) -> None:
        self.watch_workers(*self.names)

    def on_worker_ready(self, data: WorkerReady) -> None:
        self.log.append((self.name, data.worker, data.node, data.incarnation))

    @on(Watch)
    def also(self, message: Watch) -> None:
        self.watch_workers(*message.names)

    @on(str)
    def do(self, text: str) -> None:
        if text == "fail":
            raise ValueError(text)


class Declared(Worker):
    """Says on its class whom it waits for."""

    def __init__(self, log: list[Any]) -> None:
        super().__init__()
        self.log = log

    @worker_ready("b")
    async def b_is_ready(self, data: WorkerReady) -> None:
        self.log.append(("handler", data.worker, data.node, data.incarnation))

    def on_worker_ready(self, data: WorkerReady) -> None:
        self.log.append(("hook", data.worker, data.node, data.incarnation))


def stage(*children: Child) -> Node:
    return Node(Supervisor(children, restarts=QUICK), name="A")


# -- M52: called once, whatever comes first ----


@pytest.mark.check("M52")
async def test_a_watch_is_called_once_when_its_worker_becomes_ready_and_for_no_other() -> None:
    log: list[tuple[str, str, str, int]] = []
    async with stage(Child("w", partial(Watcher, log, "b"))) as node:
        await node.admin().start_child(Child("a", Target))
        await settle()
        assert log == []
        await node.admin().start_child(Child("b", Target))
        await node.admin().start_child(Child("c", Target))
        await settle()
        assert log == [("w", "b", "A", 1)]


@pytest.mark.check("M52")
async def test_a_watch_on_a_worker_that_is_ready_is_called_at_once() -> None:
    log: list[tuple[str, str, str, int]] = []
    async with stage(Child("b", Target), Child("w", partial(Watcher, log))) as node:
        await node.ask("w", Watch(("b",)))
        await settle()
        assert log == [("w", "b", "A", 1)]


@pytest.mark.check("M52")
async def test_a_watch_on_a_worker_that_is_starting_is_called_when_it_has_started() -> None:
    log: list[tuple[str, str, str, int]] = []

    class Slow(Target):
        async def on_start(self) -> None:
            await node.ask("w", Watch(("b",)))
            assert log == []

    node = stage(Child("w", partial(Watcher, log)), Child("b", Slow))
    async with node:
        await settle()
        assert log == [("w", "b", "A", 1)]


@pytest.mark.check("M52")
@pytest.mark.parametrize("order", list(itertools.permutations(["watch", "start", "fail"], 3)))
async def test_no_order_of_watch_start_and_restart_loses_or_doubles_a_call(
    order: tuple[str, ...],
) -> None:
    log: list[tuple[str, str, str, int]] = []
    async with stage(Child("w", partial(Watcher, log))) as node:
        life = 0
        expected: list[int] = []
        for step in order:
            if step == "watch":
                await node.ask("w", Watch(("b",)))
            elif step == "start":
                await node.admin().start_child(Child("b", Target))
                life = 1
            elif life:
                with pytest.raises(ActorFailed):
                    await node.ask("b", "fail")
                await node.ask("b", "?")
                life += 1
            watching = "watch" in order[: order.index(step) + 1]
            if watching and life and (not expected or expected[-1] < life):
                expected.append(life)
            await settle()
        assert [incarnation for _, _, _, incarnation in log] == expected


# -- M53: neither twice nor for ever ----


@pytest.mark.check("M53")
async def test_a_watch_that_is_set_twice_is_called_once() -> None:
    log: list[tuple[str, str, str, int]] = []
    async with stage(Child("w", partial(Watcher, log, "b", "b"))) as node:
        await node.ask("w", Watch(("b",)))
        await node.admin().start_child(Child("b", Target))
        await node.ask("w", Watch(("b",)))
        await settle()
        assert log == [("w", "b", "A", 1)]
        assert node.registry.watched() == {"b": 1}


@pytest.mark.check("M53")
async def test_a_watcher_that_raises_harms_neither_the_other_nor_the_worker() -> None:
    log: list[tuple[str, str, str, int]] = []

    class Touchy(Watcher):
        def on_worker_ready(self, data: WorkerReady) -> None:
            super().on_worker_ready(data)
            raise ValueError("not you")

    first = Child("w1", partial(Touchy, log, "b"), restart="temporary")
    async with stage(first, Child("w2", partial(Watcher, log, "b"))) as node:
        await node.admin().start_child(Child("b", Target))
        await settle()
        assert log == [("w1", "b", "A", 1), ("w2", "b", "A", 1)]
        await node.ask("b", "still there")
        assert node.ref("w1") is None


@pytest.mark.check("M53")
async def test_a_plain_watcher_that_raises_is_reported_and_harms_nobody() -> None:
    heard: list[WorkerReady] = []

    def touchy(fact: WorkerReady) -> None:
        raise ValueError("not you")

    async with stage() as node:
        events = node.events.subscribe()
        node.registry.watch("b", "touchy", touchy)
        node.registry.watch("b", "calm", heard.append)
        ref = await node.admin().start_child(Child("b", Target))
        assert ref.is_running()
        assert heard == [WorkerReady("b", "A", 1)]
        failed = [event.text for event in events.take() if event.kind == "hook_failed"]
        assert failed == ["a watcher of 'b' raised: ValueError: not you"]
        for key in ("touchy", "calm"):
            node.registry.unwatch(key)


@pytest.mark.check("M53")
@pytest.mark.parametrize("how", ["terminated", "failed", "failed for good"])
async def test_a_watcher_that_ends_leaves_no_watch(how: str) -> None:
    log: list[tuple[str, str, str, int]] = []
    spec = Child(
        "w",
        partial(Watcher, log, "b", "c"),
        restart="temporary" if how == "failed for good" else "permanent",
    )
    async with stage(spec) as node:
        assert node.registry.watched() == {"b": 1, "c": 1}
        if how == "terminated":
            await node.admin().terminate_child("w")
        else:
            with pytest.raises(ActorFailed):
                await node.ask("w", "fail")
            await settle()
        left = {"b": 1, "c": 1} if how == "failed" else {}
        assert node.registry.watched() == left, "the next life sets its own"
    assert node.registry.watched() == {}


# -- M54: declared ----


@pytest.mark.check("M54")
@pytest.mark.parametrize("names", [("d", "b"), ("b", "d")])
async def test_a_declared_watch_runs_its_handler_then_the_hook_whichever_starts_first(
    names: tuple[str, ...],
) -> None:
    log: list[Any] = []
    children = {"d": Child("d", partial(Declared, log)), "b": Child("b", Target)}
    async with stage(*(children[name] for name in names)) as node:
        await settle()
        assert log == [("handler", "b", "A", 1), ("hook", "b", "A", 1)]
        log.clear()
        with pytest.raises(ActorFailed):
            await node.ask("b", "fail")
        await node.ask("b", "?")
        await settle()
        assert log == [("handler", "b", "A", 2), ("hook", "b", "A", 2)]


@pytest.mark.check("M54")
async def test_a_handler_for_another_name_does_not_run() -> None:
    log: list[Any] = []
    async with stage(Child("c", Target), Child("d", partial(Declared, log))):
        await settle()
        assert log == []


@pytest.mark.check("M54")
async def test_one_handler_may_be_declared_for_several_workers() -> None:
    log: list[str] = []

    class Both(Worker):
        @worker_ready("a", "b")
        def either(self, data: WorkerReady) -> None:
            log.append(data.worker)

    async with stage(Child("both", Both), Child("b", Target), Child("a", Target)):
        await settle()
        assert log == ["b", "a"]


@pytest.mark.check("M54")
async def test_a_worker_alone_hears_of_what_is_started_beside_it(probe: Probe) -> None:
    log: list[Any] = []
    async with drive(partial(Declared, log)) as w:
        assert log == []
        await w.start("b", probe)
        await settle()
        assert [what for what, *_ in log] == ["handler", "hook"]


# -- M55: from a configuration ----


@pytest.mark.check("M55")
async def test_names_from_a_configuration_are_watched_from_the_start() -> None:
    log: list[tuple[str, str, str, int]] = []
    names = [f"w{number}" for number in range(5)]
    ready = [Child(name, Target) for name in names[:2]]
    async with stage(*ready, Child("main", partial(Watcher, log, *names))) as node:
        await settle()
        assert [worker for _, worker, _, _ in log] == ["w0", "w1"]
        for name in reversed(names[2:]):
            await node.admin().start_child(Child(name, Target))
        await settle()
        assert [worker for _, worker, _, _ in log] == ["w0", "w1", "w4", "w3", "w2"]
