"""Adapters: a user's own functions for a base class serve its registered subclasses."""

from __future__ import annotations

from typing import Any, Self

import pytest

from callboard.actors.wire import wire
from callboard.transports.errors import NotCarried, Undecodable
from callboard.transports.json_codec import JsonCodec
from tests.transports.codec.carried import Everything, Point, make_ref, round_trip


class Vector:
    """No dataclass: only its adapter knows what it is made of."""

    def __init__(self, *parts: float) -> None:
        self.parts = parts

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.parts == self.parts

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, parts: tuple[float, ...]) -> Self:
        return cls(*parts)


@wire("tests.position")
class Position(Vector):
    pass


@wire("tests.speed")
class Speed(Vector):
    pass


class Unregistered(Vector):
    pass


def encode(value: Vector) -> object:
    return value.parts


def decode(parts: Any, cls: type[Vector]) -> Vector:
    return cls.of(parts)


def adapted() -> JsonCodec:
    codec = JsonCodec()
    codec.adapt(Vector, encode, decode)
    return codec


@pytest.mark.check("M98")
def test_the_exact_subclass_comes_back() -> None:
    codec = adapted()
    for value in (Position(1.0, 2.0), Speed(3.0), [Position(), {"a": Speed(1.0)}]):
        assert round_trip(value, codec) == value
    assert type(round_trip(Speed(1.0), codec)) is Speed
    message = Everything("x", anything=Speed(1.0))
    assert round_trip(message, codec) == message


@pytest.mark.check("M98")
def test_a_later_adapter_replaces_the_earlier() -> None:
    codec = adapted()
    before = codec.encode(Speed(1.0))
    codec.adapt(Vector, lambda value: {"v": value.parts}, lambda low, cls: cls.of(low["v"]))
    assert round_trip(Speed(1.0), codec) == Speed(1.0)
    assert codec.encode(Speed(1.0)) != before
    with pytest.raises(Undecodable):
        codec.decode(before, make_ref)


def test_the_adapter_of_the_nearest_class_decides() -> None:
    codec = adapted()
    codec.adapt(Speed, lambda value: "fast", lambda low, cls: cls(99.0))
    assert round_trip([Speed(1.0), Position(1.0)], codec) == [Speed(99.0), Position(1.0)]


def test_an_adapter_goes_before_the_fields() -> None:
    codec = JsonCodec()
    codec.adapt(Point, lambda value: [value.x, value.y], lambda low, cls: cls(*low))
    assert codec.encode(Point(1.0, 2.0)) == b'{"~:tests.point":[1.0,2.0]}'
    assert round_trip(Everything("x", point=Point(1.0, 2.0)), codec).point == Point(1.0, 2.0)


@pytest.mark.check("M94")
def test_an_adapter_does_not_register() -> None:
    with pytest.raises(NotCarried, match="Unregistered is not registered"):
        adapted().encode(Unregistered())


def test_without_an_adapter_it_is_told_how_to_give_one() -> None:
    with pytest.raises(NotCarried, match=r"adapt\(Base, encode, decode\)"):
        JsonCodec().encode([Speed()])
    data = adapted().encode(Speed())
    with pytest.raises(Undecodable):
        JsonCodec().decode(data, make_ref)


def test_an_adapter_may_use_whatever_is_carried() -> None:
    codec = JsonCodec()
    codec.adapt(
        Vector,
        lambda value: {"raw": b"bytes", "inner": Point(value.parts[0]), "ref": make_ref("w")},
        lambda low, cls: cls(low["inner"].x, float(len(low["raw"])), float(low["ref"].name == "w")),
    )
    assert round_trip({"x": Speed(1.0)}, codec) == {"x": Speed(1.0, 5.0, 1.0)}


def test_an_adapter_may_use_the_codec_itself() -> None:
    codec = JsonCodec()

    def decode_inside(data: Any, cls: type[Vector]) -> Vector:
        inside: Any = codec.decode(data, make_ref)
        return cls(*inside[1:])

    codec.adapt(Vector, lambda value: codec.encode((b"inner", *value.parts)), decode_inside)
    value = [b"outer", Speed(1.0), b"another", make_ref("w")]
    assert round_trip(value, codec) == value


def test_what_an_adapter_does_wrong_is_an_error_of_the_codec() -> None:
    def raise_it(*_: object) -> Any:
        raise ZeroDivisionError

    codec = JsonCodec()
    codec.adapt(Vector, raise_it, raise_it)
    with pytest.raises(NotCarried, match=r"^payload\.x: its adapter failed: ZeroDivisionError"):
        codec.encode({"x": Speed()})
    with pytest.raises(Undecodable) as raised:
        codec.decode(b'{"~:tests.speed":1}', make_ref)
    assert raised.value.kind == "field"
    codec.adapt(Vector, lambda value: object(), lambda low, cls: Vector())
    with pytest.raises(NotCarried, match="object"):
        codec.encode(Speed())
    with pytest.raises(Undecodable, match=r"expected .*Speed, came .*Vector"):
        codec.decode(b'{"~:tests.speed":1}', make_ref)
