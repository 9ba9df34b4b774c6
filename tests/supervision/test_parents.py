"""Workers with children: had, listed, private, and ended with their parent.

That a public worker's failure and no private child is announced to the other nodes (M47, M48) is
proved with the transports; what they rest on, who is public, is proved here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    DataMessage,
    Exceeded,
    LocalMessage,
    Node,
    Restarts,
    Shutdown,
    StartFailed,
    Supervisor,
    SystemMessage,
    Worker,
    WorkerFailed,
    WorkerReady,
    WorkerRef,
    on,
)
from callboard.actors.testing import Probe, eventually, settle

QUICK = Restarts(intensity=100, backoff=Backoff(min=0))


class Spawn(LocalMessage):
    """Have a child."""

    child: Child
    watch: bool = True


class Fail(DataMessage):
    error: BaseException


class FailUrgently(SystemMessage):
    error: BaseException


class Hand(Worker):
    """Starts and stops in its time, and fails when it is told to."""

    def __init__(self, log: list[str], takes: float = 1.0) -> None:
        super().__init__()
        self.log = log
        self.takes = takes

    async def on_start(self) -> None:
        await asyncio.sleep(self.takes)
        self.log.append(f"{self.name} started")

    async def on_stop(self) -> None:
        await asyncio.sleep(self.takes)
        self.log.append(f"{self.name} stopped")

    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise message.error

    @on(FailUrgently)
    def fail_urgently(self, message: FailUrgently) -> None:
        raise message.error

    @on(str)
    def who(self, text: str) -> tuple[str, int, WorkerRef | None]:
        return text, self.incarnation, self.parent

    @on(Spawn)
    async def have(self, message: Spawn) -> WorkerRef:
        ref = await self.spawn(message.child, watch=message.watch)
        self.log.append(f"{self.name} has {ref.name}")
        return ref

    @on(int)
    def count(self, number: int) -> list[WorkerRef]:
        return self.children

    def on_worker_ready(self, data: WorkerReady) -> None:
        self.log.append(f"{self.name} hears {data.worker} #{data.incarnation}")

    def on_worker_failed(self, data: WorkerFailed) -> None:
        self.log.append(f"{self.name} hears {data.worker} failed of {data.error!r}")


def stage(log: list[str], *names: str, **options: Any) -> Node:
    children = [Child(name, partial(Hand, log)) for name in names]
    return Node(Supervisor(children, restarts=QUICK, **options))


def kid(log: list[str], name: str, **spec: Any) -> Child:
    return Child(name, partial(Hand, log), **spec)


# -- M45: had ----


@pytest.mark.check("M45")
async def test_a_spawned_child_has_started_knows_its_parent_and_is_listed_in_order() -> None:
    log: list[str] = []
    async with stage(log, "p") as node:
        for name in ("z", "a"):
            await node.ask("p", Spawn(kid(log, name)))
        await settle()
        assert log == [
            *("p started", "z started", "p has z", "p hears z #1"),
            *("a started", "p has a", "p hears a #1"),
        ]
        refs = await node.ask("p", 0)
        assert [ref.name for ref in refs] == ["z", "a"]
        for ref in refs:
            assert await ref.ask("?") == ("?", 1, node.ref("p"))


@pytest.mark.check("M45")
async def test_a_child_that_is_not_watched_is_not_reported_as_ready() -> None:
    log: list[str] = []
    async with stage(log, "p") as node:
        await node.ask("p", Spawn(kid(log, "quiet"), watch=False))
        await settle()
        assert log == ["p started", "quiet started", "p has quiet"]
        assert node.registry.watched() == {}


@pytest.mark.check("M45")
async def test_a_worker_may_have_children_while_it_starts() -> None:
    log: list[str] = []

    class Early(Hand):
        async def on_start(self) -> None:
            await self.spawn(kid(self.log, "kid"))
            await super().on_start()

    async with Node(Supervisor([Child("p", partial(Early, log))])):
        await settle()
        assert log == ["kid started", "p started", "p hears kid #1"]


@pytest.mark.check("M45")
async def test_a_child_that_does_not_start_is_no_child_and_leaves_its_parent_as_it_was() -> None:
    log: list[str] = []

    class Bad(Hand):
        async def on_start(self) -> None:
            raise OSError("no database")

    class Careful(Hand):
        @on(Spawn)
        async def have(self, message: Spawn) -> Any:
            with pytest.raises(StartFailed, match="no database"):
                await self.spawn(message.child)
            return self.children

    async with Node(Supervisor([Child("p", partial(Careful, log))])) as node:
        assert await node.ask("p", Spawn(Child("bad", partial(Bad, log)))) == []
        assert node.ref("bad") is None


@pytest.mark.check("M45")
async def test_a_new_incarnation_begins_without_children() -> None:
    log: list[str] = []
    async with stage(log, "p") as node:
        await node.ask("p", Spawn(kid(log, "k")))
        with pytest.raises(ActorFailed):
            await node.ask("p", Fail(ValueError("oh")))
        assert await node.ask("p", 0) == []
        assert node.ref("k") is None
        await node.ask("p", Spawn(kid(log, "k")))
        assert [ref.name for ref in await node.ask("p", 0)] == ["k"]
        await settle()
        assert log.count("p hears k #1") == 2


# -- M46: ended with the parent ----


def by_stop(node: Node) -> Any:
    return node.stop("enough")


def by_drain(node: Node) -> Any:
    return node.drain("enough")


@pytest.mark.check("M46")
@pytest.mark.parametrize("end", [by_stop, by_drain])
async def test_children_end_in_reverse_order_with_the_same_reason_before_their_parent(
    end: Callable[[Node], Any],
) -> None:
    log: list[str] = []
    node = stage(log, "p")
    await node.start()
    for name in ("first", "second"):
        await node.ask("p", Spawn(kid(log, name)))
    await node.ask("first", Spawn(kid(log, "grandchild")))
    await settle()
    log.clear()
    events = node.events.subscribe()
    await end(node)
    ends = ["second stopped", "grandchild stopped", "first stopped", "p stopped"]
    assert log == ends
    stopped = {event.path: event.reason for event in events.take() if event.kind == "stopped"}
    for path in ("root/p", "root/p/first", "root/p/second", "root/p/first/grandchild"):
        assert stopped[path] == Shutdown("enough")


@pytest.mark.check("M46")
async def test_a_terminated_or_failed_worker_takes_its_children_with_it() -> None:
    log: list[str] = []
    async with stage(log, "p", "q") as node:
        await node.ask("p", Spawn(kid(log, "pk")))
        await node.ask("q", Spawn(kid(log, "qk")))
        await settle()
        log.clear()
        await node.admin().terminate_child("p")
        assert log == ["pk stopped", "p stopped"]
        with pytest.raises(ActorFailed):
            await node.ask("q", Fail(ValueError("oh")))
        await eventually(lambda: log[-1] == "q started")
        assert log == ["pk stopped", "p stopped", "qk stopped", "q started"]
        assert (node.ref("pk"), node.ref("qk")) == (None, None)


# -- M47: failures go to the parent only ----


@pytest.mark.check("M47")
async def test_a_childs_failure_reaches_its_parent_only() -> None:
    log: list[str] = []
    async with stage(log, "p", "other") as node:
        await node.ask("p", Spawn(kid(log, "k")))
        await node.ask("k", Spawn(kid(log, "grandchild")))
        await settle()
        log.clear()
        error = ValueError("oh")
        with pytest.raises(ActorFailed):
            await node.ask("grandchild", Fail(error))
        await settle()
        assert log[0] == "k hears grandchild failed of ValueError('oh')"
        assert [line for line in log if "failed" in line] == log[:1]
        await eventually(lambda: log[-1] == "k hears grandchild #2")
        log.clear()
        with pytest.raises(ActorFailed):
            await node.ask("k", Fail(error))
        await eventually(lambda: log[-1:] == ["p hears k #2"])
        assert [line for line in log if "failed" in line] == [
            "p hears k failed of ValueError('oh')"
        ]
        # A supervised worker's failure is its supervisor's affair, and no worker's.
        log.clear()
        with pytest.raises(ActorFailed):
            await node.ask("other", Fail(error))
        await eventually(lambda: log != [])
        assert log == ["other started"]


@pytest.mark.check("M47")
async def test_the_fact_that_a_child_failed_names_it_its_life_and_the_error() -> None:
    probe, error = Probe(), ValueError("oh")

    class Asking(Hand):
        def on_worker_failed(self, data: WorkerFailed) -> None:
            probe.ref.tell(data)

    log: list[str] = []
    async with Node(Supervisor([Child("p", partial(Asking, log))])) as node:
        await node.ask("p", Spawn(kid(log, "k", restart="temporary")))
        node.tell("k", Fail(error))
        fact = await probe.expect(WorkerFailed)
        assert (fact.worker, fact.path, fact.incarnation) == ("k", "root/p/k", 1)
        assert fact.error is error
        assert isinstance(fact, LocalMessage)


@pytest.mark.check("M47")
async def test_a_parent_whose_children_fail_too_often_fails_itself() -> None:
    log: list[str] = []
    async with stage(log, "p") as node:
        events = node.events.subscribe()
        await node.ask("p", Spawn(kid(log, "k", backoff=Backoff(min=0))))
        for _ in range(4):
            with pytest.raises(ActorFailed):
                await node.ask("k", Fail(ValueError("oh")))
        await eventually(lambda: log.count("p started") == 2)
        reasons = [each.reason for each in events.take() if each.path == "root/p"]
        assert any(reason and isinstance(reason.error, Exceeded) for reason in reasons)


# -- M48: private ----


@pytest.mark.check("M48")
async def test_children_of_workers_are_private_at_any_depth_and_those_of_supervisors_public() -> (
    None
):
    log: list[str] = []
    inner = partial(Supervisor, [Child("deep", partial(Hand, log))])
    pool = Child("pool", partial(Supervisor, [Child("pooled", partial(Hand, log))]))
    tree = Supervisor([Child("p", partial(Hand, log)), Child("inner", inner)])
    async with Node(tree) as node:
        await node.ask("p", Spawn(kid(log, "k")))
        await node.ask("k", Spawn(kid(log, "grandchild")))
        await node.ask("p", Spawn(pool))
        public = {
            name: known.public for name in node.registry.names() if (known := find(node, name))
        }
        assert public == {
            "root": True,
            "p": True,
            "inner": True,
            "deep": True,
            "k": False,
            "grandchild": False,
            "pool": False,
            "pooled": False,
        }


def find(node: Node, name: str) -> Any:
    return node.registry.find(name)
