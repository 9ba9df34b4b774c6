"""UIWorker: a worker that talks by a model, sees the page, and acts on it.

    class Clerk(UIWorker):
        bridged = ()
        instructions = "You fill in the form on the page."

        @tool
        async def set_name(self, name: str) -> str:
            '''Write the user's name into the form.'''
            await self.page.fill("Name", name)
            return "done"

The page is that of the example: HTML given as `Example(app=...)`, of which the worker sees each
field, button and list. `page_tools` are tools for a model that finds its way by itself.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from callboard import on
from callboard.actors.frames.frame import Direction, Frame
from callboard.actors.llm.model import Model
from callboard.actors.llm.worker import LLMWorker
from callboard.examples.talking.cards import CancelCard
from callboard.examples.talking.page_frames import (
    Card,
    CardCancelled,
    CardDone,
    CommandDoneFrame,
    CommandFrame,
    PageEventFrame,
    RunCard,
    SnapshotFrame,
)
from callboard.examples.talking.page_view import PageView

__all__ = ["UIWorker", "page_tools"]

NUMBERS = itertools.count(1)


class UIWorker(LLMWorker):
    """A worker that talks by a model, and sees and changes the page while it has the floor."""

    main: ClassVar[str] = "main"
    """The main worker, which shows cards."""

    shows_page: ClassVar[bool] = True
    """Whether the model is shown the page, below its instructions, whenever it runs."""

    def __init__(self, model: Model | None = None) -> None:
        """Talk by this model."""
        super().__init__(model)
        self.page = PageView(self._command)
        """The page as it is now."""

    # -- hooks ----

    async def on_page_event(self, event: PageEventFrame) -> None:
        """Take note of what the user has done on the page: click, change or submit."""

    async def on_card_done(self, done: CardDone) -> None:
        """Take note of what came of a job that was run as a card."""

    async def on_card_cancelled(self, card: str) -> None:
        """Take note that the user does not want a card of `show_card` any more."""

    # -- cards ----

    def run_card(
        self,
        title: str,
        worker: str,
        job: str = "",
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> str:
        """Have a worker do a job in the background, with a card; return the name of the card.

        Its updates are shown, and the user can cancel it. It goes on whoever talks;
        `on_card_done` hears what came of it. `timeout` in seconds.
        """
        card = self._new_card()
        self.tell(self.main, RunCard(card, title, worker, job, payload, timeout, self.name))
        return card

    def show_card(
        self,
        title: str,
        text: str = "",
        *,
        card: str = "",
        status: str = "running",
        part: float | None = None,
        cancellable: bool = False,
    ) -> str:
        """Show how far something is that this worker does itself; return the name of the card.

        The same `card` is shown anew. `part` is from 0 to 1. `status`: running, completed, failed,
        error or cancelled. A click on cancel comes as `on_card_cancelled`.
        """
        name = card or self._new_card()
        owner = self.name if cancellable else ""
        self.tell(self.main, Card(name, title, text, status, part, owner))
        return name

    def cancel_card(self, card: str) -> None:
        """Have the job of a card of `run_card` cancelled, as the button on the card does."""
        self.tell(self.main, CancelCard(card))

    def _new_card(self) -> str:
        return f"{self.name}-{next(NUMBERS)}"

    @on(CardDone)
    async def _card_done(self, message: CardDone) -> None:
        await self.on_card_done(message)

    @on(CardCancelled)
    async def _card_cancelled(self, message: CardCancelled) -> None:
        await self.on_card_cancelled(message.card)

    # -- the page ----

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        """Take what the page says; all else goes into the pipeline."""
        match frame:
            case SnapshotFrame():
                self.page.saw(frame)
                if self.shows_page:
                    said = type(self).instructions
                    self.instructions = f"{said}\n\nThe page now:\n{self.page.text}"
            case CommandDoneFrame():
                self.page.done(frame)
            case PageEventFrame():
                await self.on_page_event(frame)
            case _:
                await super().on_frame(frame, direction)

    async def _command(self, frame: CommandFrame) -> None:
        # Not `push_frame`: what a tool pushes waits for its end, and the tool waits for the page.
        await self.llm.emit(frame)


async def look_at_page(worker: UIWorker) -> str:
    """Return what is on the page now, a line for each element with its ref in brackets."""
    return worker.page.text


async def click(worker: UIWorker, element: str) -> str:
    """Click on a button or a box.

    Args:
        element: its ref, or its name on the page.

    """
    await worker.page.click(element)
    return "clicked"


async def fill(worker: UIWorker, element: str, value: str) -> str:
    """Write into a field of the page, in place of what it has.

    Args:
        element: its ref, or its name on the page.
        value: the new text; "true" or "false" for a box.

    """
    await worker.page.fill(element, value)
    return "filled in"


async def select(worker: UIWorker, element: str, option: str) -> str:
    """Choose an option.

    Args:
        element: the ref of what has the options, or its name on the page.
        option: one of them.

    """
    await worker.page.select(element, option)
    return "selected"


async def highlight(worker: UIWorker, element: str) -> str:
    """Show the user where something is on the page.

    Args:
        element: its ref, or its name on the page.

    """
    await worker.page.highlight(element)
    return "highlighted"


async def add_item(worker: UIWorker, items: str, fields: dict[str, str]) -> str:
    """Add an item to a list of the page.

    Args:
        items: the list's ref, or its name on the page.
        fields: the texts of the new item, by the name of its field.

    """
    ref = await worker.page.add(items, fields)
    return f"added as {ref}"


async def remove_item(worker: UIWorker, item: str) -> str:
    """Take an item out of its list.

    Args:
        item: its ref, or its name on the page.

    """
    await worker.page.remove(item)
    return "removed"


page_tools = (look_at_page, click, fill, select, highlight, add_item, remove_item)
"""For `LLMWorker.tools`: all that may be done on a page, for a model that decides by itself."""
