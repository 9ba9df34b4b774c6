"""What the clerk says without a key: a scripted model that understands what is said in a shop."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from callboard.actors.llm.script import Call, Scene, after, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.examples.shopping.phrases import Wanted, joined, wanted

__all__ = ["ALL_CANCELLED", "BEGIN", "COMPARED", "CONVERSATION", "PRESSED", "scripted_model"]

BEGIN = "Greet the user, and ask what is needed."
COMPARED = "The prices were compared: {}"
ALL_CANCELLED = "The user has cancelled the comparison."
PRESSED = "The user has pressed: {}"
"""What the clerk is told that no user has said."""

CONVERSATION = (
    "Add two litres of milk and bread.",
    "Remove the bread.",
    "Add three apples and a pack of coffee.",
    "Compare the prices.",
    "Stop that.",
    "Send the order.",
    "Deliver on Friday to Ada Lovelace, 12 St James Square.",
    "Highlight the total.",
    "Send the order.",
)
"""A short conversation."""

END = r"(?:\s*,?\s*please)?[\s.!?]*$"
LIST = r"(?:\s+(?:to|on|from|off) (?:the|my) (?:shopping )?list)?"
ADD = rf"^(?:please\s+)?(?:add|put|buy|(?:i|we) (?:also )?need|i'd like)\s+(.+?){LIST}{END}"
REMOVE = rf"^(?:please\s+)?(?:remove|delete|take|drop|no more)\s+(.+?){LIST}{END}"
AMOUNT = rf"^(?:please\s+)?(?:make (?:it|that)|change (?:it|that) to)\s+(.+?){END}"
DELIVER = re.compile(
    r"deliver(?: (?:it|everything))?(?:\s+on\s+(?P<day>\w+))?"
    rf"(?:\s+to\s+(?P<name>[^,]+?)(?:,\s*(?P<address>.+?))?)?(?:\s+on\s+(?P<later>\w+day))?{END}",
    re.IGNORECASE,
)

REFUSING = (
    "add_item",
    "set_amount",
    "remove_item",
    "fill_delivery",
    "send_order",
    "highlight",
    "compare_prices",
)
"""The tools that say in words for a user why they do not do something."""


def scripted_model() -> ScriptedModel:
    """Return the model."""
    return ScriptedModel(
        when("^Greet the user", "Hello! I keep your shopping list. What do you need?"),
        when(r"^The prices were compared: (.*)", "I have compared the prices. {1}."),
        when("^The user has cancelled", "All right, I compare nothing any more."),
        when(r"^The user has pressed: Send", Call("send_order")),
        when(r"^(?:please )?(?:stop|cancel|never mind)", Call("stop_comparing")),
        when(r"\bsend\b.*\border|^order it|check ?out", Call("send_order")),
        when(rf"(?:highlight|where is|show me)\s+(?:the\s+)?(.+?){END}", _highlight),
        when(r"(?:compare|cheapest).*?\bprices? of (.+)", _compare),
        when(r"compare|cheapest|prices", Call("compare_prices")),
        when(r"(?:not|no|isn't)\b.*\bgift", Call("fill_delivery", gift=False)),
        when(r"\bgift\b", Call("fill_delivery", gift=True)),
        when(DELIVER, _deliver),
        when(rf"\bname is (.+?){END}", Call("fill_delivery", name="{1}")),
        when(rf"\baddress is (.+?){END}", Call("fill_delivery", address="{1}")),
        when(rf"^on (\w+day){END}", Call("fill_delivery", day="{1}")),
        when("look at the page", Call("look_at_page")),
        when(AMOUNT, _each("set_amount")),
        when(ADD, _each("add_item")),
        when(REMOVE, _each("remove_item")),
        when(r"\blist\b|how much|total|cost|what .*(?:have|order)", Call("read_order")),
        after("add_item", _list),
        after("set_amount", _list),
        after("remove_item", _list),
        after("fill_delivery", _delivery),
        after("send_order", _sent),
        after("read_order", _read),
        after("highlight", "There it is: {result}."),
        after("compare_prices", _comparing),
        after("stop_comparing", _stopped),
        *(after(name, _refused, failed=True) for name in REFUSING),
        when(r"\b(?:hello|hi|thanks|thank you)\b", "What else do you need?"),
        otherwise="I can add things to your list, take them off, compare prices, fill in the "
        "delivery and send the order. I do not know what to do with: {text}",
        pace=0.02,
    )


# -- what is done ----


def _each(tool: str) -> Callable[[Scene], list[Call]]:
    """Return a step that calls a tool for each thing that was named."""

    def calls(scene: Scene) -> list[Call]:
        return [_call(tool, thing) for thing in wanted(scene[1])]

    return calls


def _call(tool: str, thing: Wanted) -> Call:
    amount = 1.0 if thing.amount is None else thing.amount
    if tool == "add_item":
        return _with(tool, name=thing.name, amount=amount, unit=thing.unit)
    if tool == "set_amount":
        return _with(tool, name=thing.name, amount=amount)
    return _with(tool, name=thing.name)


def _with(tool: str, **arguments: Any) -> Call:
    """Return a call with these arguments as they are: what a user says may have braces."""
    return Call(tool, **{name: _as_it_is(value) for name, value in arguments.items()})


def _as_it_is(value: Any) -> Callable[[Scene], Any]:
    def argument(scene: Scene) -> Any:
        return value

    return argument


def _highlight(scene: Scene) -> Call:
    return _with("highlight", what=scene[1])


def _compare(scene: Scene) -> Call:
    return _with("compare_prices", names=[thing.name for thing in wanted(scene[1])])


def _deliver(scene: Scene) -> Call:
    day = str(scene["day"] or scene["later"]).capitalize()
    given = {"name": scene["name"], "address": scene["address"], "day": day}
    return _with("fill_delivery", **{name: value for name, value in given.items() if value})


# -- what is said about it ----


def _list(scene: Scene) -> str:
    result = scene.result
    if not result["list"]:
        return "Your list is empty now."
    return f"Your list: {joined(result['list'])}. That is {result['total']}."


def _delivery(scene: Scene) -> str:
    result = scene.result
    parts = [f"on {result['day']}"] if result["day"] else []
    who = ", ".join(part for part in (result["name"], result["address"]) if part)
    parts += [f"to {who}"] if who else []
    parts += ["wrapped as a gift"] if result["gift"] else []
    return f"It is delivered {', '.join(parts)}." if parts else "It is no gift."


def _sent(scene: Scene) -> str:
    result = scene.result
    if not result["sent"]:
        missing = joined(result["missing"])
        return f"I cannot send it yet. This is missing: {missing}."
    return f"I have sent it, as number {result['number']}: {result['total']}, on {result['day']}."


def _refused(scene: Scene) -> str:
    """Say what a tool says against it, without the kind of the error."""
    kind, _, text = scene.error.partition(": ")
    told = text or kind
    return f"{told[:1].upper()}{told[1:]}."


def _read(scene: Scene) -> str:
    result = scene.result
    there = joined(result["items"]) or "nothing"
    missing = joined(result["missing"])
    told = f"On your list: {there}. That is {result['total']}."
    return f"{told} This is missing: {missing}." if missing else told


def _comparing(scene: Scene) -> str:
    things = joined(scene.result)
    return f"I am comparing the prices of {things}." if things else "I am at it already."


def _stopped(scene: Scene) -> str:
    things = joined(scene.result)
    return f"I have stopped comparing the prices of {things}." if things else "Nothing is running."
