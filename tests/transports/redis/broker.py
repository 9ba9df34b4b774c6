"""What tests ask of a Redis itself: who listens to what, and what passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis

__all__ = ["Broker", "until"]

WITHIN = 20.0


async def until(look: Callable[[], Awaitable[object]]) -> None:
    """Wait until a question is answered with something true."""
    async with asyncio.timeout(WITHIN):
        while not await look():  # noqa: ASYNC110 - it is the server that is asked
            await asyncio.sleep(0.01)


class Broker:
    """`async with Broker(server.url) as broker:`; everything that is published is noted."""

    def __init__(self, url: str, **settings: Any) -> None:
        made: Any = Redis
        self.client: Any = made.from_url(url, **settings)
        self._all: Any = self.client.pubsub()
        self.passed: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        await self._all.psubscribe("*")
        await self._all.get_message(timeout=5)
        await self.client.ping()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._all.aclose()
        await self.client.aclose()

    async def channels(self, prefix: str) -> list[str]:
        """Return the channels with this beginning that somebody listens to, without it."""
        found: list[bytes] = await self.client.pubsub_channels(f"{prefix}*")
        return sorted(each.decode().removeprefix(prefix) for each in found)

    async def gone(self, prefix: str) -> None:
        """Wait until nobody listens to such a channel: Redis sees an end a little later."""

        async def looked() -> bool:
            return not await self.channels(prefix)

        await until(looked)

    async def look(self) -> list[tuple[str, bytes]]:
        """Return what has passed, empty messages left out, and begin anew."""
        # An own message behind all the others shows where they end.
        await self.client.publish("mark", b"")
        while True:
            message: Any = await self._all.get_message(timeout=5)
            assert message is not None, "the mark did not come"
            channel = message["channel"].decode()
            if channel == "mark":
                passed, self.passed = self.passed, []
                return passed
            if message["data"]:
                self.passed.append((channel, message["data"]))

    async def others(self) -> list[Any]:
        """Return the connections that are not this one's own."""
        own = await self.client.client_id()
        listed: Any = await self.client.client_list()
        return [each for each in listed if int(each["id"]) != own and each["psub"] == "0"]

    async def kill(self, *, subscribers: bool) -> int:
        """End the others that have subscribed, or that have not; return how many."""
        found = [each for each in await self.others() if (each["sub"] != "0") == subscribers]
        for each in found:
            await self.client.execute_command("CLIENT", "KILL", "ID", each["id"])
        return len(found)
