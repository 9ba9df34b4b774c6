"""The bytes of a packet as the JSON of a row, and back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import cast

import orjson

from ..errors import Undecodable
from ..packet import MAX_ENVELOPE

__all__ = ["LARGEST", "bytes_of_row", "row_of"]

LARGEST = 3 * MAX_ENVELOPE
"""Characters of a row, at most: more than the largest packet makes. Who has written more is nobody
of ours, and to look at it would hold up the loop."""

KEY = "p"
"""PGMQ's clients expect an object; this is its one field."""


def row_of(data: bytes) -> str:
    """Return the JSON text that stands for the bytes."""
    return f'{{"{KEY}": "{base64.b64encode(data).decode("ascii")}"}}'


def bytes_of_row(message: object) -> bytes:
    """Return the bytes of a row: JSON as text or bytes, or already decoded.

    Raises:
        Undecodable: nobody of ours has written it.

    """
    if isinstance(message, str | bytes):
        if len(message) > LARGEST:
            raise Undecodable(f"a row of the queue has {len(message)} characters, and is no packet")
        try:
            message = orjson.loads(message)
        except orjson.JSONDecodeError:
            raise Undecodable("a row of the queue is no JSON") from None
    if not isinstance(message, Mapping):
        raise Undecodable("a row of the queue is no JSON object")
    text = cast("Mapping[object, object]", message).get(KEY)
    if not isinstance(text, str):
        raise Undecodable(f"a row of the queue has no text {KEY!r}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Undecodable("a row of the queue is no base64") from None
