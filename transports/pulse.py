"""Pulse: signs of life from a thread of its own while the node's event loop is blocked.

A worker that blocks the loop is named by the watchdog. The node lives all the same: the others are
told so over a second connection, and keep its workers and jobs. Not without end: a loop that does
not come back within `LONGEST` is as good as dead.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from .packet import Header, Kind, pack
from .signing import Signer
from .transport import Packet, Spare, Transport

__all__ = ["Pulse"]

LONGEST = 60.0
"""Seconds that a blocked loop is vouched for."""

LOOK_EVERY = 0.05
"""Seconds between two looks, while it vouches, at whether the loop is back."""

CLOSE_WITHIN = 1.0
"""Seconds that its connections may take to close."""

END_WITHIN = 2.0
"""Seconds that the node waits for the end of the thread."""


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
        patience: float | None = None,
    ) -> None:
        """Prepare; `node` gives name and incarnation, `transports` those that are connected.

        `patience`: seconds that a broker has to connect, or to take a sign of life; a beat.
        """
        super().__init__(name="callboard-pulse", daemon=True)
        self._node = node
        self._transports = transports
        self._beat = beat
        self._signer = signer
        self._longest = longest
        self._patience = beat if patience is None else patience
        self._last = time.monotonic()
        self._ended = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._break_off: partial[asyncio.Handle] | None = None
        """While it vouches: has that end, wherever it waits."""
        self.sent = 0
        """Signs of life that it had to send."""

    def felt(self) -> None:
        """Take note that the loop runs; it says so at each of its own heartbeats."""
        self._last = time.monotonic()

    async def stop(self) -> None:
        """End the thread, and wait until it has closed its connections, or would take too long."""
        self._ended.set()
        break_off = self._break_off
        if break_off is not None:
            with suppress(RuntimeError):  # it has just ended by itself
                break_off()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN):
                await self._over.wait()
                self.join()  # it has no more to do

    def run(self) -> None:
        """Look at the loop four times a beat."""
        while not self._ended.wait(self._beat / 4):
            last = self._last
            if time.monotonic() - last > 1.25 * self._beat and self._needed(last):
                with suppress(Exception):  # not even a bug in here may be noise, or end the thread
                    asyncio.run(self._vouch(last))
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._over.set)

    async def _vouch(self, last: float) -> None:
        """Send signs of life until the loop is back or the node ends."""
        spares: list[Spare] = []
        vouching = asyncio.ensure_future(self._send_signs(last, spares))
        self._break_off = partial(asyncio.get_running_loop().call_soon_threadsafe, vouching.cancel)
        if self._ended.is_set():  # and nobody has seen that there is something to break off
            vouching.cancel()
        await asyncio.gather(vouching, return_exceptions=True)
        self._break_off = None
        await asyncio.gather(*(self._close(spare) for spare in spares))

    async def _send_signs(self, last: float, spares: list[Spare]) -> None:
        for transport in self._transports():
            spare = transport.spare()
            if spare is not None:
                spares.append(spare)
                await self._try(spare.open(), spare, spares)
        while spares and self._needed(last):
            name, incarnation = self._node()
            data = pack(Header(Kind.ALIVE, name, incarnation), [b"{}"], self._signer)
            for spare in list(spares):
                if await self._try(spare.publish([Packet(None, data)]), spare, spares):
                    self.sent += 1
            await self._pause(last, self._beat / 2)
        await self._pause(last, self._beat)  # no way out: look again later

    async def _pause(self, last: float, seconds: float) -> None:
        until = time.monotonic() + seconds
        # Nothing of the other thread's can be waited for here without a thread for that.
        while self._needed(last) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)

    def _needed(self, last: float) -> bool:
        blocked = self._last == last and not self._ended.is_set()
        return blocked and time.monotonic() - last < self._longest

    async def _try(self, step: Awaitable[None], spare: Spare, spares: list[Spare]) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                await step
        except Exception:  # the broker is not to be had: then nobody is deceived either
            await self._close(spare)
            spares.remove(spare)
            return False
        return True

    async def _close(self, spare: Spare) -> None:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_WITHIN):
                await spare.close()
