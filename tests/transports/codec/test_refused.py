"""What would not arrive as it is raises at the sender: the place, the type, and what to do."""

from __future__ import annotations

import collections
import contextlib
import datetime
import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
import pytest

from callboard import DataMessage, DeliveryError, LocalMessage, Worker
from callboard.actors.wire import wire
from callboard.transports.errors import NotCarried
from callboard.transports.json_codec import JsonCodec
from callboard.transports.limits import Limits
from tests.transports.codec.carried import (
    Everything,
    Node,
    Pair,
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
