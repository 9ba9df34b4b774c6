"""Our workers who meet those of Pipecat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from callboard import Backoff, Child, JobFailed, JobRequest, Restarts, Supervisor, Worker, job
from callboard.actors.testing import eventually

__all__ = ["Log", "Ours", "is_ready", "ours", "tree", "until"]

Log = list[tuple[str, Any]]

WITHIN = 60.0


class Ours(Worker):
    """Does jobs, and tells of its life in a list."""

    def __init__(self, log: Log, *, active: bool = True) -> None:
        super().__init__()
        self.log = log
        self.active = active

    async def on_start(self) -> None:
        self.log.append(("started", self.name))
        self.watch_workers("doer")

    async def on_activated(self, args: Any) -> None:
        self.log.append(("activated", (self.name, args)))

    async def on_deactivated(self) -> None:
        self.log.append(("deactivated", self.name))

    async def on_worker_ready(self, data: Any) -> None:
        self.log.append(("ready", (data.worker, data.node)))

    @job("activate")
    async def activate_another(self, request: JobRequest) -> None:
        name, args, instead = request.payload
        await self.activate(name, args, deactivate_self=instead)

    @job("deactivate")
    async def deactivate_another(self, request: JobRequest) -> None:
        await self.deactivate(request.payload)

    @job("is_active")
    async def is_active(self, request: JobRequest) -> bool:
        return self.active

    @job("echo")
    async def echo(self, request: JobRequest) -> dict[str, Any]:
        return {"echo": request.payload}

    @job("plain")
    async def plain(self, request: JobRequest) -> int:
        return 5

    @job("nothing")
    async def nothing(self, request: JobRequest) -> None:
        return None

    @job("steps")
    async def steps(self, request: JobRequest) -> dict[str, Any]:
        for step in range(3):
            await request.update({"step": step})
        return {"steps": 3}

    @job("stream")
    async def stream(self, request: JobRequest) -> AsyncIterator[Any]:
        for part in ("a", "b", "c"):
            yield {"text": part}

    @job("fail")
    async def fail(self, request: JobRequest) -> None:
        raise JobFailed("no such thing", response={"code": 7})

    @job("crash")
    async def crash(self, request: JobRequest) -> None:
        raise RuntimeError("it broke")

    @job("odd")
    async def odd(self, request: JobRequest) -> set[int]:
        return {1}

    @job("slow")
    async def slow(self, request: JobRequest) -> None:
        self.log.append(("begun", request.id))
        try:
            await asyncio.sleep(600)
        finally:
            self.log.append(("ended", request.cancelled))

    async def on_job_progress(self, job: JobRequest) -> None:
        await job.update({"asked": True})

    @job()
    async def other(self, request: JobRequest) -> dict[str, Any]:
        return {"default": request.payload}


def ours(name: str, log: Log, **settings: Any) -> Child:
    """One of our workers."""
    return Child(name, partial(Ours, log, **settings))


def tree(*children: Child) -> Supervisor:
    """Our workers; what fails begins anew at once."""
    return Supervisor(list(children), restarts=Restarts(1000, backoff=Backoff(min=0)))


def is_ready(node: Any, name: str) -> bool:
    """Whether the node knows a worker of that name to be ready."""
    known = node.runtime.registry.find(name)
    return known is not None and known.ready


async def until(condition: Callable[[], object]) -> None:
    """Wait for it, patiently: several processes share the machine."""
    await eventually(condition, within=WITHIN)
