"""Membership: the bridges that one worker is on, as long as it lives."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from ..activation import Activation
from ..errors import CallboardError, MailboxFull
from ..ref import CURRENT, WorkerRef
from .floor import HELD
from .frame import Direction, Frame
from .messages import BridgeJoin, BridgeLeave, BridgeOffer, BridgeQuiet, BridgeReturn, FrameMessage

__all__ = ["Member", "Membership", "say", "send_or_wait"]


class Member(Protocol):
    """What a membership needs of its worker."""

    active: bool

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


class Membership:
    """The bridges that were offered to one life of a worker."""

    __slots__ = ("_offers", "_taken", "_turn", "_unsent", "_worker")

    def __init__(self, worker: Member) -> None:
        """Begin without an offer."""
        self._worker = worker
        self._offers: dict[str, BridgeOffer] = {}
        self._unsent: deque[tuple[Frame, Direction]] = deque()
        self._turn = 0
        self._taken: dict[str, int] = {}
        """Frames that were taken, by the owner of their bridge, since the last join."""

    async def offered(self, offer: BridgeOffer) -> None:
        """Take an offer, and join where the worker is active; those of earlier lives are over."""
        life = _life(offer)
        for each in list(self._offers.values()):
            if each.owner == offer.owner and _life(each) != life:
                del self._offers[each.offer]
        self._offers[offer.offer] = offer
        self._worker.activation.note(offer.known)
        if not self._worker.active:
            self._tell(offer, BridgeLeave(offer.offer, None, self._worker.activation.known))
            return
        self._turn = self._turn or 1
        self._join(offer)
        while self._unsent:
            await self._give(offer, *self._unsent.popleft())

    def join(self) -> None:
        """Tell the owners that the worker is active."""
        self._turn += 1
        self._taken.clear()
        for offer in list(self._offers.values()):
            self._join(offer)

    def leave(self, *, ended: bool = False) -> None:
        """Tell the owners that the worker has said its last word; `ended`: it returns nothing."""
        for offer in list(self._offers.values()):
            taken = None if ended else self._taken.get(offer.owner, 0)
            self._tell(offer, BridgeLeave(offer.offer, taken, self._worker.activation.known))

    def takes(self, message: FrameMessage) -> bool:
        """Whether a frame is to be taken; one that was sent for an earlier turn goes back."""
        if not self._worker.active or 0 < message.turn < self._turn:
            return False
        if message.turn == self._turn:
            self._taken[message.owner] = self._taken.get(message.owner, 0) + 1
        return True

    def return_frame(self, message: FrameMessage) -> bool:
        """Give a frame that came too late back to its owner; False if it has none."""
        for offer in self._offers.values():
            if offer.owner == message.owner and offer.bridge == message.bridge and message.turn:
                self._tell(offer, BridgeReturn(offer.offer, message.frame, message.direction))
                return True
        return False

    def quiet(self) -> None:
        """Tell the owners that the worker has noticed an interruption."""
        for offer in list(self._offers.values()):
            self._tell(offer, BridgeQuiet(offer.offer))

    async def give(self, frame: Frame, direction: Direction) -> None:
        """Give a frame to the bridges; before the first offer it is kept, up to a bound."""
        if self._offers:
            for offer in list(self._offers.values()):
                await self._give(offer, frame, direction)
            return
        if len(self._unsent) == HELD:
            self._unsent.popleft()
            self._worker.count_lost()
        self._unsent.append((frame, direction))

    def _join(self, offer: BridgeOffer) -> None:
        activation = self._worker.activation
        after, before = activation.after or ("", None)
        self._tell(offer, BridgeJoin(offer.offer, activation.stamp, self._turn, after, before))

    async def _give(self, offer: BridgeOffer, frame: Frame, direction: Direction) -> None:
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
                self._offers.pop(offer.offer, None)


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


async def send_or_wait(sender: Sender, target: str, message: FrameMessage) -> None:
    """Send at once, or wait for room; what is refused all the same is a dead letter."""
    ref = sender.ref(target)
    try:
        try:
            say(sender, ref, message)
        except MailboxFull:
            token = CURRENT.set(sender.actor_ref)
            try:
                await ref.send(message)
            finally:
                CURRENT.reset(token)
    except CallboardError as error:
        sender.refused(ref, message, error)


def _life(offer: BridgeOffer) -> str:
    """Return which life of the owner an offer is of: what stands before its number."""
    return offer.offer.rpartition("/")[0]
