"""The address of a worker: the same for its whole name's life, here, elsewhere or restarting."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import pykka
from pykka import messages

from .delivery import Delivery, Entry, Post
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

        Raises:
            NoActor: the worker is gone for good (also a `pykka.ActorDeadError`).
            MailboxFull: its mailbox is at its bound and drops nothing.
            LaneReserved: `lane` is SYSTEM and the message is no system message.

        """
        source = CURRENT.get()
        if source is None and self._post.draining:
            self._refuse(message)
        number = LANES.get(message.__class__, NORMAL) if lane is None else lane_for(message, lane)
        self._deliver((message, source, number, None, None, trace))

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
        await self._way(entry).deliver_waiting(entry)

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
            block = threading.get_ident() != post.thread and not _on_a_loop()
        source = CURRENT.get()
        try:
            if source is None and post.draining:
                self._refuse(message)
            if not wait and not self.is_running():
                raise Unavailable(f"{self.name!r} is not running now", self.name)
            deadline = None
            if timeout is not None and not block:
                deadline = self._expire(reply, message, timeout)
            number = (
                LANES.get(message.__class__, NORMAL) if lane is None else lane_for(message, lane)
            )
            self._deliver((message, source, number, reply, deadline, trace))
        except Exception as error:
            reply.settle(None, error)
        return reply.get(timeout=timeout) if block else reply

    def put(self, message: Any, reply: pykka.Future[Any] | None) -> None:
        """Take a message with a reply of Pykka's own kind."""
        if reply is None:
            self.tell(message)
            return
        mine = Reply()
        mine.forward(reply)
        self._deliver((message, CURRENT.get(), lane_for(message, None), mine, None, None))

    # -- ending ----

    def stop(self, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Ask the worker to stop after what it has been sent, as in Pykka.

        What is sent later gets `NoActor`. Returns whether it was alive, or a future of that; what
        `block` and `timeout` mean is as in `ask`. A supervised worker ends with reason Normal:
        its restart policy says what follows. To stop it for good, terminate the child.
        """
        asked = cast("Reply", self.ask(messages._ActorStop(), block=False))  # pyright: ignore[reportPrivateUsage]

        def alive(limit: float | None) -> bool:
            try:
                asked.get(timeout=limit)
            except pykka.ActorDeadError:
                return False
            return True

        future = asked.derive(alive)
        if block is None:
            block = threading.get_ident() != self._post.thread and not _on_a_loop()
        return future.get(timeout=timeout) if block else future

    # -- looking ----

    def is_alive(self) -> bool:
        """Whether it may be sent messages: it is known, and not gone for good."""
        target = self._target
        if target is None or getattr(target, "closed", False):
            target = self._post.resolve(self.name)
        return target is not None and not getattr(target, "closed", False)

    def is_running(self) -> bool:
        """Whether it would take a message now: not starting, and not waiting for a restart."""
        return self.is_alive() and bool(getattr(self._target, "running", True))

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
        """An event that is set while the worker is gone; made anew at each look."""
        event = threading.Event()
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
        if getattr(self._target, "closed", True):
            self._target = self._post.resolve(self.name) or self._target
        return cast("PykkaActor | None", getattr(self._target, "actor", None))

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
            target = self._way(entry)
        target.deliver(entry)

    def _way(self, entry: Entry) -> Delivery:
        """Return the way to the worker; nobody of that name is an error to an asker only."""
        target = self._target
        if target is None or getattr(target, "closed", False):
            target = self._another(target) or target
        if target is None:
            self._post.lost(self, entry)
            raise NoActor(f"no worker is called {self.name!r}", self.name)
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
                kind = type(message).__name__
                text = f"{self.name!r} did not answer {kind} within {timeout:g} s"
                reply.settle(None, AskTimeout(text, self.name))

        if threading.get_ident() == self._post.thread:
            reply.expire_at(loop.call_later(timeout, expire))
        else:
            self._post.call_from_thread(lambda: reply.expire_at(loop.call_later(timeout, expire)))
        return loop.time() + timeout

    def _refuse(self, message: object) -> None:
        kind = type(message).__name__
        raise Draining(f"the node is ending: it takes no new {kind} for {self.name!r}", self.name)


def _on_a_loop() -> bool:
    return asyncio._get_running_loop() is not None  # pyright: ignore[reportPrivateUsage]
