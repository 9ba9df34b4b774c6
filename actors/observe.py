"""Seeing what happens: events, to the log and to whoever subscribes.

Observers can never slow a worker: an event is put into each subscriber's bounded queue, where the
oldest leave first and are counted, and the subscriber reads them in its own time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import get_ident

from .reason import Reason

__all__ = ["Event", "Events", "Subscription"]

logger = logging.getLogger("callboard")
logger.addHandler(logging.NullHandler())

LEVELS = {
    "failed": logging.ERROR,
    "abandoned": logging.ERROR,
    "exceeded": logging.ERROR,
    "blocked": logging.ERROR,
    "hook_failed": logging.ERROR,
    "late": logging.DEBUG,
    "started": logging.DEBUG,
    "stopped": logging.DEBUG,
    "resumed": logging.WARNING,
    "waiting": logging.WARNING,
    "quarantined": logging.ERROR,
    "superseded": logging.ERROR,
    "frame_error": logging.WARNING,
    "name_clash": logging.WARNING,
    "not_announced": logging.WARNING,
    "rejected": logging.WARNING,
}


@dataclass(frozen=True)
class Event:
    """Something that happened to a worker or a node."""

    kind: str
    """One word: started, stopped, failed, waiting, exceeded, abandoned, blocked, ..."""
    path: str
    """Where it stands in the tree, from the root; the node's name for its own events."""
    incarnation: int
    at: float
    """Seconds on the node's clock."""
    reason: Reason | None = None
    text: str = ""


class Subscription:
    """The events of a node since the subscription, read with `async for` or `take()`."""

    def __init__(self, events: Events, bound: int) -> None:
        """Keep up to `bound` events that were not read yet."""
        self._events = events
        self._kept: deque[Event] = deque(maxlen=bound)
        self._wakeup: asyncio.Future[None] | None = None
        self._thread: int | None = None
        self._closed = False
        self.missed = 0
        """Events that left unread, because the reader was too slow."""

    def put(self, event: Event) -> None:
        """Keep one more event."""
        if len(self._kept) == self._kept.maxlen:
            self.missed += 1
        self._kept.append(event)
        wakeup = self._wakeup
        if wakeup is None:
            return
        if get_ident() == self._thread:
            _wake(wakeup)
            return
        with suppress(RuntimeError):  # the reader's loop has ended, and the reader with it
            wakeup.get_loop().call_soon_threadsafe(_wake, wakeup)

    def take(self) -> list[Event]:
        """Return what has come since the last call."""
        # One by one: the watchdog puts events in from its own thread.
        return [self._kept.popleft() for _ in range(len(self._kept))]

    def close(self) -> None:
        """End the subscription; an iteration over it ends too."""
        self._events.unsubscribe(self)
        self._closed = True
        if self._wakeup is not None:
            _wake(self._wakeup)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Go over the events as they come."""
        while True:
            while self._kept:
                yield self._kept.popleft()
            if self._closed:
                return
            self._thread = get_ident()
            self._wakeup = asyncio.get_running_loop().create_future()
            if self._kept:
                continue  # put in by a thread that saw no wakeup yet
            try:
                await self._wakeup
            finally:
                self._wakeup = None


def _wake(wakeup: asyncio.Future[None]) -> None:
    if not wakeup.done():
        wakeup.set_result(None)


class Events:
    """The events of one node."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self._subscriptions: list[Subscription] = []
        self.counts: Counter[str] = Counter()
        """How often each kind of event came, and each thing that is only counted."""
        self.level_of: Callable[[Event, int], int] | None = None
        """Returns the level on which an event is logged, given the one that its kind has."""

    def subscribe(self, bound: int = 1000) -> Subscription:
        """Return a subscription that keeps up to `bound` unread events."""
        subscription = Subscription(self, bound)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Put nothing more into this subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def count(self, what: str) -> None:
        """Count something that is too small for an event."""
        self.counts[what] += 1

    @property
    def watched(self) -> bool:
        """Whether anybody would see a quiet event."""
        return bool(self._subscriptions) or logger.isEnabledFor(logging.DEBUG)

    def emit(self, event: Event) -> None:
        """Log the event, once, and give it to every subscriber."""
        self.counts[event.kind] += 1
        level = LEVELS.get(event.kind, logging.INFO)
        if self.level_of is not None:
            level = self.level_of(event, level)
        if logger.isEnabledFor(level):
            try:
                _log(event, level)
            except Exception:  # a filter or handler of the user's; what happens here must go on
                self.counts["log_failed"] += 1
        for subscription in self._subscriptions:
            subscription.put(event)


def _log(event: Event, level: int) -> None:
    error = event.reason.error if event.reason is not None else None
    trace = error if level >= logging.ERROR else None
    logger.log(
        level,
        "%s %s%s%s",
        event.path,
        event.kind,
        f" ({event.reason})" if event.reason is not None else "",
        f": {event.text}" if event.text else "",
        exc_info=trace,
        extra={
            "event": event.kind,
            "path": event.path,
            "incarnation": event.incarnation,
            "reason": str(event.reason) if event.reason is not None else None,
        },
    )
