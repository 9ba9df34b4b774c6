"""A node ends: by its significant children, by a stop, by a drain; and each of them only once.

The end of all nodes at once (M31) is proved with the transports, signals (M32) with processes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    AutoShutdown,
    CallboardError,
    Child,
    DataMessage,
    Draining,
    JobCrashed,
    JobRequest,
    Node,
    Shutdown,
    Stopped,
    Supervisor,
    Worker,
    job,
    on,
)
from callboard.actors.testing import settle


class Work(DataMessage):
    seconds: float


class Leave(DataMessage):
    """End, by yourself."""


class EndNode(DataMessage):
    """End the node, from inside a handler."""

    how: str


class Hand(Worker):
    """Works, and writes down what it did and how it ended."""

    def __init__(self, log: list[str], stop_takes: float = 0) -> None:
        super().__init__()
        self.log = log
        self.stop_takes = stop_takes

    async def on_stop(self) -> None:
        self.log.append(f"stop {self.name}")
        await asyncio.sleep(self.stop_takes)
        self.log.append(f"stopped {self.name}")

    @on(Work)
    async def work(self, message: Work) -> str:
        await asyncio.sleep(message.seconds)
        self.log.append(f"{self.name} worked")
        return "done"

    @on(Leave)
    def go(self, message: Leave) -> None:
        self.stop()

    @on(EndNode)
    async def end(self, message: EndNode) -> None:
        node: Any = self.node
        await getattr(node, message.how)("by a worker")
        self.log.append(f"{self.name} asked")

    @job("work")
    async def work_as_job(self, request: JobRequest) -> str:
        await asyncio.sleep(request.payload)
        self.log.append(f"{self.name} did its job")
        return "done"

    @job("hand on")
    async def hand_on(self, request: JobRequest) -> Any:
        await asyncio.sleep(1)
        return await self.request(request.payload, "work", 1)


def stage(log: list[str], *names: str, **options: Any) -> Node:
    return Node(Supervisor([Child(name, partial(Hand, log)) for name in names]), **options)


# -- M28: the end of the tree is the end of the node ----


@pytest.mark.check("M28")
@pytest.mark.parametrize(
    ("auto_shutdown", "leave"), [("any_significant", ["a"]), ("all_significant", ["a", "b"])]
)
async def test_a_node_runs_until_its_significant_children_have_ended(
    auto_shutdown: AutoShutdown, leave: list[str]
) -> None:
    log: list[str] = []
    specs = [
        *(Child(n, partial(Hand, log), restart="transient", significant=True) for n in ("a", "b")),
        Child("other", partial(Hand, log)),
    ]
    node = Node(Supervisor(specs, auto_shutdown=auto_shutdown), handle_signals=False)
    running = asyncio.get_running_loop().create_task(node.run())
    await asyncio.sleep(60)
    for name in leave:
        assert not running.done()
        node.tell(name, Leave())
        await asyncio.sleep(1)
    await running
    assert "stopped other" in log
    assert node.state == "stopped"


@pytest.mark.check("M28")
async def test_a_node_without_any_workers_runs_until_it_is_told_to_stop() -> None:
    node = Node(Supervisor, handle_signals=False)
    running = asyncio.get_running_loop().create_task(node.run())
    await asyncio.sleep(0.5)
    assert not running.done()
    await asyncio.sleep(3600)
    assert not running.done()
    await node.stop()
    await running


@pytest.mark.check("M28")
async def test_a_run_that_is_cancelled_stops_the_tree_in_order() -> None:
    log: list[str] = []
    node = stage(log, "a", "b", handle_signals=False)
    running = asyncio.get_running_loop().create_task(node.run())
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert log == ["stop b", "stopped b", "stop a", "stopped a"]


# -- M29: drained ----


@pytest.mark.check("M29")
async def test_a_drain_finishes_what_was_taken_and_then_stops_in_reverse_order() -> None:
    log: list[str] = []
    loop = asyncio.get_running_loop()
    node = stage(log, "a", "b")
    await node.start()
    began = loop.time()
    asked = node.ask("a", Work(2))
    node.tell("a", Work(3))
    done = node.start_job("b", "work", 4)
    passed_on = node.start_job("a", "hand on", "b")
    await node.drain()
    assert await asked == "done"
    assert await done == "done"
    assert await passed_on == "done", "a job of the company's own is no new work"
    assert sorted(log[:-4]) == ["a worked", "a worked", "b did its job", "b did its job"]
    assert log[-4:] == ["stop b", "stopped b", "stop a", "stopped a"]
    assert loop.time() - began < 10
    assert node.drained is True


@pytest.mark.check("M29")
async def test_while_a_node_is_drained_new_work_from_outside_is_refused() -> None:
    log: list[str] = []
    node = stage(log, "a")
    await node.start()
    ref = node.ref("a")
    assert ref is not None
    node.tell("a", Work(5))
    draining = asyncio.get_running_loop().create_task(node.drain())
    await asyncio.sleep(1)
    assert node.state == "draining"
    with pytest.raises(Draining):
        await node.ask("a", Work(0))
    with pytest.raises(Draining):
        node.tell("a", Work(0))
    with pytest.raises(Draining):
        await node.send("a", Work(0))
    with pytest.raises(Draining):
        await node.request("a", "work", 0)
    with pytest.raises(Draining):
        ref.tell(Work(0))
    with pytest.raises(Draining):
        await ref.ask(Work(0))
    await draining
    assert log.count("a worked") == 1


@pytest.mark.check("M29")
async def test_what_is_not_done_by_the_limit_of_a_drain_is_stopped_as_by_a_plain_stop() -> None:
    log: list[str] = []
    loop = asyncio.get_running_loop()
    node = stage(log, "a", "b")
    await node.start()
    began = loop.time()
    finished = node.ask("a", Work(32))  # within the limit and the stop's own budget of 5 s
    queued = node.ask("a", Work(1))
    unfinished = node.start_job("b", "work", 3600)
    await node.drain()
    assert 30 <= loop.time() - began < 36
    assert await finished == "done"
    with pytest.raises(Stopped):
        await queued
    with pytest.raises(JobCrashed, match="'b' ended before it had answered"):
        await unfinished
    assert log == ["stop b", "stopped b", "a worked", "stop a", "stopped a"]
    assert node.drained is False


@pytest.mark.check("M29")
async def test_a_drain_waits_for_the_mail_of_a_worker_that_is_being_restarted() -> None:
    log: list[str] = []

    class Fragile(Hand):
        @on(str)
        def fail(self, text: str) -> None:
            raise ValueError(text)

    node = Node(Supervisor([Child("a", partial(Fragile, log))]))
    await node.start()
    failing = node.ask("a", "oh")
    waiting = node.ask("a", Work(1))
    await node.drain()
    with pytest.raises(ActorFailed):
        await failing
    assert await waiting == "done"


# -- M30: only once ----


@pytest.mark.check("M30")
async def test_asked_ten_times_to_stop_there_is_one_stop_and_every_call_returns_after_it() -> None:
    log: list[str] = []
    tree = Supervisor([Child("a", partial(Hand, log, 2)), Child("b", partial(Hand, log))])
    node = Node(tree)
    await node.start()
    events = node.events.subscribe()

    async def end(number: int) -> str:
        await (node.stop(f"call {number}") if number % 2 else node.drain(f"call {number}"))
        return node.state

    assert await asyncio.gather(*(end(number) for number in range(10))) == ["stopped"] * 10
    await node.stop()
    await node.drain()
    assert log == ["stop b", "stopped b", "stop a", "stopped a"]
    assert [event.kind for event in events.take()].count("node_stopped") == 1


@pytest.mark.check("M30")
@pytest.mark.parametrize("how", ["stop", "drain"])
async def test_a_handler_may_end_its_own_node_without_waiting_for_itself(how: str) -> None:
    log: list[str] = []
    node = stage(log, "a", "b", handle_signals=False)
    running = asyncio.get_running_loop().create_task(node.run())
    await asyncio.sleep(1)
    node.tell("a", EndNode(how))
    await running
    assert log == ["a asked", "stop b", "stopped b", "stop a", "stopped a"]


@pytest.mark.check("M30")
async def test_a_handler_may_ask_for_the_stop_that_is_under_way() -> None:
    log: list[str] = []

    class Late(Hand):
        async def on_stop(self) -> None:
            node: Any = self.node
            await node.stop("again")
            await super().on_stop()

    async with Node(Supervisor([Child("a", partial(Late, log))])):
        pass
    assert log == ["stop a", "stopped a"]


@pytest.mark.check("M30")
async def test_a_stop_cuts_a_drain_short() -> None:
    log: list[str] = []
    loop = asyncio.get_running_loop()
    node = stage(log, "a")
    await node.start()
    long = node.start_job("a", "work", 3600)
    draining = loop.create_task(node.drain(within=1800))
    await asyncio.sleep(10)
    began = loop.time()
    await node.stop()
    await draining
    assert loop.time() - began < 1
    with pytest.raises(JobCrashed):
        await long


@pytest.mark.check("M30")
async def test_the_reason_of_the_stop_stands_in_every_workers_event() -> None:
    log: list[str] = []
    inner = partial(Supervisor, [Child("deep", partial(Hand, log))])
    node = Node(Supervisor([Child("a", partial(Hand, log)), Child("inner", inner)]))
    await node.start()
    events = node.events.subscribe()
    await node.stop("the curtain falls")
    stopped = {event.path: event.reason for event in events.take() if event.kind == "stopped"}
    assert {"root/inner/deep", "root/inner", "root/a", "root"} < set(stopped)
    assert set(stopped.values()) == {Shutdown("the curtain falls")}


@pytest.mark.check("M30")
@pytest.mark.parametrize("turns", range(6))
async def test_a_worker_that_has_just_started_when_its_start_is_called_off_still_cleans_up(
    turns: int,
) -> None:
    log: list[str] = []
    asked: list[asyncio.Task[None]] = []

    class Slow(Hand):
        async def on_start(self) -> None:
            asked.append(asyncio.get_running_loop().create_task(node.stop()))
            # In some turn of the loop the stop comes when nobody has noticed yet that this ended.
            for _ in range(turns):
                await asyncio.sleep(0)
            log.append("started")

    node = Node(Supervisor)
    await node.start()
    with suppress(CallboardError):
        await node.admin().start_child(Child("a", partial(Slow, log)))
    await asked[0]
    await node.stop()
    assert log in ([], ["started", "stop a", "stopped a"])


# -- M31: each its own children ----


class Parent(Hand):
    async def on_start(self) -> None:
        for number in (1, 2):
            await self.spawn(Child(f"{self.name}.{number}", partial(Hand, self.log, 1)))


@pytest.mark.check("M31")
async def test_each_tells_its_own_children_only_and_waits_for_them() -> None:
    log: list[str] = []
    inner = partial(Supervisor, [Child("p", partial(Parent, log)), Child("q", partial(Hand, log))])
    node = Node(Supervisor([Child("inner", inner), Child("last", partial(Hand, log))]))
    await node.start()
    events = node.events.subscribe()
    await node.stop()
    ended = [event.path for event in events.take() if event.kind == "stopped"]
    # The supervisor that a worker's children have, and who sends for the node, are nobody's.
    hidden = ("root/inner/p/p.children", node.name)
    assert [path for path in ended if path not in hidden] == [
        "root/last",
        "root/inner/q",
        "root/inner/p/p.2",
        "root/inner/p/p.1",
        "root/inner/p",
        "root/inner",
        "root",
    ]
    names = [line.split()[1] for line in log]
    assert names == [name for each in ("last", "q", "p.2", "p.1", "p") for name in (each, each)]


@pytest.mark.check("M31")
async def test_the_end_of_a_node_is_its_own_only() -> None:
    log: list[str] = []
    first, second = stage(log, "a"), stage(log, "a")
    async with second:
        async with first:
            first.tell("a", EndNode("drain"))
            await settle()
        assert first.state == "stopped"
        assert second.state == "running"
        assert await second.ask("a", Work(1)) == "done"
