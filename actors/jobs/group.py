"""Job groups: one question to several workers, their answers by name."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator, Sequence
from types import TracebackType
from typing import Any, Self

from ..errors import GroupFailed, JobError, NotStarted
from .caller import UNREAD_EVENTS, Job, JobCaller
from .messages import JobEvent

__all__ = ["JobGroup"]


class JobGroup:
    """Jobs of several workers, asked together.

    `async with worker.job_group("a", "b", …) as group:` asks them all; `async for event in group`
    gives updates and chunks, each naming its worker; leaving the block waits for all answers,
    which are then `group.responses`. With `cancel_on_error` (the default) the first member that
    does not complete cancels the others and is raised; without it nothing is raised, and
    `group.errors` holds the error of each that did not complete.
    """

    def __init__(
        self,
        caller: JobCaller,
        workers: Sequence[str],
        name: object,
        payload: Any,
        timeout: float | None,
        *,
        cancel_on_error: bool = True,
    ) -> None:
        """Prepare the jobs; nothing is sent before the block is entered.

        Raises:
            TypeError: a worker is not given by its name.
            ValueError: no worker, or one of them twice.

        """
        for worker in workers:
            if not isinstance(worker, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"a job group takes worker names, not {worker!r}")
        if not workers or len(set(workers)) != len(workers):
            raise ValueError(f"a job group takes at least one worker, each once: {workers}")
        self._jobs = {
            worker: Job(caller, worker, name, payload, timeout, keep=True) for worker in workers
        }
        for job in self._jobs.values():
            job.on_done = self._member_done
            job.on_event = self._member_event
        self._loop = caller.cell.runtime.loop
        self._cancel_on_error = cancel_on_error
        self._events: deque[JobEvent] = deque()
        self._waiters: list[asyncio.Future[None]] = []
        self._room: asyncio.Future[None] | None = None
        self._failure: GroupFailed | None = None
        self._left = False
        self._iterating = False
        self.started = False
        self.responses: dict[str, Any] = {}
        """The answers so far, by worker, in order of arrival."""
        self.errors: dict[str, JobError] = {}
        """What became of each member that did not complete."""

    @property
    def done(self) -> bool:
        """Whether every member has ended."""
        return len(self.responses) + len(self.errors) == len(self._jobs)

    def begin(self) -> Self:
        """Ask for all the jobs."""
        self.started = True
        for job in self._jobs.values():
            if not job.done:
                job.begin()
        return self

    def cancel(self, reason: str = "the caller cancelled the group") -> None:
        """Cancel every member that is still open; who waits for the group gets `GroupFailed`."""
        open_members = [job for job in self._jobs.values() if not job.done]
        if not open_members:
            return
        if self._failure is None:
            self._failure = self._failed(open_members[0].worker, f"was cancelled: {reason}")
        for job in open_members:
            job.cancel(reason)

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        """Wait for all members; return the answers by worker.

        Raises:
            GroupFailed: a member did not complete, and `cancel_on_error` is true; or the group
                was cancelled.

        """
        if not self.started:
            raise NotStarted("the job group is used outside its block: write 'async with … as g:'")
        try:
            yield from self._wait().__await__()
        except asyncio.CancelledError:
            self.cancel("its caller was cancelled")
            raise
        self._raise()
        return self.responses

    async def __aenter__(self) -> Self:
        """Ask for all the jobs."""
        return self.begin() if not self.started else self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all answers, or cancel what is open if the block was left early."""
        self._left = True
        if error is not None:
            self.cancel(f"its caller left: {type(error).__name__}")
            return
        if self._iterating:
            self.cancel("its caller left early")
            return
        self._release()
        await self

    async def __aiter__(self) -> AsyncIterator[JobEvent]:
        """Go over updates and chunks of all members as they come."""
        if not self.started or self._left:
            raise NotStarted("a job group is read inside its block")
        self._iterating = True
        while True:
            while self._events:
                event = self._events.popleft()
                if len(self._events) < UNREAD_EVENTS // 2:
                    self._release()
                yield event
            if self.done:
                break
            await self._wakeup()
        self._iterating = False
        self._raise()

    async def _wait(self) -> None:
        while not self.done:
            await self._wakeup()

    async def _wakeup(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _release(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _member_event(self, job: Job, event: JobEvent) -> asyncio.Future[None] | None:
        if self._left:
            return None
        self._events.append(event)
        self._wake()
        if len(self._events) < UNREAD_EVENTS:
            return None
        if self._room is None or self._room.done():
            self._room = self._loop.create_future()
        return self._room

    def _member_done(self, job: Job) -> None:
        error = job.error
        if error is None:
            self.responses[job.worker] = job.response
        else:
            self.errors[job.worker] = error
            if self._cancel_on_error and self._failure is None:
                self._failure = self._failed(job.worker, f"did not complete: {error}")
                self._failure.__cause__ = error
                for other in self._jobs.values():
                    if not other.done and other.started:
                        other.cancel(f"{job.worker!r} did not complete")
        self._wake()

    def _failed(self, worker: str, what: str) -> GroupFailed:
        label = self._jobs[worker].label
        return GroupFailed(
            f"the job {label!r} of {worker!r} in a group {what}",
            worker=worker,
            job=label,
            responses=self.responses,
            errors=self.errors,
        )
