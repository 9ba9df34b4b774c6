"""Fitting text from files we do not know into the columns of a terminal."""

from __future__ import annotations

import unicodedata
from typing import Literal

WIDTH = 80
ELLIPSIS = "..."


def printable(text: str) -> str:
    """Writes what a terminal could obey (escapes, newlines) or not encode as backslash escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def columns(text: str) -> int:
    """Counts the terminal columns of printable text: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def fit(text: str, width: int, keep: Literal["start", "end"] = "start") -> str:
    """Makes text printable and cuts it to `width` columns, keeping its start or its end.

    Three dots mark the cut. Paths read better by their end, sentences by their start.
    """
    text = printable(text)
    if columns(text) <= width:
        return text
    dots = ELLIPSIS[:width]
    room = width - len(dots)
    characters = text if keep == "start" else reversed(text)
    kept: list[str] = []
    for character in characters:
        room -= _columns_of(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + dots if keep == "start" else dots + "".join(reversed(kept))


def pad(text: str, width: int) -> str:
    """Fills text with spaces to `width` columns; longer text stays as it is."""
    return text + " " * (width - columns(text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
