"""TextMain: the main worker where there is no browser: it plays the page, and shows it as text."""

from __future__ import annotations

from callboard.actors.frames.frame import Direction, Frame, ReplyEndFrame
from callboard.actors.frames.pipeline import Stage
from callboard.examples.shopping.text_page import TextPage
from callboard.examples.talking.events import PageShown
from callboard.examples.talking.example import Example, Notes
from callboard.examples.talking.main_worker import FromPage, MainWorker
from callboard.examples.talking.page_frames import CommandDoneFrame, CommandFrame, SnapshotFrame

__all__ = ["TextMain"]


class Played(Stage):
    """Takes what is for the page, in its place."""

    def __init__(self, page: TextPage) -> None:
        """Play this page."""
        self._page = page

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Do what a command says, and answer as a page does."""
        if direction is Direction.DOWN and isinstance(frame, CommandFrame):
            error, ref = self._page.obey(frame)
            name = self.worker.name
            # As messages, behind this frame: first what the page looks like, then that it is done.
            self.worker.tell(name, FromPage(SnapshotFrame(self._page.look())))
            self.worker.tell(name, FromPage(CommandDoneFrame(frame.command, error, ref)))
        await self.push(frame, direction)


class TextMain(MainWorker):
    """Has a page of text, which outlives it; shows it after each reply that has changed it."""

    def __init__(self, page: TextPage, example: Example, notes: Notes) -> None:
        """Be the main worker of the one session that has this page."""
        super().__init__(example, notes)
        self._page = page
        self._shown: list[str] = []

    def on_start(self) -> None:
        """Let the first speaker see the page."""
        super().on_start()
        self.tell(self.name, FromPage(SnapshotFrame(self._page.look())))

    def stages_out(self) -> list[Stage]:
        """Return the stage that plays the page."""
        return [Played(self._page)]

    def heard(self, frame: Frame) -> None:
        """Tell the session, and show the page if it looks different now."""
        super().heard(frame)
        if isinstance(frame, ReplyEndFrame):
            lines = list(self._page.lines())
            plain = [line[1:] for line in lines]
            if plain != self._shown or any(line.startswith(">") for line in lines):
                self._shown = plain
                self.show(PageShown("\n".join(lines)))
