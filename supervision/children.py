"""The children of one supervisor: their records, and the steps that change one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..actors import lifecycle
from ..actors.cell import Cell
from ..actors.errors import ChildNotFound, StartDeclined
from ..actors.reason import Failed, Reason, Shutdown
from . import shutdown
from .admin import ChildInfo
from .child import Child
from .record import ChildRecord
from .shutdown import YIELD_EVERY

__all__ = ["Children"]


class Children:
    """The records of a supervisor's children, in start order.

    `private` children belong to the worker above the supervisor, and no other node knows them.
    """

    def __init__(self, supervisor: Cell, *, private: bool, together: bool) -> None:
        """Begin without children; `together` stops them all at once."""
        self._supervisor = supervisor
        self._above = supervisor.parent if private and supervisor.parent else supervisor
        self._public = supervisor.public and not private
        self._together = together
        self.records: dict[str, ChildRecord] = {}

    def __len__(self) -> int:
        """Specs that are kept."""
        return len(self.records)

    def find(self, name: str) -> ChildRecord:
        """Return the record of a child.

        Raises:
            ChildNotFound: there is none of that name.

        """
        record = self.records.get(name)
        if record is None:
            raise ChildNotFound(name, tuple(self.records))
        return record

    def infos(self) -> list[ChildInfo]:
        """Return what is known of each child."""
        return [record.info() for record in self.records.values()]

    def declare(self, spec: Child) -> ChildRecord:
        """Take the child's name and place; from here on it may be sent messages.

        Raises:
            NameTaken: another worker of the node has the name.

        """
        runtime = self._supervisor.runtime
        cell = Cell(
            runtime,
            spec.name,
            spec.factory,
            parent=self._above,
            options=spec.options,
            public=self._public,
        )
        record = ChildRecord(spec, cell, self._supervisor.ref)
        cell.owner = record
        runtime.registry.declare(cell.ref, cell)
        self.records[spec.name] = record
        return record

    async def start_all(self, specs: Sequence[Child]) -> None:
        """Declare and start the static children in order; the first that fails ends the start.

        Those before it are stopped when the supervisor's unfinished start is undone.
        """
        for spec in specs:
            self.declare(spec)
        for number, record in enumerate(list(self.records.values())):
            await self.start(record)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)

    async def start(self, record: ChildRecord) -> None:
        """Start a child that is declared, for the first time or after it was closed.

        Raises:
            StartFailed: it failed; the child is closed.

        """
        try:
            await lifecycle.start(record.cell, record.spec.start_budget)
        except StartDeclined as declined:
            self.leave_stopped(record, Shutdown(f"it declined to start: {declined}"))
        except BaseException as error:
            record.cell.close(Failed(error.__cause__ or error))
            raise

    def reopen(self, record: ChildRecord) -> None:
        """Take the name and the mailbox of a closed child again.

        Raises:
            NameTaken: another worker of the node has the name now.

        """
        cell = record.cell
        cell.runtime.registry.declare(cell.ref, cell)
        cell.mailbox.reopen()

    def leave_stopped(self, record: ChildRecord, reason: Reason) -> None:
        """Leave a child stopped: its spec is kept, unless it is temporary."""
        record.cancel_timer()
        record.ended_for = reason
        record.cell.close(reason)
        if record.spec.restart == "temporary":
            del self.records[record.spec.name]

    async def stop_all(self, reason: Reason, *, kill: bool = False) -> None:
        """Stop all children and forget them."""
        records = list(self.records.values())
        for record in records:
            record.cancel_timer()
        if self._together:
            await shutdown.stop_together(records, reason, kill=kill)
        else:
            await shutdown.stop_in_turn(records, reason, kill=kill)
        self.records.clear()
