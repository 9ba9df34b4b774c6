"""What somebody hears who listens to a session: whole replies, and whether two spoke at once."""

from __future__ import annotations

from collections.abc import Iterable

from callboard.actors.llm import ScriptedModel
from callboard.examples.talking.events import (
    FloorChanged,
    ReplyBegan,
    ReplyEnded,
    ReplyPiece,
    SessionEvent,
)
from callboard.examples.talking.session import Session

__all__ = ["as_it_is", "one_at_a_time", "replies", "say"]


def as_it_is(scripted: ScriptedModel) -> ScriptedModel:
    """The model of who talks offline."""
    return scripted


async def say(session: Session, *lines: str) -> None:
    """Say each line once the one before is answered."""
    assert await session.settled(within=60)
    for line in lines:
        await session.say(line)
        assert await session.settled(within=60), line


def replies(events: Iterable[SessionEvent]) -> list[str]:
    """The words of each reply, whatever was done in between: `greeter: hello`."""
    said: list[str] = []
    for event in events:
        match event:
            case ReplyBegan(speaker=speaker):
                said.append(f"{speaker}: ")
            case ReplyPiece(text=text):
                said[-1] += text
            case _:
                pass
    return [reply for reply in said if not reply.endswith(": ")]


def one_at_a_time(events: Iterable[SessionEvent]) -> list[ReplyPiece]:
    """Check that whoever speaks has the floor, and ends before the next one; return the pieces."""
    floor: str | None = None
    speaking: str | None = None
    pieces: list[ReplyPiece] = []
    for event in events:
        match event:
            case FloorChanged(speaker=speaker):
                assert speaking is None, f"{speaking} was speaking when the floor changed"
                floor = speaker
            case ReplyBegan(speaker=speaker):
                assert (speaking, speaker) == (None, floor)
                speaking = speaker
            case ReplyPiece(speaker=speaker):
                assert speaker == speaking
                pieces.append(event)
            case ReplyEnded(speaker=speaker):
                assert speaker == speaking
                speaking = None
            case _:
                pass
    return pieces
