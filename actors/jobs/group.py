"""Job groups: one question to several workers, their answers by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Sequence
from types import TracebackType
from typing import Any, Generic, Self

from ..errors import GroupFailed, JobError, JobTimeout, NotStarted
from .caller import Job, JobCaller
from .events import Changing, Unread
from .messages import JobEvent, R_co

__all__ = ["JobGroup"]


class JobGroup(Changing, Generic[R_co]):
    """Jobs of several workers, asked together; the parameter is the type of an answer.

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
        runtime = caller.cell.runtime
        self._loop = runtime.loop
        self._unread = Unread(runtime.loop, runtime.events)
        self._jobs: dict[str, Job[R_co]] = {}
        for worker in workers:
            job: Job[R_co] = Job(caller, worker, name, payload, timeout, unread=self._unread)
            job.on_done = self._member_done
            self._jobs[worker] = job
        self._cancel_on_error = cancel_on_error
        self._failure: GroupFailed | None = None
        self.started = False
        self.responses: dict[str, R_co] = {}
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
            names = [job.worker for job in open_members]
            self._failure = self._failed(names, f"was cancelled: {reason}")
        for job in open_members:
            job.cancel(reason)

    def __await__(self) -> Generator[Any, None, dict[str, R_co]]:
        """Wait for all members; return the answers by worker.

        Raises:
            GroupFailed: a member did not complete, and `cancel_on_error` is true; or the group
                was cancelled.

        """
        if not self.started:
            raise NotStarted("the job group is used outside its block: write 'async with … as g:'")
        try:
            yield from self.wait().__await__()
        except asyncio.CancelledError:
            self.cancel("its caller was cancelled")
            raise
        self._raise()
        return self.responses

    async def wait(self) -> None:
        """Wait until every member has ended, however it ends."""
        self._unread.await_answer()
        while not self.done:
            await self._waiter(self._loop)

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
        self._unread.close()
        if error is not None:
            self.cancel(f"its caller left: {type(error).__name__}")
        elif self._unread.unfinished:
            self.cancel("its caller left early")
        else:
            await self

    def __aiter__(self) -> AsyncIterator[JobEvent]:
        """Go over updates and chunks of all members as they come; end with the last of them.

        Raises:
            NotStarted: it is read before its block, or after it.
            GroupFailed: at the end, as `await` does.

        """
        if not self.started or self._unread.closed:
            raise NotStarted("a job group is read inside its block")
        return self._unread.read(self._raise)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _member_done(self, job: Job[R_co]) -> None:
        error = job.error
        if error is None:
            self.responses[job.worker] = job.response
        else:
            self.errors[job.worker] = error
            if self._cancel_on_error and self._failure is None:
                self._give_up(job, error)
        if self.done:
            self._unread.end()
            self._wake()

    def _give_up(self, job: Job[R_co], error: JobError) -> None:
        """Fail of a member's error: what is open is cancelled, what is not asked for never is."""
        others = [each for each in self._jobs.values() if not each.done]
        late = isinstance(error, JobTimeout)
        # All have one deadline: whose timer came first says nothing.
        silent = [each.worker for each in self._jobs.values() if each is job or not each.done]
        names = silent if late else [job.worker]
        self._failure = self._failed(names, f"did not complete: {error}")
        self._failure.__cause__ = error
        for other in others:
            if late:
                other.expire()
            else:
                other.cancel(job.cancelled or f"{job.worker!r} did not complete")

    def _failed(self, workers: list[str], what: str) -> GroupFailed:
        names = ", ".join(map(repr, workers))
        label = self._jobs[workers[0]].label
        return GroupFailed(
            f"the job {label!r} of {names} in a group {what}",
            worker=workers[0],
            job=label,
            responses=self.responses,
            errors=self.errors,
        )
