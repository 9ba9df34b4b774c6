"""Blocking code: a `ThreadWorker` may block, and nobody else waits for it.

    $ python -m callboard.examples.blocking
    tick 1
    tick 2
    tick 3
    the scanner has read 'contract.pdf'

A worker's handlers share the event loop, so they must never block it. Those of a `ThreadWorker`
run on a thread of its own, one at a time; all else is as with any worker.
"""

import asyncio
import time

from callboard import Child, DataMessage, Node, Supervisor, ThreadWorker, Worker, on


class Scan(DataMessage):
    document: str


class Tick(DataMessage):
    pass


class Scanner(ThreadWorker):
    @on(Scan)
    def scan(self, message: Scan) -> str:
        time.sleep(0.2)  # a library that knows nothing of async
        return f"the {self.name} has read {message.document!r}"


class Clock(Worker):
    def on_start(self) -> None:
        self.ticks = 0

    @on(Tick)
    def tick(self, _: Tick) -> None:
        self.ticks += 1
        print("tick", self.ticks)


class Tree(Supervisor):
    children = [Child("scanner", Scanner), Child("clock", Clock)]


async def main() -> None:
    async with Node(Tree) as node:
        scanned = node.ask("scanner", Scan("contract.pdf"))
        for _ in range(3):
            await node.ask("clock", Tick())
        print(await scanned)


if __name__ == "__main__":
    asyncio.run(main())
