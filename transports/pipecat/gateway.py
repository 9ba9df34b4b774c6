"""Gateway: this node on a channel of Pipecat. It tells of our workers, and lets theirs in.

What is said on such a channel reaches everybody on it, is not numbered and not acknowledged; what
is lost in an outage is lost. So nothing here waits without end for an answer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import Protocol, cast

from ...actors.cell import Cell
from ...actors.registry import Registration
from ...actors.runtime import Runtime
from ..announcement import is_announceable
from ..errors import LinkFull, NodeDown, NotCarried, Undecodable
from ..router import Router
from ..transport import Transport
from . import messages as said
from .bridging import Bridging
from .channel import Channel
from .guest import Guest
from .hearing import Hearing
from .messages import Entry, Listing, Said
from .outlet import Asking, Member, Runner, Serving
from .runners import Runners
from .wire import Wire

__all__ = ["Gateway", "Settings"]

OURS = "callboard-"
PROBE = "callboard-probe-"
"""How the names of runners begin with which a sign of life is asked for: each is used once, and
a runner answers a name that it has not seen."""

KEPT = 1000
"""Messages that wait for a connection, or for a runner to be heard of."""

MOST_UNSENT = 10_000
"""Messages that the broker may be behind; more are refused."""

HELD_BACK = 1000
"""From so many on, jobs that stream are held back."""

TELL_AGAIN = 30.0
"""Seconds after which our workers are told of again, for those who have missed it."""


class Settings(Protocol):
    """What was said to the transport."""

    job_within: float
    probe: float
    obey_end: bool
    patience: float


class Gateway:
    """One node on one channel, over all connections to it."""

    def __init__(self, router: Router, settings: Settings) -> None:
        """Begin without a connection."""
        runtime: Runtime = router.runtime
        self.runtime = runtime
        self.life = secrets.token_hex(6)
        """Text that no other life on any channel has."""
        self.runner = f"{OURS}{runtime.name}-{self.life}"
        self.queue = ""
        """The name of the node's queue, where a channel has queues."""
        self.job_within = settings.job_within
        self.asked: dict[str, Asking] = {}
        self.served: dict[tuple[str, str], Serving] = {}
        self.held: set[Serving] = set()
        self.runners = Runners(self, settings.probe)
        self.crossing = Bridging(self)
        self.obey_end = settings.obey_end
        self._hearing = Hearing(self)
        self._router = router
        self._settings = settings
        self._wire = Wire()
        self._gap = 0.0
        self._transport: Transport | None = None
        self._kept: deque[bytes] = deque()
        self._rooms: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._down_at: float | None = None
        self._settles = 0.0
        self._settled = False
        """Whether our workers have been told of since the connection was made."""
        self.left = False
        """Whether it was told to stop: nothing is said or heard any more."""
        router.listeners.append(self._changed)

    # -- what the transport needs: see `transport.Carriage` ----

    @property
    def name(self) -> str:
        """The node's name."""
        return self.runtime.name

    @property
    def incarnation(self) -> int:
        """The node's incarnation."""
        return self.runtime.incarnation

    def speaks(self, channel: Channel) -> None:
        """Take note of how the connection that is being made wants it."""
        self._wire, self._gap, self._settles = channel.wire, channel.gap, channel.settles

    def up(self, transport: Transport) -> None:
        """Say what had to wait, and once all can hear of it, tell who is here."""
        self._transport, self._down_at = transport, None
        self._router.connected(transport.name)
        self.runners.reconnected()
        while self._kept:
            self.send(self._kept.popleft(), None)
        self._arm(self._settles)

    def down(self, transport: Transport) -> None:
        """Take note that nothing is heard and nothing can be said."""
        if self._transport is transport:
            self._transport = None
            self._settled = False
            self.published()
            self._down_at = self.runtime.loop.time()
            self.runners.disconnected()
            self.runtime.emit("disconnected", transport.name)

    def part(self, transport: Transport) -> None:
        """Say that no worker is here any more: the transport is told to stop."""
        if self.left:
            return
        self.left = True
        why = f"this node, {self.name!r}, has left the channel"
        for serving in list(self.held):
            serving.release()
        for asked in list(self.asked.values()):
            asked.leave(NodeDown(asked.runner.name, why, asked.worker))
        if self._transport is transport:
            self._say(Listing(source=self.runner, runner=self.runner))
        if self._changed in self._router.listeners:
            self._router.listeners.remove(self._changed)
        if self._timer is not None:
            self._timer.cancel()
        self.runners.all_down(why)

    def receive(self, transport: Transport, data: bytes, sender: str | None = None) -> None:
        """Take what was said; whatever is wrong with it is counted."""
        if self.left:
            return
        try:
            message = self._wire.decode(data)
            if message is not None:
                self._hearing.take(message)
        except Undecodable as error:
            self._router.reject(error.kind, str(error), transport.name)

    # -- what guests, jobs and bridges need: see `outlet.Outlet` ----

    @property
    def gap(self) -> float:
        """Seconds that a requester of theirs may need, after its request, to hear of the job."""
        return self._gap

    @property
    def wakes(self) -> float:
        """Seconds that a worker of theirs may need to be active, once it is told."""
        return 5 * self._gap

    def encode(self, message: Said) -> bytes:
        """Return the bytes of a message.

        Raises:
            NotCarried: it cannot cross.

        """
        return self._wire.encode(message)

    def send(self, data: bytes, runner: Runner | None) -> None:
        """Put bytes on the way; while nobody can be heard, or that runner was not, they wait."""
        if runner is not None and not runner.confirmed:
            self._keep(runner.kept, data)
        elif self._transport is not None:
            self._transport.post(None, data)
        else:
            self._keep(self._kept, data)

    def must_have_room(self, worker: str) -> None:
        """Raise `LinkFull` if too much waits."""
        if self._transport is not None and self._transport.unsent >= MOST_UNSENT:
            raise LinkFull(worker, self._transport.name, MOST_UNSENT)
        runner = self.runner_of(worker)
        if runner is not None and len(runner.kept) >= KEPT:
            raise LinkFull(worker, runner.name, KEPT)

    def room(self) -> asyncio.Future[None] | None:
        """Return a future to wait for, where the broker is behind with what was said."""
        if self._transport is None or self._transport.unsent < HELD_BACK:
            return None
        room: asyncio.Future[None] = self.runtime.loop.create_future()
        self._rooms.append(room)
        return room

    def published(self) -> None:
        """Take note that the broker has taken something: who was held back goes on."""
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            if not room.done():
                room.set_result(None)

    def runner_of(self, worker: str) -> Runner | None:
        """Return the runner that has a worker of this name, children included."""
        return self.runners.of(worker)

    def guest_lost(self, guest: Guest) -> None:
        """Take note that a worker of theirs is gone for good."""
        self.crossing.lost(guest)

    def may_welcome(self, name: str) -> bool:
        """Whether a worker of theirs may have the name: not that of one that nobody is told of."""
        mine = self.runtime.registry.here(name)
        return mine is None or _is_told_of(mine)

    def runner_lost(self, runner: Runner) -> None:
        """Take note that a process of theirs is gone."""
        self.crossing.theirs.forget(runner.entries)

    def entry(self, worker: str) -> Entry | None:
        """Return what a runner has told of a worker, children included."""
        return self.runners.entry(worker)

    def member(self, name: str) -> Guest | None:
        """Return the worker of theirs that has the name."""
        return self.runners.guest(name)

    def speak(self, message: said.FrameSaid, guest: Member | None = None) -> None:
        """Say a frame, to all or to one of theirs.

        It is lost while nobody can hear it, and where theirs has no such frame; both are counted.
        """
        if self._transport is None:
            self.runtime.events.count("frames_lost")
            return
        try:
            data = self._wire.encode(message)
        except NotCarried:
            self.runtime.events.count("frames_without_counterpart")
            return
        if guest is not None:
            guest.send(data)
        else:
            self._transport.post(None, data)

    def ours(self, name: str | None) -> Registration | None:
        """Return the public worker of this node that has the name."""
        known = self.runtime.registry.here(name) if name is not None else None
        return known if known is not None and _is_told_of(known) else None

    def listed(self, listing: Listing) -> None:
        """Take in what a runner tells of its workers, and answer one that is new."""
        if listing.runner == self.runner or listing.runner.startswith(PROBE):
            if not listing.source.endswith(self.life) and self._settled:
                self._tell()
        elif self.runners.listed(listing) and self._settled:
            self._tell()

    def reject(self, kind: str, text: str, source: str) -> None:
        """Count what cannot be taken, and log the first of its kind."""
        self._router.reject(kind, text, source)

    def is_ours(self, source: str) -> bool:
        """Whether it is what this node has said itself: a channel brings that back."""
        return self.runtime.registry.here(source) is not None or source == self.runner

    # -- what is told ----

    def _tell(self) -> None:
        """Tell of our public workers that are ready."""
        self._told_at = self.runtime.loop.time()
        claims = [] if self.left else self.runtime.registry.local()
        entries = [_entry_of(each) for each in claims if each.ready and _is_told_of(each)]
        self._say(Listing(source=self.runner, runner=self.runner, workers=tuple(entries)))

    def _probe(self) -> None:
        """Have all runners tell of their workers: they do so for a name that they do not know."""
        name = f"{PROBE}{secrets.token_hex(6)}-{self.life}"
        self._say(Listing(source=name, runner=name))

    def _changed(self) -> None:
        if self._settled:
            self._tell()
        self.crossing.theirs.changed()

    def _say(self, message: Said) -> None:
        if self._transport is not None:
            self._transport.post(None, self._wire.encode(message))

    def _keep(self, kept: deque[bytes], data: bytes) -> None:
        if len(kept) >= KEPT:
            kept.popleft()
            self.runtime.events.count("messages_lost")
        kept.append(data)

    # -- time ----

    def _arm(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.runtime.loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        now = self.runtime.loop.time()
        self._timer = None
        if self._down_at is not None:
            if now - self._down_at > self._settings.patience:
                self.runners.all_down("the channel could not be reached for too long")
        elif not self._settled:
            self._settled = True
            self._tell()
            self._probe()
        else:
            if self.runners.silent() or not len(self.runners):
                self._probe()
            if now - self._told_at >= TELL_AGAIN:
                self._tell()
        self._arm(self._settings.probe)


def _is_told_of(known: Registration) -> bool:
    """Whether others may know it."""
    target = known.target
    if not isinstance(target, Cell) or not target.public or not is_announceable(known.ref.name):
        return False
    return target.actor is None or target.actor.announced


def _entry_of(known: Registration) -> Entry:
    actor: object = cast("Cell", known.target).actor
    return Entry(
        known.ref.name,
        active=bool(getattr(actor, "active", True)),
        bridged=known.bridges is not None,
        started_at=known.since / 1000,
    )
