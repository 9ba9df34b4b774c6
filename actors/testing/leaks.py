"""The leak check: what a test leaves behind of tasks, timers, threads, sockets, names and jobs."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any, Protocol

from ..cell import Cell
from ..errors import NotStarted
from ..runtime import Runtime

__all__ = ["LeakCheck", "Leaked"]


class Leaked(AssertionError):
    """A test left something behind; the text lists it."""


class HasRuntime(Protocol):
    """A node, or a driver: something whose workers share a runtime."""

    @property
    def runtime(self) -> Runtime:
        """What the workers share."""
        ...


class LeakCheck:
    """Compares what there is at two moments, on a loop and in the nodes that are given to it.

        check = LeakCheck()
        …
        await check.verify()

    On the loop: tasks, timers, watched sockets; in the process: threads. In a node: names in the
    registry, watches, monitors, and jobs that are open. One made where no loop runs begins with
    `begin()`.
    """

    def __init__(self, *nodes: HasRuntime) -> None:
        """Note what there is now, on the loop and in these nodes."""
        self._begun = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._threads: set[threading.Thread] = set()
        self._sockets: set[int] = set()
        self._nodes: list[tuple[HasRuntime, Counter[str]]] = []
        if asyncio._get_running_loop() is not None:  # pyright: ignore[reportPrivateUsage]
            self.begin()
        for node in nodes:
            self.add(node)

    def begin(self) -> None:
        """Note what there is now on the loop that runs; once."""
        if self._begun:
            return
        self._begun = True
        loop = asyncio.get_running_loop()
        self._tasks = asyncio.all_tasks()
        # The timers are kept, not only their ids: an id is used again.
        self._timers = {id(timer): timer for timer in _timers(loop)}
        self._threads = set(threading.enumerate())
        self._sockets = _sockets(loop)

    def add(self, node: HasRuntime) -> None:
        """Look at this node too, from now on; it may be running, or not yet started."""
        self._nodes.append((node, _held(node)))

    async def verify(self) -> None:
        """Raise if there is more than there was.

        Raises:
            Leaked: lists what is new.

        """
        for _ in range(3):
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        expected = {asyncio.current_task(), *self._tasks}
        for node, _ in self._nodes:
            expected |= _runners(node)
        found = [f"task {task!r}" for task in asyncio.all_tasks() if task not in expected]
        found += [f"timer {timer!r}" for timer in _timers(loop) if id(timer) not in self._timers]
        found += [f"socket {number}" for number in _sockets(loop) - self._sockets]
        found += [
            f"thread {thread.name!r}"
            for thread in threading.enumerate()
            if thread not in self._threads
            and thread.is_alive()
            and not thread.name.startswith(("asyncio_", "callboard-background"))
        ]
        for node, before in self._nodes:
            found += [
                f"{what}, {count} more than before" if before[what] else what
                for what, count in (_held(node) - before).items()
            ]
        if found:
            raise Leaked("left behind: " + "; ".join(found))


def _timers(loop: asyncio.AbstractEventLoop) -> list[asyncio.TimerHandle]:
    scheduled: Any = getattr(loop, "_scheduled", [])
    return [timer for timer in scheduled if not timer.cancelled()]


def _sockets(loop: asyncio.AbstractEventLoop) -> set[int]:
    selector: Any = getattr(loop, "_selector", None)
    return set(selector.get_map()) if selector is not None else set()


def _runners(node: HasRuntime) -> frozenset[asyncio.Task[None]]:
    """Return the tasks of a node's run queue: it has them for as long as it runs."""
    try:
        return node.runtime.scheduler.tasks
    except NotStarted:
        return frozenset()


def _held(node: HasRuntime) -> Counter[str]:
    """Count what a node holds, each thing by its description."""
    try:
        runtime = node.runtime
    except NotStarted:
        return Counter()
    registry = runtime.registry
    held: Counter[str] = Counter()
    # What code outside all workers has asked for; then what each worker has asked for and does.
    callers: list[tuple[str, Any]] = [(runtime.name, node)]
    for name in registry.names():
        held[f"name {name!r} in the registry of {runtime.name!r}"] += 1
        known = registry.find(name)
        if known is None or not isinstance(known.target, Cell):
            continue
        callers.append((name, known.target.actor))
        if known.target.monitors is not None and len(known.target.monitors):
            held[f"monitor on {name!r}"] += len(known.target.monitors)
    for name, count in registry.watched().items():
        held[f"watch on {name!r} in the registry of {runtime.name!r}"] += count
    for name, caller in callers:
        for what, attribute in (("asked for", "_asked"), ("done", "_serving")):
            jobs = getattr(caller, attribute, None)
            for number in jobs.open if jobs is not None else ():
                held[f"job {number} {what} by {name!r}"] += 1
    return held
