"""Telling, asking and giving jobs, by ref or by name: what workers do, and nodes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from typing import Any, TypeVar, cast, overload

from .cell import Cell
from .jobs.caller import Job, JobCaller
from .jobs.events import Unread
from .jobs.group import JobGroup
from .jobs.messages import JobMessage
from .message import Lane, lane_for
from .ref import WorkerRef
from .registry import Registration
from .reply import Reply

__all__ = ["Asking"]

R = TypeVar("R")


class Asking:
    """Tells, asks and gives jobs to workers, in the name of the worker of one place."""

    _asked: JobCaller | None = None
    _names: Mapping[str, Registration] | None = None
    """The registry's own table: a send by name costs one look into it."""

    @property
    def _place(self) -> Cell:
        """The place in whose name is asked."""
        raise NotImplementedError

    @property
    def _caller(self) -> JobCaller:
        if self._asked is None:
            self._asked = JobCaller(self._place)
        return self._asked

    # -- sending ----

    def tell(self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None) -> None:
        """Send a message to a worker, by ref or name; a name that nobody has is a dead letter.

        Raises:
            NoActor, MailboxFull, LaneReserved: see `WorkerRef.tell`.

        """
        if isinstance(worker, str):
            names = self._names
            if names is None:
                names = self._names = self._place.runtime.registry.names_known
            known = names.get(worker)
            if known is None:
                runtime = self._place.runtime
                entry = (message, self._place.ref, lane_for(message, lane), None, None, None)
                runtime.lost(runtime.ref(worker), entry)
                return
            worker = known.ref
        worker.tell(message, lane=lane)

    async def send(
        self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None
    ) -> None:
        """Send a message, waiting for room where the worker's overflow policy is `wait`."""
        ref = self._place.runtime.ref(worker) if isinstance(worker, str) else worker
        await ref.send(message, lane=lane)

    def ask(
        self,
        worker: WorkerRef | str,
        message: Any,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
        wait: bool = True,
    ) -> Reply:
        """Ask a worker, by ref or name; await what is returned. See `WorkerRef.ask`."""
        ref = self._place.runtime.ref(worker) if isinstance(worker, str) else worker
        return cast("Reply", ref.ask(message, block=False, timeout=timeout, lane=lane, wait=wait))

    # -- jobs: asking ----

    @overload
    async def request(
        self, worker: str, job: JobMessage[R], *, timeout: float | None = None
    ) -> R: ...

    @overload
    async def request(
        self,
        worker: str,
        job: str | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> Any: ...

    async def request(
        self,
        worker: str,
        job: Any = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Ask for a job and return its answer; `timeout` (seconds) covers all of it.

        Raises:
            JobError: the job ended in any way but completed; the subclass says how.

        """
        if not isinstance(job, str):
            job, payload = _job_of(job, payload)
        asked: Job[Any] = Job(self._caller, worker, job, payload, timeout)
        return await asked.begin()

    @overload
    def job(
        self,
        worker: str,
        job: JobMessage[R],
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[R]: ...

    @overload
    def job(
        self,
        worker: str,
        job: str | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[Any]: ...

    def job(
        self,
        worker: str,
        job: Any = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[Any]:
        """Return a job to be asked for by `async with`; see `Job`."""
        name, payload = _job_of(job, payload)
        caller = self._caller
        runtime = caller.cell.runtime
        unread = Unread(runtime.loop, runtime.events)
        return Job(caller, worker, name, payload, timeout, lane=lane, unread=unread)

    @overload
    def start_job(
        self,
        worker: str,
        job: JobMessage[R],
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[R]: ...

    @overload
    def start_job(
        self,
        worker: str,
        job: str | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[Any]: ...

    def start_job(
        self,
        worker: str,
        job: Any = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job[Any]:
        """Ask for a job and return its handle at once, to be awaited, read or cancelled.

        Raises:
            RuntimeError: this is a thread, and not the node's event loop.

        """
        self._must_be_on_the_loop()
        return self.job(worker, job, payload, timeout=timeout, lane=lane).begin()

    @overload
    def job_group(
        self,
        *workers: str,
        job: JobMessage[R],
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[R]: ...

    @overload
    def job_group(
        self,
        *workers: str,
        job: str | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[Any]: ...

    def job_group(
        self,
        *workers: str,
        job: Any = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[Any]:
        """Return a group of jobs to be asked for by `async with`; see `JobGroup`."""
        name, payload = _job_of(job, payload)
        caller = self._caller
        return JobGroup(caller, workers, name, payload, timeout, cancel_on_error=cancel_on_error)

    @overload
    def start_job_group(
        self,
        *workers: str,
        job: JobMessage[R],
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[R]: ...

    @overload
    def start_job_group(
        self,
        *workers: str,
        job: str | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[Any]: ...

    def start_job_group(
        self,
        *workers: str,
        job: Any = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup[Any]:
        """Ask for a group of jobs and return its handle at once; as `start_job`."""
        self._must_be_on_the_loop()
        return self.job_group(
            *workers, job=job, payload=payload, timeout=timeout, cancel_on_error=cancel_on_error
        ).begin()

    def _must_be_on_the_loop(self) -> None:
        if get_ident() != self._place.runtime.thread:
            raise RuntimeError(
                "a job is started on the node's event loop: "
                "in a thread write self.wait(self.request(...))"
            )


def _job_of(job: Any, payload: Any) -> tuple[object, Any]:
    """Return name and payload of a job; a typed one is named by its class, and is its payload."""
    typed = isinstance(cast("object", job), JobMessage)
    return (job.__class__, job) if typed else (job, payload)
