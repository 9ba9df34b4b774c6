"""Peer: one other node. What is open with it, its link, and its end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Protocol, cast

from ..actors.delivery import Answer, Entry
from ..actors.jobs.events import Changing
from ..actors.reason import Reason
from ..actors.ref import WorkerRef
from .alarm import Alarm
from .carried_errors import node_down
from .codec import Codec
from .errors import LinkFull, NodeDown, Undecodable
from .incoming import Incoming, Passage
from .known import Known
from .link import Link, Segment
from .remote import RemoteWorker
from .remote_jobs import RemoteJob, RemoteSink

__all__ = ["Exchange", "Peer"]

SWEEP = 1000
"""Asks that are open at least before those that nobody waits for any more are looked for."""

COMING = 10_000
"""Messages of threads that may be on their way to the loop: as many as a link holds."""

THREADS = Lock()
"""Held for the moment in which a thread counts what it sends."""


class Exchange(Passage, Protocol):
    """What a peer needs of the router."""

    def carry(self, peer: Peer, segment: Segment, /) -> None:
        """Send a segment of the peer's link."""
        ...

    def reachable(self, peer: Peer, /) -> bool:
        """Whether a transport that leads there is connected, and its session is known."""
        ...

    def passes_out(
        self, node: str, source: str | None, target: str | None, message: object, /
    ) -> None:
        """Raise `NotCarried` if a message may not leave for there."""
        ...

    def quiet(self) -> None:
        """Take note that a link has nothing on the way any more."""
        ...


