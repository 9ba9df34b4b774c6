"""A conversation that travels as a frame: tools that are not given are another thing than none."""

from __future__ import annotations

from typing import Any

import pytest

from callboard.actors.frames import ContextFrame, Direction, FrameMessage
from tests.transports.codec.carried import identical, round_trip

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "search", "parameters": {}}}

MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [{"type": "thinking", "signature": b"\x00\xff", "n": 1.0}]},
]


@pytest.mark.check("M99")
@pytest.mark.parametrize("tools", [None, [], [TOOL]], ids=["not given", "empty", "filled"])
@pytest.mark.parametrize("choice", [None, "auto", {"type": "any"}], ids=repr)
def test_a_conversation_in_a_frame_crosses_as_it_was(tools: list[Any] | None, choice: Any) -> None:
    message = FrameMessage(ContextFrame(MESSAGES, tools, choice), Direction.DOWN, "voice")
    came = round_trip(message)
    assert identical(came, message)
    assert isinstance(came, FrameMessage) and isinstance(came.frame, ContextFrame)
    assert came.frame.tools == tools and (came.frame.tools is None) == (tools is None)
