"""The columns of the matrix: what is between the nodes, and how it breaks."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis

from callboard.examples.servers.postgres_server import POSTGRES, PostgresServer
from callboard.examples.servers.redis_server import REDIS, RedisServer
from callboard.examples.servers.server import LOOPBACK, Server, free_port
from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.pgmq.install import install
from callboard.transports.redis_channels import channel_of
from callboard.transports.transport import Transport
from callboard.transports.urls import transport_from_url
from tests.faults.fleet import DOWN_AFTER, Fleet
from tests.faults.stations import Near, Station
from tests.servers.fixtures import OTHERS_GIVE_WAY, execute
from tests.servers.installing import provided

__all__ = ["FLEETS", "PgmqFleet"]

S = TypeVar("S", bound=Server)


class LocalFleet(Fleet):
    """All nodes in one process."""

    async def open(self) -> None:
        self.bus = LocalBus()

    async def transport(self, name: str) -> Transport:
        return LocalTransport(self.bus)

    async def joining(self, name: str) -> Transport:
        return LocalTransport(self.bus)

    async def start(self, name: str, names: Sequence[str]) -> Station:
        station = Near(name, names, [await self.transport(name)], **self.settings)
        await station.post.start()
        return station


class BrokerFleet(Fleet, Generic[S]):
    """Nodes around a server of their own."""

    server: S

    async def open(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def close(self) -> None:
        await asyncio.to_thread(self.server.stop)

    async def break_down(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.start)


class RedisFleet(BrokerFleet[RedisServer]):
    """Over Redis."""

    def __init__(self) -> None:
        super().__init__()
        self.server = provided(REDIS, RedisServer)

    async def url(self, name: str) -> str:
        proxy = await self.proxy(name, self.server.port)
        return f"redis://{LOOPBACK}:{proxy.port}/0?channel=faults"

    async def left(self, name: str) -> list[str]:
        channel = channel_of("faults", name).decode()
        redis: Any = Redis  # its methods are not fully typed
        async with redis.from_url(self.server.url) as client:
            return [str(each) for each in await client.pubsub_channels(channel)]


class PgmqFleet(BrokerFleet[PostgresServer]):
    """Over PGMQ, by either backend, in a database of its own."""

    backend = "direct"
    owners = "callboard.queues"
    """The table that says whose a queue is."""

    numbers = itertools.count(1)

    def __init__(self, shared: PostgresServer | None = None) -> None:
        """Use a server that others use, too: one that is not to be broken, and is there already."""
        super().__init__()
        self.shared = shared
        self.server = shared or provided(POSTGRES, PostgresServer)
        self.database = f"faults_{next(self.numbers)}"

    async def open(self) -> None:
        if self.shared is None:
            await super().open()
        await self.run(f"CREATE DATABASE {self.database}", database="postgres")
        await self.install()

    async def close(self) -> None:
        if self.shared is None:
            await super().close()
        else:
            await self.run(f"DROP DATABASE {self.database} WITH (FORCE)", database="postgres")

    async def install(self) -> None:
        """Put what the transport needs into the database."""
        url = self.server.url_for(self.database)
        await install(url, isolated=self.backend == "isolated")

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.restart_empty)
        await self.run(f"CREATE DATABASE {self.database}", database="postgres")
        await self.install()

    async def url(self, name: str) -> str:
        proxy = await self.proxy(name, self.server.port)
        direct = self.server.url_for(self.database).replace(
            f":{self.server.port}/", f":{proxy.port}/"
        )
        return f"{direct}?channel=faults&backend={self.backend}"

    async def left(self, name: str) -> list[str]:
        """Return all queues but the caller's: what others have left."""
        own = f"SELECT queue FROM {self.owners} WHERE node = 'A'"
        listed = f"SELECT queue_name FROM pgmq.list_queues() WHERE queue_name NOT IN ({own})"
        return [str(queue) for (queue,) in await self.run(listed)]

    async def run(self, statement: str, *, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, to which the nodes' give way; return its rows."""
        url = self.server.url_for(database or self.database)
        return await asyncio.to_thread(execute, url, OTHERS_GIVE_WAY, statement)


class IsolatedFleet(PgmqFleet):
    """Over PGMQ, by the isolated backend."""

    backend = "isolated"
    owners = "callboard.members"


class Hubbed(Fleet):
    """Over WebSockets: the caller's node is the hub, and a connection is a node."""

    lasts = 0.9 * DOWN_AFTER

    async def open(self) -> None:
        self.port = free_port()

    async def transport(self, name: str) -> Transport:
        return transport_from_url(f"ws+listen://{LOOPBACK}:{self.port}")

    async def url(self, name: str) -> str:
        proxy = await self.proxy(name, self.port)
        return f"ws://{LOOPBACK}:{proxy.port}"

    async def left(self, name: str) -> list[str]:
        return [f"connection {each}" for each in range(self.proxies[name].connections)]

    async def break_down(self) -> None:
        for proxy in self.proxies.values():
            await proxy.refuse()

    async def come_back(self) -> None:
        for proxy in self.proxies.values():
            await proxy.listen()


FLEETS: dict[str, type[Fleet]] = {
    "local": LocalFleet,
    "redis": RedisFleet,
    "direct": PgmqFleet,
    "isolated": IsolatedFleet,
    "websocket": Hubbed,
}
