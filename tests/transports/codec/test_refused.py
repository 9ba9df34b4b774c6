"""What would not arrive as it is raises at the sender: the place, the type, and what to do."""

from __future__ import annotations

import collections
import contextlib
import datetime
import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Self, TypedDict

import attrs
import pytest

from callboard import DataMessage, DeliveryError, LocalMessage, Worker
from callboard.actors.wire import wire
from callboard.transports.errors import NotCarried
from callboard.transports.json_codec import JsonCodec
from callboard.transports.limits import Limits
from tests.transports.codec.carried import (
    Circle,
    Everything,
    Node,
    Pair,
    Point,
    Settings,
    Shape,
    UserId,
    identical,
    round_trip,
)


class Text(str):
    pass


class Plain(NamedTuple):
    a: int


class Level(enum.IntEnum):
    ONE = 1


class Zone(datetime.tzinfo):
    def utcoffset(self, dt: datetime.datetime | None, /) -> datetime.timedelta | None:
        return None

    def dst(self, dt: datetime.datetime | None, /) -> datetime.timedelta | None:
        return None

    def tzname(self, dt: datetime.datetime | None, /) -> str | None:
        return None


class Odd(float):
    pass


@dataclass
class Unknown:
    x: int = 0


UNCARRIED: list[tuple[Any, str]] = [
    (lambda: None, "function"),
    (len, "builtin_function_or_method"),
    (object(), "object"),
    (Worker, "class"),
    (re, "module"),
    ((n for n in range(1)), "generator"),
    (range(3), "range"),
    (slice(1), "slice"),
    (..., "ellipsis"),
    (memoryview(b"x"), "memoryview"),
    (ValueError("x"), "ValueError"),
    (Text("x"), "Text"),
    (Odd(1.5), "Odd"),
    (Plain(1), "Plain"),
    (Level.ONE, "Level"),
    (Unknown(), "Unknown"),
    (collections.OrderedDict(a=1), "OrderedDict"),
    (collections.defaultdict(int), "defaultdict"),
    (collections.deque([1]), "deque"),
    (MappingProxyType({}), "mappingproxy"),
    (datetime.datetime(2026, 1, 1, tzinfo=Zone()), "Zone"),
    (datetime.time(1, tzinfo=Zone()), "Zone"),
    (re.compile("x"), "Pattern"),
]


@pytest.mark.check("M93")
@pytest.mark.parametrize(("value", "kind"), UNCARRIED, ids=[kind for _, kind in UNCARRIED])
def test_what_cannot_be_carried_is_refused_with_its_place_and_type(value: Any, kind: str) -> None:
    codec = JsonCodec()
    for whole, place in (
        ({"items": [1, (2,), {"when": value}]}, "payload.items[2].when"),
        ([(1, value)], "payload[0][1]"),
        ({(1, 2): value}, "payload[a tuple]"),
        ({"a b": value}, "payload['a b']"),
        (Everything("x", anything={"deep": [value]}), "Everything.anything.deep[0]"),
        ([Pair(1.0), Pair({1: value})], "payload[1].left[1]"),
        (Node(1, [Node(2), Node(value)]), "Node.children[1].value"),
    ):
        with pytest.raises(NotCarried) as raised:
            codec.encode(whole)
        assert str(raised.value).startswith(f"{place}: ")
        assert kind in str(raised.value)
    with pytest.raises(NotCarried, match=kind):
        codec.encode(value)


def test_a_refusal_is_an_error_of_delivery_and_shows_no_value() -> None:
    secret = Text("canary")
    with pytest.raises(NotCarried) as raised:
        JsonCodec().encode({"password": [secret]})
    assert isinstance(raised.value, DeliveryError)
    assert isinstance(raised.value, ValueError)
    assert "canary" not in str(raised.value)


