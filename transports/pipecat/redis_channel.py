"""A Pipecat channel on Redis: one channel of publish and subscribe, of exactly the name given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import cast

from ..redis_address import RedisAddress, packed
from ..redis_line import ROUNDS, Line, RedisLost
from .channel import Lost, Take
from .wire import SIZE, Wire

__all__ = ["RedisChannel"]

LEAVE_WITHIN = 1.0
"""Seconds that Redis is given to take what is left to say."""


class RedisChannel:
    """Two connections to Redis: one that is subscribed, and one that publishes."""

    gap = 0.02
    settles = 0.0

    def __init__(self, address: RedisAddress, name: str, silence: float, size: int = SIZE) -> None:
        """Prepare to connect; a Redis that says nothing for `silence` seconds is gone."""
        self.wire = Wire(size)
        self._address = address
        self._name = name
        self._silence = silence
        self._lines: tuple[Line, Line] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def open(self, take: Take, lost: Lost) -> None:
        """Subscribe, and make sure that it may publish.

        Raises:
            RedisLost: Redis cannot be reached, or refuses what is needed.

        """

        def hear(answer: object) -> None:
            message = cast("list[bytes]", answer)
            if message[0] == b"message":
                if message[2]:
                    take(message[2])
            elif message[0] == b"pong":
                subscriber.answer_came()

        address = self._address
        subscriber = Line(address.make(), address.shown, hear)
        publisher = Line(address.make(), address.shown, lambda _: publisher.answer_came())
        self._lines = subscriber, publisher
        try:
            async with asyncio.timeout(address.patience):
                await subscriber.open(packed("SUBSCRIBE", self._name))
                await publisher.open(packed("PING"))
        except TimeoutError as error:
            raise RedisLost(address.shown, "accepts, but does not answer") from error
        except Exception as error:
            raise RedisLost.of(address.shown, error) from error
        subscriber.read(lost)
        publisher.read(lost)
        self._looking = asyncio.create_task(self._look(lost))

    async def publish(self, messages: Sequence[bytes]) -> None:
        """Say it to all, in one go.

        Raises:
            RedisLost: the connection has gone.

        """
        if self._lines is None:
            raise RedisLost(self._address.shown, "is not connected")
        commands = [packed("PUBLISH", self._name, each) for each in messages]
        await self._lines[1].send(commands, len(commands))

    async def close(self, *, leaving: bool) -> None:
        """Disconnect, once what was said last has arrived."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
        lines, self._lines = self._lines, None
        if lines is None:
            return
        subscriber, publisher = lines
        try:
            if leaving and publisher.error is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LEAVE_WITHIN):
                        await publisher.settled()
        finally:
            await asyncio.wait([subscriber.close(), publisher.close()])

    async def _look(self, lost: Lost) -> None:
        """Notice a Redis that neither answers nor goes."""
        while True:
            await asyncio.sleep(self._silence / ROUNDS)
            for line in self._lines or ():
                error = line.look()
                if error is not None:
                    lost(error)
                    return
                if line.wants_ping:
                    with contextlib.suppress(RedisLost):  # its reader says so
                        await line.ping()
