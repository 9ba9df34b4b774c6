"""One process that runs a tree: from its control socket to its exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...actors.cell import Cell
from ...actors.errors import CallboardError, NotStarted, SpecError
from ..control import Control, NameServed
from ..drain import is_working
from ..node import Node
from ..snapshot import NodeSnapshot, walk
from . import exits
from .connecting import not_connected
from .dump import dump
from .ending import DRAIN, HURRY_WITHIN, KILL, Ending, say
from .lifeline import INTERRUPTED_HERE, READY, Lifeline
from .places import users_place

__all__ = ["SHOWN", "Hosting", "claim", "explain"]

SHOWN = 10_000
"""Workers that an answer over the control socket shows, unless more are asked for."""

THREADS_WITHIN = 5.0
"""Seconds that the loop's own threads may go on after the tree has ended."""


@dataclass
class Hosting:
    """A node, and what is around it in its process."""

    node: Node
    ending: Ending
    target: str
    control: Control | None = None
    lifeline: Lifeline | None = None
    processes: tuple[str, ...] = ()
    """The names of the nodes of the processes below this one."""
    connect_within: float | None = None
    """Seconds after which a transport that is not connected ends the start; None: it does not."""
    unreachable: bool = False
    """Whether it ends because a transport did not connect."""
    cut_short: bool = False
    """Whether the end came while something was at work, by force or during the start."""
    trace: bool = False
    """Whether all of the error is shown that the tree failed with."""

    def __post_init__(self) -> None:
        """Prepare for steps that come before the start."""
        self._starting: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    async def run(self) -> int:
        """Run the tree until it has ended, however that comes; return the exit code."""
        loop = asyncio.get_running_loop()
        self.ending.attach(loop, (self.drain, self.hurry, self.kill), self.dump)
        try:
            if self.control is not None:
                await self.control.serve()
            if self.ending.reached(DRAIN):
                return exits.CLEAN  # told to end before there was anything to end
            code = await self._run()
            if self.ending.reached(KILL):
                return exits.by_signal(self.ending.number or signal.SIGKILL)
            return code
        finally:
            if self.control is not None:
                await self.control.close()
            if not self.ending.reached(DRAIN):
                self.ending.force_after(THREADS_WITHIN, exits.FAILED)

    async def _run(self) -> int:
        # Caught in here: a SystemExit that leaves a task tears the loop down.
        try:
            self._starting = asyncio.ensure_future(self.node.start())
            await self._starting
            if self.connect_within is None:
                self._ready()
            else:
                self._keep(asyncio.ensure_future(self._insist(self.connect_within)))
            await self.node.run()
        except asyncio.CancelledError:
            if not self.ending.reached(DRAIN):
                raise
        except (KeyboardInterrupt, SystemExit) as error:
            if self.lifeline is not None:
                self.lifeline.tell(INTERRUPTED_HERE)
            if isinstance(error, SystemExit) and isinstance(error.code, str):
                say(error.code)
            return exits.code_of(error)
        except Exception as error:
            return self.failed(error)
        return self._verdict()

    async def _insist(self, within: float) -> None:
        """Stop in order if a transport has not connected in time."""
        apart = await not_connected(self.node, within)
        if self.node.state != "running":
            return
        if not apart:
            self._ready()
            return
        say(f"not connected within {within:g} s: {', '.join(apart)}; stopping")
        self.unreachable = True
        await self.node.stop("a transport did not connect")

    def _ready(self) -> None:
        if self.lifeline is not None:
            self.lifeline.tell(READY)

    def failed(self, error: Exception) -> int:
        """Say why the tree failed; return the code."""
        if self.trace:
            say("".join(traceback.format_exception(error)).rstrip())
        say(explain(error, trace=self.trace))
        return exits.code_of(error)

    def _verdict(self) -> int:
        """Return the code of an end that nothing failed in."""
        if self.unreachable:
            return exits.UNREACHABLE
        if self.cut_short or self.node.drained is False:  # also by a drain that a worker began
            if not self.ending.reached(KILL):
                say("not all work was done in time")
            return exits.WORK_LEFT
        return exits.CLEAN

    # -- the steps of the end, on the loop ----

    def drain(self, reason: str) -> None:
        """Take no new work, finish what was taken, stop in order.

        A start that is under way is undone: what has started is stopped in order.
        """
        if self._undo_start():
            return
        self._keep(asyncio.ensure_future(self.node.drain(reason)))

    def hurry(self, reason: str) -> None:
        """Stop in order now, and kill what has not ended soon."""
        if self._undo_start():
            return
        if self.node.drained is None:
            self._note_work()
        self._keep(asyncio.ensure_future(self.node.stop(reason, within=HURRY_WITHIN)))
        asyncio.get_running_loop().call_later(HURRY_WITHIN, self._force)

    def kill(self, reason: str) -> None:
        """End everything now, without stop hooks."""
        self._force()

    def _undo_start(self) -> bool:
        """Undo a start that is under way; return whether there is one."""
        if self._starting is None or self._starting.done():
            return False
        self._note_work()
        self._starting.cancel()
        return True

    def _note_work(self) -> None:
        """Note whether something is at work that is not waited for."""
        root = self.node.root.target
        if isinstance(root, Cell) and any(is_working(cell) for _, cell, _ in walk(root)):
            self.cut_short = True

    def _force(self) -> None:
        self.cut_short = True
        self.node.kill()

    def _keep(self, task: asyncio.Future[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- seen from outside ----

    def dump(self) -> None:
        """Write the tree and all stacks to stderr, at once."""
        dump(self.node)

    def ping(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer that the loop runs."""
        return {"name": self.node.name, "pid": os.getpid(), "state": self.node.state}

    def snapshot(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer with what the node looks like now."""
        node = self.node
        try:
            seen = node.snapshot()
        except NotStarted:
            seen = NodeSnapshot(node.name, node.incarnation, node.state, (), 0, {})
        limit = asked.get("limit", SHOWN)
        limit = limit if isinstance(limit, int) and limit > 0 else SHOWN
        plain = {field: getattr(seen, field) for field in seen.__dataclass_fields__}
        plain["workers"] = seen.workers[:limit]
        return {
            "node": plain,
            "pid": os.getpid(),
            "target": self.target,
            "processes": self.processes,
            "omitted": max(0, len(seen.workers) - limit),
        }


def claim(hosting: Hosting, *, wait: float = 0.0) -> None:
    """Take the control socket of the node's name; `wait` seconds for one that is about to end.

    Raises:
        Refusal: a living node has the name, or the socket cannot be made.

    """
    answers = {"ping": hosting.ping, "snapshot": hosting.snapshot}
    control = Control(hosting.node.name, answers)
    give_up = time.monotonic() + wait
    while True:
        try:
            control.claim()
        except NameServed as error:
            if time.monotonic() < give_up and not hosting.ending.reached(DRAIN):
                time.sleep(0.05)  # no loop runs yet
                continue
            text = f"{error}: give this one another --name, or end that one"
            raise exits.Refusal(text, exits.ALREADY_RUNNING) from error
        except CallboardError as error:
            text = f"{error} (--no-control runs without a control socket)"
            raise exits.Refusal(text, exits.BAD_CONFIGURATION) from error
        hosting.control = control
        return


def explain(error: BaseException, *, trace: bool = False) -> str:
    """Return one line on what ended a tree, with what is behind it and where that was raised.

    `trace` is whether all of the error has been shown.
    """
    if isinstance(error, SpecError):
        return str(error)
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__
    parts: list[str] = []
    for each in causes[:5]:
        text = " ".join(f"{type(each).__name__}: {each}".split())
        if not any(text in part for part in parts):
            parts.append(text)
    place = next(filter(None, map(users_place, reversed(causes))), None)
    raised = f", raised at {place}" if place is not None else ""
    more = " (--traceback shows all of it)" if raised and not trace else ""
    return f"the tree failed: {'; because of '.join(parts)}{raised}{more}"
