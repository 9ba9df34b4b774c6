"""The supervisor: a worker whose only work is its children.

What a failure calls for is in `repair.py`, how children stop in `shutdown.py`. Everything that that
happens to a child comes as a message, so one thing at a time is done to it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from ..actors import lifecycle
from ..actors.actor import Actor
from ..actors.cell import Cell, State
from ..actors.dispatch import RaisedInCall
from ..actors.errors import (
    AlreadyPresent,
    AlreadyRunning,
    CallboardError,
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
from .children import Children
from .record import ChildEnded, ChildRecord, RestartDue
from .repair import Repair
from .restarts import Restarts
from .shutdown import YIELD_EVERY
from .strategy import AUTO_SHUTDOWNS, STRATEGIES, AutoShutdown, Strategy

__all__ = ["DynamicSupervisor", "Supervisor"]

Specs = Iterable["Child | Mapping[str, Any]"]

F = TypeVar("F", bound=Callable[..., Any])


def _answering(message: type) -> Callable[[F], F]:
    """Declare the handler of an admin call: what it refuses is the caller's error, not its own."""

    def declare(method: F) -> F:
        async def answer(self: Supervisor, call: object) -> Any:
            try:
                result = method(self, call)
                return await result if inspect.isawaitable(result) else result
            except CallboardError as error:
                raise RaisedInCall(error) from error

        return runtime_handler(message)(cast("F", functools.wraps(method)(answer)))

    return declare


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
    announced: ClassVar[bool] = False

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
        limit: object = self.max_children
        if limit is not None and (type(limit) is not int or limit < 0):
            self._refuse(name, "max_children", "must be a whole number from 0, or None", limit)
        listed: object = self.children() if callable(self.children) else self.children
        if not isinstance(listed, Iterable):
            self._refuse(name, "children", "must be a list of children", listed)
        specs: dict[str, Child] = {}
        for each in cast("Specs", listed):
            spec = Child.of(each)
            if spec.name in specs:
                raise SpecError(f"child {spec.name!r}", "name", "is given to two children")
            self._check_significant(spec)
            specs[spec.name] = spec
        return list(specs.values())

    def _check_significant(self, spec: Child) -> None:
        if spec.significant and self.auto_shutdown == "never":
            name = type(self).__qualname__
            raise SpecError(
                f"child {spec.name!r}",
                "significant",
                f"means nothing while auto_shutdown of {name} is 'never'",
            )

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

    async def on_start(self) -> None:
        """Start the static children in order; if one fails, those before it stop in reverse."""
        await self._mine.start_all(self.specs())

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for; for the runtime."""
        return not self._children

    def stop_children(self, reason: Reason, budget: float | None) -> Any:
        """Return a coroutine that stops the children; for the runtime."""
        told = reason if isinstance(reason, Shutdown) else Shutdown(f"{self.name!r} ended")
        return self._mine.stop_all(told, kill=budget == 0.0) if self._children else None

    def kill_children(self) -> None:
        """Hurry the end of the children; for the runtime."""
        for cell in self.child_cells():
            lifecycle.kill(cell, f"{self.name!r} was killed")

    @property
    def _mine(self) -> Children:
        assert self._children is not None, "a supervisor has children from its start on"
        return self._children

    @property
    def _mending(self) -> Repair:
        assert self._repair is not None, "a supervisor has what it repairs with from its start on"
        return self._repair

    # -- a child ended ----

    @runtime_handler(ChildEnded)
    async def _child_ended(self, event: ChildEnded) -> None:
        record = event.record
        if self._mine.records.get(record.spec.name) is not record or record.deliberate:
            return
        if record.cell.incarnation != event.incarnation or record.alive or record.waiting:
            return  # of an earlier life, or its group is restarted already: that counts once
        await self._mending.child_ended(record, event.reason, event.directive)
        self._tell_parent(record, event)

    @runtime_handler(RestartDue)
    async def _restart_due(self, event: RestartDue) -> None:
        record = event.record
        known = self._mine.records.get(record.spec.name) is record
        if known and record.timer is not None and record.cell.incarnation == event.incarnation:
            await self._mending.start_group(record)

    def _tell_parent(self, record: ChildRecord, event: ChildEnded) -> None:
        """Tell the worker whose private children these are of a failure."""
        parent = self._place.parent
        if self.private and parent is not None and event.reason.error is not None:
            path = record.cell.path
            fact = WorkerFailed(record.spec.name, path, event.incarnation, event.reason.error)
            parent.ref.tell(fact)

    # -- admin ----

    @_answering(admin.StartChildren)
    async def _start_children(self, message: admin.StartChildren) -> list[WorkerRef]:
        refs: list[WorkerRef] = []
        for number, spec in enumerate(message.specs):
            self._must_be_new(spec)
            record = self._mine.declare(spec)
            try:
                await self._mine.start(record)
            except Exception:  # a start that is cancelled is left to the stop of all
                self._mine.records.pop(spec.name, None)
                raise
            refs.append(record.cell.ref)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        return refs

    def _must_be_new(self, spec: Child) -> None:
        known = self._mine.records.get(spec.name)
        if known is not None:
            if known.alive:
                raise AlreadyRunning(spec.name, known.cell.ref)
            raise AlreadyPresent(spec.name)
        self._check_significant(spec)
        if self.max_children is not None and len(self._mine) >= self.max_children:
            raise MaxChildren(self.path, self.max_children)

    @_answering(admin.TerminateChild)
    async def _terminate_child(self, message: admin.TerminateChild) -> None:
        record = self._mine.find(message.name)
        record.deliberate = True
        self._mending.drop_out(record)
        reason = Shutdown("terminate_child") if record.alive else record.ended_for
        final = await lifecycle.stop(
            record.cell, reason or Shutdown("it never ran"), record.stop_budget
        )
        self._mine.leave_stopped(record, final)

    @_answering(admin.RestartChild)
    async def _restart_child(self, message: admin.RestartChild) -> WorkerRef:
        record = self._mine.find(message.name)
        if record.waiting:
            raise Restarting(message.name)
        if record.alive:
            raise AlreadyRunning(message.name, record.cell.ref)
        self._mine.reopen(record)
        await self._mine.start(record)
        record.deliberate = False
        return record.cell.ref

    @_answering(admin.RestartNow)
    async def _restart_now(self, message: admin.RestartNow) -> WorkerRef:
        record = self._mine.find(message.name)
        if record.alive:
            raise AlreadyRunning(message.name, record.cell.ref)
        if not record.waiting:
            raise AlreadyPresent(message.name)
        await self._mending.start_group(record)
        return record.cell.ref

    @_answering(admin.DeleteChild)
    def _delete_child(self, message: admin.DeleteChild) -> None:
        record = self._mine.find(message.name)
        if record.waiting:
            raise Restarting(message.name)
        if record.alive:
            raise ChildRunning(message.name)
        del self._mine.records[message.name]

    @_answering(admin.WhichChildren)
    def _which_children(self, message: admin.WhichChildren) -> list[admin.ChildInfo]:
        return self.child_infos()

    @_answering(admin.CountChildren)
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
    """A supervisor of a pool: children come and go while it runs, and are stopped all at once.

    Give short-lived children `restart="temporary"` or `"transient"`: permanent ones would be
    restarted when they have finished, and a crowd of them spends the restart budget.
    """

    stop_together = True
