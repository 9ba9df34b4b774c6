"""The events of a session, as values and as JSON."""

import json
from dataclasses import FrozenInstanceError

import pytest

from callboard.examples.talking import events
from callboard.examples.talking.events import (
    ReplyPiece,
    SessionBegan,
    SessionEvent,
    ToolEnded,
    UserSaid,
)


def test_an_event_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        UserSaid("hello").text = "other"  # type: ignore[misc]


def test_as_json_an_event_is_its_fields_and_its_kind() -> None:
    assert json.loads(ReplyPiece("greeter", "Hi", voice="low").as_json()) == {
        "kind": "reply-piece",
        "speaker": "greeter",
        "text": "Hi",
        "voice": "low",
    }
    assert json.loads(SessionBegan("A", suggestions=("x",)).as_json())["suggestions"] == ["x"]


def test_a_result_that_json_has_no_word_for_is_shown_as_text() -> None:
    assert json.loads(ToolEnded("w", "t", "1", result={1j}).as_json())["result"] == "{1j}"


def test_every_kind_is_listed_and_has_a_name_of_its_own() -> None:
    kinds = {each.kind for each in SessionEvent.__subclasses__()}
    assert len(kinds) == len(SessionEvent.__subclasses__()) == len(events.__all__) - 1
    assert "reply-piece" in kinds and "session-began" in kinds
