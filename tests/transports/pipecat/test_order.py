"""In which order a Pipecat process takes what a queue of PGMQ holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pgmq.async_queue import PGMQueue
from pipecat.bus.network.pgmq_backends import DirectPgmqBackend

from tests.servers.fixtures import execute
from tests.transports.pipecat.brokers import in_order

pytestmark = pytest.mark.realtime


async def read_out_of_place(url: str) -> list[str]:
    """Have Pipecat read two messages, of which the later one stands before the other."""
    queue: Any = PGMQueue(conn_string=url, pool_size=2, init_extension=False)
    await queue.init()
    backend: Any = DirectPgmqBackend(queue)
    name = await backend.join("test")

    async def read() -> list[str]:
        messages = await backend.read(
            name, channel="test", vt=30, qty=10, max_poll_seconds=5, poll_interval_ms=50
        )
        for message in messages:
            await backend.archive(name, channel="test", msg_id=message.msg_id)
        return [each.message["text"] for each in messages]

    async def send(text: str) -> None:
        await queue.send(name, {"text": text})

    for _ in range(5):
        await send("to make room")
    await read()
    await send("first")
    # The places of what is archived are free from now on.
    await asyncio.to_thread(execute, url, f"VACUUM pgmq.q_{name}")
    await send("second")
    found = await read()
    await backend.leave(name, channel="test")
    await queue.pool.close()
    return found


@pytest.mark.check("M141")
async def test_the_statements_of_the_guide_have_a_pipecat_process_read_in_order(
    pgmq_database: str,
) -> None:
    assert await read_out_of_place(pgmq_database) == ["second", "first"], "is it mended there?"
    await asyncio.to_thread(execute, pgmq_database, *in_order())
    assert await read_out_of_place(pgmq_database) == ["first", "second"]
