"""A node begins: its tree in order, its names, its own name; and what it needs, which is little.

What several nodes have to do with it (other nodes get to know new workers, refs to workers
elsewhere, the same tests over every transport) is proved with the transports.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    NameTaken,
    Node,
    NotStarted,
    StartFailed,
    State,
    Subscription,
    Supervisor,
    ThreadWorker,
    Worker,
    WorkerRef,
    job,
    on,
)


class Timed(Worker):
    """Takes a while to start, and notes what it sees then."""

    def __init__(self, log: list[tuple[str, float | None]], takes: float = 1.0) -> None:
        super().__init__()
        self.log = log
        self.takes = takes

    async def on_start(self) -> None:
        self.log.append((self.name, self.started_at))
        await asyncio.sleep(self.takes)
        self.log.append((f"{self.name} ready", self.started_at))

    @on(str)
    def echo(self, text: str) -> tuple[str, float | None]:
        return text, self.started_at


class Declared(Supervisor):
    """A tree as most people write it."""

    log: list[tuple[str, float | None]] = []

    def children(self) -> list[Child]:
        return [Child(name, partial(Timed, self.log)) for name in ("c7", "c3", "c10")]


# -- M25: begun ----


@pytest.mark.check("M25")
async def test_when_the_block_begins_every_start_hook_has_ended_in_the_order_of_the_specs() -> None:
    Declared.log.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Node(Declared) as node:
        assert [name for name, _ in Declared.log] == [
            *("c7", "c7 ready", "c3", "c3 ready", "c10", "c10 ready")
        ]
        assert loop.time() == pytest.approx(began + 3)
        assert node.state == "running"
        states = [info.state for info in await node.admin().which_children()]
        assert states == [State.RUNNING] * 3


@pytest.mark.check("M25")
async def test_a_worker_has_its_start_time_from_its_start_on_and_none_before() -> None:
    log: list[tuple[str, float | None]] = []
    tree = Supervisor([Child("a", partial(Timed, log)), Child("b", partial(Timed, log))])
    began = asyncio.get_running_loop().time()
    async with Node(tree) as node:
        assert [started_at for _, started_at in log] == [None] * 4
        assert await node.ask("a", "?") == ("?", pytest.approx(began + 1))
        assert await node.ask("b", "?") == ("?", pytest.approx(began + 2))


@pytest.mark.check("M25")
async def test_the_event_that_a_node_is_ready_comes_last() -> None:
    seen: list[Subscription] = []

    class First(Worker):
        def on_start(self) -> None:
            seen.append(node.events.subscribe())

    log: list[tuple[str, float | None]] = []
    node = Node(Supervisor([Child("first", First), Child("second", partial(Timed, log))]))
    async with node:
        events = seen[0].take()
    named = [event.path.rpartition("/")[2] for event in events if event.kind == "started"]
    assert named == ["first", "second", "root"]
    assert (events[-1].kind, events[-1].path) == ("node_ready", node.name)
    assert [event.kind for event in events].count("node_ready") == 1


@pytest.mark.check("M25")
async def test_a_start_that_fails_leaves_nothing_and_the_node_can_not_be_used() -> None:
    class Bad(Worker):
        def on_start(self) -> None:
            raise OSError("no database")

    log: list[tuple[str, float | None]] = []
    node = Node(Supervisor([Child("a", partial(Timed, log)), Child("bad", Bad)]))
    with pytest.raises(StartFailed, match=r"'bad'.*no database") as failed:
        await node.start()
    assert isinstance(failed.value.__cause__, OSError)
    assert node.state == "stopped"
    assert node.registry.names() == []
    with pytest.raises(NotStarted, match="started once"):
        await node.start()


# -- M26: added while it runs ----


@pytest.mark.check("M26")
async def test_children_that_are_added_in_one_call_start_in_its_order_and_have_started() -> None:
    log: list[tuple[str, float | None]] = []
    async with Node(Supervisor) as node:
        specs = [Child(name, partial(Timed, log)) for name in ("b", "a", "c")]
        refs = await node.admin().start_children(specs)
        assert [ref.name for ref in refs] == ["b", "a", "c"]
        assert [name for name, _ in log] == ["b", "b ready", "a", "a ready", "c", "c ready"]
        for ref in refs:
            assert (await ref.ask("hello"))[0] == "hello"
            assert node.ref(ref.name) == ref
        one = await node.admin().start_child(Child("d", partial(Timed, log)))
        assert log[-1][0] == "d ready"
        assert one.is_running()


@pytest.mark.check("M26")
async def test_of_several_added_in_one_call_those_before_a_failing_one_stay() -> None:
    class Bad(Worker):
        def on_start(self) -> None:
            raise OSError("no database")

    log: list[tuple[str, float | None]] = []
    async with Node(Supervisor) as node:
        specs = [Child("a", partial(Timed, log)), Child("bad", Bad), Child("c", Bad)]
        with pytest.raises(StartFailed, match="'bad'"):
            await node.admin().start_children(specs)
        assert [info.name for info in await node.admin().which_children()] == ["a"]
        assert set(node.registry.names()) == {"root", "a"}


# -- M27: one worker of a name ----


def under_another_supervisor(node: Node) -> Any:
    return node.admin("other").start_child(Child("a", Worker))


def as_a_private_child(node: Node) -> Any:
    return node.ask("parent", "a")


class Parent(Worker):
    @on(str)
    async def have(self, name: str) -> str:
        try:
            await self.spawn(Child(name, Worker))
        except NameTaken as taken:
            return str(taken)
        return ""


@pytest.mark.check("M27")
@pytest.mark.parametrize("start", [under_another_supervisor, as_a_private_child])
async def test_a_second_worker_of_a_name_is_refused_naming_both_and_the_first_is_untouched(
    start: Callable[[Node], Any],
) -> None:
    log: list[tuple[str, float | None]] = []
    tree = Supervisor(
        [
            Child("one", partial(Supervisor, [Child("a", partial(Timed, log))])),
            Child("other", Supervisor),
            Child("parent", Parent),
        ]
    )
    async with Node(tree) as node:
        before = node.ref("a")
        try:
            refused = await start(node)
        except NameTaken as taken:
            refused = str(taken)
        place = "root/other/a" if start is under_another_supervisor else "root/parent/a"
        assert re.search("root/one/a", refused)
        assert re.search(place, refused)
        assert node.ref("a") is before
        assert await node.ask("a", "still") == ("still", pytest.approx(1001))
        assert await node.admin("other").which_children() == []


@pytest.mark.check("M27")
async def test_a_tree_in_which_a_name_is_given_twice_does_not_start() -> None:
    log: list[tuple[str, float | None]] = []
    tree = Supervisor(
        [
            Child("one", partial(Supervisor, [Child("a", partial(Timed, log))])),
            Child("two", partial(Supervisor, [Child("a", partial(Timed, log))])),
        ]
    )
    node = Node(tree)
    with pytest.raises((NameTaken, StartFailed), match="root/one/a"):
        await node.start()
    assert node.registry.names() == []


@pytest.mark.check("M27")
async def test_a_name_is_free_again_when_its_worker_is_gone_for_good() -> None:
    tree = Supervisor([Child("a", Worker), Child("other", Supervisor)])
    async with Node(tree) as node:
        await node.admin().terminate_child("a")
        ref = await node.admin("other").start_child(Child("a", Worker))
        assert ref.is_running()
        with pytest.raises(NameTaken, match="root/other/a"):
            await node.admin().restart_child("a")
        assert node.ref("a") == ref


# -- M34: looked up ----


@pytest.mark.check("M34")
async def test_a_known_name_has_a_ref_and_an_unknown_one_has_none() -> None:
    async with Node(Supervisor([Child("parent", Parent)])) as node:
        assert node.ref("nobody") is None
        ref = node.ref("parent")
        assert isinstance(ref, WorkerRef)
        assert await ref.ask("kid") == ""
        kid = node.ref("kid")
        assert kid is not None
        assert kid.is_running()
    assert node.ref("parent") is None


@pytest.mark.check("M34")
def test_a_worker_that_was_never_started_names_its_class_when_it_is_asked_where_it_is() -> None:
    worker = Parent()
    reads: list[Callable[[], object]] = [
        lambda: worker.node,
        lambda: worker.name,
        lambda: worker.actor_ref,
        lambda: worker.ref("other"),
        lambda: worker.watch_workers("other"),
        lambda: worker.tell("other", "hello"),
    ]
    for read in reads:
        with pytest.raises(NotStarted, match="this Parent does not stand on a node yet"):
            read()


@pytest.mark.check("M34")
def test_a_node_that_was_not_started_says_so() -> None:
    node = Node(Supervisor, name="stage")
    reads: list[Callable[[], object]] = [
        lambda: node.registry,
        lambda: node.ref("a"),
        lambda: node.root,
        lambda: node.tell("a", "hello"),
    ]
    for read in reads:
        with pytest.raises(NotStarted, match="the Node 'stage' was not started"):
            read()


# -- M35: its own name ----


@pytest.mark.check("M35")
def test_a_node_without_a_name_gets_one_of_its_own() -> None:
    names = {Node(Supervisor).name for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch("node-[0-9a-f]{8}", name) for name in names)


@pytest.mark.check("M35")
def test_a_name_that_was_used_before_has_a_higher_incarnation() -> None:
    lives = [Node(Supervisor, name="again").incarnation for _ in range(20)]
    assert lives == sorted(set(lives))


# -- M36: without transports ----

WITHOUT_EXTRAS = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise AssertionError(f"{name} was imported")

EXTRAS = set(sys.argv[1].split())
sys.meta_path.insert(0, Refuse())

import asyncio
import callboard
from callboard import Child, Node, Supervisor, Worker, job, on

class Echo(Worker):
    @on(str)
    def echo(self, text):
        return text

    @job("double")
    async def double(self, request):
        yield request.payload
        yield request.payload

class Asker(Worker):
    @on(int)
    async def ask_around(self, number):
        text = await self.ask("echo", "hello")
        async with self.job("echo", "double", number) as job:
            return text, [event.data async for event in job]

async def main():
    tree = Supervisor([Child("echo", Echo), Child("asker", Asker)])
    async with Node(tree) as node:
        print(await node.ask("asker", 4), not EXTRAS & set(sys.modules))

asyncio.run(main())
"""