@pytest.mark.check("M93")
def test_keys_that_are_of_a_subclass_of_str_are_not_made_strings() -> None:
    values: list[object] = [{Text("x"): 1}, {"a": 1, Text("x"): 1}, [{"a": {Text("x"): {}}}]]
    for value in values:
        with pytest.raises(NotCarried, match="Text"):
            JsonCodec().encode(value)
    assert identical(round_trip({UserId("x"): 1, "y": 2}), {UserId("x"): 1, "y": 2})


@pytest.mark.check("M93")
def test_what_contains_itself_or_is_too_deep_is_refused() -> None:
    itself: list[Any] = []
    itself.append(itself)
    circle: dict[str, Any] = {"a": {}}
    circle["a"]["b"] = (circle,)
    node = Node()
    node.children.append(node)
    value: Any = node
    for value in (itself, circle, node, {"x": (node,)}):
        with pytest.raises(NotCarried, match="contains itself"):
            JsonCodec().encode(value)


def in_a_list(value: Any) -> object:
    return [value]


def in_a_dict(value: Any) -> object:
    return {"a": value}


def in_a_tuple(value: Any) -> object:
    return (value,)


WRAPPINGS = [in_a_list, in_a_dict, in_a_tuple, Node]


@pytest.mark.check("M93")
@pytest.mark.parametrize("wrap", WRAPPINGS, ids=["list", "dict", "tuple", "class"])
def test_the_sender_is_refused_by_the_depth_that_the_receiver_sets(
    wrap: Callable[[Any], object],
) -> None:
    value: Any = 0
    carried = 0
    for depth in range(1, 260):
        value = wrap(value)
        if carried < depth - 1:
            with pytest.raises(NotCarried, match="nested deeper than 100"):
                round_trip(value)
            continue
        with contextlib.suppress(NotCarried):
            assert repr(round_trip(value)) == repr(value)
            carried = depth
    assert carried in (100, 50, 49)


def test_too_many_entries_and_too_long_texts_are_refused() -> None:
    codec = JsonCodec(Limits(length=10, text=50))
    assert round_trip({"a": ["x" * 48] * 10}, codec) == {"a": ["x" * 48] * 10}
    for value in (
        [[1] * 11],
        {"a": (1,) * 11},
        dict.fromkeys("abcdefghijk"),
        {1: "x" * 49},
        "x" * 49,
    ):
        with pytest.raises(NotCarried, match=r"more than 10 entries|longer than 50"):
            codec.encode(value)
    assert round_trip(b"x" * 1000, codec) == b"x" * 1000


@pytest.mark.check("M94")
def test_a_class_that_is_not_registered_is_refused_by_name_and_told_how() -> None:
    class Greet(DataMessage):
        name: str

    with pytest.raises(
        NotCarried, match=r"class Greet\(DataMessage, wire='app\.greet'\)"
    ) as raised:
        JsonCodec().encode(Greet("Ada"))
    assert f"{Greet.__module__}.{Greet.__qualname__}" in str(raised.value)
    with pytest.raises(NotCarried, match=r"Unknown is not registered: put @wire\('app\.unknown'\)"):
        JsonCodec().encode([Unknown()])


@pytest.mark.check("M94")
def test_a_subclass_of_a_registered_class_is_not_registered() -> None:
    class Cube(Shape):
        pass

    for value in (Cube("c"), Everything("x", shape=Cube("c")), Everything("x", base=Cube("c"))):
        with pytest.raises(NotCarried, match="Cube is not registered"):
            JsonCodec().encode(value)


@pytest.mark.check("M94")
def test_a_local_message_is_refused_as_such() -> None:
    class Here(LocalMessage):
        thing: object

    with pytest.raises(NotCarried, match=r"LocalMessage, which never leaves the process"):
        JsonCodec().encode({"m": Here(1)})


def test_a_class_made_anew_by_a_decorator_above_is_told_the_order() -> None:
    @attrs.define
    @wire("tests.wrong-order")
    class Wrong:
        x: int

    with pytest.raises(NotCarried, match=r"put @wire\(\.\.\.\) above all other decorators"):
        JsonCodec().encode(Wrong(1))


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
