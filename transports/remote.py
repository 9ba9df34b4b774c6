"""The other node's worker and asker, as this node's refs and handlers see them.

Each stands for one thing on the other side and puts what is done to it into parcels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import Any, cast

from ..actors.delivery import NEVER_REFUSED, STOP, Entry
from ..actors.errors import CallboardError, LocalOnly, NoActor
from ..actors.jobs.caller import Job
from ..actors.jobs.messages import JobStart
from ..actors.message import LocalMessage
from ..actors.monitor import Monitors, when_gone
from ..actors.reason import Reason
from ..actors.ref import WorkerRef
from ..actors.reply import Reply
from .carried_errors import fold_error
from .errors import NotCarried
from .parcels import Op, fold
from .remote_jobs import Line, RemoteJob

__all__ = ["RemoteAnswer", "RemoteWorker"]


class RemoteWorker:
    """The way to a worker of another node."""

    __slots__ = ("_gone", "_line", "bridges", "incarnation", "monitors", "ready", "ref", "since")

    public = True

    def __init__(self, line: Line, name: str, since: int) -> None:
        """Stand for the worker of that name on the line's node."""
        self._line = line
        self.ref = WorkerRef(name, line.runtime, self)
        self.since = since
        self.incarnation = 0
        self.ready = False
        self.bridges: tuple[str, ...] | None = None
        """The names of the bridges that it is on, as its node has told; see `Registration`."""
        self._gone = False
        self.monitors: Monitors | None = None

    def __repr__(self) -> str:
        """Show name and node."""
        return f"<RemoteWorker {self.path}>"

    @property
    def path(self) -> str:
        """Where it stands: on which node."""
        return f"{self._line.node}:{self.ref.name}"

    @property
    def node(self) -> str:
        """The name of its node."""
        return self._line.node

    @property
    def closed(self) -> bool:
        """Whether the worker, or its node, is gone for good."""
        return self._gone or self._line.closed

    @property
    def running(self) -> bool:
        """Whether it was ready when its node last told of it."""
        return self.ready and not self.closed

    def deliver(self, entry: Entry, /) -> None:
        """Put the entry on the way, from any thread.

        Raises:
            NoActor: the worker is gone for good.
            LinkFull: too much is on the way to its node already.
            NotCarried, LocalOnly: the message cannot cross.

        """
        line = self._line
        if self._gone or line.closed:
            raise NoActor(f"{self.ref.name!r} has ended", self.ref.name)
        line.may_send(entry, self.ref.name)
        payload = self._payload(entry)
        if get_ident() != line.runtime.thread:
            line.from_thread(self.ref.name, self._post_late, entry, payload)
            return
        if entry[0].__class__ not in NEVER_REFUSED:
            line.must_have_room(self.ref.name)
        self._post(entry, payload)

    async def deliver_waiting(self, entry: Entry, /) -> None:
        """Put the entry on the way when there is room; return when its mailbox has taken it.

        Raises:
            NoActor: the worker is gone for good.
            MailboxFull: its mailbox is full, and its policy is not to wait.
            NodeDown: its node is gone; whether the mailbox has taken it is not known.
            RuntimeError: this thread is not that of the node's event loop.

        """
        line = self._line
        if get_ident() != line.runtime.thread:
            raise RuntimeError("await send() on the node's own event loop; elsewhere, tell()")
        if self.closed:
            raise NoActor(f"{self.ref.name!r} has ended", self.ref.name)
        line.may_send(entry, self.ref.name)
        payload = self._payload(entry)
        await line.room(self.ref.name)
        confirmed = Reply(line.runtime)
        number = line.next_number()
        body = fold([Op.SEND, *self._address(entry), number], payload)
        line.asks[number] = confirmed
        line.post(body)
        try:
            await confirmed
        except asyncio.CancelledError:
            if line.asks.pop(number, None) is not None:
                line.post(fold([Op.UNSEND, number]))
            raise

    def when_gone(self, call: Callable[[], object]) -> None:
        """Have `call` called once the worker is gone for good, at once if it is."""
        when_gone(self, call)

    def started(self, incarnation: int) -> None:
        """Take note that it is ready; a life after the first one known is told to its monitors."""
        again = 0 < self.incarnation < incarnation
        self.incarnation = incarnation
        self.ready = True
        if again and self.monitors is not None:
            self.monitors.restarted(self.ref, incarnation)

    def close(self, reason: Reason) -> None:
        """Be gone for good, and tell who monitors."""
        if self._gone:
            return
        self._gone = True
        self.ready = False
        if self.monitors is not None:
            self.monitors.down(self.ref, reason)

    def _post_late(self, entry: Entry, payload: bytes) -> None:
        """Post what another thread has sent."""
        try:
            if self.closed:
                raise NoActor(f"{self.ref.name!r} has ended", self.ref.name)
            self._post(entry, payload)
        except CallboardError as error:
            self._line.runtime.dead(self.ref, entry, error)

    def _payload(self, entry: Entry) -> bytes:
        message = entry[0]
        if isinstance(message, JobStart):
            return self._line.codec.encode(message.payload)
        if message.__class__ is STOP:
            return b""
        if isinstance(message, LocalMessage):
            kind = type(message).__name__
            text = f"{kind} is a LocalMessage: it cannot go to {self.ref.name!r} on another node"
            raise LocalOnly(text, self.ref.name)
        return self._line.codec.encode(message)

    def _address(self, entry: Entry) -> list[Any]:
        _, source, lane, _, deadline, trace = entry
        left = None if deadline is None else deadline - self._line.runtime.loop.time()
        name = cast("WorkerRef", source).name if source is not None else None
        return [self.ref.name, name, lane, left, trace]

    def _post(self, entry: Entry, payload: bytes) -> None:
        line = self._line
        message, source, _, answer, _, _ = entry
        if isinstance(message, JobStart):
            self._ask_for(entry, message, payload)
        elif message.__class__ is STOP:
            name = cast("WorkerRef", source).name if source is not None else None
            number = line.next_number() if answer is not None else None
            body = fold([Op.STOP, self.ref.name, name, number])
            if number is not None and answer is not None:
                line.asks[number] = answer
            line.post(body)
        elif answer is None:
            line.post(fold([Op.TELL, *self._address(entry)], payload), (self.ref, entry))
        else:
            number = line.next_number()
            body = fold([Op.ASK, *self._address(entry), number], payload)
            line.asks[number] = answer
            line.post(body)

    def _ask_for(self, entry: Entry, start: JobStart, payload: bytes) -> None:
        line = self._line
        job = cast("Job[Any]", entry[3])
        typed = isinstance(start.name, type)
        name = None if typed else start.name
        nested = job.nested
        head = [Op.JOB, *self._address(entry), start.id, name, typed, list(start.chain), nested]
        body = fold(head, payload)
        doing = RemoteJob(line, start.id, job)
        line.jobs[start.id] = doing
        job.accept(doing)
        line.post(body)


class RemoteAnswer:
    """An asker on the other node."""

    __slots__ = ("_line", "_number", "done")

    def __init__(self, line: Line, number: int) -> None:
        """Stand for who waits for the answer of this number."""
        self._line = line
        self._number = number
        self.done = False

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Send the outcome; a value that cannot cross is an error that says so."""
        line = self._line
        if get_ident() != line.runtime.thread:
            line.runtime.call_from_thread(self.settle, value, error)
            return not self.done
        if self.done:
            line.runtime.late()
            return False
        self.done = True
        if line.closed:
            line.runtime.late()
            return False
        if error is None:
            try:
                line.post(fold([Op.ANSWER, self._number], line.codec.encode(value)))
                return True
            except NotCarried as problem:
                error = problem
        line.post(fold_error(Op.REFUSAL, self._number, error))
        return True
