"""Joining a channel of Pipecat: `PipecatRedisTransport` and `PipecatPgmqTransport`.

    Node(tree, transports=[PipecatRedisTransport("redis://broker:6379", channel="pipecat:acme")])

Workers of unmodified Pipecat processes on that channel are then known here as workers of other
nodes are, and ours there: for jobs, activation and hand-over, and frames. Nothing here imports
Pipecat.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, cast
from weakref import WeakKeyDictionary

from ...actors.frames.frame import Direction, Frame
from ...actors.frames.worker import FrameWorker
from ...actors.handlers import runtime_handler
from ..masking import mask_url
from ..router import Router
from ..transport import Carriage, Packet, Receive, Transport
from .channel import Channel
from .gateway import Gateway
from .their_bridges import ChannelEnd, Crossed
from .wire import SIZE

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["PipecatPgmqTransport", "PipecatRedisTransport", "PipecatTransport"]

LEAVE_WITHIN = 2.0
"""Seconds for what is left to say when the transport stops."""


class PipecatTransport(Transport, FrameWorker):
    """A node's place on a channel of Pipecat; a subclass says over what."""

    _channel: Channel | None = None
    _gateway: Gateway | None = None

    def __init__(
        self,
        channel: str,
        *,
        job_within: float = 60.0,
        probe: float = 10.0,
        obey_end: bool = False,
        size: int = SIZE,
    ) -> None:
        """Say which channel.

        Over there nobody says that a job was not answered. So one that was asked for without a
        timeout fails after `job_within` seconds in which nothing was heard of it. A process that
        is silent is asked for a sign of life each `probe` seconds, and is down after three that it
        left unanswered. Any process there can tell all others to end: this node does so only with
        `obey_end`. `size`: bytes of one message.

        Raises:
            ValueError: a number is not above zero, or the channel is no text to be printed.

        """
        super().__init__()
        for name, number in (("job_within", job_within), ("probe", probe), ("size", size)):
            if not number > 0:
                raise ValueError(f"{name} must be more than 0, is {number!r}")
        if not channel or not channel.isprintable():
            raise ValueError(f"channel must be a printable text, is {channel!r}")
        self.channel = channel
        self.job_within = job_within
        self.probe = probe
        self.obey_end = obey_end
        self.size = size
        self._gateways: WeakKeyDictionary[Carriage, Gateway] = WeakKeyDictionary()

    # -- what a subclass says ----

    def make_channel(self, gateway: Gateway) -> Channel:
        """Return a new connection, not yet open."""
        raise NotImplementedError

    # -- the transport ----

    @property
    def gateway(self) -> Gateway:
        """What this node and the channel know of each other."""
        assert self._gateway is not None, "an attached transport has a gateway"
        return self._gateway

    def attached(self, carriage: Carriage) -> Self:
        """Return the next incarnation, for this node."""
        gateway = self._gateways.get(carriage)
        if gateway is None or gateway.left:
            gateway = self._gateways[carriage] = Gateway(cast("Router", carriage), self)
        made = super().attached(gateway)
        made._gateway = gateway
        return made

    async def on_start(self) -> None:
        """Begin to connect, and offer our workers the bridges of theirs."""
        await super().on_start()
        self.gateway.crossing.theirs.begin(self)

    def open_end(self, end: ChannelEnd) -> None:
        """Begin to offer an end to our workers; what they say goes out to all."""

        async def speak(frame: Frame, direction: Direction) -> None:
            self.gateway.crossing.theirs.spoken(end, frame, direction)

        self.open_bridge(end, speak)

    @runtime_handler(Crossed)
    async def _crossed(self, message: Crossed) -> None:
        await self.gateway.crossing.theirs.crossed(message.said)

    async def open(self, receive: Receive) -> None:
        """Connect, and listen to what is said."""
        channel = self._channel = self.make_channel(self.gateway)
        self.gateway.speaks(channel)
        await channel.open(receive, self.lost)

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Say it on the channel."""
        channel = self._channel
        if channel is None:
            raise ConnectionError(f"{self!r} is not open")
        messages = [packet.data for packet in packets]
        if self.is_up:
            await channel.publish(messages)
            self.gateway.published()
            return
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):  # it stops
            async with asyncio.timeout(LEAVE_WITHIN):
                await channel.publish(messages)

    async def close(self) -> None:
        """Disconnect."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(leaving=self._parting)

    async def on_stop(self) -> None:
        """Say that this node's workers are gone, and disconnect."""
        self._parting = True
        await super().on_stop()

    _parting = False


