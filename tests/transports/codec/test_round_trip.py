"""What is sent arrives equal and of its type, at every level."""

from __future__ import annotations

import enum
import math
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from callboard import DataMessage, WorkerRef
from callboard.transports.container import pack
from callboard.transports.json_codec import JsonCodec
from tests.transports.codec.carried import (
    Circle,
    Color,
    Everything,
    Node,
    Pair,
    Permission,
    Point,
    Priority,
    Settings,
    Shape,
    Square,
    Status,
    UserId,
    identical,
    make_ref,
    round_trip,
)

BERLIN = ZoneInfo("Europe/Berlin")
WHEN = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")

FULL = Everything(
    name="näme\0😀",
    number=-(2**80),
    share=float("nan"),
    sure=True,
    data=bytes(range(256)),
    buffer=bytearray(b"ab"),
    color=Color.GREEN,
    priority=Priority.HIGH,
    status=Status.COMPLETED,
    permission=Permission.READ | Permission.WRITE,
    user=UserId("ada"),
    when=WHEN,
    day=date(1, 1, 1),
    hour=time(1, 2, 3, tzinfo=timezone(timedelta(hours=-3, seconds=7))),
    lasting=timedelta(days=-1, microseconds=1),
    price=Decimal("1.10"),
    wave=complex(math.inf, -0.0),
    id=ID,
    worker=make_ref("greeter"),
    workers=[make_ref("a"), make_ref("b\ud800")],
    point=Point(1.5, float("-inf")),
    shape=Circle("c", 1, (Point(1.0),), 2),
    base=Square("s", side=Decimal("0E-8")),
    pair=Pair((1, 2), 3),
    settings=Settings(name="x", parts=[(1, "a")]),
    tree=Node(1, [Node((2,)), Node(None, [Node(b"3")])]),
    names=["a", "", "\ud83d"],
    grid=[[], [1, True], [2**63]],
    by_name={"~x": Point(1.0)},
    by_number={1: [b"", b"x"], -1: []},
    by_point={Point(1.0): Color.RED},
    some={1, 2, 2**100},
    fixed=frozenset(Color),
    both=(1, WHEN.astimezone(BERLIN)),
    many=(Decimal("NaN"), Decimal("-0")),
    either=[ID],
    word=b"x",
    anything={"deep": [{(1, 2): {Color.RED, 3}}]},
    bare=[Status.FAILED, UserId("u"), make_ref("w")],
)


@pytest.mark.check("M92")
@pytest.mark.parametrize(
    "message", [FULL, Everything("only what it must have")], ids=["full", "bare"]
)
def test_a_message_arrives_equal_and_of_its_type_at_every_level(message: Everything) -> None:
    assert identical(round_trip(message), message)
    assert identical(round_trip([{"in a payload": message}]), [{"in a payload": message}])


@pytest.mark.check("M92")
@pytest.mark.parametrize("name", vars(FULL))
def test_each_field_alone_arrives_as_it_is(name: str) -> None:
    value = getattr(FULL, name)
    fields: dict[str, Any] = {"name": "x", name: value}
    came = round_trip(Everything(**fields))
    assert identical(getattr(came, name), value)
    assert identical(round_trip(value), value), "in an untyped place"


VALUES: list[Any] = [
    None,
    True,
    0,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63),
    -(2**63) - 1,
    10**5000,
    0.0,
    -0.0,
    1.0,
    5e-324,
    sys.float_info.max,
    math.nan,
    math.inf,
    -math.inf,
    "",
    "\0",
    "~",
    "\ud800",
    "\udfff\ud800",
    "\u2028\x7f",
    b"",
    b"\0\xff" * 1000,
    bytearray(b"x"),
    (),
    ((),),
    [(), []],
    set(),
    frozenset({frozenset[int](), (1,), "a", 1.5, None}),
    {1, "1", 1.5, (1,), b"1", None},
    {},
    {"": 1},
    {1: 1, "1": 2},
    {True: 1, 2: "a", None: 3, 1.5: 4, (1, "a"): 5, b"x": 6, Color.RED: 7, ID: 8},
    {float("nan"): float("nan")},
    {"\ud800": 1},
    {"~": 1},
    {"~tuple": [1]},
    {"~:tests.point": {"x": 1.0}},
    {"~dict": [["a", 1]]},
    {"~a": 1, "~b": 2},
    [{"~tuple": {"~tuple": {}}}],
    {"~x": b"bytes"},
    "~tuple",
    ["~:tests.point"],
    1j,
    complex(-0.0, math.nan),
    Decimal("1.00"),
    Decimal("-Infinity"),
    Decimal("sNaN123"),
    Decimal("1E+999999"),
    UUID(int=0),
    date.max,
    datetime.min,
    datetime.max,
    datetime(2026, 10, 25, 2, 30, fold=1),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN),
    datetime(2026, 1, 1, tzinfo=UTC, fold=1),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET")),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(0), "\ud800")),
    time(0),
    time(23, 59, 59, 999_999, tzinfo=BERLIN, fold=1),
    time(12, tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    timedelta.min,
    timedelta.max,
    Permission(0),
    Priority.LOW,
    Shape("s"),
    Pair(1.0),
    {"payload": [Circle("c"), {"x": Square("s")}]},
]


