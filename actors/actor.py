"""Actor: private state, one mailbox, handlers. A Pykka actor on the node's event loop.

An `Actor` object is one incarnation. What stays when it ends is its cell.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, ClassVar, NoReturn, cast

from pykka import messages

from . import lifecycle
from .cell import Cell, Directive
from .delivery import STOP, Entry
from .dispatch import BESIDE, NotHandled, RaisedInCall, Stashed, drain, run_beside
from .envelope import Envelope
from .errors import NotStarted
from .handlers import Handler, HandlerTable, default_hook, runtime_handler
from .loops import bare_cell, leave_bare, runtime_for_bare_actors, start_bare
from .message import Lane, SystemMessage
from .monitor import Monitor, WorkerDown, monitored, monitors_of
from .pykka_actor import PykkaActor
from .reason import Failed, Normal, Reason
from .ref import WorkerRef
from .registry import WorkerReady
from .reply import Reply
from .reserved import refuse_reserved
from .runtime import Runtime
from .scheduler import Step

__all__ = ["Actor"]


class Actor(PykkaActor):
    """An actor: handlers declared with `@on`, hooks, one message at a time.

    Users subclass `Worker`, which adds jobs, activation and children. An actor is started by a
    supervisor (`Child("name", Factory)`), or as in Pykka by `start()`, then without supervision.
    """

    table: ClassVar[HandlerTable]

    directives: ClassVar[Mapping[type[BaseException], Directive]] = {}
    """What becomes of the worker, by the class of an unhandled exception; the nearest decides."""

    interruptible: ClassVar[bool] = False
    """Whether a stop interrupts the handler at work at once, as in a supervisor."""

    announced: ClassVar[bool] = True
    """Whether other nodes are told of it, if it is public: not of supervisors and transports."""

    _cell: Cell | None = None
    _watching: set[Monitor] | None = None

    # -- made and started ----

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Collect the handlers of the class.

        Raises:
            HandlerClash: two methods are declared for the same thing.
            SpecError: an attribute has a name that the runtime uses.

        """
        super().__init_subclass__(**keywords)
        refuse_reserved(cls)
        cls.table = HandlerTable.of(cls, cls._wrap)

    def __init__(self, *_args: Any, **_keywords: Any) -> None:
        """Set up private state; override it freely. Its name and ref are there from `on_start`."""

    @classmethod
    def start(cls, *args: Any, **keywords: Any) -> WorkerRef:
        """Start an actor without a supervisor, as in Pykka, and return its ref.

        It runs on the event loop of the calling thread, or on one in a thread of the background
        where there is none. Its `on_start` runs after this call has returned. It is entered in
        `pykka.ActorRegistry`; if it fails it stops.
        """
        runtime = runtime_for_bare_actors()
        actor = cls.__new__(cls)
        cell = bare_cell(runtime, cls.__name__, actor)
        actor._cell = cell  # as in Pykka, the constructor may use its ref
        actor.__init__(*args, **keywords)  # type: ignore[misc]
        start_bare(cell)
        return cell.ref

    # -- who and where ----

    @property
    def name(self) -> str:
        """The worker's name, unique on its node."""
        return self._place.name

    @property
    def actor_ref(self) -> WorkerRef:
        """The worker's ref, valid for all its incarnations."""
        return self._place.ref

    @property
    def actor_urn(self) -> str:
        """A name for Pykka's registry."""
        return self._place.ref.actor_urn

    @actor_urn.setter
    def actor_urn(self, value: str) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError("a worker's urn is made from its name")

    @property
    def incarnation(self) -> int:
        """The number of this life; the first is 1."""
        return self._place.incarnation

    @property
    def path(self) -> str:
        """Where it stands in the tree, from the root."""
        return self._place.path

    @property
    def started_at(self) -> float | None:
        """When this incarnation became ready, in seconds on the node's clock; None before."""
        return self._place.started_at

    @property
    def parent(self) -> WorkerRef | None:
        """The ref of its supervisor, or of the worker that spawned it."""
        parent = self._place.parent
        return parent.ref if parent is not None else None

    @property
    def envelope(self) -> Envelope:
        """The envelope of the message that is being handled.

        Raises:
            NotStarted: no message is being handled.

        """
        return Envelope.of(self._entry, self._place.ref)

    def __str__(self) -> str:
        """Return class and name."""
        return f"{type(self).__name__} ({self._cell.name if self._cell else 'not started'})"

    # -- for its own use ----

    def stop(self) -> None:
        """Stop after what has been sent so far, with reason Normal; as in Pykka."""
        self.actor_ref.tell(STOP())

    def monitor(self, worker: WorkerRef | str) -> Monitor:
        """Watch another worker's end, by ref or name.

        Its end for good comes as one `WorkerDown`, a restart of it as a `WorkerRestarted`. Nobody
        of that name is a `WorkerDown` at once.
        """
        cell = self._place
        if isinstance(worker, str):
            worker = cell.runtime.ref(worker)
        target = monitored(worker.target) or monitored(cell.runtime.resolve(worker.name))

        watching = self._watching = set() if self._watching is None else self._watching

        def cancel(monitor: Monitor) -> None:
            watching.discard(monitor)
            if target is not None and target.monitors is not None:
                target.monitors.remove(monitor)
            if cell.running:  # what has come and was not handled is taken back
                cell.mailbox.take_where(Lane.SYSTEM, lambda entry: monitor.has_told(entry[0]))

        def notify(fact: SystemMessage) -> None:
            if isinstance(fact, WorkerDown):
                watching.discard(monitor)
            cell.ref.tell(fact)

        monitor = Monitor(worker, notify, cancel)
        if target is None:
            monitor.tell(WorkerDown(worker, None))
            return monitor
        monitors_of(target).add(monitor)
        watching.add(monitor)
        return monitor

    def stash(self) -> NoReturn:
        """Put the message in progress aside, for `unstash`, and end its handling here.

        It does not return: the handler is left at this point. An ask is answered only when its
        message is handled in earnest.
        """
        cell, entry = self._place, self._entry
        if cell.stashed is None:
            cell.stashed = deque()
        cell.stashed.append(entry)
        raise Stashed

    def unstash(self) -> None:
        """Handle the stashed messages next, in their order."""
        self._place.unstash()

    # -- hooks ----

    @default_hook
    def on_start(self) -> Any:
        """Set up, before the worker is ready; `def` or `async def`. Raise to fail the start."""

    @default_hook
    def on_stop(self) -> Any:
        """Clean up after an orderly end; not called on a failure or a kill."""

    @default_hook
    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        """Clean up after an unhandled exception, which is given as `sys.exc_info()` gives it."""

    @default_hook
    def on_receive(self, message: Any) -> Any:
        """Handle a message that has no handler; without an override it is a dead letter.

        An override passes on what it does not handle: `return super().on_receive(message)`.
        """
        raise NotHandled

    def get_state(self) -> Mapping[str, object]:
        """Return what an operator may see of the state: by default the public attributes."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    # -- the runtime's side ----

    @classmethod
    def _wrap(cls, function: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        """Return how a handler is called, and whether that is a plain call."""
        return function, not inspect.iscoroutinefunction(function)

    @property
    def _place(self) -> Cell:
        if self._cell is None:
            raise NotStarted(
                f"this {type(self).__name__} does not stand on a node yet: "
                "it has a name, a ref and a node from on_start on"
            )
        return self._cell

    @property
    def _entry(self) -> Entry:
        entry = BESIDE.get() or self._place.entry
        if entry is None:
            raise NotStarted(f"{self.name!r} is not handling a message now")
        return entry

    @property
    def _runtime(self) -> Runtime:
        return self._place.runtime

    def attach(self, cell: Cell) -> None:
        """Take note of the cell; for the runtime."""
        self._cell = cell

    def turn(self, limit: int) -> Step | int:
        """Handle up to `limit` messages; for the runtime."""
        cell = self._cell
        assert cell is not None, "an actor is attached before its first turn"
        return drain(cell, self, limit)

    def preempt(self) -> None:
        """Handle the waiting system messages that are declared `preempt=True`; for the runtime."""
        if not self.table.preempts:
            return
        cell, find = self._place, self.table.find

        def preempts(entry: Entry) -> bool:
            handler = find(entry[0].__class__)
            return handler is not None and handler.preempt

        for entry in cell.mailbox.take_where(0, preempts):
            run_beside(cell, self, entry, cast("Handler", find(entry[0].__class__)))

    def start_hooks(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to run before the worker is ready, or None; for the runtime."""
        for name in self.table.ready:
            self._watch(name)
        return self._call("on_start") if "on_start" in self.table.hooks else None

    def end_hook_name(self, reason: Reason) -> str | None:
        """Return the name of the hook for this end, None without one; for the runtime."""
        hook = "on_failure" if isinstance(reason, Failed) else "on_stop"
        return hook if hook in self.table.hooks else None

    def end_hook(self, reason: Reason) -> Coroutine[Any, Any, None]:
        """Return the hook for this end, to be run; for the runtime."""
        if isinstance(reason, Failed):
            cause = reason.cause
            return self._call("on_failure", type(cause), cause, cause.__traceback__)
        return self._call("on_stop")

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for; for the runtime."""
        return True

    def stop_children(self, reason: Reason, budget: float | None) -> Any:
        """Return a coroutine that stops the children, or None without any; for the runtime."""
        return None

    def kill_children(self) -> None:
        """Hurry the end of the children; for the runtime."""

    def leave(self, reason: Reason) -> list[Step]:
        """Let go of watches and monitors; for the runtime."""
        cell = self._place
        leave_bare(cell, reason)
        cell.runtime.registry.unwatch(cell)
        for monitor in list(self._watching or ()):
            monitor.cancel()
        return []

    def release(self) -> None:
        """Let go of what the last hook still needed; for the runtime."""

    async def _perform(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """Call a method or hook, `def` or `async def`, where the worker's code runs."""
        result = function(*args, **keywords)
        # Only what was written `async def`: a future that is returned is the answer, as in Pykka.
        return await result if inspect.iscoroutine(result) else result

    async def _call(self, hook: str, *arguments: Any) -> None:
        """Call a hook by name."""
        await self._perform(getattr(self, hook), *arguments)

    def _watch(self, name: str) -> None:
        cell = self._place
        cell.runtime.registry.watch(name, cell, cell.ref.tell)

    @runtime_handler(WorkerReady)
    async def _worker_ready(self, fact: WorkerReady) -> None:
        named = self.table.ready.get(fact.worker)
        if named is not None:
            await self._call(named, fact)
        if "on_worker_ready" in self.table.hooks:
            await self._call("on_worker_ready", fact)

    @runtime_handler(STOP, answers_itself=True)
    def _stop_asked(self, message: object) -> None:
        cell = self._place
        cell.mailbox.put_back(self._entry)  # to be answered when this life is over
        lifecycle.end(cell, Normal())

    @runtime_handler(messages.ProxyCall)
    async def _proxy_call(self, message: messages.ProxyCall) -> Any:
        try:
            callee = _attribute(self, message.attr_path)
            return await self._perform(callee, *message.args, **message.kwargs)
        except Exception as error:
            raise RaisedInCall(error) from error

    @runtime_handler(messages.ProxyGetAttr)
    async def _proxy_get(self, message: messages.ProxyGetAttr) -> Any:
        try:
            return await self._perform(_attribute, self, message.attr_path)
        except Exception as error:
            raise RaisedInCall(error) from error

    @runtime_handler(messages.ProxySetAttr)
    async def _proxy_set(self, message: messages.ProxySetAttr) -> None:
        owner = _attribute(self, message.attr_path[:-1])
        try:
            await self._perform(setattr, owner, message.attr_path[-1], message.value)
        except Exception as error:
            raise RaisedInCall(error) from error

    # -- what Pykka's base class asks for, and what ours does otherwise ----

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NotImplementedError("the mailbox belongs to the worker's place, not to one life")

    @staticmethod
    def _create_future() -> Reply:
        return Reply()

    def _start_actor_loop(self) -> None:
        raise NotImplementedError("the node's run queue is the loop of its actors")


Actor.table = HandlerTable.of(Actor, Actor._wrap)  # pyright: ignore[reportPrivateUsage]


def _attribute(root: object, path: Any) -> Any:
    for name in path:
        root = getattr(root, name)
    return root