EXTRAS = (
    "redis pgmq asyncpg psycopg websockets openai textual starlette uvicorn prometheus_client "
    "opentelemetry pipecat uvloop pytest hypothesis"
)


@pytest.mark.check("M36")
def test_all_of_one_node_works_without_any_extra_and_imports_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, EXTRAS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("('hello', [4, 4]) True\n", "")


# -- M37: left ----


class Working(Worker):
    @job("wait")
    async def work(self, request: object) -> None:
        await asyncio.sleep(3600)


@pytest.mark.check("M37")
async def test_a_node_that_has_been_left_leaves_the_loop_as_it_was() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks()
    for _ in range(2):  # and a new one can start on it
        async with Node(Supervisor([Child("w", Working), Child("parent", Parent)])) as node:
            await node.ask("parent", "kid")
            left = node.start_job("w", "wait", timeout=7200)
            unknown = node.start_job("nobody", "wait")
            await asyncio.sleep(1)
        assert asyncio.all_tasks() == tasks
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []  # type: ignore[attr-defined]
        assert left.error is not None
        assert unknown.error is not None


@pytest.mark.check("M37")
@pytest.mark.realtime
async def test_a_node_that_has_been_left_leaves_no_thread_and_no_socket() -> None:
    class Blocking(ThreadWorker):
        @on(str)
        def who(self, text: str) -> str:
            return threading.current_thread().name

    before = set(threading.enumerate())
    async with Node(Supervisor([Child("blocking", Blocking)])) as node:
        assert "blocking" in await node.ask("blocking", "?")
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
