"""What the tests of the codec send: one of every kind of class, and how to compare what comes."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

import attrs
import pydantic

from callboard import DataMessage, WorkerRef
from callboard.actors.wire import wire
from callboard.transports.json_codec import JsonCodec

__all__ = [
    "Base",
    "Circle",
    "Color",
    "Everything",
    "Node",
    "Pair",
    "Permission",
    "Point",
    "Priority",
    "Settings",
    "Shape",
    "Square",
    "Status",
    "UserId",
    "identical",
    "make_ref",
    "round_trip",
]


@wire("tests.color")
class Color(enum.Enum):
    RED = "r"
    GREEN = "g"
    ALSO_RED = RED


@wire("tests.priority")
class Priority(enum.IntEnum):
    LOW = 1
    HIGH = 2


@wire("tests.status")
class Status(enum.StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"


@wire("tests.permission")
class Permission(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


@wire("tests.user-id")
class UserId(str):
    """A text with a type of its own."""


@wire("tests.point")
@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0


@wire("tests.pair")
class Pair(NamedTuple):
    left: object
    right: int = 0


@wire("tests.settings")
class Settings(pydantic.BaseModel):
    name: str
    size: int = 3
    parts: list[tuple[int, str]] = []


class Base:
    """No dataclass, and not registered: a field may be declared by it all the same."""


@wire("tests.shape")
@attrs.frozen
class Shape(Base):
    name: str
    _secret: int = 7
    holes: tuple[Point, ...] = ()


@wire("tests.circle")
@attrs.frozen
class Circle(Shape):
    radius: float = 1.0


@wire("tests.square")
@attrs.frozen(slots=False)
class Square(Shape):
    side: Decimal = Decimal(1)


@wire("tests.node")
@dataclass
class Node:
    value: Any = None
    children: list[Node] = field(default_factory=list["Node"])


class Everything(DataMessage, wire="tests.everything"):
    """Every kind of field; only the first is required."""

    name: str
    number: int = 0
    share: float = 0.5
    sure: bool = False
    nothing: None = None
    data: bytes = b""
    buffer: bytearray = field(default_factory=bytearray)
    color: Color = Color.RED
    priority: Priority = Priority.LOW
    status: Status = Status.FAILED
    permission: Permission = Permission.READ
    user: UserId = UserId("nobody")
    when: datetime | None = None
    day: date | None = None
    hour: time | None = None
    lasting: timedelta = timedelta(0)
    price: Decimal = Decimal(0)
    wave: complex = 0j
    id: UUID | None = None
    worker: WorkerRef | None = None
    workers: list[WorkerRef] = field(default_factory=list[WorkerRef])
    point: Point = Point(0.0)
    shape: Shape | None = None
    base: Base | None = None
    pair: Pair | None = None
    settings: Settings | None = None
    tree: Node | None = None
    names: list[str] = field(default_factory=list[str])
    grid: list[list[int]] = field(default_factory=list[list[int]])
    by_name: dict[str, Point] = field(default_factory=dict[str, Point])
    by_number: dict[int, list[bytes]] = field(default_factory=dict[int, "list[bytes]"])
    by_point: Mapping[Point, Color] = field(default_factory=dict[Point, Color])
    some: set[int] = field(default_factory=set[int])
    fixed: frozenset[Color] = frozenset()
    both: tuple[int, datetime] | None = None
    many: tuple[Decimal, ...] = ()
    either: int | str | datetime | list[UUID] | Point | None = None
    word: Literal["a", 1, True, b"x"] = "a"
    anything: Any = None
    bare: list[Any] = field(default_factory=list[Any])


def make_ref(name: str) -> WorkerRef:
    return WorkerRef(name, cast("Any", None))


def round_trip(value: Any, codec: JsonCodec | None = None) -> Any:
    codec = codec or JsonCodec()
    return codec.decode(codec.encode(value), make_ref)


def identical(a: Any, b: Any) -> bool:
    """Whether both are equal and of the same type, at every level."""
    cls = a.__class__
    if cls is not type(b):
        return False
    compare = BY_TYPE.get(cls)
    if compare is not None:
        return compare(a, b)
    if isinstance(a, tuple):
        return _same_items(cast("Any", a), b)
    if is_dataclass(a):
        return _same_fields(a, b, [each.name for each in fields(a)])
    if attrs.has(cls):
        return _same_fields(a, b, [each.name for each in attrs.fields(cls)])
    if isinstance(a, pydantic.BaseModel):
        return bool(a == b) and _same_fields(a, b, list(type(a).model_fields))
    return bool(a == b)


def _same_fields(a: Any, b: Any, names: list[str]) -> bool:
    return all(identical(getattr(a, name), getattr(b, name)) for name in names)


def _same_items(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(map(identical, a, b))


def _same_entries(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    return _same_items(list(a), list(b)) and _same_items(list(a.values()), list(b.values()))


def _same_set(a: set[Any], b: set[Any]) -> bool:
    if len(a) != len(b):
        return False
    return all(any(identical(each, other) for other in b) for each in a)


def _same_float(a: float, b: float) -> bool:
    if math.isnan(a):
        return math.isnan(b)
    return a == b and math.copysign(1, a) == math.copysign(1, b)


def _same_complex(a: complex, b: complex) -> bool:
    return _same_float(a.real, b.real) and _same_float(a.imag, b.imag)


def _same_decimal(a: Decimal, b: Decimal) -> bool:
    return a.as_tuple() == b.as_tuple()


def _same_time(a: datetime | time, b: datetime | time) -> bool:
    if repr(a) != repr(b) or a.fold != b.fold:
        return False
    return a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.tzname() == b.tzname()


BY_TYPE: dict[type, Callable[[Any, Any], bool]] = {
    list: _same_items,
    tuple: _same_items,
    dict: _same_entries,
    set: _same_set,
    frozenset: _same_set,
    float: _same_float,
    complex: _same_complex,
    Decimal: _same_decimal,
    datetime: _same_time,
    time: _same_time,
}
