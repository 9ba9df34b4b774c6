"""Trees with work that takes as long as the test wants."""
# ruff: noqa: T201, ASYNC110, ASYNC240, ASYNC251 (tests see what is printed; some block on purpose)

import asyncio
import os
import time
from pathlib import Path

from callboard import Child, DataMessage, Supervisor, Worker, on

RELEASED = Path(os.environ.get("RELEASED", "/nowhere"))


class Play(DataMessage):
    pass


class Player(Worker):
    async def on_start(self) -> None:
        self.actor_ref.tell(Play())

    @on(Play)
    async def play(self, message: Play) -> None:
        print("begun", flush=True)
        while not RELEASED.exists():
            await asyncio.sleep(0.02)
        print("finished", flush=True)

    async def on_stop(self) -> None:
        print("player stopped", flush=True)


class Neighbour(Worker):
    async def on_stop(self) -> None:
        print("neighbour stopped", flush=True)


class Busy(Supervisor):
    children = [Child("neighbour", Neighbour), Child("player", Player, shutdown=0.2)]


class Clinging(Worker):
    async def on_start(self) -> None:
        print("begun", flush=True)

    async def on_stop(self) -> None:
        print("clinging", flush=True)
        await asyncio.sleep(3600)


class Sticky(Supervisor):
    children = [Child("clinging", Clinging, shutdown=None)]


class Blocker(Player):
    @on(Play)
    async def play(self, message: Play) -> None:
        print("begun", flush=True)
        while not RELEASED.exists():
            time.sleep(0.02)


class Blocked(Supervisor):
    children = [Child("blocker", Blocker)]


class Closer(Player):
    @on(Play)
    async def play(self, message: Play) -> None:
        await super().play(message)
        await self.node.drain("bye")
        await asyncio.sleep(3600)


class Closing(Supervisor):
    children = [Child("neighbour", Neighbour), Child("closer", Closer, shutdown=0.2)]


class Slow(Worker):
    async def on_start(self) -> None:
        print("begun", flush=True)
        await asyncio.sleep(3600)


class SlowStart(Supervisor):
    children = [Child("neighbour", Neighbour), Child("slow", Slow, start_timeout=None)]


class SlowStartAtWork(Supervisor):
    children = [*Busy.children, Child("slow", Slow, start_timeout=None)]
