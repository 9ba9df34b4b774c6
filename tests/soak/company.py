"""The company of the soak: workers that answer, fail, crash, stream, block and drop, at random."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import ClassVar

from callboard import (
    Backoff,
    Child,
    DataMessage,
    DynamicSupervisor,
    JobFailed,
    JobRequest,
    Restarts,
    Supervisor,
    SystemMessage,
    ThreadWorker,
    Worker,
    job,
    on,
)

HANDLED: Counter[str] = Counter()
"""Messages that a handler has begun with, by worker."""

POLICY = Restarts(intensity=None, backoff=Backoff(min=0.005, max=0.05))


class Blow(DataMessage):
    """One message of a flood."""

    crash: bool = False


class Shake(SystemMessage):
    """Makes its worker crash, ahead of everything that waits."""


class Server(Worker):
    """Does jobs of every kind; some of them end badly."""

    @on(Shake)
    async def shake(self, _: Shake) -> None:
        raise RuntimeError("shaken")

    @job("quick")
    async def quick(self, request: JobRequest) -> object:
        return request.payload

    @job("slow")
    async def slow(self, request: JobRequest) -> object:
        await asyncio.sleep(random.uniform(0, 0.05))
        await request.update("half")
        await asyncio.sleep(random.uniform(0, 0.05))
        return request.payload

    @job("in_turn", sequential=True)
    async def in_turn(self, request: JobRequest) -> object:
        await asyncio.sleep(random.uniform(0, 0.005))
        return request.payload

    @job("stream")
    async def stream(self, request: JobRequest):  # type: ignore[no-untyped-def]
        for number in range(20):
            yield number
            if number % 5 == 0:
                await asyncio.sleep(0.001)

    @job("fail")
    async def fail(self, request: JobRequest) -> None:
        raise JobFailed("on purpose")

    @job("raise")
    async def raise_it(self, request: JobRequest) -> None:
        raise ValueError("by accident")

    @job("later")
    async def later(self, request: JobRequest) -> None:
        request.defer()
        asyncio.get_running_loop().call_later(0.02, request.respond, request.payload)

    @job("nested")
    async def nested(self, request: JobRequest) -> object:
        other = f"server-{random.randrange(4)}"
        return await self.request(other, random.choice(["quick", "slow"]), request.payload)


class Fragile(Server):
    """Crashes with its jobs."""

    job_errors = "crash"


class Blocking(ThreadWorker):
    """Blocks its thread, and crashes now and then."""

    @job("quick")
    def quick(self, request: JobRequest) -> object:
        time.sleep(random.uniform(0, 0.003))
        return request.payload

    @on(Shake)
    def shake(self, _: Shake) -> None:
        raise RuntimeError("shaken")


class Basin(Worker):
    """Is flooded."""

    name_of: ClassVar[str] = "basin"

    @on(Blow)
    async def blow(self, message: Blow) -> None:
        HANDLED[self.name] += 1
        if message.crash:
            raise RuntimeError("flooded")

    @on(Shake)
    async def shake(self, _: Shake) -> None:
        raise RuntimeError("shaken")


class Passing(DynamicSupervisor):
    """Holds workers that come and go."""

    restarts = POLICY


class Company(Supervisor):
    """Everything that the soak shakes."""

    restarts = POLICY
    children = (
        *[Child(f"server-{number}", Server) for number in range(4)],
        Child("fragile", Fragile),
        Child("blocking", Blocking),
        Child("basin-reject", Basin, bound=500),
        Child("basin-oldest", Basin, bound=500, overflow="drop_oldest"),
        Child("basin-newest", Basin, bound=500, overflow="drop_newest", mailbox="drop"),
        Child("basin-wait", Basin, bound=500, overflow="wait"),
        Child("passing", Passing),
    )
