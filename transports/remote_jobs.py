"""Jobs over two nodes: the server's side as the caller's node sees it, and the other way round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import Any, Protocol

from ..actors.delivery import Answer, Entry
from ..actors.jobs.events import UNREAD_EVENTS
from ..actors.jobs.messages import JobChunk, JobEvent
from ..actors.jobs.server import Doing, JobSink
from ..actors.ref import WorkerRef
from ..actors.runtime import Runtime
from .carried_errors import fold_error, short
from .codec import Codec
from .errors import NotCarried
from .link import Link
from .parcels import Op, fold

__all__ = ["CREDIT_EVERY", "Line", "RemoteJob", "RemoteSink"]

CREDIT_EVERY = 250
"""Events after which the caller's node lets the server's node send as many more."""


class Line(Protocol):
    """What these need of the peer: the way to its node, and the tables of what is open."""

    runtime: Runtime
    codec: Codec
    link: Link
    closed: bool
    asks: dict[int, Answer]
    jobs: dict[str, RemoteJob]
    serving: dict[str, RemoteSink]
    waiting: dict[int, asyncio.Task[None]]

    @property
    def node(self) -> str:
        """The other node's name."""
        ...

    def next_number(self) -> int:
        """Return a number for an ask."""
        ...

    def must_have_room(self, worker: str) -> None:
        """Raise `LinkFull` if the way is full."""
        ...

    def from_thread(
        self, worker: str, post: Callable[[Entry, bytes], object], entry: Entry, body: bytes
    ) -> None:
        """Have the loop call `post`, for what another thread sends; `LinkFull` if it is full."""
        ...

    async def room(self, worker: str) -> None:
        """Wait until the way is not full."""
        ...

    def when_room(self, call: Callable[[], object]) -> None:
        """Have `call` called when the way is not full any more, or leads nowhere."""
        ...

    def post(self, body: bytes, told: tuple[WorkerRef, Entry] | None = None) -> None:
        """Put a parcel on the way; `told`: what is to be a dead letter if it never arrives."""
        ...

    def may_send(self, entry: Entry, target: str) -> None:
        """Raise `NotCarried` if the message may not pass there."""
        ...


class RemoteJob:
    """A job that a worker of the other node does: what its caller here can do to it."""

    __slots__ = ("_line", "_taken", "id", "job")

    def __init__(self, line: Line, id: str, job: JobSink) -> None:
        """Stand for the job of that id."""
        self._line = line
        self.id = id
        self.job = job
        self._taken = 0

    def withdraw(self, reason: str, /) -> None:
        """Tell the other node that nobody waits for it any more."""
        if self._line.jobs.pop(self.id, None) is not None:
            self._line.post(fold([Op.CANCEL, self.id, short(reason)]))

    def report(self) -> None:
        """Ask the other node for a report; nothing, but counted, where the way is full.

        Nobody waits for it: it is a wish, and what is forced in beyond the bound are answers.
        """
        line = self._line
        if self.id not in line.jobs:
            return
        if line.link.room:
            line.post(fold([Op.PROGRESS, self.id]))
        else:
            line.runtime.events.count("unsent_progress")

    def put(self, event: JobEvent) -> None:
        """Give the caller an event; the server may send as many more as the caller has taken."""
        room = self.job.put(event)
        if room is None:
            self._credit()
        else:
            room.add_done_callback(lambda _: self._credit())

    def _credit(self) -> None:
        self._taken += 1
        if self._taken == CREDIT_EVERY and self.id in self._line.jobs:
            self._taken = 0
            self._line.post(fold([Op.CREDIT, self.id, CREDIT_EVERY]))


class RemoteSink:
    """The caller of a job, on the other node."""

    __slots__ = ("_held", "_line", "_room", "_waits", "doing", "done", "id")

    def __init__(self, line: Line, id: str) -> None:
        """Stand for the caller of the job of this id."""
        self._line = line
        self.id = id
        self.done = False
        self.doing: Doing | None = None
        self._room = UNREAD_EVENTS
        self._held: list[asyncio.Future[None]] | None = None
        self._waits = False

    def accept(self, request: Doing, /) -> None:
        """Take note of who does the job, to be able to cancel it."""
        self.doing = request

    def put(self, event: JobEvent, /) -> asyncio.Future[None] | None:
        """Send an event; return a future to wait for where the caller is behind, or the way full.

        The event has gone by then: what a job sends and awaits exceeds the way by one at most.
        """
        line = self._line
        if self.done or line.closed:
            line.runtime.events.count("late_job_events")
            return None
        chunk = isinstance(event, JobChunk)
        line.post(fold([Op.EVENT, self.id, chunk], line.codec.encode(event.data)))
        self._room -= 1
        if self._room > 0 and line.link.room:
            return None
        room: asyncio.Future[None] = line.runtime.loop.create_future()
        if self._held is None:
            self._held = []
        self._held.append(room)
        self._go_on()
        return room

    def credit(self, number: int) -> None:
        """Let so many more events go."""
        self._room = min(self._room + max(0, number), UNREAD_EVENTS)
        self._go_on()

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Send the outcome; only the first one counts."""
        line = self._line
        if get_ident() != line.runtime.thread:
            line.runtime.call_from_thread(self.settle, value, error)
            return not self.done
        if self.done:
            line.runtime.events.count("late_job_answers")
            return False
        self._finish()
        if line.closed:
            line.runtime.events.count("late_job_answers")
            return False
        if error is None:
            try:
                line.post(fold([Op.DONE, self.id], line.codec.encode(value)))
                return True
            except NotCarried as problem:
                error = problem
        response: object = getattr(error, "response", None)
        payload = b""
        if response is not None:
            try:
                payload = line.codec.encode(response)
            except NotCarried as problem:
                error = problem
        line.post(fold_error(Op.FAILED, self.id, error, payload))
        return True

    def report(self) -> None:
        """Have the worker report on it: its caller asks."""
        if self.doing is not None:
            self.doing.report()

    def withdraw(self, reason: str) -> None:
        """Have the job cancelled: its caller, or the caller's node, has left."""
        if self.done:
            return
        self._finish()
        if self.doing is not None:
            self.doing.withdraw(reason)

    def _finish(self) -> None:
        self.done = True
        self._line.serving.pop(self.id, None)
        self._release()

    def _go_on(self) -> None:
        """Release who is held, if both the caller and the way have room; else wait for the way.

        Credit, and the end of the job or of its node, come by themselves.
        """
        if self._held is None or self._room <= 0:
            return
        if self._line.link.room:
            self._release()
        elif not self._waits:
            self._waits = True
            self._line.when_room(self._way_changed)

    def _way_changed(self) -> None:
        self._waits = False
        if not self._line.closed:
            self._go_on()

    def _release(self) -> None:
        held, self._held = self._held, None
        for room in held or ():
            if not room.done():
                room.set_result(None)
