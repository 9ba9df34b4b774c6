"""What the codec takes in: how deep and how long, before it parses anything; how many keys."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import accumulate, islice
from operator import eq

from ..actors.errors import SpecError

__all__ = ["ALIKE", "Limits"]

# Possessive, and closed by the end of the data too: each byte is looked at once, whatever comes.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
ONE_KIND_OF_BRACKET = bytes.maketrans(b"[]{}", b"()()")
ALL_BUT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{},"\\')
COMMA, OPENING = b",("
UP_AND_DOWN = bytes.maketrans(b"()", b"\x01\xff")

SECRET: tuple[object, ...] = (str.__hash__, bytes.__hash__)
"""Hashes that nobody knows beforehand: Python draws them anew in each process."""

ALIKE = 50
"""Members of one set, or keys of one dict, that may have one hash."""

DEEPEST = 200
"""Levels that `depth` may allow: beyond these Python itself would run out of stack."""


@dataclass(frozen=True)
class Limits:
    """The limits of one value between nodes; a sender is refused by the same that a receiver sets.

    The size of the whole is not here: the packet has one (1 MiB unless set otherwise).
    """

    depth: int = 100
    """Levels of lists and dicts inside each other, as they travel (a tuple or a class that
    stands in an untyped place takes two)."""
    length: int = 100_000
    """Entries of one list or dict."""
    text: int = 1 << 20
    """Bytes of one string as it travels, with its quotes and escapes. Bytes are not text."""
    keys: int = 10_000
    """Members of one set, or keys of one dict, that are neither text nor bytes."""
    harmless: int = field(init=False, repr=False, compare=False, default=0)
    """Bytes of JSON up to which no limit can be exceeded."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SpecError: one of them makes no sense.

        """
        for name in ("depth", "length", "text", "keys"):
            value: object = getattr(self, name)
            if type(value) is not int or value < 2:
                raise SpecError("Limits", name, f"must be at least 2, is {value!r}")
        if self.depth > DEEPEST:
            raise SpecError("Limits", "depth", f"must be at most {DEEPEST}, is {self.depth}")
        # So short a text can break no limit: a level takes two bytes, an entry as well.
        object.__setattr__(self, "harmless", min(2 * self.depth, self.length, self.text))

    def excess(self, data: bytes) -> str | None:
        """Say which limit the JSON exceeds, without parsing it; None where it exceeds none."""
        if len(data) <= self.harmless:
            return None
        if len(data) > self.text:
            longest = max(map(len, STRING.findall(data)), default=0)
            if longest > self.text:
                return f"a string of {longest} bytes is longer than {self.text}"
        long = data.count(b",") >= self.length
        if not long and data.count(b"[") + data.count(b"{") <= self.depth:
            return None
        structure = _structure(data)
        return self._too_deep(structure) or (self._too_long(structure) if long else None)

    def crowd(self, members: Collection[object]) -> str | None:
        """Say which limit the members of a set, or the keys of a dict, exceed; None: none.

        Python looks for a key where its hash says. The hashes of numbers, and of what is made of
        them, can be told beforehand: who chooses them has all keys look in the same places, and
        the time grows with the square of their number.
        """
        if len(members) <= min(ALIKE, self.keys):
            return None
        known = {kind for kind in set(map(type, members)) if kind.__hash__ not in SECRET}
        if not known:
            return None
        told = [each for each in members if type(each) in known]
        if len(told) > self.keys:
            return f"a set or dict has more than {self.keys} keys that are no text"
        hashes = sorted(map(hash, told))  # a set of them could be led astray as well
        if any(map(eq, hashes, islice(hashes, ALIKE, None))):
            return f"more than {ALIKE} keys of a set or dict have one hash"
        return None

    def _too_long(self, structure: bytes) -> str | None:
        commas = [0]
        for byte in structure:
            if byte == COMMA:
                commas[-1] += 1
                if commas[-1] >= self.length:
                    return f"a list or dict has more than {self.length} entries"
            elif byte == OPENING:
                commas.append(0)
            elif len(commas) > 1:
                commas.pop()
        return None

    def _too_deep(self, structure: bytes) -> str | None:
        # Signed bytes: one up for each that opens, one down for each that closes.
        steps = array("b", structure.translate(UP_AND_DOWN, b","))
        deepest = max(accumulate(steps), default=0)
        return (
            f"lists and dicts are nested deeper than {self.depth}" if deepest > self.depth else None
        )


def _structure(data: bytes) -> bytes:
    """Return the commas and brackets of JSON, of one kind, without those in strings."""
    structure = data.translate(ONE_KIND_OF_BRACKET, ALL_BUT_STRUCTURE).replace(b'""', b"")
    if b'"' not in structure:
        return structure
    # A string holds some of these characters: else its two quotes would have met, and gone.
    return STRING.sub(b"", data).translate(ONE_KIND_OF_BRACKET, ALL_BUT_STRUCTURE)
