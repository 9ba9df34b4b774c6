"""Bridges between our workers and those of Pipecat, both ways round."""

from __future__ import annotations

from .messages import FrameSaid
from .outlet import Member, Outlet

__all__ = ["Bridging"]

STALE = 2.0
"""Seconds for which what a worker was told counts more than what its runner lists."""


class Bridging:
    """What crosses bridges, and who is active."""

    def __init__(self, outlet: Outlet) -> None:
        """Begin with nobody on any."""
        self._outlet = outlet
        self._told: dict[str, float] = {}

    def told(self, guest: Member, message: object, /) -> None:
        """Take what was sent to a worker of theirs: a frame, or what is about a bridge."""

    def said(self, message: FrameSaid) -> None:
        """Take a frame that was said on the channel."""

    def activation(self, guest: Member, /, *, active: bool) -> None:
        """Take note that a worker of theirs is told to be active, or not to be."""
        self._told[guest.name] = self._outlet.runtime.loop.time()
        self._active(guest, active=active)

    def listed(self, guest: Member, /, *, active: bool) -> None:
        """Take note of what its runner says of that; it may be older than what it was told."""
        told = self._told.get(guest.name)
        now = self._outlet.runtime.loop.time()
        if active != guest.active and (told is None or now - told > STALE):
            self._active(guest, active=active)

    def lost(self, guest: Member) -> None:
        """Take note that a worker of theirs is gone."""
        self._told.pop(guest.name, None)

    def expect(self, worker: str) -> None:
        """Take note that a worker of ours is told to be active: it will join soon."""

    def changed(self) -> None:
        """Take note that workers of ours have come or gone."""

    def _active(self, guest: Member, *, active: bool) -> None:
        guest.active = active
        if active:
            guest.activations += 1
