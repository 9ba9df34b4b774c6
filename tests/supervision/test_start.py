"""Starting a tree: in order, each start awaited, and nothing left of a start that did not work."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import (
    Child,
    Node,
    Shutdown,
    StartDeclined,
    StartFailed,
    Stopped,
    Supervisor,
    Worker,
    WorkerDown,
    WorkerReady,
    on,
    worker_ready,
)
from tests.supervision.company import Broken, Script, company, fail, infos, lives, settle, states


class Watcher(Worker):
    """Notes why the worker called `a` ended."""

    def __init__(self, notes: list[WorkerDown]) -> None:
        super().__init__()
        self.notes = notes

    @worker_ready("a")
    def ready(self, fact: WorkerReady) -> None:
        self.monitor(self.ref("a"))

    @on(WorkerDown)
    def down(self, fact: WorkerDown) -> None:
        self.notes.append(fact)


class Decliner(Worker):
    async def on_start(self) -> None:
        raise StartDeclined("nothing to do today")


@pytest.mark.check("S1")
async def test_each_start_hook_ends_before_the_next_begins_in_the_order_given() -> None:
    script = Script()
    names = ["c7", "c3", "c10", "c2"]
    script.start_takes = {"c7": 4, "c3": 1, "c10": 3}
    node = company(*script.children(*names))
    await node.start()
    expected = [line for name in names for line in (f"start {name}", f"started {name}")]
    assert script.take() == expected
    assert set((await states(node)).values()) == {"running"}
    await node.stop()


@pytest.mark.check("S2")
async def test_a_start_that_raises_stops_those_before_it_and_builds_none_after_it() -> None:
    script = Script()
    script.broken_starts["b"] = 1
    tasks = asyncio.all_tasks()
    node = company(*script.children("a", "b", "c"))
    with pytest.raises(StartFailed, match="'b'") as failure:
        await node.start()
    assert failure.value.child == "b"
    assert isinstance(failure.value.__cause__, Broken)
    assert script.take() == ["start a", "started a", "start b", "stop a", "stopped a"]
    assert not script.built["c"]
    assert node.registry.names() == []
    assert asyncio.all_tasks() == tasks


@pytest.mark.check("S2")
async def test_one_that_is_stopped_because_a_later_one_did_not_start_ends_with_shutdown() -> None:
    script = Script()
    script.start_takes["b"] = 1
    script.broken_starts["b"] = 1
    notes: list[WorkerDown] = []
    async with company(Child("watcher", partial(Watcher, notes))) as node:
        group = Child("group", partial(Supervisor, script.children("a", "b", "c")))
        with pytest.raises(StartFailed) as failure:
            await node.admin().start_child(group)
        assert isinstance(failure.value.__cause__, StartFailed)
        assert failure.value.__cause__.child == "b"
        await settle()
        assert [type(note.reason) for note in notes] == [Shutdown]
        assert node.registry.names() == ["root", "watcher"]


@pytest.mark.check("S3")
@pytest.mark.parametrize("restart", ["permanent", "transient"])
async def test_a_declined_start_keeps_the_spec_and_the_siblings_start(restart: str) -> None:
    script = Script()
    decliner = Child("b", Decliner, restart=restart)  # type: ignore[arg-type]
    async with company(script.child("a"), decliner, script.child("c")) as node:
        assert await states(node) == {"a": "running", "b": "stopped", "c": "running"}
        counts = await node.admin().count_children()
        assert (counts.specs, counts.active) == (3, 2)
        await asyncio.sleep(60)
        assert (await lives(node))["b"] == 1  # it was asked once, and not again


@pytest.mark.check("S3")
async def test_a_declined_start_of_a_temporary_child_leaves_nothing_of_it() -> None:
    script = Script()
    decliner = Child("b", Decliner, restart="temporary")
    async with company(script.child("a"), decliner, script.child("c")) as node:
        assert await states(node) == {"a": "running", "c": "running"}
        assert node.ref("b") is None


@pytest.mark.check("S4")
async def test_a_start_hook_that_does_not_end_in_time_has_ended_before_the_error_is_returned() -> (
    None
):
    script = Script()
    script.start_takes["b"] = 1e9
    script.cleanup_takes["b"] = 0.4
    tasks = asyncio.all_tasks()
    clock = asyncio.get_running_loop().time
    begun = clock()
    with pytest.raises(StartFailed, match="'b'") as failure:
        await company(script.child("a"), script.child("b", start_timeout=2.0)).start()
    assert clock() - begun == pytest.approx(2.4)
    assert isinstance(failure.value.__cause__, TimeoutError)
    assert "cleaned b" in script.log
    assert asyncio.all_tasks() == tasks


@pytest.mark.check("S5")
@pytest.mark.parametrize("cleanup", [0.0, 0.2, 2.0])
async def test_a_cancelled_start_cleans_up_what_it_began_and_stops_what_runs(
    cleanup: float,
) -> None:
    script = Script()
    script.start_takes["b"] = 1e9
    script.cleanup_takes["b"] = cleanup
    script.stop_takes["a"] = 3.0
    tasks = asyncio.all_tasks()
    node = company(*script.children("a", "b", "c"))
    start = asyncio.create_task(node.start())
    await asyncio.sleep(1)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    # A cancelled start hook is cancelled again where it lingers: the long cleanup is cut short.
    cleaned = ["cleaned b"] if cleanup < 0.5 else []
    assert script.take() == ["start a", "started a", "start b", *cleaned, "stop a", "stopped a"]
    assert not script.built["c"]
    assert node.registry.names() == []
    assert asyncio.all_tasks() == tasks


@pytest.mark.check("S5")
async def test_a_cancelled_start_of_a_tree_ends_at_its_deepest_leaf_first() -> None:
    script = Script()
    script.start_takes["b"] = 1e9
    script.cleanup_takes["b"] = 0.3
    script.stop_takes = {"a": 4.0, "top": 4.0}
    inner = Child("inner", partial(Supervisor, script.children("a", "b")))
    node = company(script.child("top"), inner)
    start = asyncio.create_task(node.start())
    await asyncio.sleep(1)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    begun = ["start top", "started top", "start a", "started a", "start b", "cleaned b"]
    assert script.take() == [*begun, "stop a", "stopped a", "stop top", "stopped top"]
    assert node.registry.names() == []


@pytest.mark.check("S5")
async def test_a_stop_during_a_start_child_waits_for_what_that_start_has_to_clean_up() -> None:
    script = Script()
    script.start_takes["b"] = 1e9
    script.stop_takes["a"] = 4.0
    deep = Child("deep", partial(Supervisor, script.children("a", "b")))
    node = company()
    await node.start()
    adding = asyncio.create_task(node.admin().start_child(deep))
    await asyncio.sleep(1)
    await node.stop()
    assert script.take()[-2:] == ["stop a", "stopped a"]
    with pytest.raises(Stopped, match="root"):
        await adding


async def test_a_child_that_fails_while_its_siblings_start_is_restarted_after_them() -> None:
    script = Script()
    script.start_takes["b"] = 5.0
    node = company(*script.children("a", "b"))
    start = asyncio.create_task(node.start())
    await asyncio.sleep(1)
    fail(node, "a")
    await start
    await settle()
    assert (await infos(node))["a"].restarts == 1
    assert script.log[-4:] == ["start b", "started b", "start a", "started a"]
    await node.stop()


async def test_a_supervisor_whose_start_failed_may_be_started_anew_on_another_node() -> None:
    script = Script()
    script.broken_starts["b"] = 1
    children = script.children("a", "b")
    with pytest.raises(StartFailed):
        await Node(lambda: Supervisor(children)).start()
    async with Node(lambda: Supervisor(children)) as node:
        assert await states(node) == {"a": "running", "b": "running"}
