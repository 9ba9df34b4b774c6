"""Jobs that a tool has others do, shown to the user as they go."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, TypeVar

from callboard import Job, JobError, JobEvent, JobGroup, JobUpdate
from callboard.actors.frames.frame import ProgressFrame
from callboard.actors.llm import LLMWorker

__all__ = ["follow", "follow_all"]

R = TypeVar("R")


async def follow(worker: LLMWorker, job: Job[R], asked: str = "") -> R:
    """Have a job done, inside a tool, and return its answer; the user sees how it goes.

    `asked` is shown at its beginning, then each update, then how it has ended.

    Raises:
        JobError: it did not complete.

    """
    shown = _Shown(worker, job.label)
    try:
        async with job:
            await shown.show(job.worker, asked, job_id=job.id)
            async for event in job:
                await shown.update(event, job.id)
    except JobError as error:
        await shown.show(job.worker, str(error), error.status, job.id)
        raise
    except asyncio.CancelledError:
        await shown.show(job.worker, "", "cancelled", job.id)
        raise
    await shown.show(job.worker, "", "completed", job.id)
    return job.response


async def follow_all(
    worker: LLMWorker, group: JobGroup[R], name: str, members: tuple[str, ...], asked: str = ""
) -> dict[str, R]:
    """Have a group of jobs done, and return the answers by worker; as `follow`.

    Raises:
        GroupFailed: a member did not complete.

    """
    shown = _Shown(worker, name, round_id=uuid.uuid4().hex)
    try:
        async with group:
            for member in members:
                await shown.show(member, asked)
            async for event in group:
                await shown.update(event)
                await shown.ended(group)
    finally:
        await shown.ended(group)
    return group.responses


class _Shown:
    """What the user has been shown of some jobs."""

    def __init__(self, worker: LLMWorker, job: str, round_id: str = "") -> None:
        self._worker = worker
        self._job = job
        self._round = round_id
        self._ended: set[str] = set()

    async def show(self, worker: str, text: str, status: str = "running", job_id: str = "") -> None:
        # Not by `push_frame`: what a tool pushes is held until it has ended.
        number = job_id or f"{worker}/{self._round}"
        await self._worker.llm.emit(ProgressFrame(worker, self._job, text, status, number))

    async def update(self, event: JobEvent, job_id: str = "") -> None:
        if isinstance(event, JobUpdate):
            await self.show(event.worker, str(event.data), job_id=job_id)

    async def ended(self, group: JobGroup[Any]) -> None:
        """Show who has ended since."""
        for worker in [name for name in group.responses if name not in self._ended]:
            self._ended.add(worker)
            await self.show(worker, "", "completed")
        for worker, error in group.errors.items():
            if worker not in self._ended:
                self._ended.add(worker)
                await self.show(worker, str(error), error.status)
