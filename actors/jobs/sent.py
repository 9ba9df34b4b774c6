"""What sending an event gives back: something to wait for while the caller is far behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator

from ..clock import lend_time
from ..errors import NoActor
from ..runtime import Runtime

__all__ = ["Sent", "send_from_thread"]

LOOK_EVERY = 1.0
"""Seconds between two looks of a held thread at whether the loop is still there."""


class Sent:
    """What `update` and `stream` return: await it to be held back while the caller is behind."""

    __slots__ = ("_room",)

    def __init__(self, room: asyncio.Future[None] | None) -> None:
        """Wait for `room` when awaited, if there is any."""
        self._room = room

    def __await__(self) -> Generator[object, None, None]:
        """Return at once, or when the caller has caught up."""
        if self._room is not None and not self._room.done():
            yield from self._room


def send_from_thread(runtime: Runtime, send: Callable[[], asyncio.Future[None] | None]) -> None:
    """Have the loop send an event; block this thread until it has, and the caller has caught up.

    Raises:
        NoActor: the loop has ended.

    """
    taken = threading.Event()

    def take() -> None:
        room = send()
        if room is None:
            taken.set()
            return
        take_back = lend_time(runtime.loop)

        def go_on(_: object) -> None:
            take_back()
            taken.set()

        room.add_done_callback(go_on)

    runtime.call_from_thread(take)
    while not taken.wait(LOOK_EVERY):
        if runtime.loop.is_closed():
            raise NoActor(f"the node {runtime.name!r} has ended")
