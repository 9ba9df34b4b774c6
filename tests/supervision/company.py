"""A company for tests of supervision: workers that do as their script says, and write it down."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from functools import partial
from typing import Any

from callboard import (
    Backoff,
    Child,
    ChildInfo,
    LocalMessage,
    Node,
    Reason,
    Restarts,
    Supervisor,
    Worker,
    on,
)
from callboard.actors import lifecycle
from callboard.actors.cell import Cell

AT_ONCE = Backoff(min=0)
PATIENT = Restarts(intensity=100, period=5.0, backoff=AT_ONCE)
"""Restarts without a delay, and more of them than any test makes."""


class Broken(Exception):
    """What a player raises when its script says so."""


class Fail(LocalMessage):
    """Have the player raise this."""

    error: BaseException


class Who(LocalMessage):
    """Have the player say its incarnation."""


class Script:
    """What the players of one test do, and what they did, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.built: dict[str, list[Player]] = defaultdict(list)
        self.broken_starts: Counter[str] = Counter()
        """How many of the next starts raise."""
        self.start_takes: dict[str, float] = {}
        self.stop_takes: dict[str, float] = {}
        self.cleanup_takes: dict[str, float] = {}
        """Seconds that a start takes to clean up when it is cancelled."""

    def child(self, name: str, **spec: Any) -> Child:
        """A player of this name."""
        return Child(name, partial(Player, self, name), **spec)

    def children(self, *names: str, **spec: Any) -> list[Child]:
        """Players of these names, alike."""
        return [self.child(name, **spec) for name in names]

    def take(self) -> list[str]:
        """What was written down since the last look."""
        log, self.log = self.log, []
        return log


class Player(Worker):
    """Starts, stops and fails as its script says."""

    def __init__(self, script: Script, called: str) -> None:
        super().__init__()
        self.script = script
        self.called = called
        script.built[called].append(self)

    async def on_start(self) -> None:
        script, name = self.script, self.called
        script.log.append(f"start {name}")
        try:
            await asyncio.sleep(script.start_takes.get(name, 0))
        except asyncio.CancelledError:
            await asyncio.sleep(script.cleanup_takes.get(name, 0))
            script.log.append(f"cleaned {name}")
            raise
        if script.broken_starts[name]:
            script.broken_starts[name] -= 1
            raise Broken(name)
        script.log.append(f"started {name}")

    async def on_stop(self) -> None:
        self.script.log.append(f"stop {self.called}")
        await asyncio.sleep(self.script.stop_takes.get(self.called, 0))
        self.script.log.append(f"stopped {self.called}")

    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise message.error

    @on(Who)
    async def who(self, message: Who) -> int:
        return self.incarnation


def company(*children: Child, restarts: Restarts = PATIENT, **options: Any) -> Node:
    """A node whose root supervisor has these children."""
    return Node(lambda: Supervisor(children, restarts=restarts, **options), name="stage")


async def settle() -> None:
    """Let all that is ready happen; on virtual time this waits for nothing else."""
    await asyncio.sleep(0.001)


def cell_of(node: Node, name: str) -> Cell:
    """The place of a worker."""
    ref = node.ref(name)
    assert ref is not None, f"{name} is not known"
    assert isinstance(ref.target, Cell)
    return ref.target


def end(node: Node, name: str, reason: Reason) -> None:
    """Have a worker end by itself, for this reason."""
    lifecycle.end(cell_of(node, name), reason)


def fail(node: Node, *names: str) -> None:
    """Have these workers fail, all in one tick."""
    for name in names:
        node.tell(name, Fail(Broken(name)))


async def infos(node: Node, supervisor: str = "root") -> dict[str, ChildInfo]:
    """What a supervisor says of its children, by name."""
    return {info.name: info for info in await node.admin(supervisor).which_children()}


async def states(node: Node, supervisor: str = "root") -> dict[str, str]:
    """Where the children stand."""
    return {name: info.state.value for name, info in (await infos(node, supervisor)).items()}


async def lives(node: Node, supervisor: str = "root") -> dict[str, int]:
    """The incarnation of each child."""
    return {name: info.incarnation for name, info in (await infos(node, supervisor)).items()}