@pytest.mark.check("M93")
@pytest.mark.parametrize("value", VALUES, ids=map(str, range(len(VALUES))))
def test_any_value_of_a_payload_arrives_equal_and_of_its_type(value: Any) -> None:
    assert identical(round_trip(value), value)
    assert identical(round_trip({"a": [value], "b": value}), {"a": [value], "b": value})
    assert identical(round_trip(Everything("x", anything=value)).anything, value)
    assert identical(round_trip(Pair([value])), Pair([value]))


@pytest.mark.check("M93")
def test_numbers_that_are_equal_do_not_become_each_other() -> None:
    assert identical(round_trip(Point(3)), Point(3))
    assert identical(round_trip(Point(3.0)), Point(3.0))
    assert identical(round_trip(Point(True)), Point(True))
    assert not identical(Point(3), Point(3.0))
    assert identical(round_trip([1, 1.0, True, Priority.LOW]), [1, 1.0, True, Priority.LOW])


def test_a_ref_is_made_by_who_decodes() -> None:
    codec, made = JsonCodec(), make_ref("here")
    asked: list[str] = []

    def ref(name: str) -> WorkerRef:
        asked.append(name)
        return made

    came = codec.decode(codec.encode((make_ref("a"), [make_ref("b")])), ref)
    assert asked == ["a", "b"]
    assert isinstance(came, tuple) and came[0] is made


class Job(DataMessage, wire="tests.job"):
    payload: Any


def test_bytes_travel_as_they_are() -> None:
    audio = bytes(range(256)) * 64
    for value in (audio, {"audio": audio}, Job((audio, 1)), Everything("x", data=audio)):
        data = JsonCodec().encode(value)
        assert audio in data
        assert len(data) < len(audio) + 1000


@pytest.mark.check("M93")
def test_one_object_that_stands_in_several_places_arrives_in_each() -> None:
    audio, text, buffer = b"abc", "\ud800", bytearray(b"xy")
    message = Everything("x", data=audio, buffer=buffer, anything=[audio, {"again": (audio, text)}])
    for value in ([audio, audio], {text: [text, buffer, buffer]}, message, (message, message)):
        assert identical(round_trip(value), value)


class Recording(DataMessage, wire="tests.recording"):
    last: bytes
    first: bytes


def test_pieces_of_bytes_are_found_by_their_numbers_and_not_by_their_order() -> None:
    text = b'{"~:tests.recording":{"first":0,"more":1,"last":2}}'
    came = JsonCodec().decode(pack(text, [b"a", b"b", b"c"]), make_ref)
    assert came == Recording(last=b"c", first=b"a")


def test_plain_data_is_plain_json() -> None:
    assert JsonCodec().encode({"a": [1, 2.5, None, "ü"]}) == '{"a":[1,2.5,null,"ü"]}'.encode()


def test_declared_fields_need_no_tags() -> None:
    message = Everything("x", grid=[[1]], many=(Decimal(1),), point=Point(1.0, 2.0))
    text = JsonCodec().encode(message).decode("latin-1")
    assert '"grid":[[1]]' in text
    assert '"many":["1"]' in text
    assert '"point":{"x":1.0,"y":2.0}' in text


class Words(DataMessage, wire="tests.words"):
    words: set[str]


def test_equal_sets_have_equal_bytes() -> None:
    a, b = {f"word{n}" for n in range(500)}, {f"word{499 - n}" for n in range(500)}
    assert list(a) != list(b)
    assert JsonCodec().encode(a) == JsonCodec().encode(b)
    assert JsonCodec().encode(Words(a)) == JsonCodec().encode(Words(b))


class Level(enum.Enum):
    ONE = 1


def test_one_codec_serves_several_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    codec = JsonCodec()

    def carry(number: int) -> bool:
        value = {"data": bytes([number]) * 100, "ref": make_ref(str(number)), "n": (number,)}
        return all(identical(round_trip(value, codec), value) for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(carry, range(32)))
