"""The limits: what the brokers' own clients need for a message there and one back, and no more.

Over Redis: `publish` of redis-py and its reader, the fastest that it offers. Over PGMQ: one
`pgmq.send` with one NOTIFY there, and the same back; nobody reads or deletes the rows.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from .. import pairs
from ..between import Between
from ..brokers import Broker
from ..kinds import Figures
from ..second import Up

PAYLOAD = {"text": "work"}
SEND = "SELECT pgmq.send($1, $2::jsonb), pg_notify($1, $3)"

Take = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def redis_end(url: str, mine: str, take: Take) -> AsyncGenerator[Any, None]:
    """Listens on one channel; gives what publishes."""
    from redis.asyncio import Redis

    client = Redis.from_url(url, max_connections=1000)
    listener = client.pubsub()
    await listener.subscribe(mine)

    async def read() -> None:
        async for message in listener.listen():
            if message["type"] == "message":
                await take(message["data"].decode())

    reader = asyncio.create_task(read())
    yield client.publish
    reader.cancel()
    with suppress(asyncio.CancelledError):
        await reader
    await listener.aclose()
    await client.aclose()


@asynccontextmanager
async def pgmq_end(url: str, mine: str, take: Take) -> AsyncGenerator[Any, None]:
    """Listens for notifications; gives what sends a row with one."""
    import asyncpg

    pool = await asyncpg.create_pool(url, min_size=4, max_size=4)
    listener = await asyncpg.connect(url)
    tasks: set[asyncio.Task[None]] = set()

    def heard(_: object, __: int, ___: str, number: str) -> None:
        task = asyncio.ensure_future(take(number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await pool.execute("SELECT pgmq.create($1)", mine)
    await listener.add_listener(mine, heard)

    async def send(to: str, number: str) -> None:
        await pool.execute(SEND, to, json.dumps({"id": number, **PAYLOAD}), number)

    yield send
    await listener.close()
    await pool.close()


def end(broker: Broker, mine: str, take: Take) -> Any:
    """The end of one process."""
    ends = {"redis": redis_end, "pgmq": pgmq_end}
    return ends[broker.kind](broker.url, mine, take)


async def serve(broker: Broker, number: int, up: Up) -> None:
    """Sends back whatever comes."""

    async def answer(text: str) -> None:
        await send("caller", text)

    async with end(broker, "server", answer) as send:
        await up()


@asynccontextmanager
async def calling(broker: Broker) -> AsyncGenerator[Callable[[], Awaitable[object]], None]:
    """Gives what sends a message there and waits for the one that comes back."""
    waiting: dict[str, asyncio.Future[None]] = {}
    numbers = iter(range(1 << 60))

    async def take(text: str) -> None:
        waiting.pop(text).set_result(None)

    async with end(broker, "caller", take) as send:

        async def do() -> None:
            number = str(next(numbers))
            back = waiting[number] = asyncio.get_running_loop().create_future()
            await send("server", number)
            await back

        yield do


def between(size: Between) -> Figures:
    """Does W7."""
    return pairs.between(__name__, size)
