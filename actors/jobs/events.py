"""What a job's caller has not read yet, and who waits for the next change of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..observe import Events
from .messages import JobEvent

__all__ = ["UNREAD_EVENTS", "Changing", "Unread"]

UNREAD_EVENTS = 1000
"""Updates and chunks that are kept for a caller who does not read; then the server is held back."""


class Changing:
    """Something whose next change can be waited for."""

    _first: asyncio.Future[None] | None = None
    _others: list[asyncio.Future[None]] | None = None
    """Those who wait besides the first: nearly always there is none."""

    def _waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Return a future that is done at the next change."""
        waiter: asyncio.Future[None] = loop.create_future()
        if self._first is None:
            self._first = waiter
        elif self._others is None:
            self._others = [waiter]
        else:
            self._others.append(waiter)
        return waiter

    def _wake(self) -> None:
        first, self._first = self._first, None
        if first is None:
            return
        if not first.done():
            first.set_result(None)
        others, self._others = self._others, None
        for waiter in others or ():
            if not waiter.done():
                waiter.set_result(None)


class Unread(Changing):
    """The events of a job, or of all members of a group, in the order in which they came."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seen: Events) -> None:
        """Keep events for a reader on this loop; `seen` counts those that nobody has read."""
        self._loop = loop
        self._seen = seen
        self._kept: deque[JobEvent] = deque()
        self._held: list[asyncio.Future[None]] = []
        self._readers = 0
        self._answer_awaited = False
        self._ended = False
        self.closed = False
        """Whether nobody may read any more: the block was left."""
        self.unfinished = False
        """Whether somebody began to read and has not come to the end."""

    def put(self, event: JobEvent) -> asyncio.Future[None] | None:
        """Take an event; return a future to wait for where the reader is behind."""
        if self.closed:
            return None
        self._kept.append(event)
        self._wake()
        if len(self._kept) < UNREAD_EVENTS:
            return None
        if self._answer_awaited and not self._readers:
            self._loop.call_soon(self._give_way)
        # One each: who is cancelled while it is held must not cancel the others.
        room: asyncio.Future[None] = self._loop.create_future()
        self._held.append(room)
        return room

    def end(self) -> None:
        """Let the readers come to their end: no event follows."""
        self._ended = True
        self._release()
        self._wake()

    def close(self) -> None:
        """Keep nothing more: whoever could read has left."""
        self.closed = True
        self._kept.clear()
        self._release()

    def await_answer(self) -> None:
        """Hold nobody back while the caller waits for the answer and does not read."""
        self._answer_awaited = True
        if len(self._kept) >= UNREAD_EVENTS:
            self._loop.call_soon(self._give_way)

    async def read(self, finish: Callable[[], object]) -> AsyncIterator[JobEvent]:
        """Go over the events as they come; at the end call `finish`, which may raise."""
        self.unfinished = True
        self._readers += 1
        try:
            while True:
                while self._kept:
                    event = self._kept.popleft()
                    if len(self._kept) < UNREAD_EVENTS // 2:
                        self._release()
                    yield event
                if self._ended:
                    break
                await self._waiter(self._loop)
        finally:
            self._readers -= 1
            if self._answer_awaited:
                self.await_answer()
        self.unfinished = False
        finish()

    def _give_way(self) -> None:
        """Let the oldest events leave, counted, where nobody will read before the answer is there.

        It is called soon, not at once: who is about to read has begun by then.
        """
        if self._readers:
            return
        while len(self._kept) >= UNREAD_EVENTS:
            self._kept.popleft()
            self._seen.count("unread_job_events")
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for room in held:
            if not room.done():
                room.set_result(None)
