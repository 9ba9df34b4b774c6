"""Gateway: this node on a channel of Pipecat. It tells of our workers, and lets theirs in.

What is said on such a channel reaches everybody on it, is not numbered and not acknowledged; what
is lost in an outage is lost. So nothing here waits without end for an answer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import Any, Protocol, cast

from ...actors.activation import Activate, Deactivate
from ...actors.cell import Cell
from ...actors.delivery import STOP
from ...actors.errors import CallboardError, Draining, JobCrashed
from ...actors.jobs.messages import JobStart
from ...actors.message import NORMAL, lane_for
from ...actors.registry import Registration
from ...actors.runtime import Runtime
from ..announcement import is_announceable
from ..errors import LinkFull, Undecodable
from ..router import Router
from ..transport import Transport
from . import messages as said
from .bridging import Bridging
from .channel import Channel
from .guest import Guest
from .messages import Entry, Listing, Said
from .outlet import Asking, Runner, Serving
from .runners import Runners
from .served import Served
from .wire import Wire

__all__ = ["Gateway", "Settings"]

OURS = "callboard-"
PROBE = "callboard-probe-"
"""How the names of runners begin with which a sign of life is asked for: each is used once, and
a runner answers a name that it has not seen."""

KEPT = 1000
"""Messages that wait for a connection, or for a runner to be heard of."""

TELL_AGAIN = 30.0
"""Seconds after which our workers are told of again, for those who have missed it."""

REMEMBERED = 1000
"""Jobs that have ended, whose late answers are counted as such."""


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
        self._router = router
        self._settings = settings
        self._wire = Wire()
        self._gap = 0.0
        self._transport: Transport | None = None
        self._kept: deque[bytes] = deque()
        self._lately: deque[str] = deque(maxlen=REMEMBERED)
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
            self._down_at = self.runtime.loop.time()
            self.runners.disconnected()
            self.runtime.emit("disconnected", transport.name)

    def part(self, transport: Transport) -> None:
        """Say that no worker is here any more: the transport is told to stop."""
        if self.left:
            return
        self.left = True
        for serving in list(self.held):
            serving.release()
        if self._transport is transport:
            self._say(Listing(source=self.runner, runner=self.runner))
        if self._changed in self._router.listeners:
            self._router.listeners.remove(self._changed)
        if self._timer is not None:
            self._timer.cancel()
        self.runners.all_down(f"this node, {self.name!r}, has left the channel")

    def receive(self, transport: Transport, data: bytes, sender: str | None = None) -> None:
        """Take what was said; whatever is wrong with it is counted."""
        if self.left:
            return
        try:
            message = self._wire.decode(data)
            if message is not None:
                self._take(message)
        except Undecodable as error:
            self._router.reject(error.kind, str(error), transport.name)

    # -- what guests, jobs and bridges need: see `outlet.Outlet` ----

    @property
    def gap(self) -> float:
        """Seconds that a requester of theirs may need, after its request, to hear of the job."""
        return self._gap

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
        runner = self.runner_of(worker)
        if runner is not None and len(runner.kept) >= KEPT:
            raise LinkFull(worker, runner.name, KEPT)

    def runner_of(self, worker: str) -> Runner | None:
        """Return the runner that has a worker of this name, children included."""
        return self.runners.of(worker)

    def guest_lost(self, guest: Guest) -> None:
        """Take note that a worker of theirs is gone for good."""
        self.crossing.lost(guest)

    def ours(self, name: str | None) -> Registration | None:
        """Return the public worker of this node that has the name."""
        known = self.runtime.registry.here(name) if name is not None else None
        return known if known is not None and _is_told_of(known) else None

    # -- what is heard ----

    def _take(self, message: Said) -> None:
        match message:
            case Listing():
                self._listed(message)
                return
            case said.Ready():
                self.runners.ready(message)
            case said.JobSaid():
                self._job(message)
            case said.FrameSaid():
                self.crossing.said(message)
            case said.Activate() | said.Deactivate():
                self._activation(message)
            case said.EndWorker() | said.CancelWorker():
                self._end_worker(message)
            case said.End() | said.Cancel():
                self._end(message)
            case said.WorkerError():
                self.runtime.events.count("errors_of_guests")
            case _:
                pass
        runner = self.runners.of(message.source)
        if runner is not None:
            self.runners.sign(runner)

    def _listed(self, listing: Listing) -> None:
        if listing.runner == self.runner or listing.runner.startswith(PROBE):
            if not listing.source.endswith(self.life) and self._settled:
                self._tell()
        elif self.runners.listed(listing) and self._settled:
            self._tell()

    def _activation(self, message: said.Activate | said.Deactivate) -> None:
        target = message.target
        if target is None:
            self.runtime.events.count("activations_of_all")  # not ours: that would be a choir
            return
        guest = self.runners.guest(target)
        if guest is not None:
            self.crossing.activation(guest, active=isinstance(message, said.Activate))
        if self.ours(target) is None or self._is_ours(message.source):
            return
        if isinstance(message, said.Deactivate):
            self._tell_ours(message, Deactivate())
        elif message.problem:
            self._router.reject("arguments", message.problem, message.source)
        else:
            self.crossing.expect(target)
            self._tell_ours(message, Activate(message.args))

    def _end_worker(self, message: said.EndWorker | said.CancelWorker) -> None:
        if message.target is None:
            return
        self.runners.ending(message.target)
        if self.ours(message.target) is not None and not self._is_ours(message.source):
            self._tell_ours(message, STOP())

    def _end(self, message: said.End | said.Cancel) -> None:
        if not self._settings.obey_end:
            self.runtime.events.count("ends_not_obeyed")
            return
        reason = f"{message.source!r} has ended the session: {message.reason or 'no reason given'}"
        node = self.runtime.node
        ending = node.drain(reason) if isinstance(message, said.End) else node.stop(reason)
        self.runtime.spawn(ending)

    def _tell_ours(self, message: Said, what: Any) -> None:
        """Give a worker of ours a message; nothing of theirs answers whether it has arrived."""
        ref = self.runtime.ref(message.source)
        known = self.ours(message.target)
        if known is not None:
            lane = NORMAL if what.__class__ is STOP else lane_for(what, None)
            entry = (what, ref, lane, None, None, None)
            try:
                known.target.deliver(entry)
            except CallboardError as error:
                self.runtime.dead(known.ref, entry, error)

    # -- jobs ----

    def _job(self, message: said.JobSaid) -> None:
        match message:
            case said.JobRequest():
                if message.job_id not in self.asked:
                    self._serve(message)
            case said.JobCancel():
                serving = self._serving(message)
                if serving is not None:
                    serving.withdraw(message.reason or f"{message.source!r} has cancelled it")
            case said.JobUpdateRequest():
                serving = self._serving(message)
                if serving is not None:
                    serving.report()
            case _:
                asked = self.asked.get(message.job_id)
                if asked is not None:
                    asked.heard(message)
                    if message.job_id not in self.asked:
                        self._lately.append(message.job_id)
                elif message.job_id in self._lately:
                    self.runtime.events.count("late_job_answers")

    def _serving(self, message: said.JobSaid) -> Serving | None:
        """Return the job that its own requester speaks of."""
        serving = self.served.get((message.job_id, message.target or ""))
        if serving is None or serving.requester != message.source:
            return None
        return serving

    def _serve(self, request: said.JobRequest) -> None:
        """Have a worker of ours do a job; what cannot be done is answered with an error."""
        known = self.ours(request.target)
        if known is None or request.target is None:
            return  # somebody else's
        served = Served(self, request)
        key = (request.job_id, request.target)
        if key in self.served:
            served.settle(None, JobCrashed(f"a second job has the id {request.job_id!r}"))
            return
        self.served[key] = served
        runtime = self.runtime
        try:
            if request.problem:
                raise Undecodable(request.problem, "payload")
            if runtime.draining:
                raise Draining(f"the node {runtime.name!r} is ending", request.target)
            # Their ids are theirs: a worker keeps its jobs by ids that are this node's own.
            start = JobStart(runtime.new_job_id(), request.job_name, request.payload, ())
            source = runtime.ref(request.source)
            known.target.deliver((start, source, NORMAL, served, None, None))
        except CallboardError as error:
            served.settle(None, error)

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
        self.crossing.changed()

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

    def _is_ours(self, source: str) -> bool:
        """Whether it is what this node has said itself: a channel brings that back."""
        return self.runtime.registry.here(source) is not None or source == self.runner


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
