"""Bridge: the place in a pipeline from which frames go to workers, and at which theirs appear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeAlias

from ..activation import Activation
from ..delivery import Delivery
from ..errors import CallboardError
from ..ref import WorkerRef
from ..registry import Registration, WorkerReady
from .floor import HELD, Act, Floor, Give, Hear, Heard, Probe, Yield
from .frame import (
    AudioFrame,
    Direction,
    Frame,
    InterruptionFrame,
    LifecycleFrame,
    SpeakFrame,
    TextFrame,
)
from .membership import is_on, send_or_wait
from .messages import (
    BridgeEmptied,
    BridgeJoin,
    BridgeLeave,
    BridgeOffer,
    BridgeProbe,
    BridgeQuiet,
    BridgeReturn,
    BridgeYield,
    FrameMessage,
)
from .pipeline import Stage

__all__ = ["Bridge", "BridgeEnd", "BridgeOwner"]

Take: TypeAlias = "Callable[[Frame, Direction], Awaitable[None]]"
"""Lets a frame of a worker into the pipeline, at the bridge's place."""

SPEECH = (TextFrame, AudioFrame, SpeakFrame)
"""What is not heard any more from a worker that was interrupted and has not noticed yet."""

Item: TypeAlias = "tuple[Frame, Direction]"


class BridgeOwner(Protocol):
    """The worker in whose pipeline a bridge stands."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def actor_ref(self) -> WorkerRef:
        """Its own ref."""
        ...

    @property
    def activation(self) -> Activation:
        """What it knows of activations."""
        ...

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name."""
        ...

    def registered(self, worker: str) -> Registration | None:
        """Return what the registry knows of a worker."""
        ...

    def watch_bridged(self, end: BridgeEnd, ready: Callable[[WorkerReady], None]) -> None:
        """Have `ready` called for each worker that is on any bridge."""
        ...

    def tell_when_gone(self, known: Registration, end: BridgeEnd) -> None:
        """Call `end.ended` when a worker is gone for good, in line with the frames it had sent."""
        ...

    def tell_member(self, ref: WorkerRef, message: Any) -> None:
        """Tell in the owner's name, whoever calls; what cannot be sent is a dead letter."""
        ...

    def refused(self, ref: WorkerRef, message: Any, error: CallboardError) -> None:
        """Keep what could not be sent as a dead letter."""
        ...

    def let_in(self, worker: str) -> None:
        """Take in what that worker waits to send to the owner, whose mailbox is full."""
        ...

    def count_lost(self) -> None:
        """Count a frame that nobody took."""
        ...

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        """Take note that another worker is heard."""
        ...


