"""Membership: the bridges that one worker is on, as long as it lives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..activation import Activation
from ..errors import CallboardError, MailboxFull
from ..ref import CURRENT, WorkerRef
from .floor import HELD
from .frame import Direction, Frame
from .messages import BridgeJoin, BridgeLeave, BridgeOffer, BridgeQuiet, BridgeReturn, FrameMessage

__all__ = ["Member", "Membership", "is_on", "say", "send_or_wait"]


class Member(Protocol):
    """What a membership needs of its worker."""

    active: bool

    @property
    def incarnation(self) -> int:
        """The number of its present life."""
        ...

    @property
    def actor_ref(self) -> WorkerRef:
        """Its own ref."""
        ...

    @property
    def activation(self) -> Activation:
        """Whether it is active, and since which activation."""
        ...

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name."""
        ...

    def refused(self, ref: WorkerRef, message: Any, error: CallboardError) -> None:
        """Keep what could not be sent as a dead letter."""
        ...

    def count_lost(self) -> None:
        """Count a frame that nobody took."""
        ...


LIVES = 1 << 20
"""Turns of one life; so each life's numbers are higher than those of the one before."""


LOOK_EVERY = 0.1
"""Seconds between two looks whether two that wait for room wait for each other."""


@dataclass(slots=True, eq=False)
class Seat:
    """A worker's place on one bridge."""

    offer: BridgeOffer
    turn: int = 0
    """The number of its last join there."""
    taken: int = 0
    """Frames that it has taken since."""


class Membership:
    """The bridges that were offered to one life of a worker."""

    __slots__ = ("_joined", "_late", "_left", "_parting", "_seats", "_turn", "_unsent", "_worker")

    def __init__(self, worker: Member) -> None:
        """Begin without an offer."""
        self._worker = worker
        self._seats: dict[tuple[str, str | None], Seat] = {}
        """By owner and bridge."""
        self._unsent: deque[tuple[Frame, Direction]] = deque()
        self._turn = self._left = worker.incarnation * LIVES
        """The number of the last join, and of the last one that was left."""
        self._joined = self._parting = False
        self._late: list[tuple[BridgeOffer, BridgeReturn]] = []
        """Frames that have come since it began to part; they follow its leave."""

    async def offered(self, offer: BridgeOffer) -> None:
        """Take an offer, and join where the worker is active; those of earlier lives are over."""
        life = _life(offer)
        for key, each in list(self._seats.items()):
            if each.offer.owner == offer.owner:
                over = _life(each.offer) != life
            else:
                over = not self._alive(each.offer)
            if over:
                del self._seats[key]
        seat = self._seats[offer.owner, offer.bridge] = Seat(offer)
        self._worker.activation.note(offer.known)
        if not self._worker.active:
            self._tell(offer, BridgeLeave(offer.offer, None, self._worker.activation.known))
            return
        self._joined = True
        self._join(seat)
        while self._unsent:
            await self._give(seat, *self._unsent.popleft())

    def join(self) -> None:
        """Tell the owners that the worker is active; if it was already, in a new activation."""
        if self._joined:
            self.leave()
        self._joined = True
        for seat in list(self._seats.values()):
            self._join(seat)

    def leave(self, *, ended: bool = False) -> None:
        """Tell the owners that the worker has said its last word; `ended`: it returns nothing."""
        self._joined = self._parting = False
        self._left = self._turn
        for seat in list(self._seats.values()):
            taken = None if ended else seat.taken
            known = self._worker.activation.known
            self._tell(seat.offer, BridgeLeave(seat.offer.offer, taken, known))
        self._return_late()
        if ended:
            for _ in self._unsent:
                self._worker.count_lost()

    def part(self) -> None:
        """Begin to leave: what comes from now on is for the next one, and the last words follow."""
        self._parting = self._joined

    def part_not(self) -> None:
        """Take note that the worker did not come to its last words: it may be active again."""
        self._parting = False
        self._return_late()

    def takes(self, message: FrameMessage) -> bool:
        """Whether a frame is to be taken; one that was sent for a turn that was left goes back."""
        if not self._worker.active:
            return False
        seat = self._seats.get((message.owner, message.bridge))
        if seat is not None and message.turn == seat.turn:
            seat.taken += 1
        elif 0 < message.turn <= self._left:
            return message.turn <= self._worker.incarnation * LIVES  # of a life that has ended
        return True

    def return_frame(self, message: FrameMessage) -> bool:
        """Give a frame that came too late back to its owner; False if it has none."""
        seat = self._seats.get((message.owner, message.bridge))
        if seat is None or not message.turn:
            return False
        offer = seat.offer
        back = BridgeReturn(offer.offer, message.frame, message.direction, message.turn)
        if self._parting:
            self._late.append((offer, back))
            return True
        if self._joined and not self._worker.active:
            self.leave()  # it is inactive, and nobody has said so: by an assignment, for example
        self._tell(offer, back)
        return True

    def quiet(self) -> None:
        """Tell the owners that the worker has noticed an interruption."""
        for seat in list(self._seats.values()):
            self._tell(seat.offer, BridgeQuiet(seat.offer.offer))

    async def give(self, frame: Frame, direction: Direction) -> None:
        """Give a frame to the bridges; before the first offer it is kept, up to a bound."""
        for key, seat in list(self._seats.items()):
            if self._alive(seat.offer):
                await self._give(seat, frame, direction)
            else:
                self._seats.pop(key, None)
        if self._seats:
            return
        if len(self._unsent) == HELD:
            self._unsent.popleft()
            self._worker.count_lost()
        self._unsent.append((frame, direction))

    def _return_late(self) -> None:
        late, self._late = self._late, []
        for offer, back in late:
            self._tell(offer, back)

    def _alive(self, offer: BridgeOffer) -> bool:
        """Whether the owner of a bridge is not gone for good."""
        return self._worker.ref(offer.owner).is_alive()

    def _join(self, seat: Seat) -> None:
        self._turn += 1
        seat.turn, seat.taken = self._turn, 0
        activation, offer = self._worker.activation, seat.offer
        after, before = activation.after or ("", None)
        self._tell(offer, BridgeJoin(offer.offer, activation.stamp, seat.turn, after, before))

    async def _give(self, seat: Seat, frame: Frame, direction: Direction) -> None:
        offer = seat.offer
        message = FrameMessage(frame, direction, offer.bridge, offer.owner)
        await send_or_wait(self._worker, offer.owner, message)

    def _tell(self, offer: BridgeOffer, message: Any) -> None:
        """Tell the owner of a bridge; one that is gone for good offers it no more."""
        ref = self._worker.ref(offer.owner)
        try:
            say(self._worker, ref, message)
        except CallboardError as error:
            if ref.is_alive():
                self._worker.refused(ref, message, error)
            else:
                self._seats.pop((offer.owner, offer.bridge), None)


