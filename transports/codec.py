"""What a codec is: values to bytes and back, for registered types only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..actors.ref import WorkerRef

__all__ = ["Codec"]


class Codec(Protocol):
    """Values to bytes and back. What does not arrive equal and of its type raises at the sender."""

    def encode(self, value: object, /) -> bytes:
        """Return the bytes of a message or payload.

        Raises:
            NotCarried: it names the place in the value and the type, and says what to do.

        """
        ...

    def decode(self, data: bytes, ref: Callable[[str], WorkerRef], /) -> object:
        """Return the value; `ref` makes the refs that it holds.

        Raises:
            Undecodable: the bytes are not ours, too deep, or of an unknown or wrong type. Nothing
                is imported, and nothing else is ever raised.

        """
        ...
