"""Actors without a node, as in Pykka: on the calling thread's event loop, or one in the background.

They stand on no supervision tree: one that fails stays ended. Each is entered in
`pykka.ActorRegistry` from its start to its end.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import cast

import pykka

from . import lifecycle
from .cell import Cell, Directive, Incarnation
from .reason import Failed, Reason
from .runtime import Runtime

__all__ = ["bare_cell", "leave_bare", "runtime_for_bare_actors", "start_bare"]

_numbers = itertools.count(1)
_lock = threading.Lock()
_by_loop: dict[asyncio.AbstractEventLoop, Runtime] = {}
_background: Runtime | None = None


def runtime_for_bare_actors() -> Runtime:
    """Return the runtime of the loop that runs in this thread, or that of the background.

    The background's loop runs in a daemon thread, made at the first call.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _in_background()
    with _lock:
        for each in [each for each in _by_loop if each.is_closed()]:
            del _by_loop[each]
        runtime = _by_loop.get(loop)
        if runtime is None:
            runtime = _by_loop[loop] = _runtime(loop, "bare")
    return runtime


def bare_cell(runtime: Runtime, kind: str, actor: Incarnation) -> Cell:
    """Return a place for an actor of this class that is to be started bare."""
    name = f"{kind}-{next(_numbers)}"
    cell = Cell(runtime, name, lambda: actor, owner=Unsupervised(), public=False)
    cell.actor = actor
    return cell


def start_bare(cell: Cell) -> None:
    """Register the actor of the cell and have it started on its loop, from any thread."""
    runtime = cell.runtime
    pykka.ActorRegistry.register(cast("pykka.ActorRef[pykka.Actor]", cell.ref))
    runtime.registry.declare(cell.ref, cell)
    runtime.call_from_thread(lambda: runtime.spawn(_start(cell)))


def leave_bare(cell: Cell, reason: Reason) -> None:
    """Have an actor that was started bare be dead before its last hook runs, as in Pykka."""
    if isinstance(cell.owner, Unsupervised) and not cell.closed:
        pykka.ActorRegistry.unregister(cast("pykka.ActorRef[pykka.Actor]", cell.ref))
        cell.refuse(reason)


class Unsupervised:
    """The owner of an actor that was started bare: it stays ended."""

    def ended(self, cell: Cell, reason: Reason, directive: Directive | None) -> None:
        """Close the actor's place, and leave nothing on a loop without actors."""
        leave_bare(cell, reason)
        cell.close(reason)
        if not len(cell.runtime.registry):
            cell.runtime.scheduler.dismiss()


async def _start(cell: Cell) -> None:
    try:
        await lifecycle.start(cell)
    except Exception as error:
        failed = Failed(error.__cause__ or error)
        cell.emit("failed", failed)
        Unsupervised().ended(cell, failed, None)


def _runtime(loop: asyncio.AbstractEventLoop, name: str) -> Runtime:
    runtime = Runtime(loop, name)

    def interrupt(error: BaseException) -> None:
        runtime.emit("interrupted", name, text=f"{type(error).__name__}: every actor is stopped")
        pykka.ActorRegistry.stop_all(block=False)

    runtime.interrupt = interrupt
    return runtime


def _in_background() -> Runtime:
    global _background
    with _lock:
        if _background is None:
            started: list[Runtime] = []
            ready = threading.Event()

            def run() -> None:
                async def forever() -> None:
                    started.append(_runtime(asyncio.get_running_loop(), "background"))
                    ready.set()
                    await asyncio.Event().wait()

                asyncio.run(forever())

            threading.Thread(target=run, name="callboard-background", daemon=True).start()
            ready.wait()
            _background = started[0]
        return _background
