"""Workers that talk without a model: they say what they hear, and do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from callboard import CallboardError, Child
from callboard.actors.frames.frame import (
    Direction,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    ProgressFrame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    TextFrame,
    ToolCallFrame,
    ToolResultFrame,
    TranscriptionFrame,
)
from callboard.actors.frames.worker import FrameWorker
from callboard.examples.talking.events import ReplyPiece, SessionEvent
from callboard.examples.talking.example import Example
from callboard.examples.talking.session import Session

__all__ = ["Echo", "echo_example", "read", "said"]


class Echo(FrameWorker):
    """Says what it hears; some words have it do something else.

    `to NAME`: hand over. `crash`, `trouble`, `tool`, `bye`: what they say. `long`: it begins a
    reply that ends only when it is interrupted.
    """

    active = False
    bridged = ()

    def __init__(self, greeting: str = "hello from {name}") -> None:
        super().__init__()
        self.greeting = greeting
        self._long = False

    async def on_activated(self, args: Any) -> None:
        await self.reply((args or self.greeting).format(name=self.name))

    async def reply(self, *pieces: str) -> None:
        await self.push_frame(ReplyStartFrame())
        for piece in pieces:
            await self.push_frame(ReplyTextFrame(piece))
        await self.push_frame(ReplyEndFrame())

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, InterruptionFrame) and self._long:
            self._long = False
            await self.push_frame(ReplyEndFrame(interrupted=True))
        if isinstance(frame, TranscriptionFrame):
            await self.obey(frame.text)

    async def obey(self, text: str) -> None:
        verb, _, rest = text.partition(" ")
        match verb:
            case "to":
                await self.hand_over(rest)
            case "crash":
                await self.push_frame(ReplyStartFrame())
                raise RuntimeError("told to")
            case "trouble":
                await self.push_frame(ErrorFrame("it does not work"), Direction.UP)
            case "tool":
                await self.use_tool()
            case "long":
                self._long = True
                await self.push_frame(ReplyStartFrame())
                await self.push_frame(ReplyTextFrame("and so on"))
            case "bare":
                await self.push_frame(TextFrame("bare words"))
            case "bye":
                await self.reply("goodbye")
                await self.node.drain("bye was said")
            case _:
                await self.reply("you said: ", text)

    async def hand_over(self, name: str) -> None:
        try:
            await self.activate(name, deactivate_self=True)
        except CallboardError as error:
            await self.reply(f"I stay: {error.__cause__}")

    async def use_tool(self) -> None:
        await self.push_frame(ToolCallFrame("look", "1", {"at": "<b>it</b>"}))
        await self.push_frame(ProgressFrame("eye", "see", "half", job_id="j"))
        await self.push_frame(ProgressFrame("eye", "see", "", "completed", job_id="j"))
        await self.push_frame(ToolResultFrame("look", "1", {"seen": 1}))
        await self.reply("I have looked")


def echo_example(*names: str, make: Callable[[], Echo] = Echo, **fields: Any) -> Example:
    """A example of echoes; the first name begins."""
    names = names or ("greeter", "support")
    workers = [Child(name, partial(make)) for name in names]
    return Example("Echo", first=names[0], workers=workers, **fields)


async def read(session: Session) -> list[SessionEvent]:
    """All events of a session that has ended."""
    return [event async for event in session]


def said(events: list[SessionEvent]) -> list[str]:
    """The words of each speaker: `greeter: hello`; pieces that follow each other are one."""
    lines: list[str] = []
    before: SessionEvent | None = None
    for event in events:
        if isinstance(event, ReplyPiece):
            if isinstance(before, ReplyPiece):
                lines[-1] += event.text
            else:
                lines.append(f"{event.speaker}: {event.text}")
        before = event
    return lines