class BridgeEnd:
    """The owner's end of a bridge, whatever kind of pipeline it stands in.

    It offers the bridge to every known worker that is bridged, sends frames to those that have
    joined, and lets theirs in. Who is on it and who is heard: see `floor.py`.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        target: str | None = None,
        exclude: tuple[type[Frame], ...] = (),
        exclusive: bool = False,
        held: int = HELD,
    ) -> None:
        """Prepare a bridge; see `Bridge`."""
        self.name = name
        self.target = target
        self._stays: tuple[type[Frame], ...] = (LifecycleFrame, *exclude)
        self._floor: Floor[Item] = Floor(exclusive=exclusive, held=held, expected=self._watched_for)
        self._interruptions = 0
        self._owner: BridgeOwner | None = None
        self._take: Take | None = None
        self._offer = ""
        self._watched: dict[str, Delivery] = {}
        """The workers whose end is watched, each with the place that it had then."""

    def __repr__(self) -> str:
        """Show the name and who is heard."""
        return f"<BridgeEnd {self.name!r} heard={self.heard}>"

    @property
    def heard(self) -> tuple[str, ...]:
        """The workers that are heard now."""
        return self._floor.heard

    @property
    def lost(self) -> int:
        """Frames that nobody took; they are counted as `frames_lost` of the node too."""
        return self._floor.lost

    def crosses(self, frame: Frame) -> bool:
        """Whether a frame of the pipeline goes to the workers, and not on to the next stage."""
        return not isinstance(frame, self._stays)

    # -- the owner's side ----

    def open(self, owner: BridgeOwner, offer: str, take: Take) -> None:
        """Begin to offer the bridge, for this life of its owner; `offer` names it."""
        self._owner, self._offer, self._take = owner, offer, take
        owner.watch_bridged(self, self._ready)

    async def send(self, frame: Frame, direction: Direction) -> None:
        """Send a frame to the workers that get it; without any it waits for one.

        An interruption does not wait: whoever is activated later is not meant.
        """
        item = (frame, direction)
        lost = self._floor.lost
        if isinstance(frame, InterruptionFrame):
            self._interruptions += 1
            probe = BridgeProbe(self._offer, interruption=self._interruptions)
            for worker, turn in self._floor.give_at_once():
                self._floor.mute(worker)
                await self._send(worker, turn, item)
                self._say(worker, probe)  # a full mailbox may drop the frame
            return
        for worker, turn in self._floor.give(item):
            await self._send(worker, turn, item)
        self._count(lost)

    def close(self) -> None:
        """Count what waits as lost: this life of the owner ends."""
        self._floor.lost += self._floor.held
        self._count(self._floor.lost - self._floor.held)

    async def came(self, worker: str, frame: Frame, direction: Direction) -> None:
        """Let a frame of a worker in, now or when its turn comes."""
        lost = self._floor.lost
        speech = isinstance(frame, SPEECH)
        if self.crosses(frame) and self._floor.hear(worker, (frame, direction), speech=speech):
            await self._let_in(frame, direction)
        self._count(lost)

    async def joined(self, worker: str, message: BridgeJoin) -> None:
        """Take note that a worker is active."""
        if message.offer == self._offer and self._wants(worker):
            before = message.before
            after = (message.after, before) if before is not None else None
            await self._do(self._floor.join(worker, message.activation, message.turn, after))

    async def left(self, worker: str, message: BridgeLeave) -> None:
        """Take note that a worker has said its last word."""
        if message.offer == self._offer:
            await self._do(self._floor.leave(worker, message.taken, message.known))

    async def returned(self, worker: str, message: BridgeReturn) -> None:
        """Give a frame that came to a worker too late to the next one; an interruption is over."""
        if message.offer == self._offer:
            over = isinstance(message.frame, InterruptionFrame)
            item = None if over else (message.frame, message.direction)
            await self._do(self._floor.returned(worker, item, message.turn))

    async def emptied(self, worker: str, message: BridgeEmptied) -> None:
        """Take note that a worker has come to the end of what it had been sent."""
        if message.offer != self._offer:
            return
        if message.turn:
            await self._do(self._floor.emptied(worker, message.turn))
        elif message.interruption == self._interruptions:  # of an earlier one it says nothing new
            self._floor.unmute(worker)

    async def ended(self, worker: str) -> None:
        """Take note that a worker is gone for good."""
        known = self._owner.registered(worker) if self._owner is not None else None
        if known is None or self._watched.get(worker) is not known.target:
            self._watched.pop(worker, None)
        await self._do(self._floor.leave(worker))

    def quiet(self, worker: str, message: BridgeQuiet) -> None:
        """Take note that a worker has noticed an interruption."""
        if message.offer == self._offer:
            self._floor.unmute(worker)

    # -- inside ----

    def _wants(self, worker: str) -> bool:
        return self.target is None or self.target == worker

    def _watched_for(self, worker: str) -> bool:
        """Whether a worker was offered the bridge, and lives: it will say whether it is active."""
        return worker in self._watched

    def _ready(self, fact: WorkerReady) -> None:
        owner = self._owner
        known = owner.registered(fact.worker) if owner is not None else None
        if owner is None or known is None or fact.worker == owner.name:
            return
        if not self._wants(fact.worker) or not is_on(known.bridges, self.name):
            return
        if self._watched.get(fact.worker) is not known.target:  # started anew, or elsewhere
            self._watched[fact.worker] = known.target
            owner.tell_when_gone(known, self)
        offer = BridgeOffer(owner.name, self.name, self._offer, owner.activation.known)
        owner.tell_member(known.ref, offer)

    async def _let_in(self, frame: Frame, direction: Direction) -> None:
        assert self._take is not None, "frames come to an open bridge only"
        await self._take(frame, direction)

    async def _send(self, worker: str, turn: int, item: Item) -> None:
        owner = self._owner
        assert owner is not None, "an open bridge has an owner"
        message = FrameMessage(*item, self.name, owner.name, turn)
        await send_or_wait(owner, worker, message, lambda: owner.let_in(worker))

    async def _do(self, acts: list[Act[Item]]) -> None:
        """Do all of it, also if a stage or a hook raises: the floor has changed already."""
        failed: Exception | None = None
        for step in self._steps(acts):
            try:
                await step
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _steps(self, acts: list[Act[Item]]) -> Iterator[Awaitable[None]]:
        for act in acts:
            match act:
                case Give(worker, turn, items):
                    for item in items:
                        yield self._send(worker, turn, item)
                case Hear(items):
                    for frame, direction in items:
                        yield self._let_in(frame, direction)
                case Heard(worker):
                    yield self._heard(worker)
                case Probe(worker, turn):
                    self._say(worker, BridgeProbe(self._offer, turn))
                case Yield(worker, activation):
                    self._say(worker, BridgeYield(activation))

    async def _heard(self, worker: str | None) -> None:
        assert self._owner is not None, "an open bridge has an owner"
        await self._owner.on_floor_changed(self.name, worker)

    def _say(self, worker: str, message: Any) -> None:
        owner = self._owner
        assert owner is not None, "an open bridge has an owner"
        owner.tell_member(owner.ref(worker), message)

    def _count(self, before: int) -> None:
        for _ in range(self._floor.lost - before):
            if self._owner is not None:
                self._owner.count_lost()


class Bridge(Stage):
    """A stage from which frames go to the workers on it, and at whose place theirs appear.

    Frames that reach it go to all workers on it that are active, here or on other nodes, and not
    on to the next stage; where none is active they wait, up to a bound. Lifecycle frames, and those
    of the types in `exclude` and their subclasses, go on instead and never cross. An interruption
    does both, as what is on its way to the user has to stop too. What the workers push goes on from
    here, in its direction, and never to the other workers.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        target: str | None = None,
        exclude: tuple[type[Frame], ...] = (),
        exclusive: bool = False,
        held: int = HELD,
    ) -> None:
        """Make a bridge; frames on a named one are for workers that are on that name.

        `target`: frames go to this worker and are taken from it only. `exclusive`: one worker is
        heard at a time; who is activated is heard once the one before has said its last word, and
        the one before is deactivated if it has not done so itself. `held`: how many frames wait.
        """
        self.end = BridgeEnd(name, target=target, exclude=exclude, exclusive=exclusive, held=held)

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Send it to the workers, or push it on; an interruption does both."""
        crosses = self.end.crosses(frame)
        if crosses:
            await self.end.send(frame, direction)
        if not crosses or isinstance(frame, InterruptionFrame):
            await self.push(frame, direction)

    @property
    def heard(self) -> tuple[str, ...]:
        """The workers that are heard now."""
        return self.end.heard

    @property
    def lost(self) -> int:
        """Frames that nobody took; they are counted as `frames_lost` of the node too."""
        return self.end.lost
