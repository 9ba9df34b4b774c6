"""The kinds of value that JSON has no form for: how each travels, and the tag it does so under.

`str`, `int` and `float` are their own form in JSON but for few values: lone surrogates, integers
beyond 64 bits, NaN and the infinities have a tag.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from ..actors.ref import WorkerRef
from .refused import Refused, type_name

__all__ = [
    "KINDS",
    "TAGS",
    "Kind",
    "Low",
    "Mismatch",
    "Reading",
    "lower_float",
    "lower_int",
    "lower_str",
    "of_type",
]

Low: TypeAlias = Any
"""A value in JSON's own terms: what `orjson.loads` makes; on the way out, bytes besides."""

LEAST, MOST = -(1 << 63), (1 << 64) - 1
"""What JSON integers hold here: one bit more than either of the two machine words."""

DOUBLE = struct.Struct(">d")


@cache
def known_zones() -> frozenset[str]:
    """Return the names of the time zones of this machine; what else comes is never looked for."""
    return frozenset(available_timezones())


class Reading(threading.local):
    """What belongs to the value that this thread is reading: its bytes, and who makes its refs."""

    ref: Callable[[str], WorkerRef] | None = None

    def __init__(self) -> None:
        """Read nothing yet."""
        self.blobs: list[bytes | None] = []
        """Its pieces of bytes; None instead of each that was taken."""


class Kind(NamedTuple):
    """How the values of one type travel."""

    tag: str
    lower: Callable[[Any], Low]
    lift: Callable[[Low, Reading], object]


class Mismatch(TypeError):
    """What came is not what was expected; the text shows types only, never a value."""

    def __init__(self, expected: str, came: object) -> None:
        """Say what was expected, and the type of what came."""
        super().__init__(f"expected {expected}, came {type_name(type(came))}")


def of_type(low: Low, kind: type) -> Any:
    """Return the value if it is of exactly this type.

    Raises:
        Mismatch: it is not.

    """
    if low.__class__ is not kind:
        raise Mismatch(kind.__name__, low)
    return low


# -- what JSON nearly has ----


