"""The supervisor: a worker whose only work is its children.

What a failure calls for is in `repair.py`, how children stop in `shutdown.py`. Everything that that
happens to a child comes as a message, so one thing at a time is done to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from ..actors import lifecycle
from ..actors.actor import Actor
from ..actors.cell import Cell, State
from ..actors.errors import (
    AlreadyPresent,
    AlreadyRunning,
    ChildRunning,
    MaxChildren,
    Restarting,
    SpecError,
)
from ..actors.family import WorkerFailed
from ..actors.handlers import runtime_handler
from ..actors.reason import Reason, Shutdown
from ..actors.ref import WorkerRef
from . import admin
from .child import Child
from .children import YIELD_EVERY, Children
from .record import ChildEnded, ChildRecord, RestartDue
from .repair import Repair
from .restarts import Restarts
from .strategy import AUTO_SHUTDOWNS, STRATEGIES, AutoShutdown, Strategy

__all__ = ["DynamicSupervisor", "Supervisor"]

Specs = Iterable["Child | Mapping[str, Any]"]


class Supervisor(Actor):
    """A supervisor, declared as a class or built from values; both are one thing.

        class Tree(Supervisor):
            strategy = "rest_for_one"
            children = [Child("db", Database), Child("web", Web)]

        Supervisor([Child("db", Database)], strategy="rest_for_one")

    `children` may also be a method. They are started in order, each start awaited, and stopped in
    reverse. `strategy` says who is restarted with a child that ends, `restarts` how often before
    the supervisor gives up, `auto_shutdown` whether the end of significant children is its own.
    """

    is_supervisor: ClassVar[bool] = True
    interruptible: ClassVar[bool] = True

    children: Any = ()
    strategy: Strategy = "one_for_one"
    restarts: Restarts = Restarts()
    auto_shutdown: AutoShutdown = "never"
    max_children: int | None = None
    stop_together: bool = False
    """Whether children are stopped all at once; a pool whose members do not need each other."""
    private: bool = False
    """Whether the children are unknown to other nodes."""

    _children: Children | None = None
    _repair: Repair | None = None

    def __init__(
        self,
        children: Specs | None = None,
        *,
        strategy: Strategy | None = None,
        restarts: Restarts | None = None,
        auto_shutdown: AutoShutdown | None = None,
        max_children: int | None = None,
    ) -> None:
        """Build a supervisor from values; what is not given is as the class says."""
        super().__init__()
        if children is not None:
            self.children = tuple(children)
        if strategy is not None:
            self.strategy = strategy
        if restarts is not None:
            self.restarts = restarts
        if auto_shutdown is not None:
            self.auto_shutdown = auto_shutdown
        if max_children is not None:
            self.max_children = max_children

    # -- checked ----

    def specs(self) -> list[Child]:
        """Return the checked specs of the static children; nothing is built.

        Raises:
            SpecError: names what is wrong: a child and its field, or a flag of the supervisor.

        """
        name = type(self).__qualname__
        if self.strategy not in STRATEGIES:
            self._refuse(name, "strategy", f"must be one of {', '.join(STRATEGIES)}", self.strategy)
        if self.auto_shutdown not in AUTO_SHUTDOWNS:
            wanted = f"must be one of {', '.join(AUTO_SHUTDOWNS)}"
            self._refuse(name, "auto_shutdown", wanted, self.auto_shutdown)
        if not isinstance(cast("object", self.restarts), Restarts):
            self._refuse(name, "restarts", "must be a Restarts policy", self.restarts)
        listed = self.children() if callable(self.children) else self.children
        specs: dict[str, Child] = {}
        for each in cast("Specs", listed):
            spec = Child.of(each)
            if spec.name in specs:
                raise SpecError(f"child {spec.name!r}", "name", "is given to two children")
            if spec.significant and self.auto_shutdown == "never":
                raise SpecError(
                    f"child {spec.name!r}",
                    "significant",
                    f"means nothing while auto_shutdown of {name} is 'never'",
                )
            specs[spec.name] = spec
        return list(specs.values())

    @staticmethod
    def _refuse(name: str, field: str, wanted: str, value: object) -> None:
        raise SpecError(name, field, f"{wanted}, is {value!r}")

    # -- its life ----

    def attach(self, cell: Cell) -> None:
        """Take note of the cell, with no children yet; for the runtime."""
        super().attach(cell)
        children = Children(cell, private=self.private, together=self.stop_together)
        self._children = children
        self._repair = Repair(cell, children, self.strategy, self.restarts, self.auto_shutdown)

    async def on_start(self) -> None:  # type: ignore[override]
        """Start the static children in order; if one fails, stop those before it in reverse."""
        await self._mine.start_all(self.specs())

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for; for the runtime."""
        return not self._children

    def stop_children(self, reason: Reason, budget: float | None) -> Any:
        """Return a coroutine that stops the children; for the runtime."""
        told = reason if isinstance(reason, Shutdown) else Shutdown(f"{self.name!r} ended")
        return self._mine.stop_all(told, kill=budget == 0.0) if self._children else None

    @property
    def _mine(self) -> Children:
        assert self._children is not None, "a supervisor has children from its start on"
        return self._children

    # -- a child ended ----

    @runtime_handler(ChildEnded)
    async def _child_ended(self, event: ChildEnded) -> None:
        record = event.record
        if self._mine.records.get(record.spec.name) is not record or record.deliberate:
            return
        if record.cell.incarnation != event.incarnation or record.cell.actor is not None:
            return  # of an earlier life
        assert self._repair is not None
        await self._repair.child_ended(record, event.reason, event.directive)
        self._tell_parent(record, event)

    @runtime_handler(RestartDue)
    async def _restart_due(self, event: RestartDue) -> None:
        record = event.record
        known = self._mine.records.get(record.spec.name) is record
        if known and record.timer is not None and record.cell.incarnation == event.incarnation:
            assert self._repair is not None
            await self._repair.start_group(record)

    def _tell_parent(self, record: ChildRecord, event: ChildEnded) -> None:
        """Tell the worker whose private children these are of a failure."""
        parent = self._place.parent
        if self.private and parent is not None and event.reason.error is not None:
            path = record.cell.path
            fact = WorkerFailed(record.spec.name, path, event.incarnation, event.reason.error)
            parent.ref.tell(fact)

    # -- admin ----

    @runtime_handler(admin.StartChildren)
    async def _start_children(self, message: admin.StartChildren) -> list[WorkerRef]:
        refs: list[WorkerRef] = []
        for number, spec in enumerate(message.specs):
            self._must_be_new(spec)
            record = self._mine.declare(spec)
            try:
                await self._mine.start(record)
            except BaseException:
                self._mine.records.pop(spec.name, None)
                raise
            refs.append(record.cell.ref)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        return refs

    def _must_be_new(self, spec: Child) -> None:
        known = self._mine.records.get(spec.name)
        if known is not None:
            if known.cell.running:
                raise AlreadyRunning(spec.name, known.cell.ref)
            raise AlreadyPresent(spec.name)
        if self.max_children is not None and len(self._mine) >= self.max_children:
            raise MaxChildren(self.path, self.max_children)

    @runtime_handler(admin.TerminateChild)
    async def _terminate_child(self, message: admin.TerminateChild) -> None:
        record = self._mine.find(message.name)
        record.deliberate = True
        record.cancel_timer()
        reason = Shutdown("terminate_child")
        final = await lifecycle.stop(record.cell, reason, record.spec.stop_budget)
        self._mine.leave_stopped(record, final)

    @runtime_handler(admin.RestartChild)
    async def _restart_child(self, message: admin.RestartChild) -> WorkerRef:
        record = self._mine.find(message.name)
        if record.waiting:
            raise Restarting(message.name)
        if record.cell.running:
            raise AlreadyRunning(message.name, record.cell.ref)
        self._mine.reopen(record)
        await self._mine.start(record)
        record.deliberate = False
        return record.cell.ref

    @runtime_handler(admin.RestartNow)
    async def _restart_now(self, message: admin.RestartNow) -> WorkerRef:
        record = self._mine.find(message.name)
        if record.timer is None:
            raise AlreadyRunning(message.name, record.cell.ref)
        assert self._repair is not None
        await self._repair.start_group(record)
        return record.cell.ref

    @runtime_handler(admin.DeleteChild)
    def _delete_child(self, message: admin.DeleteChild) -> None:
        record = self._mine.find(message.name)
        if record.waiting:
            raise Restarting(message.name)
        if record.cell.running:
            raise ChildRunning(message.name)
        del self._mine.records[message.name]

    @runtime_handler(admin.WhichChildren)
    def _which_children(self, message: admin.WhichChildren) -> list[admin.ChildInfo]:
        return self.child_infos()

    @runtime_handler(admin.CountChildren)
    def _count_children(self, message: admin.CountChildren) -> admin.ChildCounts:
        infos = self.child_infos()
        supervisors = sum(1 for info in infos if info.kind == "supervisor")
        active = sum(1 for info in infos if info.state is State.RUNNING)
        return admin.ChildCounts(len(infos), active, supervisors, len(infos) - supervisors)

    def child_infos(self) -> list[admin.ChildInfo]:
        """Return what is known of each child, in start order."""
        return self._mine.infos()

    def child_cells(self) -> list[Cell]:
        """Return the places of the children, in start order; for the node's tree."""
        return [record.cell for record in self._mine.records.values()]


class DynamicSupervisor(Supervisor):
    """A supervisor of a pool: children come and go while it runs, and are stopped all at once."""

    stop_together = True
