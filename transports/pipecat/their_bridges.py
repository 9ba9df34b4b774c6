"""Their bridges: a pipeline of Pipecat's, and workers of ours on the bridge in it.

Nobody tells on a channel of Pipecat which bridges there are. They are known by the frames that come
from them; before the first one, what our workers say goes to all. For our workers the owner of each
is the transport: it offers them the bridge, and passes on what they say.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container
from typing import Protocol

from ...actors.cell import Cell
from ...actors.errors import CallboardError
from ...actors.frames.bridge import BridgeEnd
from ...actors.frames.frame import Direction, Frame
from ...actors.frames.membership import Sender, is_on, send_or_wait
from ...actors.frames.messages import FrameMessage
from ...actors.message import LocalMessage
from ...actors.registry import Registration
from .messages import FrameSaid
from .outlet import Member, Outlet

__all__ = ["ChannelEnd", "Crossed", "EndOwner", "TheirBridges"]

MOST_OWNERS = 1000
MOST_ENDS = 100
"""Of these no more are known, whatever is said on the channel."""

EXPECTED_WITHIN = 5.0
"""Seconds in which a worker of ours that was told to be active will be."""


class Crossed(LocalMessage):
    """To the transport: a frame that has come from a bridge of theirs, in line with the others."""

    said: FrameSaid


class ChannelEnd(BridgeEnd):
    """The end of all bridges of theirs that have one name, for our workers."""

    def __init__(self, name: str | None, ours: Callable[[str], Registration | None]) -> None:
        """Offer it to workers of ours only."""
        super().__init__(name)
        self.speaker = ""
        """Whose frame comes just now."""
        self._ours = ours

    async def came(self, worker: str, frame: Frame, direction: Direction) -> None:
        """Let a frame of a worker out to their bridges."""
        self.speaker = worker
        await super().came(worker, frame, direction)

    def _wants(self, worker: str) -> bool:
        return self._ours(worker) is not None


class EndOwner(Sender, Protocol):
    """What is needed of the transport, which owns the ends."""

    def open_end(self, end: ChannelEnd) -> None:
        """Begin to offer an end to our workers."""
        ...


class Channelling(Outlet, Protocol):
    """What is needed of the gateway."""

    def ours(self, name: str | None, /) -> Registration | None:
        """Return the public worker of this node that has the name."""
        ...

    def speak(self, message: FrameSaid, guest: Member | None = None, /) -> None:
        """Say a frame, to all or to one of theirs; nothing where nobody can hear it."""
        ...


class TheirBridges:
    """The bridges of theirs that are known, and our workers on them."""

    def __init__(self, gateway: Channelling) -> None:
        """Know none."""
        self._gateway = gateway
        self._owner: EndOwner | None = None
        self._ends: dict[str | None, ChannelEnd] = {}
        self._owners: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        """Who has a bridge, and its name, the one last heard of at the end."""
        self._members: dict[str, tuple[Registration, tuple[str, ...]]] = {}
        """Our workers that are on bridges, and on which."""
        self._expected: dict[str, float] = {}
        """Those that were told to be active, and when that was at the latest."""

    # -- our workers ----

    def begin(self, owner: EndOwner) -> None:
        """Offer everything anew: the transport has begun a new life."""
        self._owner, self._ends = owner, {}
        self.changed()

    def changed(self) -> None:
        """Look anew which workers of ours are on bridges."""
        before, self._members = self._members, {}
        for claim in self._gateway.runtime.registry.local():
            name, bridges = claim.ref.name, claim.bridges
            if bridges is None and _is_between_lives(claim):
                known = before.get(name)
                bridges = known[1] if known is not None and known[0] is claim else None
            if bridges is not None and self._gateway.ours(name) is claim:
                self._members[name] = (claim, bridges)
        if self._owner is not None:
            self._open()

    def expect(self, worker: str) -> None:
        """Take note that a worker of ours is told to be active."""
        if worker in self._members:
            self._expected[worker] = self._gateway.runtime.loop.time() + EXPECTED_WITHIN

    # -- frames in ----

    def said(self, message: FrameSaid) -> None:
        """Take a frame of one of their bridges; it waits in line with what our workers say."""
        owner = (message.source, message.bridge)
        if owner not in self._owners:
            self._owners[owner] = None
            if self._owner is not None:
                self._open()
        self._owners.move_to_end(owner)
        if len(self._owners) > MOST_OWNERS:
            self._owners.popitem(last=False)
        if message.frame is None:
            return
        if self._owner is None or not self._anyone(message):
            self._gateway.runtime.events.count("frames_for_nobody")
            return
        try:
            self._owner.actor_ref.tell(Crossed(message))
        except CallboardError:  # it has no room, or ends
            self._gateway.runtime.events.count("frames_lost")

    async def crossed(self, message: FrameSaid) -> None:
        """Give a frame to our workers on the bridge."""
        frame, owner = message.frame, self._owner
        assert frame is not None and owner is not None, "see said()"
        end = self._ends.get(message.bridge)
        if end is None:
            self._gateway.runtime.events.count("frames_lost")
        elif message.target is None:
            await end.send(frame, message.direction)
        else:
            told = FrameMessage(frame, message.direction, end.name, owner.actor_ref.name)
            await send_or_wait(owner, message.target, told)

    def _anyone(self, message: FrameSaid) -> bool:
        """Whether a worker of ours that may take the frame is active, or will be at once."""
        return any(
            self._is_active(name, claim)
            for name, (claim, bridges) in self._members.items()
            if message.target in (None, name) and is_on(bridges, message.bridge)
        )

    def _is_active(self, name: str, claim: Registration) -> bool:
        cell = claim.target
        if not isinstance(cell, Cell):
            return False
        # It outlives the worker: one that is being restarted takes the frame when it is back.
        kept = cell.activation
        if kept[0] if kept is not None else getattr(cell.actor, "active", False):
            self._expected.pop(name, None)
            return True
        expected = self._expected.get(name)
        if expected is None:
            return False
        if expected < self._gateway.runtime.loop.time():
            del self._expected[name]
            return False
        return True

    # -- frames out ----

    def spoken(self, end: ChannelEnd, frame: Frame, direction: Direction) -> None:
        """Say a frame of a worker of ours to the bridges of this name."""
        owners = [owner for owner, bridge in self._owners if bridge == end.name]
        targets: list[str | None] = [*owners]
        if not self._owners:
            targets = [None]
        elif not owners:
            return
        for target in targets:
            self._gateway.speak(
                FrameSaid(
                    source=end.speaker,
                    target=target,
                    frame=frame,
                    direction=direction,
                    bridge=end.name,
                )
            )

    def forget(self, workers: Container[str]) -> None:
        """Forget the bridges of workers that are gone."""
        for owner in [each for each in self._owners if each[0] in workers]:
            del self._owners[owner]

    # -- inside ----

    def _open(self) -> None:
        """Have an end for each name that a bridge of theirs has, and that ours may be on."""
        owner = self._owner
        assert owner is not None, "see begin()"
        names: dict[str | None, None] = {}
        for _, bridges in self._members.values():
            if bridges:
                names.update(dict.fromkeys(bridges))
            else:
                names[None] = None
                names.update((bridge, None) for _, bridge in self._owners)
        for name in names:
            if name not in self._ends and len(self._ends) < MOST_ENDS:
                end = self._ends[name] = ChannelEnd(name, self._gateway.ours)
                owner.open_end(end)


def _is_between_lives(claim: Registration) -> bool:
    """Whether a worker is down, and keeps its name, as it will be back: its mailbox is open."""
    return isinstance(claim.target, Cell) and claim.target.actor is None
