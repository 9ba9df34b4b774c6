"""What a node offers to code that is no worker: telling, asking, jobs, activation."""

from __future__ import annotations

from typing import Any

from ..actors.asking import Asking
from ..actors.cell import Cell
from ..actors.errors import NotStarted
from ..actors.worker import Worker

__all__ = ["Front"]


class Front(Asking):
    """Sends and asks in the name of a worker that the node keeps for this, outside its tree."""

    name: str
    _front: Cell | None = None

    async def activate(self, name: str, args: Any = None) -> None:
        """Activate a worker; see `Worker.activate`."""
        await self._worker.activate(name, args)

    async def deactivate(self, name: str) -> None:
        """Deactivate a worker; see `Worker.deactivate`."""
        await self._worker.deactivate(name)

    @property
    def _place(self) -> Cell:
        if self._front is None:
            raise NotStarted(f"the Node {self.name!r} was not started: use 'async with', or run()")
        return self._front

    @property
    def _worker(self) -> Worker:
        actor = self._place.actor
        if not isinstance(actor, Worker):
            raise NotStarted(f"the Node {self.name!r} has ended")
        return actor
