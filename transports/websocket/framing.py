"""What stands before a packet on a hub's connections: for whom, or from whom. Pure.

One byte says what it is, two how long the node's name is, then the name, then the packet.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from ..errors import Undecodable

__all__ = ["MOST_NAME", "Framed", "Route", "frame", "unframe"]

HEAD = struct.Struct(">BH")
MOST_NAME = 1024
"""Bytes of a node's name."""


class Route(IntEnum):
    """Where a packet goes."""

    TO = 1
    """To the hub, for the node of this name."""
    ALL = 2
    """To the hub, for all nodes; no name."""
    FROM = 3
    """From the hub, which answers for it: the node of this name has sent it."""


class Framed(NamedTuple):
    """A packet and its way."""

    route: Route
    node: str
    data: bytes


def frame(route: Route, node: str, data: bytes) -> bytes:
    """Return the bytes of a packet with its way before it.

    Raises:
        ValueError: the node's name is longer than may be.

    """
    name = node.encode("utf-8", "surrogatepass")
    if len(name) > MOST_NAME:
        raise ValueError(f"a node's name of {len(name)} bytes: at most {MOST_NAME} may be")
    return HEAD.pack(route, len(name)) + name + data


def unframe(data: bytes) -> Framed:
    """Return the packet and its way.

    Raises:
        Undecodable: the bytes are not ours.

    """
    if len(data) < HEAD.size:
        raise Undecodable("a message on the socket is too short", "framing")
    route, length = HEAD.unpack_from(data)
    end = HEAD.size + length
    if length > MOST_NAME or end > len(data):
        raise Undecodable("a node's name is longer than it may be", "framing")
    try:
        return Framed(Route(route), data[HEAD.size : end].decode(), data[end:])
    except ValueError as error:
        raise Undecodable("a message on the socket is of no known kind", "framing") from error
