"""A node in a process of its own whose worker blocks the event loop when it is told to.

python -m tests.transports.core.sleeper URL CHANNEL BEAT
"""

from __future__ import annotations

import asyncio
import sys
import time

from callboard import Child, DataMessage, JobRequest, Node, Supervisor, Worker, job, on
from callboard.transports.redis import RedisTransport

__all__ = ["Block", "main"]


class Block(DataMessage, wire="core.block"):
    """Blocks the loop for so many seconds; is answered then."""

    seconds: float


class Sleeper(Worker):
    """Blocks."""

    @on(Block)
    def block(self, message: Block) -> str:
        time.sleep(message.seconds)
        return "back"

    @job("echo")
    async def echo(self, request: JobRequest) -> object:
        return request.payload


async def main(url: str, channel: str, beat: float) -> None:
    """Run until the end."""
    tree = Supervisor([Child("sleeper", Sleeper)])
    transports = [RedisTransport(url, channel=channel)]
    await Node(
        tree, name="S", transports=transports, beat=beat, down_after=3 * beat, watchdog=False
    ).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
