"""What the assistant says without a key: a scripted model, the same to every client."""

from __future__ import annotations

import re

from callboard.actors.llm.script import Call, Say, Scene, after, when
from callboard.actors.llm.scripted import ScriptedModel

__all__ = ["CONVERSATION", "GREET", "RETURN", "scripted_model"]

GREET = "Greet the user in one sentence."
"""What the assistant is activated with first."""

RETURN = "You were away and have lost nothing that was said. Tell the user in one sentence."
"""What it is activated with when it is there again, and owes no answer."""

CONVERSATION = (
    "My name is Ada.",
    "What is 6 * (3 + 4)?",
    "Where do you run?",
    "What is my name?",
)
"""A short conversation."""

STORY = (
    "Once there was a prompter who knew every play by heart. One night the stage went dark, the "
    "actors forgot their lines, and the audience held its breath. From her box she spoke the words "
    "of all of them, one after another, until the light came back. Nobody had noticed anything but "
    "a short pause. That is the end of the story."
)

NAME = re.compile(r"\bmy name is (\w+)", re.IGNORECASE)

SUM = r"(?<![\w.])((?:\d[\d.]*|[(-]\s*[\d(])[-+*/(). \d]*[\d)])"


def scripted_model() -> ScriptedModel:
    """Return the model."""
    return ScriptedModel(
        when("^Greet the user", "Hello! I am the assistant. What can I do for you?"),
        when("^You were away", "I am back, and I know what we talked about."),
        when(NAME, "Nice to meet you, {1}."),
        when(r"my name\b|who am i", _name),
        when(SUM, Call("calculate", sum="{1}")),
        after("calculate", "That is {result}."),
        after("calculate", "I cannot calculate that: {error}.", failed=True),
        when(r"where\b.*\byou|which (?:machine|process)", Call("where_am_i")),
        after("where_am_i", "I run on {result[host]}, as process {result[process]}."),
        when("story", Say(STORY, pace=0.1)),
        when(r"\b(?:hello|hi|good \w+ing)\b", "Hello again!"),
        when(r"\bthank", "You are welcome."),
        when(r"\b(?:bye|goodbye)\b", "Goodbye!"),
        otherwise="I can calculate, tell a story, say where I run, and remember your name. "
        "I do not know what to say to: {text}",
        pace=0.02,
    )


def _name(scene: Scene) -> str:
    """Find the name in what was said: all that it knows stands in the conversation."""
    names = [found[1] for said in scene.said if (found := NAME.search(said))]
    return f"Your name is {names[-1]}." if names else "You have not told me your name."
