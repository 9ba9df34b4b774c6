"""The messages of a job, and the events that its caller sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from ..message import DataMessage

__all__ = ["JobChunk", "JobEvent", "JobMessage", "JobStart", "JobUpdate"]

R_co = TypeVar("R_co", covariant=True)


class JobMessage(DataMessage, Generic[R_co]):
    """A typed job: the message is its name and payload, the parameter its answer.

        class Analyse(JobMessage[Analysis]):
            topic: str

    `await self.request("analyst", Analyse("bees"))` is then known to be an `Analysis`.
    """


class JobStart(NamedTuple):
    """What the mailbox of the server gets: the job that is asked for."""

    id: str
    name: object
    """The job's name; the message class of a typed job; `None` for the default handler."""
    payload: Any
    chain: tuple[str, ...]
    """Workers whose message handlers are suspended until this job is done."""
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that a job's caller sees before its answer."""

    worker: str
    data: Any


@dataclass(frozen=True, slots=True)
class JobUpdate(JobEvent):
    """Progress that the server reported."""


@dataclass(frozen=True, slots=True)
class JobChunk(JobEvent):
    """A part of a streamed answer."""