def lower_str(value: str) -> Low:
    """Lower a string: lone surrogates, which JSON's UTF-8 cannot hold, travel as bytes."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"~str": value.encode("utf-8", "surrogatepass")}
    return value


def lower_int(value: int) -> Low:
    """Lower an integer: beyond 64 bits in hex, whose reading takes linear time."""
    return value if LEAST <= value <= MOST else {"~int": hex(value)}


def lower_float(value: float) -> Low:
    """Lower a float: NaN and the infinities by their bits."""
    return value if value - value == 0.0 else {"~float": DOUBLE.pack(value).hex()}


def _lift_str(low: Low, reading: Reading) -> str:
    return str(_lift_bytes(low, reading), "utf-8", "surrogatepass")


def _lower_name(value: str) -> Low:
    """Lower a string that is part of something, where no tag may stand."""
    low = lower_str(value)
    return low if low is value else list(low.values())


def _lift_name(low: Low, reading: Reading) -> str:
    if low.__class__ is list:
        (name,) = low
        return _lift_str(name, reading)
    return cast("str", of_type(low, str))


def _lift_int(low: Low, _: Reading) -> int:
    return int(of_type(low, str), 16)


def _lift_float(low: Low, _: Reading) -> float:
    (value,) = DOUBLE.unpack(bytes.fromhex(of_type(low, str)))
    return cast("float", value)


# -- bytes ----


def _lower_bytes(value: bytes) -> Low:
    # They stay what they are until the JSON is written; then their number stands there.
    return value


def _lift_bytes(low: Low, reading: Reading) -> bytes:
    if isinstance(low, bytes):  # a trial at the sender: see `wire_types.py`
        return low
    number: int = of_type(low, int)
    if number < 0:
        raise IndexError("there is no such piece of bytes")
    piece = reading.blobs[number]
    if piece is None:
        # A sender numbers each piece by itself. Else one could be copied as often as it is named.
        raise Refused("it names a piece of bytes that was named before")
    reading.blobs[number] = None
    return piece


def _lift_bytearray(low: Low, reading: Reading) -> bytearray:
    return bytearray(_lift_bytes(low, reading))


# -- times ----


def _zone(tz: tzinfo | None) -> Low:
    """Lower what the ISO form does not tell of a time zone."""
    if tz is None:
        return None
    if type(tz) is timezone:
        offset = tz.utcoffset(None)
        name = None if str(tz) == str(timezone(offset)) else _lower_name(str(tz))
        # Python 3.11 takes an offset of less than a second, in the ISO form, for none.
        told = name is None and not offset.microseconds
        return None if told else [_lower_delta(offset), name]
    if type(tz) is ZoneInfo and tz.key in known_zones():
        return tz.key
    raise Refused(
        f"the time zone is a {type_name(type(tz))}: take datetime.timezone, "
        "or a zoneinfo.ZoneInfo that is among zoneinfo.available_timezones()"
    )


def _lift_zone(low: Low, reading: Reading) -> tzinfo:
    if low.__class__ is str:
        if low not in known_zones():
            raise ValueError("this machine knows no such time zone")
        return ZoneInfo(low)
    offset, name = of_type(low, list)
    delta = _lift_delta(offset, reading)
    return timezone(delta) if name is None else timezone(delta, _lift_name(name, reading))


def _lower_time(value: datetime | time) -> Low:
    zone = _zone(value.tzinfo)
    if zone is None and not value.fold:
        return value.isoformat()
    bare = value if zone is None else value.replace(tzinfo=None)
    return [bare.isoformat(), value.fold, zone]


def _lift_time(low: Low, reading: Reading, cls: type[datetime] | type[time]) -> datetime | time:
    if low.__class__ is str:
        return cls.fromisoformat(low)
    text, fold, zone = of_type(low, list)
    value = cls.fromisoformat(of_type(text, str)).replace(fold=of_type(fold, int))
    return value if zone is None else value.replace(tzinfo=_lift_zone(zone, reading))


def _lift_datetime(low: Low, reading: Reading) -> object:
    return _lift_time(low, reading, datetime)


def _lift_time_of_day(low: Low, reading: Reading) -> object:
    return _lift_time(low, reading, time)


def _lift_date(low: Low, _: Reading) -> date:
    return date.fromisoformat(of_type(low, str))


def _lower_delta(value: timedelta) -> Low:
    return [value.days, value.seconds, value.microseconds]


def _lift_delta(low: Low, _: Reading) -> timedelta:
    days, seconds, microseconds = (of_type(each, int) for each in of_type(low, list))
    return timedelta(days, seconds, microseconds)


# -- numbers and names ----


def _lift_decimal(low: Low, _: Reading) -> Decimal:
    return Decimal(of_type(low, str))


def _lower_complex(value: complex) -> Low:
    return [lower_float(value.real), lower_float(value.imag)]


def _lift_complex(low: Low, reading: Reading) -> complex:
    parts = of_type(low, list)
    real, imaginary = (
        _lift_float(part["~float"], reading) if part.__class__ is dict else of_type(part, float)
        for part in parts
    )
    return complex(real, imaginary)


def _lower_uuid(value: UUID) -> Low:
    return value.hex


def _lift_uuid(low: Low, _: Reading) -> UUID:
    return UUID(hex=of_type(low, str))


def _lower_ref(value: WorkerRef) -> Low:
    return _lower_name(value.name)


def _lift_ref(low: Low, reading: Reading) -> WorkerRef:
    name = _lift_name(low, reading)
    if reading.ref is None:
        return WorkerRef(name, cast("Any", None))  # a trial at the sender: nothing is sent to it
    return reading.ref(name)


KINDS: dict[type, Kind] = {
    bytes: Kind("~bytes", _lower_bytes, _lift_bytes),
    bytearray: Kind("~bytearray", bytes, _lift_bytearray),
    datetime: Kind("~datetime", _lower_time, _lift_datetime),
    date: Kind("~date", date.isoformat, _lift_date),
    time: Kind("~time", _lower_time, _lift_time_of_day),
    timedelta: Kind("~timedelta", _lower_delta, _lift_delta),
    Decimal: Kind("~decimal", str, _lift_decimal),
    complex: Kind("~complex", _lower_complex, _lift_complex),
    UUID: Kind("~uuid", _lower_uuid, _lift_uuid),
    WorkerRef: Kind("~ref", _lower_ref, _lift_ref),
}
"""By type, for each that always needs its tag in an untyped place."""

TAGS: dict[str, Callable[[Low, Reading], object]] = {
    "~str": _lift_str,
    "~int": _lift_int,
    "~float": _lift_float,
    **{kind.tag: kind.lift for kind in KINDS.values()},
}
"""How to read what stands under a tag."""
