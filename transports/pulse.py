"""Pulse: signs of life from a thread of its own while the node's event loop is blocked.

A worker that blocks the loop is named by the watchdog. The node lives all the same: the others are
told so over a second connection, and keep its workers and jobs. Not without end: a loop that does
not come back within `LONGEST` is as good as dead.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from .packet import Header, Kind, pack
from .signing import Signer
from .transport import Packet, Spare, Transport

__all__ = ["Pulse"]

LONGEST = 60.0
"""Seconds that a blocked loop is vouched for."""

LOOK_EVERY = 0.05
"""Seconds between two looks, while it vouches, at whether it is to end."""


class Pulse(threading.Thread):
    """Watches the loop of one node; real time only."""

    def __init__(
        self,
        node: Callable[[], tuple[str, int]],
        transports: Callable[[], list[Transport]],
        beat: float,
        signer: Signer | None,
        *,
        longest: float = LONGEST,
    ) -> None:
        """Prepare; `node` gives name and incarnation, `transports` those that are connected."""
        super().__init__(name="callboard-pulse", daemon=True)
        self._node = node
        self._transports = transports
        self._beat = beat
        self._signer = signer
        self._longest = longest
        self._last = time.monotonic()
        self._ended = threading.Event()
        self._vouching = False
        self.sent = 0
        """Signs of life that it had to send."""

    def felt(self) -> None:
        """Take note that the loop runs; it says so at each of its own heartbeats."""
        self._last = time.monotonic()

    def stop(self) -> None:
        """End the thread; it is waited for, unless it is busy: a connection may be slow to open."""
        self._ended.set()
        if not self._vouching and self.is_alive():
            self.join(0.1)

    def run(self) -> None:
        """Look at the loop four times a beat."""
        while not self._ended.wait(self._beat / 4):
            last = self._last
            if time.monotonic() - last > 1.25 * self._beat and self._needed(last):
                self._vouching = True
                with suppress(Exception):  # not even a bug in here may be noise, or end the thread
                    asyncio.run(self._vouch(last))
                self._vouching = False

    async def _vouch(self, last: float) -> None:
        """Send signs of life until the loop is back."""
        spares: list[Spare] = []
        try:
            for transport in self._transports():
                spare = transport.spare()
                if spare is not None:
                    await self._open(spare, spares)
            while spares and self._needed(last):
                name, incarnation = self._node()
                data = pack(Header(Kind.ALIVE, name, incarnation), [b"{}"], self._signer)
                for spare in list(spares):
                    await self._send(spare, Packet(None, data), spares)
                await self._pause(last, self._beat / 2)
            await self._pause(last, self._beat)  # no way out: look again later
        finally:
            for spare in spares:
                await self._close(spare)

    async def _pause(self, last: float, seconds: float) -> None:
        until = time.monotonic() + seconds
        # Nothing of the other thread's can be waited for here without a thread for that.
        while self._needed(last) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)

    def _needed(self, last: float) -> bool:
        blocked = self._last == last and not self._ended.is_set()
        return blocked and time.monotonic() - last < self._longest

    async def _open(self, spare: Spare, spares: list[Spare]) -> None:
        try:
            async with asyncio.timeout(self._beat):
                await spare.open()
        except Exception:  # the broker is not to be had: then nobody is deceived either
            await self._close(spare)
        else:
            spares.append(spare)

    async def _send(self, spare: Spare, packet: Packet, spares: list[Spare]) -> None:
        try:
            async with asyncio.timeout(self._beat):
                await spare.publish([packet])
            self.sent += 1
        except Exception:
            spares.remove(spare)
            await self._close(spare)

    async def _close(self, spare: Spare) -> None:
        try:
            async with asyncio.timeout(self._beat):
                await spare.close()
        except Exception:
            return
