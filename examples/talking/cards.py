"""Cards: jobs in the background, shown while they run, and cancelled by the user.

The main worker runs them, in the name of whoever asks: so a hand-over, or a crash of the worker
that has asked, costs nothing of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, cast

from callboard import (
    CallboardError,
    DataMessage,
    Job,
    JobCancelled,
    JobError,
    JobRequest,
    JobUpdate,
    job,
    on,
)
from callboard.actors.frames.pipelined import PipelineWorker
from callboard.examples.talking.events import CardShown
from callboard.examples.talking.example import Notes
from callboard.examples.talking.page_frames import Card, CardCancelled, CardDone, RunCard

__all__ = ["CancelCard", "CardWorker"]

WORK = "talking.card"


class CancelCard(DataMessage):
    """The user does not want what a card stands for any more."""

    card: str


class CardWorker(PipelineWorker):
    """A worker that shows cards, and runs jobs for them."""

    def __init__(self, notes: Notes) -> None:
        """Show what the notes say is shown."""
        super().__init__()
        self.notes = notes
        self._working: dict[str, Job[Any]] = {}

    def on_start(self) -> None:
        """End the cards of jobs that ended with an earlier life of this worker."""
        for shown in list(self.notes.cards.values()):
            if not self.notes.owners.get(shown.card):
                self.show_card(Card(shown.card, shown.title, "it was lost", "error"))

    def show_card(self, frame: Card, *, cancellable: bool = False) -> None:
        """Show how a job stands."""
        running = frame.status == "running"
        shown = CardShown(
            frame.card, frame.title, frame.text, frame.status, frame.part, running and cancellable
        )
        if running:
            self.notes.cards[frame.card] = shown
        else:
            self.notes.cards.pop(frame.card, None)
            self.notes.owners.pop(frame.card, None)
        self.notes.show(shown)

    def owner_lost(self, owner: str) -> None:
        """End the cards that a worker has shown itself, and can tell nothing more of."""
        for card in [card for card, who in self.notes.owners.items() if who == owner]:
            shown = self.notes.cards[card]
            self.show_card(Card(card, shown.title, f"{owner} was lost", "error"))

    # -- what workers ask for ----

    @on(Card)
    def card_came(self, frame: Card) -> None:
        """Show a card that a worker keeps itself."""
        if frame.status == "running":
            self.notes.owners[frame.card] = frame.owner
        self.show_card(frame, cancellable=bool(frame.owner))

    @on(RunCard)
    def run_card(self, message: RunCard) -> None:
        """Run a job and show it."""
        self._working[message.card] = self.start_job(self.name, WORK, message)

    @on(CancelCard)
    def user_cancelled(self, message: CancelCard) -> None:
        """Cancel the job of a card, or tell the owner of the card."""
        working = self._working.get(message.card)
        owner = self.notes.owners.get(message.card)
        if working is not None:
            working.cancel("the user has cancelled it")
        elif owner:
            self.tell(owner, CardCancelled(message.card))

    # -- the work ----

    @job(WORK)
    async def work(self, request: JobRequest) -> None:
        """Have a job done, show how far it is, and tell who has asked what came of it."""
        asked = cast("RunCard", request.payload)
        card, title = asked.card, asked.title
        status, text, result = "error", "", None
        self.show_card(Card(card, title), cancellable=True)
        try:
            result = await self._follow(asked)
            status, text = "completed", result if isinstance(result, str) else ""
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        except JobError as error:
            status = "cancelled" if isinstance(error, JobCancelled) else error.status
            text = str(error)
        finally:
            self._working.pop(card, None)
            self.show_card(Card(card, title, text, status))
            if asked.owner:
                self._tell_owner(asked.owner, CardDone(card, status, result, text))

    async def _follow(self, asked: RunCard) -> Any:
        """Show the updates of the job as they come; return its answer."""
        name = asked.job or None
        async with self.job(asked.worker, name, asked.payload, timeout=asked.timeout) as doing:
            async for event in doing:
                if isinstance(event, JobUpdate):
                    text, part = _progress(event.data)
                    frame = Card(asked.card, asked.title, text, part=part)
                    self.show_card(frame, cancellable=True)
        return doing.response

    def _tell_owner(self, owner: str, message: CardDone) -> None:
        with contextlib.suppress(CallboardError):  # it may be gone; the user has seen the card
            self.tell(owner, message)


def _progress(data: Any) -> tuple[str, float | None]:
    """Return the text of an update and how much is done: a number is the latter, from 0 to 1."""
    if isinstance(data, Mapping):
        fields = cast("Mapping[str, Any]", data)
        return str(fields.get("text", "")), _part(fields.get("part"))
    part = _part(data)
    return ("" if part is not None else str(data)), part


def _part(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return min(max(float(cast("float", value)), 0.0), 1.0) if known else None
