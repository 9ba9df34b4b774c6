"""What the talker says where no real model is there; the answers are from the files in any case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress

from callboard.actors.llm import Call, Scene, ScriptedModel, after, when

__all__ = ["BEGIN", "LINES", "talker_model"]

BEGIN = "Greet the user, and say in one sentence what you can be asked."
"""What the talker is activated with."""

LINES = (
    "What is this project?",
    "Find the TODO comments.",
    "How are errors handled?",
    "Which dependencies does it have?",
    "How big is the project, and how is it tested?",
)
"""The short conversation."""

PARTS = re.compile(r"(?<=\?)\s+(?=\S)|,\s+and\s+(?=how|what|which|where|find)", re.IGNORECASE)
"""Between two questions in one line."""


def talker_model() -> ScriptedModel:
    """Return the model of the talker: it gives every question to the code worker."""
    return ScriptedModel(
        when(
            r"^Greet the user",
            "Hello! Ask me about the files of this project: what a module does, which TODO comments"
            " there are, how errors are handled, or what it depends on.",
        ),
        when(r"^\W*(?:hello|hi|thanks|thank you)\W*$", "You are welcome. What about the code?"),
        when(r"\S", _ask),
        after("ask_code", _tell, failed=None),
    )


def _ask(scene: Scene) -> list[Call]:
    """Ask each question of the line; they are asked at once, and answered in order."""
    parts = [part.strip() for part in PARTS.split(scene.text)]
    return [Call("ask_code", question=_as_it_is(part)) for part in parts if part]


def _as_it_is(text: str) -> Callable[[Scene], str]:
    """Return an argument that nothing is filled into, whatever the user has written."""
    return lambda scene: text


def _tell(scene: Scene) -> str:
    """Say the answers in the order of the questions."""
    told: list[str] = []
    for message in reversed(scene.messages):
        if message.get("role") != "tool":
            break
        told.append(_told(str(message["content"])))
    return " ".join(reversed(told))


def _told(content: str) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return f"The code worker did not answer: {json.loads(content)['error']}."
    return content
