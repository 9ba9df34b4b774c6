"""What a page may send, one JSON object each, and what becomes of it. Everything else is refused.

{"type": "say", "text": "..."}                         the user says something
{"type": "interrupt"}                                  the user has heard enough
{"type": "cancel", "card": "..."}                      the job of a card is not wanted any more
{"type": "snapshot", "elements": [{"ref": ...}, ...]}  what the app area looks like now
{"type": "event", "event": "change", "ref": "..."}     the user has done something there
{"type": "done", "command": "...", "error": ""}        a command was carried out, or cannot be
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from callboard.examples.talking.page_frames import (
    CommandDoneFrame,
    Element,
    PageEventFrame,
    SnapshotFrame,
)
from callboard.examples.talking.session import Session

__all__ = ["MOST_BYTES", "BadMessage", "take"]

MOST_BYTES = 65_536
"""Of one message."""

LONGEST = 4_000
"""Characters of what the user says, and of the value of an element."""

NAME = 200
"""Characters of a name: of a card, an element, a role."""

MOST_ELEMENTS = 500
MOST_OPTIONS = 200

Fields: TypeAlias = "Mapping[str, Any]"


class BadMessage(ValueError):
    """A page has sent what no page of ours sends."""


async def take(text: str, session: Session) -> None:
    """Do what a message says.

    Raises:
        BadMessage: it is none of those above.
        SessionOver: the session has ended.

    """
    try:
        loaded: object = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("this is no JSON") from None
    if not isinstance(loaded, dict):
        raise BadMessage("this is no JSON object")
    fields = cast("Fields", loaded)
    kind = _text(fields, "type", NAME)
    takes = KINDS.get(kind)
    if takes is None:
        raise BadMessage(f"there is no message {kind!r}")
    await takes(fields, session)


async def _say(fields: Fields, session: Session) -> None:
    said = _text(fields, "text", LONGEST).strip()
    if said:
        await session.say(said, interrupt=True)


async def _interrupt(fields: Fields, session: Session) -> None:
    await session.interrupt()


async def _cancel(fields: Fields, session: Session) -> None:
    await session.cancel(_text(fields, "card", NAME))


async def _snapshot(fields: Fields, session: Session) -> None:
    elements = _list(fields, "elements", MOST_ELEMENTS)
    await session.from_page(SnapshotFrame([_element(each) for each in elements]))


async def _event(fields: Fields, session: Session) -> None:
    await session.from_page(
        PageEventFrame(
            _text(fields, "event", NAME),
            _text(fields, "ref", NAME),
            _text(fields, "value", LONGEST, ""),
        )
    )


async def _done(fields: Fields, session: Session) -> None:
    await session.from_page(
        CommandDoneFrame(
            _text(fields, "command", NAME),
            _text(fields, "error", LONGEST, ""),
            _text(fields, "ref", NAME, ""),
        )
    )


KINDS: dict[str, Callable[[Fields, Session], Any]] = {
    "say": _say,
    "interrupt": _interrupt,
    "cancel": _cancel,
    "snapshot": _snapshot,
    "event": _event,
    "done": _done,
}


def _element(loaded: object) -> Element:
    if not isinstance(loaded, dict):
        raise BadMessage("an element is an object")
    fields = cast("Fields", loaded)
    options = _list(fields, "options", MOST_OPTIONS, ())
    if not all(isinstance(option, str) and len(option) <= NAME for option in options):
        raise BadMessage(f"an option is a text of up to {NAME} characters")
    return Element(
        _text(fields, "ref", NAME),
        _text(fields, "role", NAME),
        _text(fields, "name", LONGEST, ""),
        _text(fields, "value", LONGEST, ""),
        tuple(options),
        _text(fields, "within", NAME, ""),
        fields.get("disabled") is True,
    )


def _text(fields: Fields, name: str, longest: int, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise BadMessage(f"{name!r} has to be a text of up to {longest} characters")
    return value


def _list(fields: Fields, name: str, most: int, default: object = None) -> list[Any]:
    value = fields.get(name, default)
    if not isinstance(value, list | tuple) or len(cast("list[Any]", value)) > most:
        raise BadMessage(f"{name!r} has to be a list of up to {most} things")
    return list(cast("list[Any]", value))
