"""Announcement: what a packet of discovery says, read as a whole before anything is done with it.

What cannot be read changes nothing: a packet that was taken in halfway could end a node's session
here without an end for those who wait for its answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from .known import Fact, Gone
from .packet import Header, Kind

__all__ = ["BEYOND", "MOST_NAME", "Announcement", "in_parts", "is_announceable", "read"]

MOST_NAME = 1000
"""Characters of the name of a worker that other nodes may know."""

MOST_BRIDGES = 100
"""Names of bridges that one worker may be on."""

MOST_PARTS = 1000
"""Packets that one snapshot may take."""

PART = 512 * 1024
"""Bytes that one packet of workers may take, by an estimate that is never too low."""

WIDEST = 6
"""Bytes that one character takes at most."""

BESIDE_NAME = 64
"""Bytes that a worker takes besides its name."""

BEYOND = 1 << 62
"""No number is as high: one more than any is still carried by a packet."""


class Announcement(NamedTuple):
    """What was said; what a packet of its kind does not say is as here."""

    version: int = 0
    before: int = 0
    workers: tuple[Fact, ...] | None = None
    """None: it does not say, because they are too many for one packet."""
    gone: tuple[Gone, ...] = ()
    part: int = 0
    parts: int = 1
    nodes: int = 0
    echo: bool = False
    here: bool = False
    """The sender is to be reached this way: it has lost another one."""
    way_only: bool = False
    """The goodbye is for this way only."""
    node: str = ""
    incarnation: int = 0
    silent: float = 0.0
    known: int = 0


def read(header: Header, body: dict[str, Any]) -> Announcement:
    """Return what a packet of this header says in its body.

    Raises:
        KeyError, TypeError, ValueError: it cannot be read.

    """
    if body.__class__ is not dict:
        raise TypeError("it is no object")
    _number(header.incarnation)
    match header.kind:
        case Kind.HELLO:
            workers = _facts(body["workers"]) if "workers" in body else None
            here = body.get("here") is True
            return Announcement(_number(body["version"]), workers=workers, here=here)
        case Kind.SNAPSHOT:
            part, parts = _number(body.get("part", 0)), _number(body.get("parts", 1))
            if not part < parts <= MOST_PARTS:
                raise ValueError(f"part {part} of {parts}")
            facts = _facts(body["workers"])
            return Announcement(_number(body["version"]), workers=facts, part=part, parts=parts)
        case Kind.CHANGE:
            return Announcement(
                _number(body["version"]),
                _number(body["before"]),
                _facts(body["workers"]),
                tuple(_gone(each) for each in _list(body["gone"])),
            )
        case Kind.BEAT:
            echo = body.get("echo") is True
            version, nodes = _number(body["version"]), _number(body["nodes"])
            return Announcement(version, nodes=nodes, echo=echo)
        case Kind.SUSPECT:
            return Announcement(
                node=_text(body["node"]),
                incarnation=_number(body["incarnation"]),
                silent=_seconds(body["silent"]),
            )
        case Kind.OUTDATED:
            return Announcement(known=_number(body["known"]))
        case Kind.BYE:
            return Announcement(way_only=body.get("way") is True)
        case _:
            return Announcement()


def in_parts(facts: Iterable[Fact], gone: Iterable[Gone]) -> list[tuple[list[Fact], list[Gone]]]:
    """Return what fits into a packet each; those that are gone go first. At least one."""
    parts: list[tuple[list[Fact], list[Gone]]] = [([], [])]
    size = 0
    for end in gone:
        size += WIDEST * (len(end[0]) + sum(map(len, end[2]))) + BESIDE_NAME
        if size > PART and parts[-1][1]:
            parts.append(([], []))
            size = WIDEST * (len(end[0]) + sum(map(len, end[2]))) + BESIDE_NAME
        parts[-1][1].append(end)
    for fact in facts:
        bridges = fact[4] or ()
        taken = WIDEST * (len(fact[0]) + sum(map(len, bridges))) + BESIDE_NAME + 3 * len(bridges)
        size += taken
        if size > PART and any(parts[-1]):
            parts.append(([], []))
            size = taken
        parts[-1][0].append(fact)
    return parts


def is_announceable(name: str) -> bool:
    """Whether other nodes can know a worker of this name: it is a printable text, and not long."""
    return 0 < len(name) <= MOST_NAME and name.isprintable()


def _facts(value: object) -> tuple[Fact, ...]:
    return tuple(_fact(each) for each in _list(value))


def _fact(value: object) -> Fact:
    name, incarnation, since, ready, *more = _list(value)
    if ready.__class__ is not bool:
        raise TypeError("whether a worker is ready is true or false")
    # A node that knows no bridges says nothing of them, and a later one may say more.
    bridges = None if not more or more[0] is None else _bridges(more[0])
    return _name(name), _number(incarnation), _number(since), ready, bridges


def _bridges(value: object) -> tuple[str, ...]:
    names = tuple(map(_text, _list(value)))
    if len(names) > MOST_BRIDGES or any(len(name) > MOST_NAME for name in names):
        raise ValueError("a worker is on more bridges than any is, or on one of a longer name")
    return names


def _gone(value: object) -> Gone:
    name, since, why = _list(value)
    word, kind, text = map(_text, _list(why))
    return _name(name), _number(since), [word, kind, text]


def _name(value: object) -> str:
    name = _text(value)
    if not is_announceable(name):
        raise ValueError("a worker has a name that no node announces")
    return name


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list is missing")
    return cast("Sequence[Any]", value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < BEYOND:
        raise TypeError("a number is missing, negative or too high")
    return value


def _seconds(value: object) -> float:
    if value.__class__ not in (int, float):
        raise TypeError("a time is missing")
    return float(cast("float", value))
