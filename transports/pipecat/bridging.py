"""Bridges between our workers and those of Pipecat: who is on them, and what crosses them.

Workers of theirs on bridges of ours are here: the gateway answers for them what a worker of ours
answers by itself. The other way round see `their_bridges.py`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from ...actors.activation import Activate
from ...actors.errors import CallboardError
from ...actors.frames.frame import InterruptionFrame
from ...actors.frames.messages import (
    BridgeJoin,
    BridgeLeave,
    BridgeOffer,
    BridgeQuiet,
    BridgeYield,
    FrameMessage,
    Stamp,
)
from ...actors.message import lane_for
from ...actors.registry import Registration
from . import messages as said
from .messages import Entry, FrameSaid
from .outlet import Member, Outlet
from .their_bridges import TheirBridges
from .wire import FLUSH

__all__ = ["Bridging"]

STALE = 2.0
"""Seconds for which what a worker was told counts more than what its runner lists."""

QUIET_WITHIN = 2.0
"""Seconds after which a worker of theirs that was interrupted counts as having noticed."""


class Seat:
    """What is known of one worker of theirs that may be on bridges of ours."""

    __slots__ = ("after", "before", "offers", "stamp", "timer", "told_at", "turn")

    def __init__(self, stamp: Stamp) -> None:
        """Begin without an offer."""
        self.offers: dict[str, BridgeOffer] = {}
        self.stamp = stamp
        self.turn = 1
        self.told_at = float("-inf")
        """When it was told last to be active, or not to be."""
        self.after = ""
        """Who has handed over to it, and the activation in which that was."""
        self.before: Stamp | None = None
        self.timer: asyncio.TimerHandle | None = None
        """Runs from an interruption until it must have been noticed."""


class Channelling(Outlet, Protocol):
    """What is needed of the gateway."""

    def ours(self, name: str | None, /) -> Registration | None:
        """Return the public worker of this node that has the name."""
        ...

    def speak(self, message: FrameSaid, guest: Member | None = None, /) -> None:
        """Say a frame, to all or to one of theirs; nothing where nobody can hear it."""
        ...

    def entry(self, worker: str, /) -> Entry | None:
        """Return what a runner has told of a worker, children included."""
        ...

    def member(self, name: str, /) -> Member | None:
        """Return the worker of theirs that has the name."""
        ...


class Bridging:
    """What crosses bridges, and who of theirs is active."""

    def __init__(self, gateway: Channelling) -> None:
        """Begin with nobody on any."""
        self._gateway = gateway
        self.theirs = TheirBridges(gateway)
        self._seats: dict[str, Seat] = {}
        self.known = 0
        """The highest number of an activation that was heard of."""

    # -- what our workers do to theirs ----

    def told(self, guest: Member, message: object, /) -> None:
        """Take what was sent to a worker of theirs: a frame, or what is about a bridge."""
        match message:
            case BridgeOffer():
                self._offered(guest, message)
            case BridgeYield(stamp):
                if guest.active and self._seat(guest).stamp == stamp:
                    deactivate = said.Deactivate(source=self._gateway.runner, target=guest.name)
                    guest.send(self._gateway.encode(deactivate))
                    self.activation(guest, active=False)
            case FrameMessage():
                self._sent(guest, message)
            case _:
                pass

    def activation(self, guest: Member, /, *, active: bool, by: Activate | None = None) -> None:
        """Take note that a worker of theirs is told to be active, or not to be."""
        seat = self._seat(guest)
        seat.told_at = self._gateway.runtime.loop.time()
        if active:
            self._activated(guest, seat, by)
        elif guest.active:
            self._deactivated(guest, seat)

    def listed(self, guest: Member, /, *, active: bool) -> None:
        """Take note of what its runner says of that; it may be older than what it was told."""
        seat = self._seat(guest)
        if active == guest.active:
            return
        if self._gateway.runtime.loop.time() - seat.told_at > STALE:
            if active:
                self._activated(guest, seat, None)
            else:
                self._deactivated(guest, seat)

    def lost(self, guest: Member) -> None:
        """Take note that a worker of theirs is gone: owners of bridges watch that themselves."""
        seat = self._seats.pop(guest.name, None)
        if seat is not None and seat.timer is not None:
            seat.timer.cancel()
        self.theirs.forget((guest.name,))

    def handed_over(self, message: said.Activate) -> Activate:
        """Return the activation of a worker of ours by one of theirs."""
        guest = self._gateway.member(message.source)
        self.theirs.expect(message.target or "")
        args = message.args
        if args is not None and isinstance(args.get("run_llm"), bool):
            args = {"run": args["run_llm"], **args}  # as our workers that have a model call it
        if guest is None or guest.name not in self._seats:
            return Activate(args, self.known)
        return Activate(args, self.known, guest.name, self._seats[guest.name].stamp)

    # -- what is said on the channel ----

    def said(self, message: FrameSaid) -> None:
        """Take a frame that was said on the channel."""
        if message.theirs == FLUSH:
            return  # it asks whether a pipeline is empty; no answer of anybody's would arrive
        if message.frame is None:
            self._gateway.runtime.events.count("frames_without_counterpart")
        guest = self._gateway.member(message.source)
        entry = self._gateway.entry(message.source)
        if entry is not None and entry.bridged:
            if guest is not None and message.frame is not None:
                self._answered(guest, message)
            if message.target is None or self._gateway.ours(message.target) is None:
                return  # it is on a bridge as ours are: they do not listen to each other
        self.theirs.said(message)

    # -- workers of theirs on our bridges ----

    def _offered(self, guest: Member, offer: BridgeOffer) -> None:
        seat = self._seat(guest)
        life = offer.offer.rpartition("/")[0]
        for each in list(seat.offers.values()):
            if each.owner == offer.owner and each.offer.rpartition("/")[0] != life:
                del seat.offers[each.offer]
        seat.offers[offer.offer] = offer
        self.known = max(self.known, offer.known)
        if guest.active:
            self._join(guest, seat, offer)
        else:
            self._tell(guest, offer, BridgeLeave(offer.offer, None, seat.stamp[0]))

    def _activated(self, guest: Member, seat: Seat, by: Activate | None) -> None:
        guest.active = True
        guest.awaken()
        if by is not None:
            self.known = max(self.known, by.known)
        seat.after, seat.before = (by.after, by.before) if by is not None else ("", None)
        seat.stamp = self._stamp(guest.name)
        seat.turn += 1
        for offer in list(seat.offers.values()):
            self._join(guest, seat, offer)

    def _deactivated(self, guest: Member, seat: Seat) -> None:
        guest.active = False
        for offer in list(seat.offers.values()):
            self._tell(guest, offer, BridgeLeave(offer.offer, None, seat.stamp[0]))

    def _join(self, guest: Member, seat: Seat, offer: BridgeOffer) -> None:
        join = BridgeJoin(offer.offer, seat.stamp, seat.turn, seat.after, seat.before)
        self._tell(guest, offer, join)

    def _sent(self, guest: Member, message: FrameMessage) -> None:
        frame = message.frame
        crossing = FrameSaid(
            source=message.owner or self._gateway.runner,
            target=guest.name,
            frame=frame,
            direction=message.direction,
            bridge=message.bridge,
        )
        self._gateway.speak(crossing, guest)
        if isinstance(frame, InterruptionFrame):
            # It comes back once it is through, unless their pipeline keeps such frames.
            seat = self._seat(guest)
            if seat.timer is not None:
                seat.timer.cancel()
            loop = self._gateway.runtime.loop
            seat.timer = loop.call_later(QUIET_WITHIN, self._quiet, guest, seat)

    def _quiet(self, guest: Member, seat: Seat) -> None:
        """Say that a worker of theirs has noticed an interruption."""
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        for offer in list(seat.offers.values()):
            self._tell(guest, offer, BridgeQuiet(offer.offer))

    def _answered(self, guest: Member, message: FrameSaid) -> None:
        """Give a frame of theirs to the bridges of ours that it has joined."""
        frame = message.frame
        assert frame is not None, "see said()"
        seat = self._seat(guest)
        for offer in list(seat.offers.values()):
            if message.target not in (None, offer.owner):
                continue
            if message.bridge is not None and message.bridge != offer.bridge:
                continue
            told = FrameMessage(frame, message.direction, offer.bridge, offer.owner)
            self._tell(guest, offer, told)
        if isinstance(frame, InterruptionFrame):
            self._quiet(guest, seat)

    def _tell(self, guest: Member, offer: BridgeOffer, message: object) -> None:
        """Tell the owner of a bridge, in the name of a worker of theirs."""
        runtime = self._gateway.runtime
        known = runtime.registry.here(offer.owner)
        entry = (message, guest.ref, lane_for(message, None), None, None, None)
        if known is None:
            self._seat(guest).offers.pop(offer.offer, None)
            return
        try:
            known.target.deliver(entry)
        except CallboardError as error:
            runtime.dead(known.ref, entry, error)

    # -- inside ----

    def _seat(self, guest: Member) -> Seat:
        seat = self._seats.get(guest.name)
        if seat is None:
            seat = self._seats[guest.name] = Seat(self._stamp(guest.name))
        return seat

    def _stamp(self, name: str) -> Stamp:
        """Return what orders a new activation after all that were heard of."""
        self.known = max(self.known + 1, time.time_ns() // 1_000_000)
        return (self.known, f"{self._gateway.runner}:{name}")
