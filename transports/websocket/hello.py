"""The first message of each side of a connection: who it is, and what it wants. Pure.

Text, where all that follows is bytes. The token is no part of it: that is a header, looked at
before there is a connection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import orjson

from ..announcement import BEYOND
from ..errors import Undecodable
from .framing import MOST_NAME

__all__ = ["MOST_HELLO", "Hello", "Role", "Welcome", "read_hello", "read_welcome"]

VERSION = 1
MOST_HELLO = 16 * 1024
"""Bytes of a first message."""


class Role(StrEnum):
    """What a client connects as."""

    NODE = "node"
    """A node of the fleet, at a hub."""
    SPARE = "spare"
    """The second way out of such a node; nothing is sent to it."""
    PROXY = "proxy"
    """One side of a proxy."""


@dataclass(frozen=True)
class Hello:
    """What a client says first."""

    role: Role
    node: str
    """The name of its node."""
    incarnation: int
    session: str = ""
    """Only this client knows it: by it the server knows the client again."""
    local: str = ""
    """A proxy's worker on the client's side."""
    remote: str = ""
    """The one it wants on the server's."""

    def text(self) -> str:
        """Return what is sent."""
        return orjson.dumps({"callboard": VERSION, **asdict(self)}).decode()


@dataclass(frozen=True)
class Welcome:
    """What a server answers, where it does not close."""

    node: str
    """The name of the node behind it."""

    def text(self) -> str:
        """Return what is sent."""
        return orjson.dumps({"callboard": VERSION, "node": self.node}).decode()


def read_hello(text: str | bytes) -> Hello:
    """Return what a client says.

    Raises:
        Undecodable: it is none of ours.

    """
    said = _said(text)
    try:
        role = Role(_text(said, "role"))
    except ValueError as error:
        raise Undecodable("a client connects as something unknown", "hello") from error
    incarnation = said.get("incarnation")
    if not isinstance(incarnation, int) or not 0 <= incarnation < BEYOND:
        raise Undecodable("a first message has no incarnation", "hello")
    node = _text(said, "node")
    if not node:
        raise Undecodable("a first message names no node", "hello")
    return Hello(
        role,
        node,
        incarnation,
        _text(said, "session"),
        _text(said, "local"),
        _text(said, "remote"),
    )


def read_welcome(text: str | bytes) -> Welcome:
    """Return what a server answers.

    Raises:
        Undecodable: it is none of ours.

    """
    node = _text(_said(text), "node")
    if not node:
        raise Undecodable("the server's first message names no node", "hello")
    return Welcome(node)


def _said(text: str | bytes) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > MOST_HELLO:
        raise Undecodable("the first message is no text of ours, or too long", "hello")
    try:
        said: Any = orjson.loads(text)
    except ValueError as error:
        raise Undecodable("the first message is no JSON", "hello") from error
    if said.__class__ is not dict or said.get("callboard") != VERSION:
        raise Undecodable(
            f"the first message is not of version {VERSION} of this protocol", "hello"
        )
    return said


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    if value.__class__ is not str or len(value.encode("utf-8", "replace")) > MOST_NAME:
        raise Undecodable(f"the first message's {name!r} is no text, or too long", "hello")
    return value
