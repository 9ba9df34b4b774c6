"""Jobs between processes: nodes over `RedisTransport` and `PgmqTransport`."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from callboard import Child, JobRequest, Node, Supervisor, Worker, WorkerReady
from callboard import job as job_handler
from callboard.transports.transport import Transport
from callboard.transports.urls import transport_from_url

from .. import pairs
from ..between import Between, Crowd
from ..brokers import Broker
from ..kinds import Figures
from ..second import Up

PAYLOAD = {"text": "work"}


class Server(Worker):
    """Answers with what it was given."""

    @job_handler("work")
    async def work(self, request: JobRequest) -> object:
        return request.payload


def transport(broker: Broker) -> Transport:
    """The one for the broker."""
    return transport_from_url(broker.url)


def node(name: str, broker: Broker, *children: Child) -> Node:
    """A node with these workers."""
    tree = Supervisor(children)
    return Node(tree, name=name, transports=[transport(broker)], handle_signals=False)


async def serve(broker: Broker, number: int, up: Up) -> None:
    """Hosts the worker that does the jobs."""
    async with node("server", broker, Child("server", Server)):
        await up()


async def bystand(broker: Broker, number: int, up: Up) -> None:
    """Hosts a worker that nobody talks to, and knows the server."""
    async with node(f"bystander-{number}", broker, Child(f"idle-{number}", Server)) as mine:
        await known(mine, "server")
        await up()


async def member(broker: Broker, number: int, up: Up) -> None:
    """Hosts one of a fleet."""
    async with node(f"node-{number}", broker, Child(f"member-{number}", Server)):
        await up()


@asynccontextmanager
async def calling(broker: Broker) -> AsyncGenerator[Callable[[], Awaitable[object]], None]:
    """Gives what has one job done."""
    async with node(f"caller-{os.getpid()}", broker) as mine:
        await known(mine, "server")
        yield lambda: mine.request("server", "work", PAYLOAD)


async def known(mine: Node, worker: str) -> None:
    """Waits until a worker is known."""
    found = asyncio.Event()

    def ready(_: WorkerReady) -> None:
        found.set()

    mine.registry.watch(worker, found, ready)
    await found.wait()
    mine.registry.unwatch(found)


def between(size: Between) -> Figures:
    """Does W7."""
    return pairs.between(__name__, size)


def crowd(size: Crowd) -> Figures:
    """Does W8."""
    return pairs.crowd(__name__, size)
