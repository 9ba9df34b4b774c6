"""What is said on a channel of Pipecat: a class for each message that means anything here.

The fields have Pipecat's names. A field that is None is left out on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ...actors.frames.frame import Direction, Frame

__all__ = [
    "Activate",
    "Cancel",
    "CancelWorker",
    "Deactivate",
    "End",
    "EndWorker",
    "Entry",
    "FrameSaid",
    "JobCancel",
    "JobRequest",
    "JobResponse",
    "JobUpdate",
    "JobUpdateRequest",
    "Listing",
    "Ready",
    "Said",
    "StreamData",
    "StreamEnd",
    "StreamStart",
    "WorkerError",
]

Values: TypeAlias = "dict[str, Any] | None"
"""What Pipecat's workers send each other: an object, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message: who says it, and to which worker."""

    source: str
    target: str | None = None
    """None: to all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One worker of a runner."""

    name: str
    parent: str | None = None
    active: bool = False
    bridged: bool = False
    started_at: float | None = None
    """Seconds since 1970; None: it has not started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Said):
    """All workers of one runner."""

    runner: str
    workers: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Said):
    """A worker has started."""

    runner: str
    parent: str | None = None
    active: bool = False
    bridged: bool = False
    started_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate(Said):
    """Be active."""

    args: Values = None
    problem: str = ""
    """Why the arguments cannot be read; empty where they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deactivate(Said):
    """Be inactive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Said):
    """All runners are to end."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Said):
    """All runners are to end at once."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWorker(Said):
    """A worker is to end."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWorker(Said):
    """A worker is to end at once."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerError(Said):
    """A worker tells of an error."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSaid(Said):
    """A message of one job."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest(JobSaid):
    """Do this."""

    job_name: str | None = None
    payload: Values = None
    problem: str = ""
    """Why the payload cannot be read; empty where it can. So it is in those that follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResponse(JobSaid):
    """The job has ended."""

    status: str
    """completed, cancelled, failed or error."""
    response: Values = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdate(JobSaid):
    """How far the job is."""

    update: Values = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdateRequest(JobSaid):
    """Say how far the job is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancel(JobSaid):
    """Nobody waits for the job any more."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStart(JobSaid):
    """The parts of an answer follow."""

    data: Values = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamData(JobSaid):
    """A part of an answer."""

    data: Values = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnd(JobSaid):
    """All parts have been sent; the job is completed, and this is its answer."""

    data: Values = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSaid(Said):
    """A frame crosses a bridge."""

    frame: Frame | None
    """None: it has no counterpart here."""
    theirs: str = ""
    """The name of its class there, where it has none here."""
    direction: Direction = Direction.DOWN
    bridge: str | None = None
