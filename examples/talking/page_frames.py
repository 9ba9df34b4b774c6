"""What a page and a worker that sees it say to each other.

The page sends a snapshot of its elements whenever they have changed, and events of those that the
user has touched. The worker sends commands; the page answers each by its name. All of these are
frames over the bridge, so they are for whoever has the floor. Cards are not: they are messages to
the main worker, and go on whoever talks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from callboard import DataMessage, wire
from callboard.actors.frames.frame import Frame

__all__ = [
    "ACTIONS",
    "Action",
    "CardCancelled",
    "CardDone",
    "Card",
    "CommandDoneFrame",
    "CommandFrame",
    "Element",
    "PageEventFrame",
    "PageFrame",
    "RunCard",
    "SnapshotFrame",
]

Action = Literal["click", "fill", "select", "highlight", "add", "remove"]
"""What a worker may have the page do.

fill: the text of a field, or true and false for a box. select: one of the options. add: a copy of
a list's template, with the given texts in its fields. remove: an item of a list.
"""

ACTIONS: tuple[Action, ...] = ("click", "fill", "select", "highlight", "add", "remove")


@wire("talking.element")
@dataclass(frozen=True)
class Element:
    """One element of a page, as somebody who cannot see it would have it described."""

    ref: str
    """Names it in commands, for as long as it is on the page."""
    role: str
    """textbox, checkbox, combobox, button, list, listitem and so on, as in ARIA."""
    name: str = ""
    """Its label, or its text."""
    value: str = ""
    options: tuple[str, ...] = ()
    """What may be selected."""
    within: str = ""
    """The ref of the list that it is an item of, or of the item that it stands in."""
    disabled: bool = False


class PageFrame(Frame):
    """A frame between a page and a worker."""


class SnapshotFrame(PageFrame, wire="talking.snapshot"):
    """What the page looks like now; from the page."""

    elements: list[Element]


class PageEventFrame(PageFrame, wire="talking.page-event"):
    """What the user has done on the page, in so far as an element has changed; from the page."""

    event: str
    """click, change or submit."""
    ref: str
    value: str = ""


class CommandFrame(PageFrame, wire="talking.command"):
    """What the page is to do; from a worker."""

    command: str
    action: str
    ref: str = ""
    value: Any = None


class CommandDoneFrame(PageFrame, wire="talking.command-done"):
    """The page has done it, or cannot; from the page."""

    command: str
    error: str = ""
    """Why it cannot; empty where it has done it."""
    ref: str = ""
    """The ref of what was added."""


class Card(DataMessage, wire="talking.card"):
    """To the main worker: show how a job in the background stands. The same name, the same card."""

    card: str
    title: str
    text: str = ""
    status: str = "running"
    """running, completed, failed, error or cancelled."""
    part: float | None = None
    """How much of it is done, from 0 to 1."""
    owner: str = ""
    """The worker that is told when the user cancels; empty where nobody can."""


class CardCancelled(DataMessage, wire="talking.card-cancelled"):
    """To the owner of a card: the user does not want it any more."""

    card: str


class RunCard(DataMessage, wire="talking.run-card"):
    """To the main worker: have a worker do a job, and show it as a card that can be cancelled.

    Updates of the job are shown: a text, a number from 0 to 1, or an object of `text` and `part`.
    """

    card: str
    title: str
    worker: str
    job: str = ""
    """Empty: the worker's default job."""
    payload: Any = None
    timeout: float | None = None
    """Seconds."""
    owner: str = ""
    """Who is told what came of it."""


class CardDone(DataMessage, wire="talking.card-done"):
    """To the owner of a `RunCard`: what came of it."""

    card: str
    status: str
    """completed, failed, error or cancelled."""
    result: Any = None
    error: str = ""
    """What went wrong."""
