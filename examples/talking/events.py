"""What happens in a session, as plain values: for the terminal, the page, and tests.

    SessionEvent
    ├── SessionBegan, SessionEnded
    ├── UserSaid
    ├── ReplyBegan, ReplyPiece, ReplyEnded      the words of one speaker
    ├── FloorChanged                            who is heard from now on
    ├── ToolCalled, ToolEnded                   what a speaker does meanwhile
    ├── JobProgress, CardShown                  what others do for it
    ├── WorkerAwaited, WorkerFound              who is to speak is not there yet, and is ready
    ├── WorkerLost, WorkerBack, Trouble         what went wrong, and is well again
    └── PageCommanded, PageShown                what the page is to do (see ui.py), and how it looks

As JSON an event is an object with its fields and `kind`: `{"kind": "reply-piece", ...}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

__all__ = [
    "CardShown",
    "FloorChanged",
    "JobProgress",
    "PageCommanded",
    "PageShown",
    "ReplyBegan",
    "ReplyEnded",
    "ReplyPiece",
    "SessionBegan",
    "SessionEnded",
    "SessionEvent",
    "ToolCalled",
    "ToolEnded",
    "Trouble",
    "UserSaid",
    "WorkerAwaited",
    "WorkerBack",
    "WorkerFound",
    "WorkerLost",
]

WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class SessionEvent:
    """Something that happened in a session."""

    kind: ClassVar[str] = "session-event"

    def __init_subclass__(cls) -> None:
        """Name the kind for the class: `reply-piece` for `ReplyPiece`."""
        cls.kind = WORD.sub("-", cls.__name__).lower()

    def as_json(self) -> str:
        """Return the event as one line of JSON; what JSON has no word for is shown as text."""
        # Not `asdict`: it copies deeply, and what a tool returned may be anything.
        values: Mapping[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps({"kind": self.kind, **values}, default=str)


@dataclass(frozen=True)
class SessionBegan(SessionEvent):
    """The session is there: what it is about, and what one may say."""

    title: str
    about: str = ""
    suggestions: tuple[str, ...] = ()
    """Lines to begin with; the example's short conversation."""
    app: str = ""
    """The HTML of the area that the workers see and act on; empty where they have none."""


@dataclass(frozen=True)
class SessionEnded(SessionEvent):
    """The last event."""

    reason: str = ""
    failed: bool = False
    """Whether it ended because something went wrong that could not be repaired."""


@dataclass(frozen=True)
class UserSaid(SessionEvent):
    """What the user has said, as the workers get it."""

    text: str


@dataclass(frozen=True)
class ReplyBegan(SessionEvent):
    """A speaker begins."""

    speaker: str


@dataclass(frozen=True)
class ReplyPiece(SessionEvent):
    """Some words of a speaker."""

    speaker: str
    text: str
    voice: str = ""
    """Whose voice speaks; empty where there is only one."""


@dataclass(frozen=True)
class ReplyEnded(SessionEvent):
    """A speaker has said all, or was interrupted."""

    speaker: str
    interrupted: bool = False


@dataclass(frozen=True)
class FloorChanged(SessionEvent):
    """Another worker is heard from now on."""

    speaker: str | None
    """None: nobody, for the moment."""
    before: str | None = None
    """Who was heard last."""


@dataclass(frozen=True)
class ToolCalled(SessionEvent):
    """A speaker uses a tool."""

    worker: str
    name: str
    call_id: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class ToolEnded(SessionEvent):
    """A tool has given its result, or has failed."""

    worker: str
    name: str
    call_id: str
    result: Any = None
    error: str = ""
    """What went wrong; empty where nothing did."""


@dataclass(frozen=True)
class JobProgress(SessionEvent):
    """How far a job is that a worker does for a speaker."""

    worker: str
    job: str
    text: str
    status: str = "running"
    """running, completed, failed, error or cancelled."""
    job_id: str = ""


@dataclass(frozen=True)
class CardShown(SessionEvent):
    """A job in the background, as a card: how it stands now."""

    card: str
    """Names the card: the same name again is the same card."""
    title: str
    text: str = ""
    status: str = "running"
    """running, completed, failed, error or cancelled."""
    part: float | None = None
    """How much of it is done, from 0 to 1; None where nobody can say."""
    cancellable: bool = False


@dataclass(frozen=True)
class WorkerAwaited(SessionEvent):
    """The worker that is to speak first is not there yet: it may run elsewhere."""

    worker: str


@dataclass(frozen=True)
class WorkerFound(SessionEvent):
    """A worker that was asked for by its name is ready, on this node."""

    worker: str
    node: str


@dataclass(frozen=True)
class WorkerLost(SessionEvent):
    """A worker has failed, or cannot be reached."""

    worker: str
    reason: str = ""


@dataclass(frozen=True)
class WorkerBack(SessionEvent):
    """A worker that was lost is there again."""

    worker: str


@dataclass(frozen=True)
class Trouble(SessionEvent):
    """Something went wrong, and the session goes on."""

    text: str


@dataclass(frozen=True)
class PageCommanded(SessionEvent):
    """The page is to do something, and to answer with the command's number."""

    command: str
    action: str
    ref: str = ""
    value: Any = None


@dataclass(frozen=True)
class PageShown(SessionEvent):
    """What the page looks like now, as lines of text: where there is no browser to show it."""

    text: str
