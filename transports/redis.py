"""RedisTransport: packets by publish and subscribe of Redis.

A node listens to two channels, its own and the announcements. Redis keeps nothing, and says of
nothing whether it arrived: the links above number, acknowledge and send again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from .codec import Codec
from .redis_address import RedisAddress, RedisConnection, packed
from .redis_channels import channel_of
from .redis_line import ROUNDS, Line, RedisLost, disconnect
from .transport import MUCH, Packet, Receive, Spare, Transport

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisTransport"]

LEAVE_WITHIN = 1.0
"""Seconds that a transport which stops gives Redis to take what is left to say."""

REMEMBERED = 4096
"""Names of channels that are kept."""


class RedisTransport(Transport):
    """Carries packets between nodes over one Redis, or any server that speaks its protocol.

    Which nodes know each other is a matter of `channel` alone: the number of the database that a
    URL may end with parts nobody, and neither does anything else.
    """

    _subscriber: Line | None = None
    _publisher: Line | None = None
    _looking: asyncio.Task[None] | None = None

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Redis | None = None,
        channel: str = "callboard",
        codec: Codec | None = None,
        silence: float = 4.0,
        insecure: bool = False,
    ) -> None:
        """Say which Redis: by a URL, or by a client whose settings are taken and that is not used.

        Without either it is `redis://localhost:6379`. `silence`: seconds after which a Redis that
        does not answer counts as gone. `insecure`: go without a password, not on loopback.

        Raises:
            InsecureRedis: there is no password, and it is not on loopback.
            TypeError: `client` is none of `redis.asyncio`.
            ValueError: another argument is wrong, or both URL and client are given.

        """
        super().__init__()
        if silence <= 0:
            raise ValueError(f"silence must be more than 0 seconds, is {silence:g}")
        channel_of(channel, None)
        self.channel = channel
        self.codec = codec
        self.silence = silence
        self._address = RedisAddress(url, client, silence=silence, insecure=insecure)
        self._channels: dict[str | None, bytes] = {}

    def __repr__(self) -> str:
        """Return where it connects to, without what is secret in it."""
        return f"{type(self).__name__}({self._address.shown!r}, channel={self.channel!r})"

    async def open(self, receive: Receive) -> None:
        """Subscribe, and make sure that it may publish.

        Raises:
            RedisLost: Redis cannot be reached, or refuses what is needed.

        """
        own = self._channel(self.node_name)

        def take(answer: object) -> bool:
            message = cast("list[bytes]", answer)
            if message[0] == b"message":
                if message[2]:
                    receive(message[2])
                return len(message[2]) >= MUCH
            if message[0] == b"pong":
                subscriber.answer_came()
            return False

        address = self._address
        subscriber = Line(address.make(), address.shown, take)
        publisher = Line(address.make(), address.shown, lambda _: publisher.answer_came())
        self._subscriber, self._publisher = subscriber, publisher
        try:
            async with asyncio.timeout(address.patience):
                everyone = self._channel(None)
                await subscriber.open(packed("SUBSCRIBE", own), packed("SUBSCRIBE", everyone))
                await publisher.open(packed("PUBLISH", own, b""))
        except TimeoutError as error:
            raise RedisLost(address.shown, "accepts, but does not answer") from error
        except Exception as error:
            raise RedisLost.of(address.shown, error) from error
        subscriber.read(self.lost)
        publisher.read(self.lost)
        self._looking = asyncio.create_task(self._look((subscriber, publisher)))

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Carry the packets, in one go.

        Raises:
            RedisLost: the connection has gone.

        """
        publisher = self._publisher
        if publisher is None:
            raise RedisLost(self._address.shown, "is not connected")
        channel = self._channel
        commands = [packed("PUBLISH", channel(to), data) for to, data in packets]
        if self.is_up:
            await publisher.send(commands, len(commands))
            return
        with contextlib.suppress(RedisLost, TimeoutError):  # it stops, and waits for nobody
            async with asyncio.timeout(LEAVE_WITHIN):
                await publisher.send(commands, len(commands))

    async def close(self) -> None:
        """Disconnect: with that the subscriptions are gone, too.

        What was said last has arrived by then: who hears it need not find out by the silence.
        """
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
        subscriber, self._subscriber = self._subscriber, None
        publisher, self._publisher = self._publisher, None
        if subscriber is None or publisher is None:
            return
        try:
            if subscriber.error is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LEAVE_WITHIN):
                        await publisher.settled()
        finally:
            await asyncio.wait([subscriber.close(), publisher.close()])

    def spare(self) -> Spare:
        """Return a connection that can publish from another thread."""
        return _RedisSpare(self._address, self.channel)

    async def _look(self, lines: Sequence[Line]) -> None:
        """Notice a Redis that neither answers nor goes."""
        while True:
            await asyncio.sleep(self.silence / ROUNDS)
            for line in lines:
                error = line.look()
                if error is not None:
                    self.lost(error)
                    return
                if line.wants_ping:
                    with contextlib.suppress(RedisLost):  # its reader says so
                        await line.ping()

    def _channel(self, node: str | None) -> bytes:
        name = self._channels.get(node)
        if name is None:
            if len(self._channels) >= REMEMBERED:
                self._channels.clear()
            name = self._channels[node] = channel_of(self.channel, node)
        return name


class _RedisSpare:
    """One connection, on the event loop of whoever opens it."""

    def __init__(self, address: RedisAddress, channel: str) -> None:
        self._address = address
        self._channelspace = channel
        self._connection: RedisConnection | None = None

    async def open(self) -> None:
        """Connect."""
        connection = self._connection = self._address.make()
        async with asyncio.timeout(self._address.patience):
            await connection.connect()

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Carry the packets, and wait until Redis has them."""
        connection = self._connection
        assert connection is not None, "open() goes before publish()"
        commands = [
            packed("PUBLISH", channel_of(self._channelspace, to), data) for to, data in packets
        ]
        async with asyncio.timeout(self._address.patience):
            await connection.send_packed_command(commands, check_health=False)
            for _ in commands:
                await connection.read_response(disable_decoding=True)

    async def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await disconnect(connection)
