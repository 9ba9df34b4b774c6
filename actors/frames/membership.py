"""Membership: the bridges that one worker is on, as long as it lives."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from ..errors import CallboardError, MailboxFull
from ..ref import WorkerRef
from .floor import HELD
from .frame import Direction, Frame
from .messages import BridgeJoin, BridgeLeave, BridgeOffer, BridgeQuiet, FrameMessage

__all__ = ["Member", "Membership", "send_or_wait"]


class Member(Protocol):
    """What a membership needs of its worker."""

    active: bool

    @property
    def activation_word(self) -> str:
        """A word for the present activation."""
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

    __slots__ = ("_offers", "_unsent", "_worker")

    def __init__(self, worker: Member) -> None:
        """Begin without an offer."""
        self._worker = worker
        self._offers: dict[str, BridgeOffer] = {}
        self._unsent: deque[tuple[Frame, Direction]] = deque()

    async def offered(self, offer: BridgeOffer) -> None:
        """Take an offer, and join where the worker is active; those of earlier lives are over."""
        life = _life(offer)
        for each in list(self._offers.values()):
            if each.owner == offer.owner and _life(each) != life:
                del self._offers[each.offer]
        self._offers[offer.offer] = offer
        if not self._worker.active:
            self._tell(offer, BridgeLeave(offer.offer))
            return
        self._tell(offer, BridgeJoin(offer.offer, self._worker.activation_word))
        while self._unsent:
            await self._give(offer, *self._unsent.popleft())

    def join(self) -> None:
        """Tell the owners that the worker is active."""
        for offer in list(self._offers.values()):
            self._tell(offer, BridgeJoin(offer.offer, self._worker.activation_word))

    def leave(self) -> None:
        """Tell the owners that the worker has said its last word."""
        for offer in list(self._offers.values()):
            self._tell(offer, BridgeLeave(offer.offer))

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

    async def _give(self, offer: BridgeOffer, frame: Frame, direction: Direction) -> None:
        message = FrameMessage(frame, direction, offer.bridge, offer.owner)
        await send_or_wait(self._worker, offer.owner, message)

    def _tell(self, offer: BridgeOffer, message: Any) -> None:
        """Tell the owner of a bridge; one that is gone for good offers it no more."""
        ref = self._worker.ref(offer.owner)
        try:
            ref.tell(message)
        except CallboardError as error:
            if ref.is_alive():
                self._worker.refused(ref, message, error)
            else:
                self._offers.pop(offer.offer, None)


class Sender(Protocol):
    """Who sends a frame."""

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name."""
        ...

    def refused(self, ref: WorkerRef, message: Any, error: CallboardError) -> None:
        """Keep what could not be sent as a dead letter."""
        ...


async def send_or_wait(sender: Sender, target: str, message: FrameMessage) -> None:
    """Send at once, or wait for room; what is refused all the same is a dead letter."""
    ref = sender.ref(target)
    try:
        try:
            ref.tell(message)
        except MailboxFull:
            await ref.send(message)
    except CallboardError as error:
        sender.refused(ref, message, error)


def _life(offer: BridgeOffer) -> str:
    """Return which life of the owner an offer is of: what stands before its number."""
    return offer.offer.rpartition("/")[0]
