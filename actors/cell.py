"""The place of one worker on its node: what stays while its incarnations come and go.

A ref points to a cell; the cell owns the mailbox and knows the present incarnation.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from enum import Enum
from threading import Lock, get_ident
from typing import Any, ClassVar, Protocol

from .delivery import Entry, is_stop, must_arrive
from .ending import Ending
from .errors import CallboardError, Dropped, MailboxFull, NoActor, Stopped
from .handlers import HandlerTable
from .mailbox import Mailbox
from .message import NORMAL
from .monitor import Monitors, when_gone
from .options import DEFAULTS, CellOptions, Directive
from .reason import Reason
from .ref import WorkerRef
from .runtime import Runtime
from .scheduler import Step

__all__ = ["Cell", "CellOptions", "Directive", "Incarnation", "Owner", "State"]


class State(Enum):
    """Where a worker stands in its life."""

    DECLARED = "declared"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    WAITING = "waiting"
    """Ended, with a restart to come."""
    STOPPED = "stopped"


THREADS = Lock()
"""Held for the moment in which a thread counts what it sends."""


class Incarnation(Protocol):
    """One life of a worker, as its cell knows it: an `Actor`."""

    table: ClassVar[HandlerTable]
    interruptible: ClassVar[bool]
    announced: ClassVar[bool]

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for."""
        ...

    def attach(self, cell: Cell, /) -> None:
        """Take note of the cell, before `on_start`."""
        ...

    def turn(self, limit: int, /) -> Step | int:
        """Handle up to `limit` messages; see `scheduler.Ready`."""
        ...

    def preempt(self) -> None:
        """Handle what may be handled beside a suspended handler."""
        ...

    def start_hooks(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to run before the worker is ready, or None."""
        ...

    def end_hook_name(self, reason: Reason, /) -> str | None:
        """Return the name of the hook for this end, or None where the class has none."""
        ...

    def end_hook(self, reason: Reason, /) -> Coroutine[Any, Any, None]:
        """Return the hook for this end, to be run."""
        ...

    def stop_children(self, reason: Reason, budget: float | None, /) -> Any:
        """Return a coroutine that stops the worker's children, or None without any."""
        ...

    def kill_children(self) -> None:
        """Hurry the end of the children; who waits for it goes on waiting."""
        ...

    def leave(self, reason: Reason, /) -> list[Step]:
        """Let go of all that this life holds; return its steps that still run."""
        ...

    def release(self) -> None:
        """Let go of what the last hook still needed."""
        ...


class Owner(Protocol):
    """Who is told when a worker ended by itself: the supervisor's record of the child."""

    def ended(self, cell: Cell, reason: Reason, directive: Directive | None, /) -> None:
        """Take note that the present incarnation ended, unasked, for this reason."""
        ...


class Cell:
    """The place of one worker on its node."""

    # Slots, and None for all that an idle worker does not need: there may be a million of these.
    __slots__ = (
        "__weakref__",
        "activation",
        "actor",
        "beside",
        "busy",
        "context",
        "ended",
        "ending",
        "entry",
        "factory",
        "handled",
        "incarnation",
        "mailbox",
        "monitors",
        "name",
        "open",
        "options",
        "owner",
        "parent",
        "public",
        "queued",
        "ref",
        "repeated",
        "retried",
        "runtime",
        "started_at",
        "stashed",
        "state",
        "step",
        "stuck",
        "suspended",
    )

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        factory: Callable[[], Any],
        *,
        parent: Cell | None = None,
        owner: Owner | None = None,
        options: CellOptions = DEFAULTS,
        public: bool = True,
    ) -> None:
        """Declare a worker: it has a name, a ref and a mailbox, and does not run yet."""
        self.runtime = runtime
        self.name = name
        self.factory = factory
        self.parent = parent
        self.owner = owner
        self.options = options
        self.public = public
        self.mailbox = Mailbox(name, options.bound, options.overflow)
        self.ref = WorkerRef(name, runtime, self)
        self.actor: Incarnation | None = None
        self.context: contextvars.Context | None = None
        self.state = State.DECLARED
        self.incarnation = 0
        self.started_at: float | None = None
        self.open = False
        """Whether the next message may be taken: running, and not suspended."""
        self.queued = False
        """Whether the cell stands in the run queue, or a suspended handler holds its place."""
        self.busy = False
        """Whether a handler is suspended at an `await`."""
        self.suspended = False
        self.step: Step | None = None
        """The handler that is suspended."""
        self.entry: Entry | None = None
        """What the handler at work is handling."""
        self.handled = 0
        self.ending: Ending | None = None
        """The end that is under way, or the start."""
        self.ended: Reason | None = None
        """Why the last life ended; None from the next one, or the wait for it, on."""
        self.beside: set[asyncio.Task[None]] | None = None
        """What runs beside the handler: handlers declared `preempt=True`, hooks of jobs."""
        self.stuck: list[asyncio.Future[Any]] | None = None
        """What was abandoned, of this life or an earlier one."""
        self.activation: tuple[bool, object, tuple[int, str] | None] | None = None
        """Active or not, with which arguments, and its stamp: kept over a restart (M42)."""
        self.monitors: Monitors | None = None
        self.stashed: deque[Entry] | None = None
        self.retried: tuple[Entry, list[BaseException]] | None = None  # and what each try raised
        self.repeated = False
        """Whether the last failure was of a message that had failed before: it counts once."""

    def __repr__(self) -> str:
        """Show path, state and incarnation."""
        return f"<Cell {self.path} {self.state.value} #{self.incarnation}>"

    @property
    def path(self) -> str:
        """Where it stands in the tree, from the root."""
        return f"{self.parent.path}/{self.name}" if self.parent is not None else self.name

    @property
    def closed(self) -> bool:
        """Whether the worker is gone for good."""
        return self.mailbox.closed

    @property
    def running(self) -> bool:
        """Whether there is an incarnation that takes messages."""
        return self.state is State.RUNNING

    @property
    def bridges(self) -> tuple[str, ...] | None:
        """The names of the bridges that the worker is on; see `Registration.bridges`."""
        return getattr(self.actor, "bridged", None)

    def ran_for(self, now: float) -> float:
        """Seconds that the last life ran, or the present one has; 0 if it never did."""
        return now - self.started_at if self.started_at is not None else 0.0

    # -- messages in ----

    def deliver(self, entry: Entry, /) -> None:
        """Take the entry into the mailbox, from any thread, and see that it is handled.

        Raises:
            MailboxFull: the mailbox is at its bound and its policy drops nothing.
            NoActor: the worker is gone for good.

        """
        runtime = self.runtime
        if get_ident() != runtime.thread:
            self._deliver_from_thread(entry)
            return
        dropped = self.mailbox.put(entry)
        if dropped is not None:
            self._drop(dropped)
        if not self.queued:
            if self.open:
                self.queued = True
                runtime.scheduler.wake(self)
        elif self.busy and entry[2] == 0 and self.actor is not None:
            self.actor.preempt()

    async def deliver_waiting(self, entry: Entry, /) -> None:
        """Take the entry in as `deliver` does, waiting for room under the policy `wait`."""
        mailbox = self.mailbox
        if get_ident() != self.runtime.thread:
            raise RuntimeError("await send() on the node's own event loop; elsewhere, tell()")
        if mailbox.room > 0 or mailbox.closed or mailbox.overflow != "wait" or not entry[2]:
            self.deliver(entry)
            return
        room: asyncio.Future[None] = self.runtime.loop.create_future()
        mailbox.wait_for_room(entry, room)
        try:
            await room
        except asyncio.CancelledError:
            mailbox.wait_no_longer(room)
            raise

    def wake(self) -> None:
        """Have the mailbox looked at, if messages may be taken."""
        if self.open and not self.queued:
            self.queued = True
            self.runtime.scheduler.wake(self)

    def turn(self, limit: int) -> Step | int:
        """Handle up to `limit` messages; see `scheduler.Ready`."""
        actor = self.actor
        if actor is None or not self.open:
            self.queued = False
            return 0
        if self.busy:  # it stood in the queue twice, for an earlier life too: one at a time
            return 0
        context = self.context
        if context is None:
            context = self.context = self.runtime.new_context(self.ref)
        return context.run(actor.turn, limit)

    def dead(
        self, entry: Entry, reason: CallboardError, causes: tuple[BaseException, ...] = ()
    ) -> None:
        """Make a dead letter of the entry; who asked gets the reason as an error."""
        self.runtime.dead(self.ref, entry, reason, causes)

    def emit(self, kind: str, reason: Reason | None = None, text: str = "") -> None:
        """Raise an event about this worker."""
        self.runtime.emit(kind, self.path, self.incarnation, reason, text)

    # -- control: at once, whatever the mailbox holds ----

    def suspend(self) -> None:
        """Take no message after the one in progress, until `resume`."""
        self.suspended = True
        self.open = False

    def resume(self) -> None:
        """Take messages again, in order."""
        self.suspended = False
        self.reopen()

    def reopen(self) -> None:
        """Take messages if the worker runs and is not suspended."""
        if self.state is State.RUNNING and not self.suspended:
            self.open = True
            if len(self.mailbox):
                self.wake()

    def unstash(self) -> None:
        """Put the stashed messages back at the head of the mailbox, in their order."""
        stashed, self.stashed = self.stashed, None
        for entry in reversed(stashed or ()):
            self.mailbox.put_back(entry)
        self.wake()

    # -- between two lives ----

    def refuse(self, reason: Reason) -> None:
        """Refuse mail from now on, and make dead letters of what there is."""
        mailbox = self.mailbox
        stops = mailbox.take_where(NORMAL, is_stop)
        for entry in mailbox.close():
            text = f"{self.name!r} ended ({reason}) before it came to the message"
            self.dead(entry, Stopped(text, self.name))
        for entry in reversed(stops):
            mailbox.put_back(entry)

    def answer_stops(self) -> None:
        """Answer who asked this life to stop, once it is over: also who asked it a second time."""
        for entry in self.mailbox.take_where(NORMAL, is_stop):
            if entry[3] is not None:
                entry[3].settle(None)

    def when_gone(self, call: Callable[[], object]) -> None:
        """Have `call` called once the worker is gone for good, at once if it is."""
        when_gone(self, call)

    def clear(self, reason: CallboardError) -> None:
        """Make dead letters of all that waits in the mailbox."""
        for entry in self.mailbox.clear():
            self.dead(entry, reason)

    def close(self, reason: Reason) -> None:
        """Be gone for good: refuse mail, free the name, tell who monitors."""
        if self.stashed:
            self.unstash()
        self.answer_stops()
        self.refuse(reason)
        self.state = State.STOPPED
        self.retried = None
        self.runtime.registry.gone(self.name, self, reason)
        if self.monitors is not None:
            self.monitors.down(self.ref, reason)

    def _drop(self, entry: Entry) -> None:
        text = f"the mailbox of {self.name!r} was full and dropped the message"
        self.dead(entry, Dropped(f"{text} ({self.options.overflow})", self.name))

    def _deliver_from_thread(self, entry: Entry) -> None:
        """Bring an entry of another thread onto the loop; refuse here what would be refused.

        What the threads have sent and the loop has not taken yet counts as waiting. What the loop
        itself sends meanwhile may bring a few more than the bound: nothing accepted is dropped.
        """
        mailbox = self.mailbox
        if mailbox.closed:
            mailbox.put(entry)  # raises
        with THREADS:
            full = mailbox.room - mailbox.coming <= 0 and mailbox.overflow in ("reject", "wait")
            if full and entry[2] and not must_arrive(entry):
                raise MailboxFull(self.name, mailbox.bound)
            mailbox.coming += 1
        self.runtime.call_from_thread(self._deliver_accepted, entry)

    def _deliver_accepted(self, entry: Entry) -> None:
        mailbox = self.mailbox
        with THREADS:
            mailbox.coming -= 1
        full = mailbox.room <= 0 and mailbox.overflow in ("reject", "wait")
        if full and entry[2] and not mailbox.closed:
            mailbox.put_over(entry)
            self.wake()
            return
        try:
            self.deliver(entry)
        except NoActor as reason:
            self.dead(entry, reason)
