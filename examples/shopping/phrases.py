"""Phrases: what somebody says they need, as things with an amount and a unit, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Wanted", "counted", "joined", "label_of", "unlabelled", "wanted"]

LONGEST = 80
"""Characters of a name."""

WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)

NUMBERS: dict[str, float] = {
    **{word: float(number) for number, word in enumerate(WORDS)},
    "a": 1.0,
    "an": 1.0,
    "half a": 0.5,
    "a dozen": 12.0,
    "a couple of": 2.0,
}

UNITS = (
    *("litre", "liter", "kilo", "kg", "gram", "g", "pack", "bottle", "box", "bag", "can"),
    *("loaf", "piece", "jar", "bar", "cup", "bunch"),
)

UNIT = "|".join([*(f"{unit}(?:s|es)?" for unit in UNITS), "loaves"])

AMOUNT = "|".join([r"\d+(?:\.\d+)?", *sorted(NUMBERS, key=len, reverse=True)])

THING = re.compile(
    rf"(?:(?P<amount>{AMOUNT})\s+)?(?:(?P<unit>{UNIT})\s+(?:of\s+)?)?(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)

BETWEEN = re.compile(r",\s*(?:and\s+)?|\s+(?:and|plus)\s+", re.IGNORECASE)

EDGES = re.compile(r"^(?:(?:some|the|my|of|more)\s+)+|\s*(?:\bplease)?[\s.!?]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """One thing that somebody wants."""

    name: str
    amount: float | None = None
    """None: they have not said how much."""
    unit: str = ""


def wanted(text: str) -> list[Wanted]:
    """Return what stands in `two litres of milk and bread`."""
    found: list[Wanted] = []
    for part in BETWEEN.split(text):
        thing = THING.fullmatch(EDGES.sub("", part).strip())
        if thing is None:
            continue
        said = thing["amount"]
        amount = None if said is None else NUMBERS.get(said.casefold())
        if said is not None and amount is None:
            amount = float(said)
        name = EDGES.sub("", thing["name"]).strip()[:LONGEST]
        if name:
            found.append(Wanted(name, amount, (thing["unit"] or "").casefold()))
    return found


def label_of(name: str, unit: str) -> str:
    """Return a thing as it stands on the list, behind its amount: `litres of milk`."""
    return f"{unit} of {name}" if unit else name


def unlabelled(label: str) -> tuple[str, str]:
    """Return name and unit of a thing on the list."""
    unit, of, name = label.partition(" of ")
    if of and re.fullmatch(UNIT, unit, re.IGNORECASE):
        return name, unit
    return label, ""


def counted(amount: float) -> str:
    """Return an amount as it is written."""
    return f"{amount:g}"


def joined(words: Sequence[str]) -> str:
    """Return `bread, milk and tea`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
