"""A RedisTransport on a node of its own, whose failures are kept."""

from __future__ import annotations

from typing import Self

from callboard.actors.observe import Subscription
from callboard.actors.testing import eventually
from tests.transports.websocket.ends import End

__all__ = ["RedisEnd"]


class RedisEnd(End):
    """`async with RedisEnd("a", RedisTransport(url)) as a:`."""

    _events: Subscription
    _failures: list[str]

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._events = self.node.events.subscribe()
        self._failures = []
        return self

    @property
    def failures(self) -> list[str]:
        """Why its transport has failed, each time."""
        new = [event for event in self._events.take() if event.kind == "failed"]
        self._failures += [str(event.reason) for event in new]
        return self._failures

    def failed_of(self, text: str) -> bool:
        """Whether it has failed of something with this text."""
        return any(text in failure for failure in self.failures)

    async def reach(self, other: RedisEnd) -> None:
        """Wait until what it sends arrives there; what is sent before may be lost."""
        begun = len(other.received)

        def arrived() -> bool:
            if self.transport is not None:
                self.post(other.name, b"again")
            return len(other.received) > begun

        await eventually(arrived, within=20)
