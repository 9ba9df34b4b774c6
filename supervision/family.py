"""The children of a worker: a supervisor of its own that nobody sees."""

from __future__ import annotations

from typing import Any

from ..actors import lifecycle
from ..actors.cell import Cell, State
from ..actors.errors import NoActor, Stopped
from ..actors.reason import Failed, Reason, Shutdown
from ..actors.ref import WorkerRef
from .admin import Admin
from .child import Child
from .supervisor import Supervisor

__all__ = ["FamilySupervisor", "family_of"]


class FamilySupervisor(Supervisor):
    """Supervises the private children of one worker."""

    private = True


class _Family:
    """The family of one worker's present life; see `runtime.Family`."""

    def __init__(self, parent: Cell) -> None:
        self._parent = parent
        name = f"{parent.name}.children"
        self._cell = Cell(
            parent.runtime, name, FamilySupervisor, parent=parent, owner=self, public=False
        )

    async def spawn(self, spec: Any) -> WorkerRef:
        """Start a child, and the family's supervisor with the first."""
        parent = self._parent
        if parent.state not in (State.STARTING, State.RUNNING):
            raise Stopped(f"{parent.name!r} is ending: it takes no new children", parent.name)
        if self._cell.actor is None:
            await lifecycle.start(self._cell)
        return await Admin(self._cell.ref).start_child(Child.of(spec))

    async def stop(self, reason: Reason, budget: float | None) -> None:
        """Stop all children, the last one first."""
        told = reason if isinstance(reason, Shutdown) else Shutdown(f"{self._parent.name!r} ended")
        await lifecycle.stop(self._cell, told, 0.0 if budget == 0.0 else None)
        self._cell.close(told)

    def kill(self) -> None:
        """End all children now; who waits for their end goes on."""
        lifecycle.kill(self._cell, f"{self._parent.name!r} was killed")

    def refs(self) -> list[WorkerRef]:
        """Return the children's refs, in start order."""
        actor = self._cell.actor
        return [cell.ref for cell in actor.child_cells()] if isinstance(actor, Supervisor) else []

    @property
    def cell(self) -> Cell:
        """The place of the family's supervisor; for the node's tree."""
        return self._cell

    def ended(self, cell: Cell, reason: Reason, directive: Any) -> None:
        """Have the worker fail of what its children's supervisor gave up over."""
        cell.close(reason)
        error = reason.error or NoActor(f"the children of {self._parent.name!r} ended")
        lifecycle.end(self._parent, Failed(error))


def family_of(parent: Cell) -> _Family:
    """Return a new family for the present life of this worker."""
    return _Family(parent)
