"""Pipecat's buses between processes: `RedisBus` and `PgmqBus` with its direct backend.

Its Redis client gets more connections than redis-py's own limit of 100: each message in flight
takes one, and with the limit it fails.
"""

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pipecat.bus import BusJobRequestMessage
from pipecat.bus.network.pgmq import PgmqBus
from pipecat.bus.network.redis import RedisBus
from pipecat.pipeline.job_context import JobParams
from pipecat.pipeline.job_decorator import job as job_handler
from pipecat.registry.types import WorkerReadyData
from pipecat.workers.base_worker import BaseWorker
from pipecat.workers.runner import WorkerRunner

from .. import pairs
from ..between import Between, Crowd
from ..brokers import Broker
from ..kinds import Figures
from ..second import Up

PARAMS = JobParams(name="work", payload={"text": "work"})


class Server(BaseWorker):
    """Answers with what it was asked."""

    @job_handler(name="work")
    async def on_work(self, message: BusJobRequestMessage) -> None:
        """Completes the job with its payload."""
        await self.send_job_response(message.job_id, message.payload)


@asynccontextmanager
async def bus(broker: Broker) -> AsyncGenerator[Any, None]:
    """Connects to the broker."""
    if broker.kind == "redis":
        from redis.asyncio import Redis

        client = Redis.from_url(broker.url, max_connections=1000)
        yield RedisBus(redis=client)
        await client.aclose()
        return
    import asyncpg
    from pgmq.async_queue import PGMQueue

    class Named(PGMQueue):
        """Lists queues by name, as Pipecat expects it; the client of today gives records."""

        async def list_queues(self, *arguments: Any, **keywords: Any) -> Any:
            """Returns the names."""
            with warnings.catch_warnings(action="ignore"):
                found = await super().list_queues(*arguments, **keywords)
            return [getattr(each, "queue_name", each) for each in found]

    pool = await asyncpg.create_pool(broker.url, min_size=2, max_size=10)
    queue = Named(pool=pool, init_extension=False)
    await queue.init()
    yield PgmqBus(pgmq=queue)
    await pool.close()


@asynccontextmanager
async def running(broker: Broker, *workers: BaseWorker) -> AsyncGenerator[WorkerRunner, None]:
    """Runs a long-lived runner with these workers."""
    async with bus(broker) as shared:
        runner = WorkerRunner(handle_sigint=False, bus=shared)
        up = asyncio.Event()

        async def on_ready(_: WorkerRunner) -> None:
            up.set()

        runner.add_event_handler("on_ready", on_ready)
        task = asyncio.create_task(runner.run(auto_end=False))
        await up.wait()
        await runner.add_workers(*workers)
        for worker in workers:
            await known(runner, worker.name)
        yield runner
        await runner.cancel()
        await task


async def known(runner: WorkerRunner, name: str) -> None:
    """Waits until a worker is known."""
    found = asyncio.Event()

    async def on_ready(_: WorkerReadyData) -> None:
        found.set()

    await runner.registry.watch(name, on_ready)
    await found.wait()


async def serve(broker: Broker, number: int, up: Up) -> None:
    """Hosts the worker that does the jobs."""
    async with running(broker, Server("server")):
        await up()


async def bystand(broker: Broker, number: int, up: Up) -> None:
    """Hosts a worker that nobody talks to."""
    async with running(broker, Server(f"idle-{number}")) as runner:
        await known(runner, "server")
        await up()


@asynccontextmanager
async def calling(broker: Broker) -> AsyncGenerator[Callable[[], Awaitable[object]], None]:
    """Gives what has one job done."""
    driver = BaseWorker(f"driver-{os.getpid()}-{id(broker)}")

    async def do() -> None:
        async with driver.job("server", params=PARAMS):
            pass

    async with running(broker, driver) as runner:
        await known(runner, "server")
        yield do


def between(size: Between) -> Figures:
    """Does W7."""
    return pairs.between(__name__, size)


def crowd(size: Crowd) -> Figures:
    """Does W8."""
    return pairs.crowd(__name__, size)
