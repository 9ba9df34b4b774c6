"""Admin calls to a running supervisor: the messages, the answers, and the one who sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..actors import lifecycle
from ..actors.cell import Cell, State
from ..actors.errors import Deadlock, NoActor
from ..actors.message import LocalMessage
from ..actors.reason import Killed
from ..actors.ref import CURRENT, WorkerRef
from .child import Child

__all__ = [
    "Admin",
    "ChildCounts",
    "ChildInfo",
    "CountChildren",
    "DeleteChild",
    "RestartChild",
    "RestartNow",
    "StartChildren",
    "TerminateChild",
    "WhichChildren",
]


@dataclass(frozen=True)
class ChildInfo:
    """What a supervisor knows of one child."""

    name: str
    ref: WorkerRef
    state: State
    kind: str
    """`worker` or `supervisor`."""
    restart: str
    incarnation: int
    restarts: int
    """Restarts since it was first started."""
    attempt: int = 0
    """Which attempt the present or next start is, counted since it last ran for a while."""
    due: float | None = None
    """When a waiting child is restarted, in seconds on the node's clock."""
    reason: str | None = None
    """Why it ended last."""


@dataclass(frozen=True)
class ChildCounts:
    """How many children a supervisor has."""

    specs: int
    active: int
    supervisors: int
    workers: int


class StartChildren(LocalMessage):
    """Start these children, in this order."""

    specs: tuple[Child, ...]


class TerminateChild(LocalMessage):
    """Stop this child, and keep it stopped."""

    name: str


class RestartChild(LocalMessage):
    """Start a stopped child again."""

    name: str


class RestartNow(LocalMessage):
    """Restart a waiting child at once."""

    name: str


class DeleteChild(LocalMessage):
    """Forget a stopped child."""

    name: str


class WhichChildren(LocalMessage):
    """List the children."""


class CountChildren(LocalMessage):
    """Count the children."""


class Admin:
    """Calls to one running supervisor.

    Each is answered by the supervisor itself, in turn with the failures that it repairs. Each
    raises `NoActor` at once if the supervisor is gone.
    """

    def __init__(self, supervisor: WorkerRef) -> None:
        """Administer the supervisor of this ref."""
        self.ref = supervisor

    async def start_child(self, spec: Child | Mapping[str, Any]) -> WorkerRef:
        """Start a new child, after its spec was checked; return its ref once it has started.

        Raises:
            AlreadyRunning, AlreadyPresent: there is a child of that name.
            MaxChildren: there are as many as there may be.
            StartFailed: its start failed; no spec is kept, and the restart budget is untouched.

        """
        return (await self.start_children([spec]))[0]

    async def start_children(self, specs: Iterable[Child | Mapping[str, Any]]) -> list[WorkerRef]:
        """Start several children in this order; the first that fails ends the call."""
        checked = tuple(Child.of(spec) for spec in specs)
        return cast("list[WorkerRef]", await self._call(StartChildren(checked)))

    async def terminate_child(self, name: str) -> None:
        """Stop a child, and return after its stop hook; a temporary one is forgotten.

        Raises:
            ChildNotFound: there is none of that name.

        """
        await self._call(TerminateChild(name), name)

    async def restart_child(self, name: str) -> WorkerRef:
        """Start a child that was stopped, again.

        Raises:
            AlreadyRunning, Restarting, ChildNotFound: it cannot be.
            StartFailed: its start failed; it stays stopped.

        """
        return cast("WorkerRef", await self._call(RestartChild(name)))

    async def restart_now(self, name: str) -> WorkerRef:
        """Restart a waiting child without waiting longer.

        Raises:
            AlreadyRunning, ChildNotFound: it is not waiting.

        """
        return cast("WorkerRef", await self._call(RestartNow(name)))

    async def delete_child(self, name: str) -> None:
        """Forget a stopped child.

        Raises:
            ChildRunning, Restarting, ChildNotFound: it cannot be.

        """
        await self._call(DeleteChild(name))

    async def which_children(self) -> list[ChildInfo]:
        """Return what the supervisor knows of each child, in start order."""
        return cast("list[ChildInfo]", await self._call(WhichChildren()))

    async def count_children(self) -> ChildCounts:
        """Count the children."""
        return cast("ChildCounts", await self._call(CountChildren()))

    def suspend(self, name: str) -> None:
        """Have a worker take no message after the one in progress, at once.

        Raises:
            NoActor: it is not running here.

        """
        self._cell(name).suspend()

    def resume(self, name: str) -> None:
        """Have a suspended worker go on, in order.

        Raises:
            NoActor: it is not running here.

        """
        self._cell(name).resume()

    def kill(self, name: str, text: str = "by an admin call") -> None:
        """End a worker by force, at once, as a fault does: without its stop hook.

        Its restart policy says what follows; to end it for good, terminate the child. Code of a
        `ThreadWorker` cannot be interrupted: what its thread is doing is awaited and forgotten.

        Raises:
            NoActor: it is not running here.

        """
        cell = self._cell(name)
        if not cell.running:
            raise NoActor(f"{name!r} is {cell.state.value}: only what runs can be killed", name)
        reason = Killed(text)
        cell.emit("killed", reason)
        lifecycle.end(cell, reason)

    def get_state(self, name: str) -> Mapping[str, object]:
        """Return what a worker shows of its state, at once, also while it is suspended or busy.

        Raises:
            NoActor: it is not running here.

        """
        return cast("Mapping[str, object]", cast("Any", self._cell(name).actor).get_state())

    def _cell(self, name: str) -> Cell:
        target = self.ref.target
        found = target.runtime.resolve(name) if isinstance(target, Cell) else None
        if not isinstance(found, Cell) or found.actor is None:
            raise NoActor(f"no worker {name!r} is running here", name)
        return found

    async def _call(self, message: LocalMessage, child: str | None = None) -> Any:
        self._refuse_deadlock(child)
        return await self.ref.ask(message, block=False)

    def _refuse_deadlock(self, child: str | None) -> None:
        """Refuse what would wait for its own caller: the supervisor waits for that one already."""
        caller = CURRENT.get()
        cell = caller.target if caller is not None else None
        mine = self.ref.target
        if not isinstance(cell, Cell) or cell is mine:
            return
        above: Cell | None = cell
        while above is not None and above is not mine:
            waits = above.state in (State.STARTING, State.STOPPING) or above.name == child
            if waits and _under(above, mine):
                raise Deadlock(
                    f"{cell.name!r} cannot wait for {self.ref.name!r}, which waits for "
                    f"{above.name!r} to {'start' if above.state is State.STARTING else 'stop'}: "
                    "send the call from a task of its own, or from another worker"
                )
            above = above.parent


def _under(cell: Cell, supervisor: object) -> bool:
    above = cell.parent
    while above is not None:
        if above is supervisor:
            return True
        above = above.parent
    return False
