"""A field holds what its annotation declares: or the sender hears of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal, Self, TypedDict

import attrs
import pytest

from callboard import DataMessage
from callboard.actors.wire import wire
from callboard.transports.errors import NotCarried
from callboard.transports.json_codec import JsonCodec
from tests.transports.codec.carried import (
    Circle,
    Point,
    Settings,
    UserId,
    identical,
    round_trip,
)


class Declared(TypedDict):
    a: int


class Fields(DataMessage, wire="tests.fields"):
    number: int = 0
    share: float = 0.0
    text: str = ""
    sure: bool = False
    day: datetime.date = datetime.date(1, 1, 1)
    numbers: list[int] = field(default_factory=list[int])
    one_of: Literal["a", 1] = "a"
    either: int | list[str] | None = None
    point: Point | None = None
    points: dict[str, Point] = field(default_factory=dict[str, Point])
    pair: tuple[int, str] = (1, "")
    some: Sequence[int] = ()
    typed: Declared | None = None
    by_name: Mapping[str, int] = field(default_factory=dict[str, int])
    nothing: None = None


MISMATCHES: list[tuple[str, Any]] = [
    ("number", "1"),
    ("number", 1.0),
    ("number", None),
    ("share", "1"),
    ("share", 1j),
    ("text", 1),
    ("text", None),
    ("text", b"x"),
    ("sure", 1),
    ("sure", None),
    ("day", "2026-01-01"),
    ("numbers", (1, 2)),
    ("numbers", {1}),
    ("numbers", "12"),
    ("numbers", ["1"]),
    ("numbers", None),
    ("one_of", True),
    ("one_of", 1.0),
    ("one_of", "b"),
    ("either", 1.5),
    ("either", [1]),
    ("either", ("a",)),
    ("point", {"x": 1.0}),
    ("point", Circle("c")),
    ("points", {1: Point(1.0)}),
    ("points", {"a": None}),
    ("points", []),
    ("pair", [1, "a"]),
    ("pair", (1,)),
    ("pair", (1, "a", 2)),
    ("pair", ("a", 1)),
    ("some", {1}),
    ("some", ["a"]),
    ("typed", [1]),
    ("by_name", {1: 1}),
    ("by_name", {"a": "b"}),
    ("nothing", 0),
]


@pytest.mark.check("M93")
@pytest.mark.parametrize(("name", "value"), MISMATCHES)
def test_a_field_that_holds_something_else_than_it_declares_is_refused(
    name: str, value: Any
) -> None:
    with pytest.raises(NotCarried, match=rf"^payload\[0\]\.{name}[\[.:]"):
        JsonCodec().encode([Fields(**{name: value})])


MATCHES: list[tuple[str, Any]] = [
    ("number", True),
    ("share", 3),
    ("share", 2**70),
    ("share", True),
    ("text", UserId("u")),
    ("day", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
    ("one_of", 1),
    ("either", ["2026-01-01"]),
    ("either", True),
    ("some", (1, 2)),
    ("some", [1, 2]),
    ("typed", {"a": 1}),
    ("pair", (True, UserId("u"))),
    ("by_name", {"~x": 1}),
]


@pytest.mark.check("M93")
@pytest.mark.parametrize(("name", "value"), MATCHES)
def test_a_field_that_holds_a_subtype_of_what_it_declares_arrives_as_that(
    name: str, value: Any
) -> None:
    message = Fields(**{name: value})
    assert identical(round_trip(message), message)


@wire("tests.rounded")
@dataclass
class Rounded:
    x: float
    made: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.x = round(self.x, 1)
        self.made = len(str(self.x))


@wire("tests.growing")
@dataclass
class Growing:
    names: list[str]

    def __post_init__(self) -> None:
        self.names = [*self.names, "!"]


@wire("tests.converted")
@attrs.define
class Converted:
    x: int = attrs.field(converter=int)


@wire("tests.started")
@dataclass
class Started:
    x: int
    scale: InitVar[int]

    def __post_init__(self, scale: int) -> None:
        self.x *= scale


@wire("tests.own-init")
@dataclass
class OwnInit:
    x: int

    def __init__(self, x: int) -> None:
        self.x = x + 1


@wire("tests.own-new")
@dataclass
class OwnNew:
    x: int
    made: int = field(init=False)

    def __new__(cls, x: int) -> Self:
        made = super().__new__(cls)
        made.made = x
        return made


@pytest.mark.check("M93")
def test_what_a_constructor_does_is_tried_before_it_is_relied_on() -> None:
    assert identical(round_trip(Rounded(1.23)), Rounded(1.23))
    assert identical(round_trip(Converted("3")), Converted("3"))
    changed = Rounded(1.0)
    changed.made = 99
    settings = Settings(name="x")
    settings.size = "no number"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    renewed = OwnNew(1)
    assert identical(round_trip(renewed), renewed)
    renewed.made = 2
    for value in (changed, Growing(["a"]), Started(1, 2), settings, OwnInit(1), renewed):
        with pytest.raises(NotCarried, match="made again from its fields"):
            JsonCodec().encode({"x": value})


@pytest.mark.check("M93")
def test_a_text_with_attributes_of_its_own_is_refused() -> None:
    user = UserId("ada")
    user.__dict__["age"] = 36
    with pytest.raises(NotCarried, match="has attributes besides its str"):
        JsonCodec().encode([user])


def test_a_field_that_was_never_set_is_named() -> None:
    converted = Converted.__new__(Converted)
    with pytest.raises(NotCarried, match="its field 'x' was never set"):
        JsonCodec().encode(converted)


def test_a_field_whose_type_cannot_be_found_is_told() -> None:
    class Hidden:
        pass

    class Holder(DataMessage, wire="tests.holder"):
        hidden: Hidden | None = None

    with pytest.raises(NotCarried, match="Hidden' is not defined"):
        JsonCodec().encode(Holder())
