"""What the greeter says without a real model: rules, so that other questions get other answers."""

from __future__ import annotations

import re

from callboard.actors.llm.script import Call, Scene, after, when
from callboard.actors.llm.scripted import ScriptedModel

__all__ = ["PACE", "greeter_script", "what_failed"]

PACE = 0.02
"""Seconds between two words: fast, and slow enough to be interrupted."""

NAME = re.compile(r"\bmy name is (\w+)", re.IGNORECASE)


def greeter_script() -> ScriptedModel:
    """Return a model that greets by a script: offline, always the same."""
    return ScriptedModel(
        after(
            "look_up_product",
            "The {result[name]} is {result[about]}. It costs {result[price_in_euros]} euros.",
        ),
        after(
            "look_up_product",
            "I am afraid not: {what}.",
            match=what_failed,
            failed=True,
        ),
        after("transfer", "I cannot reach my colleague just now. Please try again.", failed=True),
        when(
            r"^\(a user has come in",
            "Hello, and welcome to Acme! Ask me about our lamps, clocks and radios;",
            " and if something is wrong I hand you over to support.",
        ),
        when(r"^\(support hands", "Here is the greeter again. What else can I tell you?"),
        when(r"^\(the line was cut", "I am back, the line was cut. Where were we?"),
        when(
            r"\b(bye|goodbye|see you|good night)\b",
            "Goodbye, and come again!",
            Call("say_goodbye", reason="the user has said goodbye"),
        ),
        when(
            r"support|human|somebody else|problem|broke|not work|doesn't work|does not|defect"
            r"|password|log ?in|refund|money back|complain|\border\b|parcel|deliver",
            "That is one for support: I hand you over.",
            Call("transfer", worker="support", reason="{text}"),
        ),
        when(NAME, "Nice to meet you, {1}! What are you looking for?"),
        when(r"(what|who).*\bmy name|who am i", _tell_name),
        when(
            r"\b(lamp|clock|radio)s?\b",
            Call("look_up_product", name="{1}"),
        ),
        when(
            r"(?:price of|cost|buy|sell|have|looking for|need)\b.*?\b(?:an?|the|any)\s+(\w+)",
            Call("look_up_product", name="{1}"),
        ),
        when(
            r"\bsell|products?|what.*have|offer|looking for|\bbuy\b",
            "We sell lamps, clocks and radios. Which one shall I tell you about?",
        ),
        when(
            r"\bopen|hours|when.*close|address|where are you",
            "We are open from nine to six, every day but Sunday, at 1 Main Street.",
        ),
        when(
            r"who are you|your name|a robot|real person",
            "I am the greeter of Acme: I make you feel at home, and know what is on the shelves.",
        ),
        when(r"how are you|how do you do", "Very well, thank you! And what brings you here?"),
        when(r"weather|rain|sun", "I see only the inside of the shop, and there it is dry."),
        when(r"joke|funny", "Why did the lamp leave the clock? It had no time for light talk."),
        when(r"\bthank|great|nice|good\b", "With pleasure! Is there anything else?"),
        when(r"^(no|nothing)\b", "Then have a good day; just say bye when you leave."),
        when(r"\b(hi|hello|hey|good (morning|day|evening))\b", "Hello! What can I do for you?"),
        otherwise="That I do not know. I can tell you about our lamps, clocks and radios,"
        " or hand you over to support.",
        pace=PACE,
    )


def what_failed(scene: Scene) -> dict[str, str]:
    """Return what is wrong as a user would say it, without the name of the error."""
    return {"what": scene.error.partition(": ")[2] or scene.error}


def _tell_name(scene: Scene) -> str:
    for text in reversed(scene.said):
        found = NAME.search(text)
        if found is not None:
            return f"You are {found[1].title()}, if I remember well."
    return "You have not told me your name yet."
