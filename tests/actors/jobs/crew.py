"""Workers that do what a test hands them, and a node for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from callboard import (
    Backoff,
    Child,
    JobRequest,
    LocalMessage,
    Node,
    Restarts,
    Supervisor,
    Worker,
    job,
    on,
)

Part = Callable[["Player"], Awaitable[Any]]
Task = Callable[["Player", JobRequest], Awaitable[Any]]


class Do(LocalMessage):
    """Do this in a message handler, and answer with what it returns."""

    part: Part


class Boom(Exception):
    pass


class Player(Worker):
    """Does what it is handed, in message handlers and in jobs."""

    @on(Do)
    async def do(self, message: Do) -> Any:
        return await message.part(self)

    @job("do")
    async def do_job(self, request: JobRequest) -> Any:
        task: Task = request.payload
        return await task(self, request)

    @job("in turn", sequential=True)
    async def in_turn(self, request: JobRequest) -> Any:
        task: Task = request.payload
        return await task(self, request)


def node_of(*specs: Child | str) -> Node:
    """A node with these children; a name alone is a `Player`. Each restarts 0.1 s after a crash."""
    children = [Child(spec, Player) if isinstance(spec, str) else spec for spec in specs]
    patient = Restarts(intensity=None, backoff=Backoff(min=0.1, factor=1, jitter=0))
    return Node(Supervisor(children, restarts=patient))


def now() -> float:
    return asyncio.get_running_loop().time()


async def never(worker: Player, request: JobRequest) -> None:
    await asyncio.Event().wait()