class PipecatRedisTransport(PipecatTransport):
    """A node's place on a channel of Pipecat over Redis, as its `RedisBus` uses it."""

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Redis | None = None,
        channel: str = "pipecat:bus",
        silence: float = 4.0,
        insecure: bool = False,
        job_within: float = 60.0,
        probe: float = 10.0,
        obey_end: bool = False,
        size: int = SIZE,
    ) -> None:
        """Say which Redis, as for `RedisTransport`, and which channel, as for `PipecatTransport`.

        Raises:
            InsecureRedis: there is no password, and it is not on loopback.
            TypeError: `client` is none of `redis.asyncio`.
            ValueError: another argument is wrong, or both URL and client are given.

        """
        from ..redis_address import RedisAddress

        super().__init__(channel, job_within=job_within, probe=probe, obey_end=obey_end, size=size)
        if silence <= 0:
            raise ValueError(f"silence must be more than 0 seconds, is {silence:g}")
        self.silence = silence
        self._address = RedisAddress(url, client, silence=silence, insecure=insecure)

    def __repr__(self) -> str:
        """Show where it connects to, without what is secret in it."""
        return f"{type(self).__name__}({self._address.shown!r}, channel={self.channel!r})"

    def make_channel(self, gateway: Gateway) -> Channel:
        """Return a new connection to Redis."""
        from .redis_channel import RedisChannel

        return RedisChannel(self._address, self.channel, self.silence, self.size)


class PipecatPgmqTransport(PipecatTransport):
    """A node's place on a channel of Pipecat over PGMQ, as its `PgmqBus` uses it."""

    def __init__(
        self,
        url: str | None = None,
        *,
        client: object = None,
        channel: str = "pipecat_bus",
        isolated: bool = False,
        job_within: float = 60.0,
        probe: float = 10.0,
        obey_end: bool = False,
        size: int = SIZE,
    ) -> None:
        """Say which database and which channel, as for `PgmqTransport` and `PipecatTransport`.

        `isolated` is for a login that may only execute the five functions `bus_join`,
        `bus_publish`, `bus_subscribe`, `bus_archive` and `bus_leave` of the deployment.

        Raises:
            ValueError: none or both of URL and client are given, or another argument is wrong.

        """
        super().__init__(channel, job_within=job_within, probe=probe, obey_end=obey_end, size=size)
        if (url is None) == (client is None):
            raise ValueError("give a URL or a client of Postgres, one of them")
        from ..pgmq import connections

        self.isolated = isolated
        self._url = url
        self._pool = connections.FromPool(client) if client is not None else None

    def __repr__(self) -> str:
        """Show where it connects to, without what is secret in it."""
        where = mask_url(self._url) if self._url is not None else "a pool"
        return f"{type(self).__name__}({where!r}, channel={self.channel!r})"

    async def on_start(self) -> None:
        """Refuse a client that cannot work, and begin to connect."""
        if self._pool is not None:
            self._pool.check()
        await super().on_start()

    @property
    def queue(self) -> str:
        """The name of the node's queue, once there is one."""
        return self.gateway.queue

    def make_channel(self, gateway: Gateway) -> Channel:
        """Return new connections to Postgres."""
        from ..pgmq.connections import FromUrl
        from .pgmq_channel import DirectQueues, IsolatedQueues, PgmqChannel

        application = f"callboard {self.node_name}"
        connections = self._pool or FromUrl(str(self._url), application)
        queues = IsolatedQueues(self.channel) if self.isolated else DirectQueues(self.channel)
        return PgmqChannel(connections, queues, gateway, self.size)
