"""A peer on a Redis channel of Pipecat that says exactly what a test has it say."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from redis.asyncio import Redis

from callboard.actors.testing import eventually
from callboard.transports.pipecat.messages import Entry, Listing, Said
from callboard.transports.pipecat.wire import Wire

__all__ = ["Peer"]

S = TypeVar("S", bound=Said)

WITHIN = 30.0


class Peer:
    """`async with Peer(url, channel) as peer:`; what is said on the channel is in `heard`."""

    def __init__(self, url: str, channel: str, runner: str = "peer") -> None:
        self.runner = runner
        self.heard: list[Said] = []
        self._channel = channel
        self._client: Any = cast("Any", Redis).from_url(url)
        self._wire = Wire()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        pubsub = self._client.pubsub()
        await pubsub.subscribe(self._channel)
        self._listening = asyncio.create_task(self._listen(pubsub))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._listening is not None
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self._client.aclose()

    async def say(self, *messages: Said) -> None:
        """Say something."""
        for message in messages:
            await self.publish(self._wire.encode(message))

    async def publish(self, data: bytes) -> None:
        """Publish any bytes."""
        await self._client.publish(self._channel, data)

    async def tell_of(self, *workers: str, started_at: float = 1000.0, **facts: Any) -> None:
        """Tell of workers."""
        entries = tuple(Entry(name, started_at=started_at, **facts) for name in workers)
        await self.say(Listing(source=self.runner, runner=self.runner, workers=entries))

    def of(self, kind: type[S], **facts: Any) -> list[S]:
        """Return what was heard of this kind, with these facts."""
        return [
            each
            for each in self.heard
            if isinstance(each, kind)
            and all(getattr(each, name) == value for name, value in facts.items())
        ]

    async def until(self, kind: type[S], count: int = 1, **facts: Any) -> list[S]:
        """Wait until so many were heard."""
        await eventually(lambda: len(self.of(kind, **facts)) >= count, within=WITHIN)
        return self.of(kind, **facts)

    async def _listen(self, pubsub: Any) -> None:
        try:
            async for message in pubsub.listen():
                if message["type"] == "message":
                    with contextlib.suppress(ValueError):
                        said = self._wire.decode(message["data"])
                        if said is not None:
                            self.heard.append(said)
        finally:
            await pubsub.aclose()
