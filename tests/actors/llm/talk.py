"""A model for the tests of turns, and what was said."""

from __future__ import annotations

from typing import Any

from callboard.actors.llm import (
    Fail,
    ModelLimited,
    Pause,
    Say,
    ScriptedModel,
    when,
)
from tests.actors.jobs.crew import Boom

SCRIPT = (
    when("^slow", Say("one two three four", pace=1)),
    when("^pause", "Before. ", Pause(100), "After."),
    when("^limit", "Half", Fail(ModelLimited("too much"))),
    when("^crash", "Half", Fail(Boom("the model is broken"))),
    when("^empty"),
)


def model(*rules: Any) -> ScriptedModel:
    return ScriptedModel(*rules, *SCRIPT, otherwise="You said: {text}")


def said(worker: Any) -> list[tuple[str, str | None]]:
    """The conversation, as role and content."""
    return [(each["role"], each["content"]) for each in worker.conversation]
