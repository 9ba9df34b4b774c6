"""Jobs of ours that workers of Pipecat do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...actors.errors import JobCancelled, JobCrashed, JobError, JobFailed, JobTimeout
from ...actors.jobs.messages import JobChunk, JobEvent
from ...actors.jobs.messages import JobUpdate as Update
from ...actors.jobs.server import JobSink
from . import messages as said
from .outlet import Member, Outlet, Runner

__all__ = ["Asked"]

BEHIND = 10_000
"""Events that wait for the caller at most: nobody there can be held back."""


class Asked:
    """One job of ours, until it has ended.

    Over there nothing is answered where a handler raises, or returns without an answer, or its
    process is killed. So a job without a deadline fails once nothing was heard of it for a while.
    """

    __slots__ = ("_behind", "_outlet", "_timer", "guest", "id", "job", "name", "source")

    def __init__(
        self,
        outlet: Outlet,
        guest: Member,
        id: str,
        source: str,
        job: JobSink,
        name: str | None,
    ) -> None:
        """Stand for the job of this id."""
        self._outlet = outlet
        self.guest = guest
        self.id = id
        self.source = source
        """The name to which the answer is addressed."""
        self.job = job
        self.name = name or ""
        self._timer: asyncio.TimerHandle | None = None
        self._behind = 0

    @property
    def worker(self) -> str:
        """The name of who does it."""
        return self.guest.name

    @property
    def runner(self) -> Runner:
        """The process in which that is."""
        return self.guest.runner

    def begin(self, *, limited: bool) -> None:
        """Wait for the answer; `limited`: its caller has a deadline of its own."""
        self._outlet.asked[self.id] = self
        if not limited:
            self._timer = self._outlet.runtime.loop.call_later(
                self._outlet.job_within, self._silent
            )
        self.job.accept(self)

    # -- what its caller does ----

    def withdraw(self, reason: str, /) -> None:
        """Tell the worker that nobody waits for it any more."""
        if self._close():
            self._tell(said.JobCancel, reason=reason)

    def report(self) -> None:
        """Ask the worker how far it is."""
        if self.id in self._outlet.asked:
            self._tell(said.JobUpdateRequest)

    # -- what the worker says ----

    def heard(self, message: said.JobSaid) -> None:
        """Take what was said of the job; from a stranger it is counted."""
        if message.source != self.worker:
            self._outlet.runtime.events.count("foreign_job_answers")
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._outlet.runtime.loop.call_later(
                self._outlet.job_within, self._silent
            )
        problem = getattr(message, "problem", "")
        if problem:
            self._broken(f"{self.worker!r} has sent what cannot be read: {problem}")
            return
        match message:
            case said.JobUpdate():
                self._put(Update(self.worker, message.update))
            case said.StreamStart() if message.data is not None:
                self._put(JobChunk(self.worker, message.data))
            case said.StreamData():
                self._put(JobChunk(self.worker, message.data))
            case said.StreamEnd():
                self.end(message.data, None)
            case said.JobResponse():
                self._answered(message)
            case _:
                pass

    def end(self, value: Any, error: BaseException | None) -> None:
        """End the job; nothing if it has ended."""
        if self._close() and not self.job.done:
            self.job.settle(value, error)

    def leave(self, error: BaseException) -> None:
        """Cancel the job there, and end it here: this node leaves the channel."""
        self.withdraw("its caller's node has left")
        if not self.job.done:
            self.job.settle(None, error)

    # -- inside ----

    def _close(self) -> bool:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._outlet.asked.pop(self.id, None) is not None

    def _answered(self, message: said.JobResponse) -> None:
        if message.status == "completed":
            self.end(message.response, None)
        else:
            self.end(None, self._error(message))

    def _error(self, message: said.JobResponse) -> JobError:
        facts = self._facts(message.response)
        told: object = message.response.get("error") if message.response is not None else None
        text = told if isinstance(told, str) else ""
        match message.status:
            case "failed":
                return JobFailed(text or "the job failed", **facts)
            case "cancelled":
                why = text or f"{self.worker!r} has cancelled it, or has stopped"
                return JobCancelled(why, **facts)
            case _:
                return JobCrashed(text or f"{self.worker!r} says {message.status!r}", **facts)

    def _facts(self, response: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"worker": self.worker, "job": self.name, "response": response}

    def _put(self, event: JobEvent) -> None:
        room = self.job.put(event)
        if room is None:
            return
        self._behind += 1
        room.add_done_callback(self._caught_up)
        if self._behind >= BEHIND:
            self._broken(f"its caller is {BEHIND} events behind")

    def _caught_up(self, room: asyncio.Future[None]) -> None:
        self._behind -= 1

    def _broken(self, text: str) -> None:
        """End a job of which a part is missing: a hole in it would be a silent loss."""
        self.withdraw(text)
        if not self.job.done:
            self.job.settle(None, JobCrashed(text, **self._facts()))

    def _silent(self) -> None:
        within = self._outlet.job_within
        text = f"nothing was heard of the job {self.name!r} of {self.worker!r} for {within:g} s"
        self.withdraw("timeout")
        if not self.job.done:
            self.job.settle(None, JobTimeout(text, **self._facts()))

    def _tell(self, kind: Any, **values: Any) -> None:
        message = kind(source=self.source, target=self.worker, job_id=self.id, **values)
        self.guest.send(self._outlet.encode(message))
