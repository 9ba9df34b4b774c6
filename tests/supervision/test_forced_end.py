"""What does not end by itself: killed when its time is up, cancelled again, abandoned in sight."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from callboard import (
    Child,
    Killed,
    NoActor,
    Node,
    StartFailed,
    Stopped,
    Supervisor,
    ThreadWorker,
    Worker,
    on,
)
from callboard.actors import lifecycle
from callboard.actors.testing import eventually
from tests.supervision.company import PATIENT, Script, cell_of, company, settle
from tests.supervision.endings import Note, Stubborn, Work, busy, kinds, seconds_of


@pytest.mark.check("S51")
async def test_a_child_whose_budget_is_kill_ends_without_its_stop_hook() -> None:
    log: list[str] = []
    node = company(busy(log, "a", shutdown="kill"), busy(log, "b", 1, shutdown="kill"))
    await node.start()
    place = cell_of(node, "a")
    node.tell("b", Work(1000))
    await eventually(lambda: log == ["b begins"])
    await node.admin().terminate_child("a")
    assert place.ended == Killed(ordered=True)
    assert await seconds_of(node.stop()) == 0
    assert log == ["b begins", "b cancelled"]


@pytest.mark.check("S52")
async def test_a_stop_hook_that_does_not_end_is_cancelled_and_the_next_child_follows() -> None:
    log: list[str] = []
    node = company(busy(log, "a"), busy(log, "b", 10_000, shutdown=0.2))
    await node.start()
    place = cell_of(node, "b")
    assert await seconds_of(node.stop()) == pytest.approx(0.2)
    assert log == ["b stops", "b stop cancelled", "a stops", "a stopped"]
    assert isinstance(place.ended, Killed)
    assert "0.2 s" in str(place.ended)


@pytest.mark.check("S53")
async def test_what_swallows_its_cancellation_is_abandoned_after_the_grace() -> None:
    log: list[str] = []
    released = asyncio.Event()
    cancelled_at: list[float] = []
    stubborn = partial(Stubborn, released, cancelled_at)
    node = company(
        busy(log, "elder"), Child("stubborn", stubborn, shutdown=1, grace=2), busy(log, "younger")
    )
    await node.start()
    events = node.events.subscribe()
    ref = node.ref("stubborn")
    assert ref is not None
    asked = node.ask("stubborn", Work(1))
    await settle()
    begin = asyncio.get_running_loop().time()
    await node.stop()
    # By a timer, not at every turn of the loop: that would take all of the processor.
    assert [round(at - begin, 3) for at in cancelled_at] == [1.0, 1.5, 2.0, 2.5]
    assert log == ["younger stops", "younger stopped", "elder stops", "elder stopped"]
    (abandoned,) = kinds(events, "abandoned")
    assert abandoned.path == "root/stubborn"
    assert abandoned.at - begin == pytest.approx(3)
    assert "in work" in abandoned.text
    assert "in swallow_cancellation" in abandoned.text
    assert "await self.released.wait()" in abandoned.text
    with pytest.raises(NoActor):
        ref.tell(Work(1))
    with pytest.raises(Stopped):
        await asked
    released.set()
    await settle()


@pytest.mark.check("S53")
async def test_a_stop_hook_that_swallows_its_cancellation_is_abandoned_with_its_stack() -> None:
    released = asyncio.Event()

    async def swallow() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    class NeverStops(Worker):
        async def on_stop(self) -> None:
            await swallow()

    node = company(Child("never", NeverStops, shutdown=1, grace=1))
    await node.start()
    events = node.events.subscribe()
    begin = asyncio.get_running_loop().time()
    await node.stop()
    (abandoned,) = kinds(events, "abandoned")
    assert abandoned.at - begin == pytest.approx(2)
    assert "in on_stop" in abandoned.text
    assert "in swallow" in abandoned.text
    released.set()
    await settle()


async def test_no_second_life_begins_while_an_abandoned_one_still_runs() -> None:
    """A stuck thread, or code that swallows cancellation, would otherwise run twice at once."""
    released = asyncio.Event()
    stubborn = partial(Stubborn, released, [])
    node = company(Child("a", stubborn, message_timeout=1, grace=1), restarts=PATIENT)
    async with node:
        asked = node.ask("a", Work(1))
        place = cell_of(node, "a")
        with pytest.raises(NoActor):
            await asked
        assert node.events.counts["abandoned"] == 1
        await asyncio.sleep(1000)
        assert place.incarnation == 1
        released.set()
        await eventually(lambda: place.incarnation == 2 and place.running)


async def test_a_child_that_was_abandoned_when_it_was_stopped_is_not_started_again() -> None:
    released = asyncio.Event()
    node = company(Child("a", partial(Stubborn, released, []), shutdown=1, grace=1))
    async with node:
        node.tell("a", Work(1))
        await settle()
        await node.admin().terminate_child("a")
        with pytest.raises(StartFailed, match="abandoned"):
            await node.admin().restart_child("a")
        released.set()
        await settle()
        await node.admin().restart_child("a")


async def test_a_supervisor_whose_own_budget_is_spent_kills_what_it_has_not_stopped() -> None:
    log: list[str] = []

    class Inner(Supervisor):
        children = [busy(log, name, 10, shutdown=20) for name in ("d1", "d2", "d3")]

    node = company(busy(log, "a"), Child("inner", Inner, shutdown=12))
    await node.start()
    assert await seconds_of(node.stop()) == pytest.approx(12)
    assert log == [
        "d3 stops",
        "d3 stopped",
        "d2 stops",
        "d2 stop cancelled",
        "a stops",
        "a stopped",
    ]


async def test_the_private_children_of_a_worker_are_killed_with_it() -> None:
    log: list[str] = []

    class Parent(Worker):
        async def on_start(self) -> None:
            await self.spawn(busy(log, "child", 100, shutdown=100))

    node = company(Child("parent", Parent, shutdown=2))
    await node.start()
    assert await seconds_of(node.stop()) == pytest.approx(2)
    assert log == ["child stops", "child stop cancelled"]


async def test_a_node_that_is_killed_ends_hooks_handlers_and_starts_at_once() -> None:
    log: list[str] = []

    class Inner(Supervisor):
        children = [busy(log, "deep", 100, shutdown=100)]

    class Slow(Worker):
        async def on_start(self) -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                log.append("start cancelled")
                raise

    node = company(busy(log, "a"), Child("inner", Inner), busy(log, "b", 100, shutdown=100))
    await node.start()
    admin = node.admin()
    starting = asyncio.create_task(admin.start_child(Child("slow", Slow, start_timeout=None)))
    node.tell("deep", Work(1000))
    await eventually(lambda: log == ["deep begins"])
    stop = asyncio.create_task(node.stop())
    await asyncio.sleep(1)
    assert node.state == "stopping"
    node.kill()
    assert await seconds_of(stop) == 0
    assert log[:3] == ["deep begins", "start cancelled", "b stops"]
    assert sorted(log[3:]) == ["b stop cancelled", "deep cancelled"]
    with pytest.raises(Stopped):
        await starting


async def test_a_kill_ends_a_node_that_nobody_had_stopped_and_run_returns() -> None:
    log: list[str] = []
    node = company(busy(log, "a"), busy(log, "b"))
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    node.kill()
    assert await seconds_of(running) == 0
    assert log == []
    assert node.state == "stopped"


async def test_a_second_cancellation_does_not_cut_the_stop_hook() -> None:
    """Who waits for a stop may be cancelled; the hook has a task of its own."""
    log: list[str] = []
    node = company(busy(log, "a", 4))
    await node.start()
    stops = [asyncio.create_task(node.admin().terminate_child("a")) for _ in range(2)]
    await asyncio.sleep(1)
    for task in stops:
        task.cancel()
    await asyncio.sleep(1)
    await node.stop()
    assert log == ["a stops", "a stopped"]


async def test_a_handler_that_raises_cancelled_error_by_itself_has_failed() -> None:
    """Only our own flag says that we cancelled: a cancelled future in a handler is a failure."""

    class Awaiting(Worker):
        @on(Note)
        async def note(self, message: Note) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await asyncio.sleep(0)
            await future

    async with company(Child("a", Awaiting)) as node:
        node.tell("a", Note("go"))
        await eventually(lambda: cell_of(node, "a").incarnation == 2)
        assert node.events.counts["failed"] == 1


async def test_a_start_that_is_cancelled_before_its_first_step_leaves_nothing() -> None:
    script = Script()
    node = company(script.child("a"))
    starting = asyncio.create_task(node.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert node.state == "stopped"
    assert node.registry.names() == []


async def test_a_start_that_takes_too_long_has_been_undone_before_it_is_refused() -> None:
    script = Script()
    script.start_takes["a"] = 1000
    script.cleanup_takes["a"] = 0.3
    async with company() as node:
        with pytest.raises(StartFailed):
            await node.admin().start_child(script.child("a", start_timeout=1))
        assert script.log == ["start a", "cleaned a"]
        await settle()


async def test_a_failure_hook_that_does_not_end_is_cut_and_the_failure_stays_the_reason() -> None:
    class Hanging(Worker):
        @on(Note)
        def note(self, message: Note) -> None:
            raise ValueError(message.text)

        async def on_failure(self, *_: object, **__: object) -> None:
            await asyncio.sleep(10_000)

    async with company(Child("a", Hanging, restart="temporary", shutdown=3)) as node:
        place = cell_of(node, "a")
        node.tell("a", Note("broken"))
        over = asyncio.Event()
        place.when_gone(over.set)
        assert await seconds_of(over.wait()) == pytest.approx(3)
        assert str(place.ended) == "failed: ValueError: broken"


async def test_a_kill_of_a_worker_that_is_stopping_cuts_its_hook() -> None:
    log: list[str] = []
    node = company(busy(log, "a", 100, shutdown=100))
    await node.start()
    stop = asyncio.create_task(node.stop())
    await asyncio.sleep(1)
    lifecycle.kill(cell_of(node, "a"))
    assert await seconds_of(stop) == 0
    assert log == ["a stops", "a stop cancelled"]


async def test_a_handler_cannot_answer_for_a_life_that_came_after_its_own() -> None:
    """What was abandoned and raises in the end does not fail the worker of another life."""
    released = asyncio.Event()

    class Late(Stubborn):
        @on(Work)
        async def work(self, message: Work) -> object:
            await self.swallow_cancellation()
            raise ValueError("at last")

    node = company(Child("a", partial(Late, released, []), message_timeout=1, grace=1))
    async with node:
        place = cell_of(node, "a")
        node.tell("a", Work(1))
        await eventually(lambda: node.events.counts["abandoned"] == 1)
        released.set()
        await eventually(lambda: place.incarnation == 2 and place.running)
        await asyncio.sleep(100)
        assert place.incarnation == 2
        assert node.events.counts["failed"] == 1


async def test_a_node_that_is_not_done_within_its_total_time_is_killed() -> None:
    log: list[str] = []
    children = [busy(log, name, 100, shutdown=50) for name in ("a", "b", "c")]
    node = Node(partial(Supervisor, children), stop_within=70)
    await node.start()
    assert await seconds_of(node.stop()) == pytest.approx(70)
    assert log == ["c stops", "c stop cancelled", "b stops", "b stop cancelled"]


async def test_a_node_that_is_not_done_in_time_after_its_drain_is_killed() -> None:
    log: list[str] = []
    node = Node(partial(Supervisor, [busy(log, "a", 100, shutdown=None)]), stop_within=10)
    await node.start()
    node.tell("a", Work(20))
    await settle()
    assert await seconds_of(node.drain(within=50)) == pytest.approx(30, abs=0.2)
    assert log == ["a begins", "a done", "a stops", "a stop cancelled"]


async def test_a_stop_may_be_given_more_time_than_the_node_has() -> None:
    log: list[str] = []
    node = Node(partial(Supervisor, [busy(log, "a", 100, shutdown=None)]), stop_within=10)
    await node.start()
    assert await seconds_of(node.stop(within=200)) == pytest.approx(100)
    assert log == ["a stops", "a stopped"]


async def test_a_second_stop_with_less_time_hurries_the_first() -> None:
    log: list[str] = []
    node = company(busy(log, "a", 100, shutdown=50))
    await node.start()
    first = asyncio.create_task(node.stop())
    await asyncio.sleep(1)
    assert await seconds_of(node.stop(within=2)) == pytest.approx(2)
    await first
    assert log == ["a stops", "a stop cancelled"]


@pytest.mark.realtime
async def test_a_thread_that_never_returns_is_abandoned_in_sight_and_not_started_beside() -> None:
    release = threading.Event()
    running: list[int] = []

    class Blocked(ThreadWorker):
        @on(Work)
        def work(self, message: Work) -> None:
            running.append(self.incarnation)
            release.wait(30)

    node = company(Child("blocked", Blocked, shutdown=0.1, grace=0.1), restarts=PATIENT)
    async with node:
        events = node.events.subscribe()
        place = cell_of(node, "blocked")
        asked = node.ask("blocked", Work(1))
        await eventually(lambda: running == [1])
        await node.admin().terminate_child("blocked")
        (abandoned,) = kinds(events, "abandoned")
        assert abandoned.path == "root/blocked"
        with pytest.raises(Stopped):
            await asked
        with pytest.raises(StartFailed, match="abandoned"):
            await node.admin().restart_child("blocked")
        release.set()
        await eventually(lambda: all(stuck.done() for stuck in place.stuck or ()))
        await node.admin().restart_child("blocked")
