"""A main worker that remembers what was said, for a talker that comes after one that was lost."""

from __future__ import annotations

from callboard import on
from callboard.actors.frames.frame import Frame, ReplyEndFrame, TextFrame
from callboard.examples.talking.example import Example, Notes
from callboard.examples.talking.main_worker import MainWorker, Say
from callboard.examples.talking.transcript import Transcript

__all__ = ["RememberingMain"]


class RememberingMain(MainWorker):
    """Keeps a transcript of its session; what a new talker is told of it, a subclass says."""

    def __init__(self, example: Example, notes: Notes) -> None:
        """Be the main worker of a session of this example."""
        super().__init__(example, notes)
        self.transcript = Transcript()

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        """Take note of who hears the user's words from now on."""
        await super().on_floor_changed(bridge, worker)
        if worker is None:
            self.transcript.lost()
        else:
            self.transcript.found()

    @on(Say)
    async def user_said(self, message: Say) -> None:
        """Note the user's words, and let them in."""
        self.transcript.said(message.text, sent=self.speaker is not None)
        await super().user_said(message)

    def heard(self, frame: Frame) -> None:
        """Note what is heard."""
        super().heard(frame)
        if isinstance(frame, TextFrame):
            self.transcript.heard(frame.text)
        elif isinstance(frame, ReplyEndFrame):
            self.transcript.replied()