class Sender(Protocol):
    """Who sends a frame."""

    @property
    def actor_ref(self) -> WorkerRef:
        """Its own ref."""
        ...

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name."""
        ...

    def refused(self, ref: WorkerRef, message: Any, error: CallboardError) -> None:
        """Keep what could not be sent as a dead letter."""
        ...


def say(sender: Sender, ref: WorkerRef, message: Any) -> None:
    """Tell in the worker's name, whichever task calls; what is refused raises."""
    token = CURRENT.set(sender.actor_ref)
    try:
        ref.tell(message)
    finally:
        CURRENT.reset(token)


async def send_or_wait(
    sender: Sender,
    target: str,
    message: FrameMessage,
    relieve: Callable[[], None] | None = None,
) -> None:
    """Send at once, or wait for room; what is refused all the same is a dead letter.

    `relieve` is called while it waits: it lets in what the other one waits to send here, as
    otherwise neither would ever have room.
    """
    ref = sender.ref(target)
    try:
        try:
            say(sender, ref, message)
        except MailboxFull:
            token = CURRENT.set(sender.actor_ref)
            try:
                await _send_waiting(ref, message, relieve)
            finally:
                CURRENT.reset(token)
    except CallboardError as error:
        sender.refused(ref, message, error)


async def _send_waiting(
    ref: WorkerRef, message: FrameMessage, relieve: Callable[[], None] | None
) -> None:
    if relieve is None:
        await ref.send(message)
        return
    loop, let_in = asyncio.get_running_loop(), relieve

    timer = loop.call_later(LOOK_EVERY, lambda: look())

    def look() -> None:
        nonlocal timer
        let_in()
        timer = loop.call_later(LOOK_EVERY, look)

    try:
        await ref.send(message)
    finally:
        timer.cancel()


def is_on(bridges: tuple[str, ...] | None, name: str | None) -> bool:
    """Whether a worker on these bridges (none named: all; None: no one) is on that of the name."""
    return bridges is not None and (not bridges or name in bridges)


def _life(offer: BridgeOffer) -> str:
    """Return which life of the owner an offer is of: what stands before its number."""
    return offer.offer.rpartition("/")[0]
