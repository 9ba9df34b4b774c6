"""Reads a node's queue: a row is deleted only after it was handed over."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from ..errors import Undecodable
from ..transport import MUCH
from .backend import Backend, Reading, Row
from .errors import QueueGone
from .pace import Pace
from .payload import bytes_of_row

__all__ = ["LEASE", "Reader"]

logger = logging.getLogger("callboard.pgmq")

LEASE = 6.0
"""Seconds that a queue stays a node's after it was last renewed: a node that is silent for so long
is down anyway."""

RENEWED_EVERY = 2.0
"""Seconds between the looks of an idle reader: they renew the lease, and find rows of which no
notification has told, such as those that come back."""

LINGER = 0.05
"""Seconds that a row which was handed over may wait for others to be deleted with it."""

DONE_AT_MOST = 200
"""Rows that wait to be deleted, at most."""

REMEMBERED = 4096
"""Rows that are known again when they come once more."""


class Reader:
    """The loop that reads one queue, and hands over what it finds."""

    def __init__(
        self,
        backend: Backend,
        receive: Callable[[bytes], None],
        rejoin: Callable[[], Awaitable[object]],
        *,
        pace: Pace,
        longest_poll: float,
    ) -> None:
        """Read through this backend; `rejoin` is awaited when the queue was found gone."""
        self._backend = backend
        self._receive = receive
        self._rejoin = rejoin
        self._pace = pace
        self._longest_poll = longest_poll
        self._idle = False
        """Whether all that is in the queue was handed over: then one that is brought goes next."""
        self._news = asyncio.Event()
        self._done: dict[int, None] = {}
        """Ids of the rows to be deleted, in order."""
        self._deleting: asyncio.TimerHandle | None = None
        self._known: OrderedDict[int, int] = OrderedDict()
        self._failure: Exception | None = None
        self._due = 0.0
        """When the lease is to be renewed."""
        self._more = True
        """Whether the last look left rows behind, as far as one can tell."""
        self.unreadable = 0
        """Rows that were removed because they could not be decoded."""
        self.repeated = 0
        """Rows that came once more, and were not handed over again."""

    def wake(self, row: Row | None) -> None:
        """Hand over the row that was brought along if it is the next one; otherwise look for it."""
        if row is None or not self._idle:
            self._idle = False
            self._news.set()
            return
        try:
            self._hand_over(row)
        except Exception as error:
            self._failure = error
        if self._failure is not None or len(self._done) >= DONE_AT_MOST:
            self._news.set()

    async def run(self, *, listens: bool) -> None:
        """Read until cancelled; an error is one of the backend, or of who receives."""
        anew = False
        try:
            while True:
                try:
                    await self._read(listens=listens)
                    anew = False
                except QueueGone as error:
                    if anew:
                        raise
                    logger.warning("%s: made anew now", error)
                    self._forget()
                    await self._rejoin()
                    anew = True
        finally:
            self._forget()

    async def _read(self, *, listens: bool) -> None:
        """Make one step: look, or wait for what there is to look for."""
        now = asyncio.get_running_loop().time()
        if self._failure is not None:
            raise self._failure
        if now >= self._due:
            self._due = now + RENEWED_EVERY
            if self._done:
                await self._look(done=list(self._done))
            # A long look does not renew, so a lease outlives one. Where all of them take long, it
            # outlives this one, one that deletes, and the next that renews.
            lease = LEASE + 3 * self._pace.took
            await self._look(lease=lease if listens else lease + self._longest_poll)
        elif self._more or self._news.is_set():
            await self._look(done=list(self._done))
        elif listens:
            self._idle = True
            # Not wait_for: in Python 3.11 that loses a cancellation which comes with the news.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._due - now):
                    await self._news.wait()
            self._idle = False
        elif self._done:
            await self._look(done=list(self._done))
        else:
            await self._look(wait=self._longest_poll)

    async def _look(
        self, *, done: Sequence[int] = (), wait: float = 0.0, lease: float = 0.0
    ) -> None:
        """Hand over what the queue holds."""
        self._news.clear()
        time, pace = asyncio.get_running_loop().time, self._pace
        began, limit = time(), pace.limit
        try:
            rows = await self._backend.read(Reading(limit, done, wait, lease))
        except TimeoutError:
            pace.failed()
            raise
        if not wait:
            pace.came(len(rows), time() - began)
        for id in done:
            self._done.pop(id, None)
        self._more = len(rows) >= limit
        for row in rows:
            if self._hand_over(row) >= MUCH and row is not rows[-1]:
                await asyncio.sleep(0)

    def _hand_over(self, row: Row) -> int:
        """Hand over a row, and have it deleted soon; return how many bytes it has."""
        data = b""
        try:
            data = bytes_of_row(row.message)
        except Undecodable as error:
            self.unreadable += 1
            if self.unreadable == 1:
                logger.warning("%s: removed (logged once, counted)", error)
        else:
            self._hand_over_once(row.id, data)
        self._done[row.id] = None
        if self._deleting is None:
            loop = asyncio.get_running_loop()
            self._deleting = loop.call_later(LINGER, self._delete)
        return len(data)

    def _hand_over_once(self, id: int, data: bytes) -> None:
        """Hand over what has not been: the number alone may be that of a queue made anew."""
        if self._known.get(id) == (digest := hash(data)):
            self.repeated += 1
            return
        self._receive(data)
        self._known[id] = digest
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _delete(self) -> None:
        self._deleting = None
        if self._done:
            self._news.set()

    def _forget(self) -> None:
        """Forget all rows: their queue is gone, or the reader ends."""
        self._idle = False
        self._done.clear()
        self._known.clear()
        if self._deleting is not None:
            self._deleting.cancel()
            self._deleting = None
