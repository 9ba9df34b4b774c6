"""What moderator and debaters say where no real model is there.

A debater's script sees its own conversation and nothing else: what it quotes of an earlier round it
has remembered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from callboard.actors.llm import Call, Scene, ScriptedModel, after, when
from callboard.examples.debate.debater import DEBATERS
from callboard.examples.debate.themes import aspect_of, theme_of

__all__ = ["BEGIN", "LINES", "debater_model", "moderator_model"]

BEGIN = "Greet the user, and ask for a topic in one sentence."
"""What the moderator is activated with."""

LINES = (
    "Should everybody work from home?",
    "And what about the cost?",
    "Is a car-free city a good idea?",
)
"""The short conversation."""

TOPIC = re.compile(r"The topic: (?P<topic>[^\n]+)(?:\nThe question now: (?P<question>.+))?", re.S)

ABOUT = re.compile(
    r"^\W*(?:(?:let'?s|please|can you|could you)\s+)*"
    r"(?:debate|discuss|talk about|topic|a debate (?:on|about))\W*(?:on|about|whether)?\W*",
    re.I,
)
"""What stands before a topic, and does not belong to it."""

GOES_ON = re.compile(
    r"^\W*(?:and|but|what about|how about|what if|once more|again|go on|another round|second round)"
    r"\b|^\W*why\W*$|\b(?:it|they)\b[^.]*\?$",
    re.I,
)
"""How a question about the topic before begins, or what it has in it."""

OPENINGS = {
    "advocate": "There is much to be said for it: {point}.",
    "critic": "I object: {point}.",
    "analyst": "Let us look at what is known: {point}.",
}

THINKING = {"advocate": 0.2, "critic": 0.4, "analyst": 0.3}
"""Seconds before each begins to speak, so that one sees that they think at once."""


def debater_model(name: str, *, pace: float = 0.01) -> ScriptedModel:
    """Return the model of a debater; `pace` is in seconds for each word."""
    return ScriptedModel(
        when(TOPIC, _argument_of(name)),
        otherwise="I was asked nothing.",
        delay=THINKING[name] if pace else 0.0,
        pace=pace,
    )


def moderator_model() -> ScriptedModel:
    """Return the model of the moderator: it has them debate, and puts together what they said."""
    return ScriptedModel(
        when(
            r"^Greet the user",
            "Welcome! Name a topic, and an advocate, a critic and an analyst will debate it.",
        ),
        when(r"^\W*(?:hello|hi|thanks|thank you)\W*$", "Which topic shall they debate?"),
        when(r"\w", _have_debate),
        after("debate", _balance),
        after("debate", "There was no debate: {error}", failed=True),
    )


def _argument_of(name: str) -> Callable[[Scene], str]:
    """Return what a debater says: its first point, or what goes on from what it said before."""

    def argue(scene: Scene) -> str:
        topic, question = scene["topic"].strip(), scene["question"].strip()
        points = theme_of(topic).points(name)
        earlier = _said_before(scene, topic)
        aspect = aspect_of(question) if question else None
        if not earlier:
            point = aspect[1][name] if aspect is not None else points[0]
            return OPENINGS[name].format(point=point)
        asked = f"On {aspect[0]}: " if aspect is not None else "Let me add: "
        point = aspect[1][name] if aspect is not None else points[len(earlier) % len(points)]
        return f"In my first answer I said that {_point_in(earlier[0])}. {asked}{point}."

    return argue


def _said_before(scene: Scene, topic: str) -> list[str]:
    """Return what was said to this topic, from the conversation alone."""
    asked = [TOPIC.search(text) for text in scene.said]
    return [
        reply
        for found, reply in zip(asked, scene.replies, strict=False)
        if found is not None and found["topic"].strip() == topic
    ]


def _point_in(reply: str) -> str:
    return reply.partition(": ")[2].rstrip(".") or reply


def _have_debate(scene: Scene) -> Call:
    """Open a topic, or have the one before debated once more, with a question."""
    before = _last_topic(scene)
    text = scene.text.strip()
    if before is not None and GOES_ON.search(text):
        return Call("debate", topic=_as_it_is(before), question=_as_it_is(text))
    return Call("debate", topic=_as_it_is(ABOUT.sub("", text).strip(" .?!") or text))


def _as_it_is(text: str) -> Callable[[Scene], str]:
    """Return an argument that nothing is filled into, whatever the user has written."""
    return lambda scene: text


def _last_topic(scene: Scene) -> str | None:
    for message in reversed(scene.messages):
        for call in message.get("tool_calls") or ():
            topic = json.loads(call["function"]["arguments"]).get("topic")
            return str(topic) if topic else None
    return None


def _balance(scene: Scene) -> str:
    """Make one answer of all three."""
    said = {name: str(scene.result[name]) for name in DEBATERS}
    return (
        f'On "{_last_topic(scene)}". For it, the advocate: {said["advocate"]} Against it, the'
        f" critic: {said['critic']} And the analyst: {said['analyst']} So there is a case on both"
        " sides; I would decide by what the analyst says, and try it where the critic's objection"
        " weighs least."
    )
