"""One worker's load is not another's wait, and what is idle or queued costs no task."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from typing import Any

import pytest

from callboard import Child, DataMessage, Node, Supervisor, Worker, on
from callboard.actors.scheduler import BATCH
from callboard.actors.testing import eventually


class Note(DataMessage):
    pass


class Hooked(Worker):
    """Handles nothing; notes each hook that runs."""

    hooks: list[str]

    def on_start(self) -> None:
        self.hooks = []

    @on(Note)
    async def note(self, message: Note) -> None:
        self.hooks.append("note")

    def on_activated(self, args: Any) -> None:
        self.hooks.append("activated")


class Counting(Worker):
    def __init__(self, seen: list[object]) -> None:
        self.seen = seen

    @on(Note)
    def count(self, message: Note) -> None:
        self.seen.append(message)


class Awaiting(Worker):
    def __init__(self, seen: list[object], seconds: float) -> None:
        self.seen = seen
        self.seconds = seconds

    @on(Note)
    async def rest(self, message: Note) -> None:
        await asyncio.sleep(self.seconds)
        self.seen.append(message)


def timers() -> int:
    loop: Any = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)


@pytest.mark.check("M7")
@pytest.mark.realtime
async def test_a_quick_worker_does_not_wait_for_a_slow_one() -> None:
    seen: list[object] = []
    async with Node(Supervisor([Child("b", partial(Awaiting, [], 0.5)), quick(seen)])) as node:
        begun = time.monotonic()
        for name in ("b", "b", "c"):
            node.tell(name, Note())
        await eventually(lambda: seen)
        assert time.monotonic() - begun < 0.1


@pytest.mark.check("M7")
async def test_a_message_waits_for_one_batch_of_a_crowded_worker_at_most() -> None:
    crowded: list[object] = []
    before: list[int] = []

    class Quick(Worker):
        @on(Note)
        def look(self, message: Note) -> None:
            before.append(len(crowded))

    b = Child("b", partial(Counting, crowded), bound=100_000)
    async with Node(Supervisor([b, Child("c", Quick)])) as node:
        for _ in range(100_000):
            node.tell("b", Note())
        node.tell("c", Note())
        await asyncio.sleep(1)
    assert len(crowded) == 100_000
    assert before[0] <= BATCH


@pytest.mark.check("M7")
async def test_the_loop_looks_at_everything_else_while_messages_are_handled() -> None:
    crowded: list[object] = []
    async with Node(Supervisor([Child("b", partial(Counting, crowded), bound=100_000)])) as node:
        for _ in range(10_000):
            node.tell("b", Note())
        turns = 0
        while len(crowded) < 10_000:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10


@pytest.mark.check("M11")
async def test_ten_thousand_idle_workers_own_no_task_no_timer_and_no_thread() -> None:
    async with Node(Supervisor([Child("first", Hooked)])) as node:
        await node.ask("first", Note())
        tasks, waiting = asyncio.all_tasks(), timers()
        threads = threading.active_count()
        await node.admin().start_children(Child(f"w{number}", Hooked) for number in range(10_000))
        await asyncio.sleep(1)
        assert len(asyncio.all_tasks() - tasks) == 0
        assert timers() == waiting
        assert threading.active_count() == threads


@pytest.mark.check("M11")
@pytest.mark.parametrize("seconds", [None, 0.0, 0.01])
async def test_a_thousand_messages_for_one_worker_cost_one_drain_task(
    seconds: float | None,
) -> None:
    """Also where each of them has to wait: a second task takes over the queue meanwhile."""
    seen: list[object] = []
    kind = partial(Counting, seen) if seconds is None else partial(Awaiting, seen, seconds)
    loop = asyncio.get_running_loop()
    made: list[asyncio.Task[Any]] = []

    def counting(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        made.append(task)
        return task

    async with Node(Supervisor([Child("b", kind)])) as node:
        loop.set_task_factory(counting)
        for _ in range(1000):
            node.tell("b", Note())
        await asyncio.sleep(100)
        loop.set_task_factory(None)
        assert len(seen) == 1000
        assert len(made) <= 2


@pytest.mark.check("M16")
async def test_a_message_touches_its_target_only() -> None:
    """On one node; that it holds over two belongs to a later issue."""
    names = [f"w{number}" for number in range(1000)]
    async with Node(Supervisor([Child(name, Hooked) for name in names])) as node:
        cells = {name: cell_of(node, name) for name in names}
        before = {name: touched(cell) for name, cell in cells.items()}
        await node.ask("w500", Note())
        assert cells["w500"].handled == 1
        assert cells["w500"].actor.hooks == ["activated", "note"]
        for name in names:
            if name != "w500":
                assert touched(cells[name]) == before[name]


def quick(seen: list[object]) -> Child:
    return Child("c", partial(Counting, seen))


def cell_of(node: Node, name: str) -> Any:
    ref = node.ref(name)
    assert ref is not None
    return ref.target


def touched(cell: Any) -> tuple[object, ...]:
    """Everything about a worker that a message changes."""
    lanes = [lane is not None for lane in cell.mailbox.lanes]
    context = cell.context is not None
    hooks = list(cell.actor.hooks)
    return (*lanes, context, cell.handled, cell.queued, cell.busy, cell.step, cell.entry, hooks)