class Peer(Changing):
    """One other node, from its announcement until it is down."""

    def __init__(self, known: Known, exchange: Exchange, codec: Codec, link: Link) -> None:
        """Begin with nothing open."""
        self.known = known
        self.runtime = exchange.runtime
        self.codec = codec
        self.link = link
        self.closed = False
        self.asks: dict[int, Answer] = {}
        """Those of this node who wait for an answer of that one."""
        self.jobs: dict[str, RemoteJob] = {}
        """Jobs that are done there for this node."""
        self.serving: dict[str, RemoteSink] = {}
        """Jobs that are done here for that node."""
        self.waiting: dict[int, asyncio.Task[None]] = {}
        """Messages of that node that wait here for room in a mailbox, by their numbers."""
        self.workers: dict[str, RemoteWorker] = {}
        """Its public workers."""
        self._exchange = exchange
        self._incoming = Incoming(self, exchange)
        self._numbers = 0
        self._sweep_at = SWEEP
        self._coming = 0
        self._posted = 0
        self._told: deque[tuple[int, WorkerRef, Entry]] = deque()
        """What was told and is not acknowledged: dead letters if that node is declared down."""
        self._flushing = False
        self._alarm = Alarm(self.runtime.loop, self._at_time)

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Peer {self.node}>"

    @property
    def node(self) -> str:
        """The other node's name."""
        return self.known.name

    @property
    def busy(self) -> bool:
        """Whether anything here waits for it."""
        if self.jobs or self.link.open:
            return True
        return any(not answer.done for answer in self.asks.values())

    # -- out ----

    def next_number(self) -> int:
        """Return a number for an ask."""
        if len(self.asks) >= self._sweep_at:  # those that timed out, and are never answered
            for number in [number for number, answer in self.asks.items() if answer.done]:
                del self.asks[number]
            self._sweep_at = max(SWEEP, 2 * len(self.asks))
        self._numbers += 1
        return self._numbers

    def must_have_room(self, worker: str) -> None:
        """Raise `LinkFull` if the way is full."""
        if not self.link.room:
            raise LinkFull(worker, self.node, self.link.open)

    def from_thread(
        self, worker: str, post: Callable[[Entry, bytes], object], entry: Entry, body: bytes
    ) -> None:
        """Have the loop call `post`, for what another thread sends.

        Raises:
            LinkFull: the way is full, or as much is on its way to the loop as it holds.

        """

        def arrive() -> None:
            with THREADS:
                self._coming -= 1
            post(entry, body)

        with THREADS:
            if not self.link.room or self._coming >= COMING:
                raise LinkFull(worker, self.node, self.link.open + self._coming)
            self._coming += 1
        self.runtime.call_from_thread(arrive)

    async def room(self, worker: str) -> None:
        """Wait until the way is not full.

        Raises:
            NodeDown: the node was declared down meanwhile.

        """
        while not self.link.room and not self.closed:
            await self._waiter(self.runtime.loop)
        if self.closed:
            raise NodeDown(self.node, "the message was not sent", worker)

    def when_room(self, call: Callable[[], object]) -> None:
        """Have `call` called when the way is not full any more, or leads nowhere."""
        self._waiter(self.runtime.loop).add_done_callback(lambda _: call())

    def may_send(self, entry: Entry, target: str) -> None:
        """Raise `NotCarried` if the message may not pass there."""
        source = cast("WorkerRef", entry[1]).name if entry[1] is not None else None
        self._exchange.passes_out(self.node, source, target, entry[0])

    def post(self, body: bytes, told: tuple[WorkerRef, Entry] | None = None) -> None:
        """Put a parcel on the way; `told`: what is to be a dead letter if it never arrives.

        The bound was looked at before: what answers the other side is never refused.
        """
        if self.closed:
            if told is not None:
                ref, entry = told
                self.runtime.dead(ref, entry, NodeDown(self.node, "it was not sent", ref.name))
            return
        self.link.push(body, force=True)
        self._posted += 1
        if told is not None:
            self._told.append((self._posted, *told))
        if not self._flushing:
            self._flushing = True
            self.runtime.loop.call_soon(self.flush)
            self.runtime.scheduler.hasten()

    def flush(self) -> None:
        """Send what is ready: once for all that became ready in one turn of the loop."""
        self._flushing = False
        if self.closed or not self._exchange.reachable(self):
            return
        now = self.runtime.loop.time()
        for segment in self.link.segments(now):
            self._exchange.carry(self, segment)
        self._arm()

    def resume(self) -> None:
        """Send again what is not acknowledged: a connection was made anew."""
        self.link.resume(self.runtime.loop.time())
        self.flush()

    def settle(self) -> None:
        """Acknowledge all that has come, so that the other side takes none of it for lost."""
        self.link.settle(self.runtime.loop.time())
        self.flush()

    def _arm(self) -> None:
        due = self.link.due()
        if due is not None:
            self._alarm.set(due)

    def _at_time(self) -> None:
        due = self.link.due()
        if due is None:
            return
        if due <= self.runtime.loop.time():
            self.flush()
        else:
            self._arm()

    # -- in ----

    def take(self, segment: Segment) -> None:
        """Take in a segment of the link, and do what its parcels say."""
        now = self.runtime.loop.time()
        for body in self.link.receive(segment, now):
            if self.closed:
                return
            try:
                self._incoming.take(body)
            except Undecodable as error:
                self._exchange.reject(error.kind, str(error), self.node)
            except Exception as error:  # what else came with it has arrived all the same
                self._exchange.reject("failed", f"taking in a parcel: {error!r}", self.node)
        if self.closed:
            return
        told = self._told
        acknowledged = self._posted - self.link.open
        while told and told[0][0] <= acknowledged:
            told.popleft()
        if not self.link.open:
            self._exchange.quiet()
        if self.link.room:
            self._wake()
        if not self._flushing:
            due = self.link.due()
            if due is not None and due <= now:
                self.flush()
            else:
                self._arm()

    # -- the end ----

    def close(self, why: str, ended: Callable[[RemoteWorker, Reason], None]) -> None:
        """End everything that is open with the node, because it is down."""
        self.closed = True
        self._alarm.cancel()
        self._wake()
        told, self._told = self._told, deque()
        for _, ref, entry in told:
            self.runtime.dead(ref, entry, NodeDown(self.node, why, ref.name))
        asks, self.asks = self.asks, {}
        for answer in asks.values():
            if not answer.done:
                answer.settle(None, NodeDown(self.node, why))
        jobs, self.jobs = self.jobs, {}
        for doing in jobs.values():
            if not doing.job.done:
                doing.job.settle(None, NodeDown(self.node, why))
        for task in list(self.waiting.values()):
            task.cancel()
        for sink in list(self.serving.values()):
            sink.withdraw(f"the caller's node {self.node!r} is down: {why}")
        for worker in list(self.workers.values()):
            ended(worker, node_down(self.node, why))
        self.workers.clear()
