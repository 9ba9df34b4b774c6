"""The company on several nodes: nodes and what joins them are killed, and the index is right."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from callboard import Child, LocalBus, LocalTransport, Node, Supervisor
from callboard.actors.testing import Probe
from callboard.examples.indexing import demo, fleet
from callboard.examples.indexing.brokers import TRANSPORTS
from callboard.examples.indexing.company import POLICY
from callboard.examples.indexing.facts import Entry
from callboard.examples.indexing.fleet import FleetPlan
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.keeper import Journal, Keeper, Whole
from callboard.examples.indexing.news import Complete, Indexed
from callboard.examples.indexing.parser import Parser
from callboard.examples.indexing.plain import index_plainly
from callboard.examples.indexing.walker import Walker
from tests.examples.indexing.test_demo import DEMO, PROVEN, large

WITHIN = 120.0
BROKERS = {"websocket": "hub", "redis": "Redis", "pgmq": "Postgres"}


def poll(look: Callable[[], object], what: str) -> None:
    until = time.monotonic() + WITHIN
    while not look():
        assert time.monotonic() < until, f"there was not: {what}"
        time.sleep(0.02)


def below(pid: int) -> list[psutil.Process]:
    """The nodes that a demonstration has begun. The plain loop ends by itself when it is done."""
    begun = psutil.Process(pid).children(recursive=True)
    return [each for each in begun if "callboard.supervision.cli" in each.cmdline()]


def gone(processes: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: (
        not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)
    )


@contextmanager
def started(*arguments: str | Path) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*DEMO, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def at_work(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until files come back from the other nodes; return all processes of it."""
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"[1-9]\d* of ", line):
            break
    return below(process.pid)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_node_and_the_broker_are_killed_and_the_index_is_proven(
    tmp_path: Path, transport: str
) -> None:
    folder = large(tmp_path / "large", 16)
    joined = ("--nodes", "3", "--workers", "2", "--transport", transport)
    with started("--seed", "1", *joined, folder) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        assert process.wait(WITHIN) == 0, said

    assert PROVEN in said
    assert index_plainly(folder).digest() in said
    assert "16 of 16 files, 100 %" in said
    assert f"with 4 parsers on 2 other nodes, joined by {transport}" in said
    report = said[said.index("Restarts: ") :]
    assert "was killed (SIGKILL) after " in report
    assert f"{BROKERS[transport]} was killed, and started again after " in report
    restarts = {line.split()[1]: int(line.split()[0]) for line in _counted(report)}
    assert restarts.get("node-2", 0) + restarts.get("node-3", 0) == 1
    assert restarts[f"transport-{transport}"] >= 1  # it has lost its server, and found it again
    assert "Traceback" not in said


def _counted(report: str) -> list[str]:
    lines = [line.strip() for line in report.splitlines()[1:]]
    return [line for line in lines if line[:1].isdigit() and len(line.split()) == 2]


def test_a_node_that_cannot_run_ends_all_and_says_why(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fleet, "PARSERS", "NOT_WHAT_IT_LOOKS_FOR")
    assert demo.main(str(tree), chaos=False, seed=None, workers=1, nodes=2) == 1
    err = capsys.readouterr().err
    assert "node-2 ended with status 1: callboard: the tree failed" in err and "KeyError" in err
    assert err.count("\n") == 1


def test_without_chaos_no_node_is_killed(tree: Path) -> None:
    with started("--no-chaos", "--nodes", "2", tree) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        assert process.wait(WITHIN) == 0, said
    assert "Restarts: 0\n" in said
    assert "killed" not in said.replace("nobody is killed", "")


def test_a_ctrl_c_ends_all_nodes_and_the_broker(tmp_path: Path) -> None:
    with started("--nodes", "3", large(tmp_path / "large", 400)) as process:
        processes = at_work(process)
        assert len(processes) == 3
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(WITHIN) == 130
        assert "Stopped before the end." in rest and "Traceback" not in rest
    poll(gone(processes), "the end of all processes")


