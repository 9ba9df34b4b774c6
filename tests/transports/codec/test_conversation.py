"""A conversation's tools: not given, empty and filled are three things, and stay so."""

from __future__ import annotations

import enum
from dataclasses import field
from typing import Any

import pytest

from callboard import DataMessage
from callboard.actors.wire import wire
from callboard.transports.json_codec import JsonCodec
from tests.transports.codec.carried import identical, make_ref, round_trip


@wire("tests.not-given")
class NotGiven(enum.Enum):
    NOT_GIVEN = enum.auto()


NOT_GIVEN = NotGiven.NOT_GIVEN


class Tool(DataMessage, wire="tests.tool"):
    name: str
    parameters: dict[str, Any]


class Conversation(DataMessage, wire="tests.conversation"):
    messages: list[Any]
    tools: list[Tool] | NotGiven = NOT_GIVEN
    tool_choice: str | dict[str, Any] | NotGiven | None = NOT_GIVEN
    limits: dict[str, int] | None = None
    custom: dict[str, list[Any]] = field(default_factory=dict[str, "list[Any]"])


TOOL = Tool("search", {"type": "object", "properties": {"q": {"type": "string"}}, "required": []})

PROVIDERS_OWN: dict[str, Any] = {
    "role": "assistant",
    "content": [{"type": "thinking", "signature": b"\x00\xff", "parts": ({"~tuple": []}, None)}],
    "cache_control": {},
    "n": 1.0,
}


@pytest.mark.check("M99")
@pytest.mark.parametrize("tools", [NOT_GIVEN, [], [TOOL]], ids=["not given", "empty", "filled"])
@pytest.mark.parametrize("choice", [NOT_GIVEN, None, "", "auto", {}, {"type": "any"}], ids=repr)
def test_a_conversation_crosses_as_it_was(tools: Any, choice: Any) -> None:
    for messages in ([], [{"role": "user", "content": "hi"}, PROVIDERS_OWN]):
        for limits in (None, {}, {"tokens": 5}):
            talk = Conversation(messages, tools, choice, limits)
            came = round_trip(talk)
            assert identical(came, talk)
            assert (came.tools is NOT_GIVEN) == (tools is NOT_GIVEN)
            assert (came.tool_choice is NOT_GIVEN) == (choice is NOT_GIVEN)


@pytest.mark.check("M99")
def test_an_older_sender_that_knows_no_tools_has_not_given_them() -> None:
    came = JsonCodec().decode(b'{"~:tests.conversation":{"messages":[]}}', make_ref)
    assert came == Conversation([])
    assert isinstance(came, Conversation) and came.tools is NOT_GIVEN
