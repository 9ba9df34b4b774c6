"""Jobs of workers of Pipecat that ours do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from threading import get_ident
from typing import Any, cast

from ...actors.errors import JobFailed
from ...actors.jobs.messages import JobChunk, JobEvent
from ...actors.jobs.server import Doing
from ..carried_errors import short
from ..errors import NotCarried
from . import messages as said
from .outlet import Outlet

__all__ = ["Served", "as_object"]

HELD_AT_FIRST = 100
"""Messages that wait for the requester to listen before the job is held back."""


class Served:
    """The caller of one job, at a Pipecat runner.

    What is said first waits a moment: over there a requester begins to listen only once its request
    has been sent, and what comes earlier is lost.
    """

    __slots__ = (
        "_held", "_outlet", "_rooms", "_streams", "_timer",
        "doing", "done", "id", "requester", "worker",
    )  # fmt: skip

    def __init__(self, outlet: Outlet, request: said.JobRequest) -> None:
        """Stand for who has made this request."""
        self._outlet = outlet
        self.id = request.job_id
        self.requester = request.source
        self.worker = cast("str", request.target)
        self.done = False
        self.doing: Doing | None = None
        self._streams = False
        self._held: list[bytes] | None = []
        self._rooms: list[asyncio.Future[None]] = []
        outlet.held.add(self)
        self._timer = outlet.runtime.loop.call_later(outlet.gap, self.release)

    def accept(self, request: Doing, /) -> None:
        """Take note of who does the job, to be able to cancel it."""
        self.doing = request

    def put(self, event: JobEvent, /) -> asyncio.Future[None] | None:
        """Send an event.

        Raises:
            NotCarried: it holds what Pipecat's channel cannot carry.

        """
        if self.done:
            self._outlet.runtime.events.count("late_job_events")
            return None
        data = as_object(event.data)
        if not isinstance(event, JobChunk):
            self._say(said.JobUpdate, update=data)
            return self._room()
        chunk = self._encoded(said.StreamData, data=data)
        if not self._streams:
            self._streams = True
            self._say(said.StreamStart)
        self._send(chunk)
        return self._room()

    def settle(self, value: Any, error: BaseException | None = None, /) -> bool:
        """Send the outcome; only the first one counts."""
        runtime = self._outlet.runtime
        if get_ident() != runtime.thread:
            runtime.call_from_thread(self.settle, value, error)
            return not self.done
        if not self._finish():
            runtime.events.count("late_job_answers")
            return False
        if error is None:
            try:
                if self._streams:
                    self._say(said.StreamEnd, data=as_object(value))
                else:
                    self._say(said.JobResponse, status="completed", response=as_object(value))
                return True
            except NotCarried as problem:
                error = problem
        self._fail(error)
        return True

    def withdraw(self, reason: str) -> None:
        """Have the job cancelled: its caller has left; and say that it was."""
        if not self._finish():
            self._outlet.runtime.events.count("late_job_cancels")
            return
        if self.doing is not None:
            self.doing.withdraw(reason)
        self._say(said.JobResponse, status="cancelled")

    def report(self) -> None:
        """Have the worker report on it: its caller asks."""
        if self.doing is not None:
            self.doing.report()

    def release(self) -> None:
        """Let go what has waited: the requester listens by now."""
        self._timer.cancel()
        self._outlet.held.discard(self)
        held, self._held = self._held, None
        for data in held or ():
            self._send(data)
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            if not room.done():
                room.set_result(None)

    # -- inside ----

    def _room(self) -> asyncio.Future[None] | None:
        """Return a future to wait for, where nothing can be said yet or the broker is behind."""
        if self._held is None:
            return self._outlet.room()
        if len(self._held) < HELD_AT_FIRST:
            return None
        room: asyncio.Future[None] = self._outlet.runtime.loop.create_future()
        self._rooms.append(room)
        return room

    def _finish(self) -> bool:
        if self.done:
            return False
        self.done = True
        key = (self.id, self.worker)
        if self._outlet.served.get(key) is self:  # else it is a second one of the same id
            del self._outlet.served[key]
        return True

    def _fail(self, error: BaseException) -> None:
        # Any other word but these two is a good end over there.
        status = "failed" if isinstance(error, JobFailed) else "error"
        facts: dict[str, Any] = {"error": short(str(error) or type(error).__name__)}
        given: object = getattr(error, "response", None)
        if isinstance(given, Mapping):
            facts = {**facts, **cast("Mapping[str, Any]", given)}
        elif given is not None:
            facts["value"] = given
        try:
            self._say(said.JobResponse, status=status, response=facts)
        except NotCarried as problem:
            self._say(said.JobResponse, status=status, response={"error": short(str(problem))})

    def _say(self, kind: Any, **values: Any) -> None:
        self._send(self._encoded(kind, **values))

    def _encoded(self, kind: Any, **values: Any) -> bytes:
        message = kind(source=self.worker, target=self.requester, job_id=self.id, **values)
        return self._outlet.encode(message)

    def _send(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
        else:
            self._outlet.send(data, self._outlet.runner_of(self.requester))


def as_object(value: Any) -> dict[str, Any] | None:
    """Return a value as Pipecat's workers take it: what is no dict stands in one, as `value`."""
    if value is None or value.__class__ is dict:
        return cast("dict[str, Any] | None", value)
    return {"value": value}