def test_when_the_first_node_is_killed_the_others_end_by_themselves(tmp_path: Path) -> None:
    with started("--nodes", "3", large(tmp_path / "large", 400)) as process:
        processes = at_work(process)
        process.kill()
    poll(gone(processes), "the end of all processes")


@pytest.mark.parametrize(
    ("transport", "library"), [("websocket", "websockets"), ("redis", "redis")]
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tree: Path,
    transport: str,
    library: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    calm = partial(demo.main, str(tree), chaos=False, seed=None, workers=1)
    assert calm(nodes=2, transport=transport) == 2
    err = capsys.readouterr().err
    assert f"pip install 'callboard[{transport}]'" in err and err.count("\n") == 1


def test_who_comes_after_a_parser_is_on_another_node() -> None:
    plan = FleetPlan(Path(), workers=2, nodes=4)
    assert plan.parsers == [
        "parser-2-1", "parser-3-1", "parser-4-1", "parser-2-2", "parser-3-2", "parser-4-2",
    ]  # fmt: skip


# -- the same within one process, on virtual time: many deaths, at any moment ----


class Outposts:
    """Nodes of parsers that can be killed without a word, and come back under their names."""

    def __init__(self, plan: FleetPlan, bus: LocalBus) -> None:
        self._plan, self._bus = plan, bus
        self.nodes: dict[str, Node] = {}
        self.deaths = 0
        self._killing: set[asyncio.Task[None]] = set()

    async def start(self, name: str) -> None:
        parsers = self._plan.outposts[name]
        children = [Child(each, partial(Parser, self._plan.root)) for each in parsers]
        node = Node(Supervisor(children), name=name, transports=[LocalTransport(self._bus)])
        self.nodes[name] = node
        await node.start()

    def strike(self, name: str) -> None:
        """Kill a node now; it starts again at once, as a process does."""
        node = self.nodes.pop(name, None)
        if node is None:
            return  # dead already
        self.deaths += 1
        node.kill()
        task = asyncio.get_running_loop().create_task(self._again(name, node))
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)

    async def _again(self, name: str, node: Node) -> None:
        await node.run()
        await self.start(name)

    async def end(self) -> None:
        while self._killing:
            await asyncio.wait(self._killing)
        for node in list(self.nodes.values()):
            await node.stop()


@pytest.mark.parametrize("seed", range(12))
async def test_whichever_nodes_die_every_file_is_in_the_index_once(tree: Path, seed: int) -> None:
    for number in range(30):
        source = f"import m{number}\n\n\ndef f{number}():\n    return {number}\n"
        (tree / f"file{number}.py").write_text(source, encoding="utf-8")
    plan = FleetPlan(tree, workers=2, nodes=3)
    bus, chance, journal = LocalBus(), Random(seed), Journal()
    outposts = Outposts(plan, bus)

    def answer(news: Any) -> None:
        if isinstance(news, Indexed) and chance.random() < 0.2:
            outposts.strike(chance.choice(list(plan.outposts)))

    probe = Probe(answer)
    walker = partial(Walker, plan.root, plan.skip, plan.parsers)
    office = Supervisor(
        [
            Child("index", partial(Keeper, journal)),
            Child("reporter", probe),
            Child("walker", walker, restart="transient"),
        ],
        restarts=POLICY,
    )
    try:
        for name in plan.outposts:
            await outposts.start(name)
        async with Node(office, name="node-1", transports=[LocalTransport(bus)]) as node:
            await probe.fish(lambda news: isinstance(news, Complete), timeout=600.0)
            entries: list[Entry] = await node.ask("index", Whole())
            assert not any(each.restarts for each in node.snapshot().workers)
    finally:
        await outposts.end()
        journal.close()
    assert len({entry.path for entry in entries}) == len(entries) == 39
    assert Index(entries) == index_plainly(tree)
    assert outposts.deaths > 0
