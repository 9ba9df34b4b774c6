"""The address of a worker: the same for its whole name's life, here, elsewhere or restarting."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

import pykka

from .delivery import STOP, Delivery, Entry, Post
from .errors import AskTimeout, Draining, NoActor, Unavailable
from .message import LANES, NORMAL, Lane, lane_for
from .reply import Reply

if TYPE_CHECKING:
    from pykka import Actor as PykkaActor

__all__ = ["CURRENT", "WorkerRef"]

CURRENT: ContextVar[WorkerRef | None] = ContextVar("callboard_current_worker", default=None)
"""The worker whose handler, hook or job is running; it is the source of what is sent there."""


class Inbox:
    """What Pykka calls `actor_inbox`: another way to `tell`."""

    def __init__(self, ref: WorkerRef) -> None:
        """Stand for the mailbox of the worker of `ref`."""
        self._ref = ref

    def put(self, envelope: Any, /) -> None:
        """Take a Pykka envelope."""
        self._ref.put(envelope.message, envelope.reply_to)

    def get(self) -> Any:
        """Refuse: only the worker itself takes from its mailbox."""
        raise NotImplementedError("only the worker itself takes from its mailbox")

    def empty(self) -> bool:
        """Whether nothing waits there; always true for a worker of another node."""
        return True


class WorkerRef(pykka.ActorRef[Any]):
    """The address of a worker.

    It stays valid when the worker restarts, or ends and is started elsewhere; two refs to one name
    are equal. `tell`, `ask`, `stop` and `proxy` mean what Pykka's do; they may be called from any
    thread, and none of them blocks an event loop.
    """

    _stopped: threading.Event | None = None

    def __init__(self, name: str, post: Post, target: Delivery | None = None) -> None:
        """Make a ref to the worker of this name; a node makes them, its users look them up."""
        self.name = name
        self._post = post
        self._target = target

    def __eq__(self, other: object) -> bool:
        """Whether both are the address of one name."""
        return isinstance(other, WorkerRef) and other.name == self.name

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.name)

    def __repr__(self) -> str:
        """Show the name."""
        return f"<WorkerRef {self.name}>"

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    # -- sending ----

    def tell(self, message: Any, *, lane: Lane | None = None, trace: str | None = None) -> None:
        """Send the message without waiting for anything.

        A name that nobody ever had here is no error: the message is a dead letter.

        Raises:
            NoActor: the worker is gone for good (also a `pykka.ActorDeadError`).
            MailboxFull: its mailbox is at its bound and drops nothing.
            LaneReserved: `lane` is SYSTEM and the message is no system message.

        """
        source = CURRENT.get()
        if source is None and self._post.draining:
            self._refuse(message)
        number = LANES.get(message.__class__, NORMAL) if lane is None else lane_for(message, lane)
        entry: Entry = (message, source, number, None, None, trace)
        target = self._target
        if target is None:
            self._deliver(entry)
            return
        try:
            target.deliver(entry)
        except NoActor:
            self._deliver(entry)  # it may have been started anew, here or elsewhere

    async def send(
        self, message: Any, *, lane: Lane | None = None, trace: str | None = None
    ) -> None:
        """Send the message, waiting for room where the mailbox's overflow policy is `wait`.

        Raises:
            NoActor: the worker is gone for good.
            MailboxFull: the mailbox is full and its policy is to refuse.

        """
        source = CURRENT.get()
        if source is None and self._post.draining:
            self._refuse(message)
        entry = (message, source, lane_for(message, lane), None, None, trace)
        target = self._known()
        if target is None:
            raise NoActor(f"no worker is called {self.name!r}", self.name)
        await target.deliver_waiting(entry)

    def ask(
        self,
        message: Any,
        *,
        block: bool | None = None,
        timeout: float | None = None,
        lane: Lane | None = None,
        wait: bool = True,
        trace: str | None = None,
    ) -> Any:
        """Send the message and return its answer, or a future of it.

        As in Pykka `block=True` returns the answer and `block=False` a future. Without `block` a
        plain thread blocks, and on an event loop the future is returned: `await ref.ask(…)`.

        `timeout` is in seconds; without it there is no limit. With `wait=False` a worker that is
        not running now (starting, or waiting for its restart) is not waited for.

        The answer, or the future, raises:
            NoActor: the worker is gone for good.
            ActorFailed: its handler raised; the cause is chained.
            AskTimeout: there was no answer in time.
            Unavailable: it is not running now, and `wait` is false.
            MailboxFull, Dropped, Expired, Unhandled, Stopped, ActorRestarted: see `errors.py`.

        """
        post = self._post
        reply = Reply(post)
        if block is None:
            block = get_ident() != post.thread and not _on_a_loop()
        source = CURRENT.get()
        try:
            if source is None and post.draining:
                self._refuse(message)
            if not wait and not self.is_running():
                raise Unavailable(f"{self.name!r} is not running now", self.name)
            deadline = None
            if timeout is not None:
                deadline = self._expire(reply, message, timeout)
            number = (
                LANES.get(message.__class__, NORMAL) if lane is None else lane_for(message, lane)
            )
            entry: Entry = (message, source, number, reply, deadline, trace)
            target = self._target
            try:
                if target is None:
                    self._deliver(entry)
                else:
                    target.deliver(entry)
            except NoActor:
                self._deliver(entry)  # it may have been started anew, here or elsewhere
        except Exception as error:
            reply.settle(None, error)
        if not block:
            return reply
        try:
            return reply.get(timeout=timeout)
        except pykka.Timeout:
            if reply.done:
                raise
            raise self._late(message, timeout) from None

    def put(self, message: Any, reply: pykka.Future[Any] | None) -> None:
        """Take a message with a reply of Pykka's own kind."""
        if reply is None:
            self.tell(message)
            return
        source = CURRENT.get()
        mine = Reply(self._post)
        mine.forward(reply)
        try:
            if source is None and self._post.draining:
                self._refuse(message)
            self._deliver((message, source, lane_for(message, None), mine, None, None))
        except Exception as error:
            mine.settle(None, error)

    # -- ending ----

    def stop(self, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Ask the worker to stop after what it has been sent, as in Pykka.

        Once it has ended, its stop hook included, this returns whether it was alive, or a future
        does; what `block` and `timeout` mean is as in `ask`. What is sent later gets `NoActor`.
        No full mailbox refuses it. A supervised worker ends with reason Normal: its restart policy
        says what follows. To stop it for good, terminate the child.
        """
        asked = cast("Reply", self.ask(STOP(), block=False))

        def alive(limit: float | None) -> bool:
            try:
                asked.get(timeout=limit)
            except pykka.ActorDeadError:
                return False
            return True

        future = asked.derive(alive)
        if block is None:
            block = get_ident() != self._post.thread and not _on_a_loop()
        return future.get(timeout=timeout) if block else future

    # -- looking ----

    def is_alive(self) -> bool:
        """Whether it may be sent messages: it is known, and not gone for good."""
        target = self._known()
        return target is not None and not getattr(target, "closed", False)

    def is_running(self) -> bool:
        """Whether it would take a message now: not starting, and not waiting for a restart."""
        target = self._known()
        return target is not None and bool(getattr(target, "running", True))

    @property
    def target(self) -> Delivery | None:
        """The way to the worker that was used last; for the runtime."""
        return self._target

    # -- what Pykka reads ----

    @property
    def actor_class(self) -> Any:
        """The class of the present incarnation; `pykka.Actor` if it is not here."""
        actor = self._actor()
        return type(actor) if actor is not None else pykka.Actor

    @actor_class.setter
    def actor_class(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError("the class of a worker is that of its present incarnation")

    @property
    def actor_urn(self) -> str:
        """A name for Pykka's registry."""
        return f"urn:callboard:{self.name}"

    @actor_urn.setter
    def actor_urn(self, value: str) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError("a worker's urn is made from its name")

    @property
    def actor_inbox(self) -> Any:
        """Something with the `put` of Pykka's inbox."""
        return Inbox(self)

    @actor_inbox.setter
    def actor_inbox(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError("a worker's mailbox cannot be replaced")

    @property
    def actor_stopped(self) -> threading.Event:
        """An event that is set once the worker is gone; of a worker elsewhere, as it is now."""
        target = self._known()
        event = self._stopped
        if event is None or (event.is_set() and self.is_alive()):
            event = self._stopped = threading.Event()
            when_gone = getattr(target, "when_gone", None)
            if when_gone is not None:
                self._post.call_from_thread(when_gone, event.set)
        if not self.is_alive():
            event.set()
        return event

    @actor_stopped.setter
    def actor_stopped(self, value: threading.Event) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise AttributeError("stop a worker with its ref's stop()")

    @property
    def _actor_weakref(self) -> weakref.ref[PykkaActor]:
        actor = self._actor()
        return weakref.ref(actor) if actor is not None else cast("Any", lambda: None)

    @_actor_weakref.setter
    def _actor_weakref(self, value: Any) -> None:
        raise AttributeError("the incarnation of a worker is its supervisor's affair")

    def _actor(self) -> PykkaActor | None:
        return cast("PykkaActor | None", getattr(self._known(), "actor", None))

    # -- the way ----

    def _deliver(self, entry: Entry) -> None:
        target = self._target
        if target is not None:
            try:
                target.deliver(entry)
                return
            except NoActor:
                target = self._another(target)
                if target is None:
                    raise
        else:
            target = self._another(None)
            if target is None:
                self._post.lost(self, entry)
                return
        target.deliver(entry)

    def _known(self) -> Delivery | None:
        """Return the way to the worker, gone for good or not; None if nobody has the name."""
        target = self._target
        if target is None or getattr(target, "closed", False):
            target = self._another(target) or target
        return target

    def _another(self, target: Delivery | None) -> Delivery | None:
        """Look the name up again: a worker that ended may have been started elsewhere."""
        found = self._post.resolve(self.name)
        if found is None or found is target:
            return None
        self._target = found
        return found

    def _expire(self, reply: Reply, message: object, timeout: float) -> float:
        """Give the reply its timer; return the deadline on the node's clock."""
        loop = self._post.loop

        def expire() -> None:
            if not reply.done:
                reply.settle(None, self._late(message, timeout))

        if get_ident() == self._post.thread:
            reply.expire_at(loop.call_later(timeout, expire))
        else:
            self._post.call_from_thread(lambda: reply.expire_at(loop.call_later(timeout, expire)))
        return loop.time() + timeout

    def _late(self, message: object, timeout: float | None) -> AskTimeout:
        kind = type(message).__name__
        text = f"{self.name!r} did not answer {kind} within {timeout:g} s"
        return AskTimeout(text, self.name)

    def _refuse(self, message: object) -> None:
        """Refuse new work: the node drains. Facts, such as that a child has ended, are none."""
        if LANES.get(message.__class__) == Lane.SYSTEM:
            return
        if message.__class__ is STOP:
            return
        kind = type(message).__name__
        raise Draining(f"the node is ending: it takes no new {kind} for {self.name!r}", self.name)


def _on_a_loop() -> bool:
    return asyncio._get_running_loop() is not None  # pyright: ignore[reportPrivateUsage]
