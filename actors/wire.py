"""Wire names: which classes may cross to other nodes, and under which stable names.

A class crosses only if it was registered here, on both sides. The name is the application's own
word for it: renaming or moving the class changes nothing, and nothing is imported because of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from .errors import SpecError

__all__ = [
    "LOCAL_BASES",
    "WIRE_NAMES",
    "WIRE_TYPES",
    "Upgrade",
    "WireType",
    "register",
    "wire",
]

C = TypeVar("C", bound=type)

Upgrade: TypeAlias = "Callable[[int, dict[str, Any]], dict[str, Any]]"
"""Makes the fields of an earlier version into those of the present one; called with that version
and the fields as they travel."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,199}")

HIGHEST_VERSION = 65_535


@dataclass(frozen=True, slots=True)
class WireType:
    """A class that may cross, and how it is called on the way."""

    cls: type
    name: str
    version: int
    upgrade: Upgrade | None


WIRE_NAMES: dict[type, str] = {}
"""Wire name by class, for the classes that may cross to other nodes."""

WIRE_TYPES: dict[str, WireType] = {}
"""The other way round: what a wire name stands for in this process."""

LOCAL_BASES: set[type] = set()
"""Classes whose subclasses never leave the process, so that none of them is registered."""


def wire(name: str, *, version: int = 1, upgrade: Upgrade | None = None) -> Callable[[C], C]:
    """Register the class below under a wire name, so that its instances may cross.

        @wire("acme.point")
        @dataclass(frozen=True)
        class Point:
            x: float
            y: float

    For dataclasses, attrs classes, enums, named tuples and pydantic models; any other class needs
    an adapter of the codec besides. It stands above all other decorators, as some make a new
    class. A message says `class Greet(DataMessage, wire="acme.greet")` instead.

    Raises:
        SpecError: the name belongs to another class, or is none.

    """

    def registered(cls: C) -> C:
        register(cls, name, version, upgrade)
        return cls

    return registered


def register(cls: type, name: str, version: int = 1, upgrade: Upgrade | None = None) -> None:
    """Register a class under a wire name; one that is defined anew replaces its older self.

    Raises:
        SpecError: the name belongs to another class, or is none; the class has another name
            already, or never leaves the process.

    """
    subject = spelled(cls)
    if not isinstance(cast("object", name), str) or not NAME.fullmatch(name):
        raise SpecError(
            subject,
            "wire",
            f"{name!r} is no wire name: take letters, digits and '_.:/-', up to 200 of them, "
            "as in 'acme.greet'",
        )
    if type(version) is not int or not 1 <= version <= HIGHEST_VERSION:
        raise SpecError(subject, "version", f"must be from 1 to {HIGHEST_VERSION}, is {version!r}")
    if not LOCAL_BASES.isdisjoint(cls.__mro__):
        raise SpecError(
            subject, "wire", "a LocalMessage never leaves the process: make it a DataMessage"
        )
    had = WIRE_NAMES.get(cls, name)
    if had != name:
        raise SpecError(
            subject, "wire", f"it is called {had!r} already, and cannot be {name!r} too"
        )
    known = WIRE_TYPES.get(name)
    if known is not None and known.cls is not cls:
        if spelled(known.cls) != subject:
            raise SpecError(
                subject,
                "wire",
                f"the name {name!r} belongs to {spelled(known.cls)}: give one of the two another",
            )
        del WIRE_NAMES[known.cls]
    WIRE_NAMES[cls] = name
    WIRE_TYPES[name] = WireType(cls, name, version, upgrade)


def spelled(cls: type) -> str:
    """Return where a class is found: its module and its name there."""
    return f"{cls.__module__}.{cls.__qualname__}"
