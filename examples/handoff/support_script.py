"""What support says without a real model: rules, so that other problems get other answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from callboard.actors.llm.script import Call, Scene, after, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.examples.handoff.greeter_script import PACE, what_failed

__all__ = ["support_script"]

HANDED = re.compile(r"\(\w+ hands the user over to you: (?P<reason>.*)\)", re.DOTALL)
NUMBER = re.compile(r"\b\d{3,6}\b")
REFUND = re.compile(r"refund|money back|return", re.IGNORECASE)
WHICH = re.compile("For which order|money back")
"""What it asks where it is to give money back."""

YES = r"\b(yes|yeah|yep|it does|sure|please)\b"
NO = r"\b(no|nope|not|nothing|doesn't|still)\b"

BACK = Call("transfer", worker="greeter", reason="{text}")


def support_script() -> ScriptedModel:
    """Return a model that supports by a script: offline, always the same."""
    return ScriptedModel(
        after(
            "look_up_order",
            "Order {result[number]}, a {result[product]}, is {result[status]}: it {result[when]}.",
            " Is there anything else?",
        ),
        after(
            "refund_order",
            "Done: {result[euros]} euros for order {result[number]} go back to you.",
            " Is there anything else?",
        ),
        after(
            "look_up_order",
            "I am sorry, but {what}. Is the number right?",
            match=what_failed,
            failed=True,
        ),
        after("refund_order", "I am sorry, but {what}.", match=what_failed, failed=True),
        after("transfer", "I cannot reach my colleague just now: let us wait.", failed=True),
        when(r"^\(a user has come in", "Hello, this is support. What is wrong?"),
        when(r"^\(the line was cut", "I am back, the line was cut. Where were we?"),
        when(
            _wish(r"\b(bye|goodbye|see you)\b"),
            "Goodbye, and all the best!",
            Call("say_goodbye", reason="the user has said goodbye"),
        ),
        # -- answers to what it has asked ----
        when(_reply_to("another bulb", NO), "And in another socket?"),
        when(
            _reply_to("another bulb", YES),
            "Then it was only the bulb: take one of up to 40 watts. Is there anything else?",
        ),
        when(
            _reply_to("another socket", NO),
            "Then the lamp is broken, and you get your money back. What is the order's number?",
        ),
        when(
            _reply_to("another socket", YES),
            "Then it was the socket, and your lamp is well. Is there anything else?",
        ),
        when(
            _reply_to("by mail", r"no|not|nothing|never|where|mail"),
            "Then look among your spam: it comes from hello@acme.example.",
        ),
        when(_reply_to("anything else", NO), "Gladly done. Back to the greeter, then.", BACK),
        # -- what it is told ----
        when(
            _wish(
                r"greeter|colleague|go back|hand me back|\b(sells?|products?|buy)\b|solved"
                r"|works now|it works|that is all|that's all"
            ),
            "Gladly: back to the greeter.",
            BACK,
        ),
        when(_refund_of_number, _hello, Call("refund_order", number="{number}")),
        when(
            _wish(REFUND.pattern),
            _hello,
            "For which order? Tell me its number; it has four digits.",
        ),
        when(_wish(rf"({NUMBER.pattern})"), _hello, Call("look_up_order", number="{1}")),
        when(
            _wish(r"\border\b|parcel|deliver|arriv|package"),
            _hello,
            "I look it up for you. What is the number of the order? It has four digits.",
        ),
        when(
            _wish(r"password|log ?in|sign in|account|locked"),
            _hello,
            "Open acme.example/password: a new one comes by mail within a minute.",
        ),
        when(
            _wish(r"(clock|radio)"),
            _hello,
            "Take the battery of the {1} out for a minute, and put it in again. Does it run then?",
        ),
        when(
            _wish(r"lamp|bulb|dark|light"),
            _hello,
            "A lamp that stays dark has often just a bad bulb. Does it light up with another bulb?",
        ),
        when(
            _wish(r"who are you|your name|a robot|real person"),
            _hello,
            "I look after orders, refunds, passwords and lamps that stay dark.",
        ),
        when(_wish(r"\bthank|great|perfect"), "You are welcome. Is there anything else?"),
        when(_wish(YES), "Good. Is there anything else?"),
        when(HANDED, _hello, "What is wrong?"),
        when(r"\b(hi|hello|hey)\b", "Hello! What is wrong?"),
        otherwise="Tell me more: is it about an order, a refund, a password, or a lamp that stays"
        " dark?",
        pace=PACE,
    )


def _wished(text: str) -> str:
    """Return what the user wants: their own words, or what the greeter has told of them."""
    handed = HANDED.fullmatch(text)
    return handed["reason"] if handed is not None else text


def _wish(pattern: str) -> Callable[[Scene], Any]:
    """Match what the user wants, which may be what the greeter has told of it."""
    sought = re.compile(pattern, re.IGNORECASE)
    return lambda scene: sought.search(_wished(scene.text))


def _reply_to(question: str, pattern: str) -> Callable[[Scene], Any]:
    """Match an answer to a question that was asked last."""
    sought = re.compile(pattern, re.IGNORECASE)

    def match(scene: Scene) -> Any:
        asked = bool(scene.replies) and question in scene.replies[-1]
        return sought.search(scene.text) if asked and not HANDED.fullmatch(scene.text) else None

    return match


def _refund_of_number(scene: Scene) -> Mapping[str, str] | None:
    """Match where the user wants their money back, and has said for which order, now or before."""
    wish = _wished(scene.text)
    asked = bool(scene.replies) and WHICH.search(scene.replies[-1]) is not None
    numbers = NUMBER.findall(wish)
    if REFUND.search(wish) and not numbers:
        numbers = NUMBER.findall(" ".join(scene.said))
    elif not (asked or REFUND.search(wish)):
        numbers = []
    return {"number": numbers[-1]} if numbers else None


def _hello(scene: Scene) -> str | None:
    """Say who it is, where it has just taken over."""
    return "Hello, this is support. " if HANDED.fullmatch(scene.text) else None
