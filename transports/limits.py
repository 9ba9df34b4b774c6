"""What the codec takes in before it parses anything: how deep, how long."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import cast

from ..actors.errors import SpecError

__all__ = ["Limits"]

# Possessive, and closed by the end of the data too: each byte is looked at once, whatever comes.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
ONE_KIND_OF_BRACKET = bytes.maketrans(b"[]{}", b"()()")
NO_STRUCTURE = bytes(byte for byte in range(256) if byte not in b"[]{},")
INNERMOST = re.compile(rb"\(,*+\)")

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
    harmless: int = field(init=False, repr=False, compare=False, default=0)
    """Bytes of JSON up to which no limit can be exceeded."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SpecError: one of them makes no sense.

        """
        for name, value in (("depth", self.depth), ("length", self.length), ("text", self.text)):
            if type(cast("object", value)) is not int or value < 2:
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
        levels = data.count(b"[") + data.count(b"{")
        if levels <= self.depth and data.count(b",") < self.length:
            return None
        return self._excess_of_structure(data)

    def _excess_of_structure(self, data: bytes) -> str | None:
        """Take away the innermost lists and dicts, again and again: one level each time."""
        rest = STRING.sub(b"", data).translate(ONE_KIND_OF_BRACKET, NO_STRUCTURE)
        too_long = b"," * self.length
        for _ in range(self.depth):
            # What stood between these commas is gone already: they are entries of one list.
            if too_long in rest:
                return f"a list or dict has more than {self.length} entries"
            if b"(" not in rest:
                return None
            rest = INNERMOST.sub(b"", rest)
        return f"lists and dicts are nested deeper than {self.depth}" if b"(" in rest else None
