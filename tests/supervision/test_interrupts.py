"""KeyboardInterrupt, SystemExit and signals: an orderly end from the root, then a kill."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

import pytest

from callboard import Child, JobError, JobRequest, Node, Stopped, Supervisor, Worker, job, on
from callboard.actors.testing import eventually
from tests.supervision.company import Script, cell_of, company
from tests.supervision.endings import Note, Work, busy

ORDERLY = ["stop b", "stopped b", "stop inner", "stopped inner", "stop a", "stopped a"]

INTERRUPTIONS = [KeyboardInterrupt(), SystemExit(3)]


class Interrupting(Worker):
    """Raises an interruption where it is told to."""

    def __init__(self, error: BaseException, where: str, log: list[str] | None = None) -> None:
        super().__init__()
        self.error = error
        self.where = where
        self.log = log if log is not None else []

    async def on_start(self) -> None:
        self.log.append(f"started as {self.incarnation}")
        if self.where == "on_start":
            raise self.error

    @on(Note)
    async def note(self, message: Note) -> None:
        if self.where == "later":
            await asyncio.sleep(0.1)
        if self.where in ("handler", "later"):
            raise self.error
        if self.where == "failure":
            raise ValueError(message.text)

    @on(Work)
    def work(self, message: Work) -> None:
        raise self.error

    @job("interrupt")
    async def interrupt(self, request: JobRequest) -> None:
        raise self.error

    def on_stop(self) -> None:
        self.log.append("its stop hook")
        if self.where == "on_stop":
            raise self.error

    async def on_failure(self, *_: object, **__: object) -> None:
        raise self.error


def stage(script: Script, error: BaseException, where: str, log: list[str]) -> Node:
    """A tree with an interrupting worker deep in it."""

    class Inner(Supervisor):
        children = [
            script.child("inner"),
            Child("interrupting", partial(Interrupting, error, where, log)),
        ]

    return company(script.child("a"), Child("inner-sup", Inner), script.child("b"))


@pytest.mark.check("S76")
@pytest.mark.parametrize("error", INTERRUPTIONS, ids=repr)
@pytest.mark.parametrize("where", ["handler", "later", "plain handler", "job", "failure"])
async def test_an_interruption_in_a_worker_stops_the_tree_in_order_and_leaves_run(
    error: BaseException, where: str
) -> None:
    script = Script()
    log: list[str] = []
    node = stage(script, error, where, log)
    await node.start()
    running = asyncio.create_task(_run(node))
    script.take()
    if where == "job":
        with pytest.raises(JobError):
            await node.request("interrupting", "interrupt")
    else:
        node.tell("interrupting", Work(0) if where == "plain handler" else Note("now"))
    assert await running is error
    assert script.take() == ORDERLY
    hook = [] if where == "failure" else ["its stop hook"]
    assert log == ["started as 1", *hook]
    assert node.events.counts["interrupted"] == 1
    assert node.events.counts["waiting"] == 0


@pytest.mark.check("S76")
@pytest.mark.parametrize("error", INTERRUPTIONS, ids=repr)
async def test_an_interruption_in_a_start_hook_undoes_the_start_and_leaves_run(
    error: BaseException,
) -> None:
    script = Script()
    log: list[str] = []
    node = stage(script, error, "on_start", log)
    assert await asyncio.create_task(_run(node)) is error
    assert [line for line in script.log if line.startswith("stopped")] == [
        "stopped inner",
        "stopped a",
    ]
    assert not script.built["b"]
    assert log == ["started as 1"]


@pytest.mark.check("S76")
@pytest.mark.parametrize("error", INTERRUPTIONS, ids=repr)
async def test_an_interruption_in_a_stop_hook_does_not_keep_the_others_from_stopping(
    error: BaseException,
) -> None:
    script = Script()
    log: list[str] = []
    node = stage(script, error, "on_stop", log)
    await node.start()
    running = asyncio.create_task(_run(node))
    script.take()
    await node.stop()
    assert await running is error
    assert script.take() == ORDERLY


@pytest.mark.check("S76")
async def test_one_who_asked_the_interrupting_worker_is_answered() -> None:
    node = stage(Script(), SystemExit(4), "handler", [])
    with pytest.raises(SystemExit):
        async with node:
            with pytest.raises(Stopped):
                await node.ask("interrupting", Note("now"))


@pytest.mark.check("S76")
async def test_the_block_of_a_node_is_left_with_the_interruption() -> None:
    with pytest.raises(SystemExit) as left:
        async with stage(Script(), SystemExit(4), "handler", []) as node:
            node.tell("interrupting", Note("now"))
            await eventually(lambda: node.state == "stopped")
    assert left.value.code == 4


@pytest.mark.check("S77")
@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_stops_in_order_and_run_returns(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    log: list[str] = []
    node = company(busy(log, "a"), busy(log, "b", 0.01))
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    os.kill(os.getpid(), number)
    await running
    assert log == ["b stops", "b stopped", "a stops", "a stopped"]
    # Who acted on signals before acts again.
    assert {each: signal.getsignal(each) for each in before} == before


@pytest.mark.check("S77")
@pytest.mark.realtime
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_the_second_signal_kills(second: signal.Signals) -> None:
    log: list[str] = []
    node = company(busy(log, "a", 1000, shutdown=None), busy(log, "b", 1000, shutdown=None))
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(lambda: log == ["b stops"])
    os.kill(os.getpid(), second)
    await asyncio.wait_for(running, 10)
    assert log == ["b stops", "b stop cancelled"]


@pytest.mark.check("S77")
@pytest.mark.realtime
async def test_a_signal_stops_under_a_total_deadline() -> None:
    log: list[str] = []
    children = [busy(log, name, 1000, shutdown=None) for name in ("a", "b")]
    node = Node(partial(Supervisor, children), stop_within=0.3)
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 10)
    assert log == ["b stops", "b stop cancelled"]


@pytest.mark.check("S77")
@pytest.mark.realtime
async def test_a_signal_during_the_start_gives_it_up_and_run_returns() -> None:
    script = Script()
    script.start_takes = {"b": 1000}
    node = company(*script.children("a", "b", "c", start_timeout=None))
    running = asyncio.create_task(node.run())
    await eventually(lambda: "start b" in script.log)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 10)
    assert script.take() == [
        "start a",
        "started a",
        "start b",
        "cleaned b",
        "stop a",
        "stopped a",
    ]


@pytest.mark.check("S77")
@pytest.mark.realtime
async def test_a_node_that_handles_no_signals_leaves_them_alone() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    node = Node(Supervisor, handle_signals=False)
    running = asyncio.create_task(node.run())
    await eventually(lambda: node.state == "running")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    await node.stop()
    await running


@pytest.mark.check("S76")
async def test_an_interruption_is_no_failure_and_the_worker_is_not_restarted() -> None:
    log: list[str] = []
    node = stage(Script(), KeyboardInterrupt(), "handler", log)
    await node.start()
    place = cell_of(node, "interrupting")
    node.tell("interrupting", Note("now"))
    await eventually(lambda: node.state == "stopped")
    assert place.incarnation == 1
    assert node.events.counts["failed"] == 0
    assert str(place.ended).startswith("shutdown")


async def _run(node: Node) -> BaseException | None:
    """Run, and return the interruption: raised in a task it would end the test's own loop."""
    try:
        await node.run()
    except (KeyboardInterrupt, SystemExit) as error:
        return error
    return None
