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

from .packet import Header, Kind, pack
from .signing import Signer
from .transport import Packet, Spare, Transport

__all__ = ["Pulse"]

LONGEST = 60.0
"""Seconds that a blocked loop is vouched for."""


class Pulse(threading.Thread):
    """Watches the loop of one node; real time only."""

    def __init__(
        self,
        node: Callable[[], tuple[str, int]],
        transports: Callable[[], list[Transport]],
        beat: float,
        signer: Signer | None,
    ) -> None:
        """Prepare; `node` gives name and incarnation, `transports` those that are connected."""
        super().__init__(name="callboard-pulse", daemon=True)
        self._node = node
        self._transports = transports
        self._beat = beat
        self._signer = signer
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
            if time.monotonic() - self._last > 1.25 * self._beat:
                self._vouching = True
                asyncio.run(self._vouch(self._last))
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
                await asyncio.to_thread(self._ended.wait, self._beat / 2)
            while self._needed(last):  # no way out: look again when the loop is back
                await asyncio.to_thread(self._ended.wait, self._beat / 4)
        finally:
            for spare in spares:
                await self._close(spare)

    def _needed(self, last: float) -> bool:
        blocked = self._last == last and not self._ended.is_set()
        return blocked and time.monotonic() - last < LONGEST

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
