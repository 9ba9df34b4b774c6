"""Workers that end badly, and ways to watch an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from callboard import Child, Event, LocalMessage, Subscription, Worker, on
from callboard.actors.cell import Cell
from callboard.actors.reason import Reason


class Work(LocalMessage):
    """Be busy for so many seconds, then answer."""

    seconds: float
    answer: object = None


class Note(LocalMessage):
    """Note this."""

    text: str


class Busy(Worker):
    """Works for as long as it is told, and stops as it is built to."""

    def __init__(self, log: list[str], called: str, stop_takes: float = 0.0) -> None:
        super().__init__()
        self.log = log
        self.called = called
        self.stop_takes = stop_takes

    @on(Work)
    async def work(self, message: Work) -> object:
        self.log.append(f"{self.called} begins")
        try:
            await asyncio.sleep(message.seconds)
        except asyncio.CancelledError:
            self.log.append(f"{self.called} cancelled")
            raise
        self.log.append(f"{self.called} done")
        return message.answer

    @on(Note)
    def note(self, message: Note) -> None:
        self.log.append(f"{self.called} {message.text}")

    async def on_stop(self) -> None:
        self.log.append(f"{self.called} stops")
        try:
            await asyncio.sleep(self.stop_takes)
        except asyncio.CancelledError:
            self.log.append(f"{self.called} stop cancelled")
            raise
        self.log.append(f"{self.called} stopped")


class Stubborn(Worker):
    """Has a handler that swallows its cancellation until it is released."""

    def __init__(self, released: asyncio.Event, cancelled_at: list[float]) -> None:
        super().__init__()
        self.released = released
        self.cancelled_at = cancelled_at

    @on(Work)
    async def work(self, message: Work) -> object:
        await self.swallow_cancellation()
        return message.answer

    async def swallow_cancellation(self) -> None:
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.cancelled_at.append(asyncio.get_running_loop().time())


def busy(log: list[str], name: str, stop_takes: float = 0.0, **spec: Any) -> Child:
    """The spec of a `Busy` worker."""
    return Child(name, partial(Busy, log, name, stop_takes), **spec)


async def seconds_of(awaitable: Any) -> float:
    """Await it, and return how long it took on the loop's clock."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    await awaitable
    return loop.time() - before


def kinds(events: Subscription, *wanted: str) -> list[Event]:
    """The events of these kinds since the last look."""
    return [event for event in events.take() if event.kind in wanted]


def watch_end(cell: Cell, tell: Callable[[Reason | None], object]) -> None:
    """Have `tell` called with the reason once the worker is gone for good."""
    cell.when_gone(lambda: tell(cell.ended))
