"""What a node offers to code that is no worker: telling, asking, jobs, activation."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar, overload

from ..actors.errors import NotStarted
from ..actors.jobs.caller import Job
from ..actors.jobs.group import JobGroup
from ..actors.jobs.messages import JobMessage
from ..actors.message import Lane
from ..actors.ref import WorkerRef
from ..actors.reply import Reply
from ..actors.worker import Worker

__all__ = ["Front"]

R = TypeVar("R")


class Front:
    """Sends and asks in the name of a worker that the node keeps for this, outside its tree."""

    name: str
    _front: Worker | None = None

    def tell(self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None) -> None:
        """Send a message; see `Worker.tell`."""
        self._worker.tell(worker, message, lane=lane)

    async def send(
        self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None
    ) -> None:
        """Send a message, waiting for room; see `Worker.send`."""
        await self._worker.send(worker, message, lane=lane)

    def ask(
        self,
        worker: WorkerRef | str,
        message: Any,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
        wait: bool = True,
    ) -> Reply:
        """Ask a worker; see `Worker.ask`."""
        return self._worker.ask(worker, message, timeout=timeout, lane=lane, wait=wait)

    @overload
    def request(
        self, worker: str, job: JobMessage[R], *, timeout: float | None = None
    ) -> Awaitable[R]: ...

    @overload
    def request(
        self,
        worker: str,
        job: str | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> Awaitable[Any]: ...

    def request(
        self, worker: str, job: Any = None, payload: Any = None, *, timeout: float | None = None
    ) -> Awaitable[Any]:
        """Ask for a job, to be awaited for its answer; see `Worker.request`."""
        return self._worker.request(worker, job, payload, timeout=timeout)

    def job(
        self,
        worker: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job:
        """Return a job to be asked for by `async with`; see `Worker.job`."""
        return self._worker.job(worker, job, payload, timeout=timeout, lane=lane)

    def start_job(
        self,
        worker: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job:
        """Ask for a job and return its handle at once; see `Worker.start_job`."""
        return self._worker.start_job(worker, job, payload, timeout=timeout, lane=lane)

    def job_group(
        self,
        *workers: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup:
        """Return a group of jobs to be asked for by `async with`; see `Worker.job_group`."""
        return self._worker.job_group(
            *workers, job=job, payload=payload, timeout=timeout, cancel_on_error=cancel_on_error
        )

    def start_job_group(
        self,
        *workers: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup:
        """Ask for a group of jobs and return its handle at once; see `Worker.start_job_group`."""
        return self._worker.start_job_group(
            *workers, job=job, payload=payload, timeout=timeout, cancel_on_error=cancel_on_error
        )

    async def activate(self, name: str, args: Any = None) -> None:
        """Activate a worker; see `Worker.activate`."""
        await self._worker.activate(name, args)

    async def deactivate(self, name: str) -> None:
        """Deactivate a worker; see `Worker.deactivate`."""
        await self._worker.deactivate(name)

    @property
    def _worker(self) -> Worker:
        if self._front is None:
            raise NotStarted(f"the Node {self.name!r} was not started: use 'async with', or run()")
        return self._front
