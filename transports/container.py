"""The bytes of a value: JSON; where it holds bytes, a small container with these beside the JSON.

So audio is neither escaped nor made a third longer. The container begins with a zero byte, which
no JSON does; then the lengths, the JSON, and the bytes one after the other. The JSON names each
piece by its number, and each once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from .errors import Undecodable

__all__ = ["MARK", "pack", "unpack"]

MARK = 0
"""The first byte of a container."""

HEADER = struct.Struct(">BII")
"""The mark, the length of the JSON, how many pieces of bytes follow."""


def pack(text: bytes, blobs: Sequence[bytes]) -> bytes:
    """Return the JSON and the pieces of bytes as one."""
    header = HEADER.pack(MARK, len(text), len(blobs))
    lengths = struct.pack(f">{len(blobs)}I", *map(len, blobs))
    return b"".join((header, lengths, text, *blobs))


def unpack(data: bytes) -> tuple[bytes, Sequence[bytes]]:
    """Return the JSON and the pieces of bytes of what begins with a zero byte.

    Raises:
        Undecodable: the lengths and the data do not agree.

    """
    if len(data) < HEADER.size:
        raise Undecodable("a value ends within its header")
    _, length, count = HEADER.unpack_from(data)
    start = HEADER.size + 4 * count
    if start + length > len(data):
        raise Undecodable("a value is shorter than its header says")
    lengths = struct.unpack_from(f">{count}I", data, HEADER.size)
    if start + length + sum(lengths) != len(data):
        raise Undecodable("a value is not as long as its header says")
    place = start + length
    text, blobs = data[start:place], list[bytes]()
    for each in lengths:
        blobs.append(data[place : place + each])
        place += each
    return text, blobs
