"""Old and new nodes: bytes from before decode, and those of a newer version too."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import attrs
import pytest

from callboard import DataMessage
from callboard.actors.wire import WIRE_NAMES, WIRE_TYPES, register, wire
from callboard.transports.json_codec import JsonCodec
from tests.transports.codec.carried import make_ref, round_trip

pytestmark = pytest.mark.usefixtures("wire_tables")


def forget(*classes: type) -> None:
    """Be another process, where these classes are not, or are called otherwise."""
    for cls in classes:
        del WIRE_TYPES[WIRE_NAMES.pop(cls)]


def decode(data: bytes, codec: JsonCodec | None = None) -> Any:
    return (codec or JsonCodec()).decode(data, make_ref)


ORDER_OF_2026 = (
    b'{"~:shop.order":{"number":7,"lines":[{"what":"tea","price":"1.50"}],"gift":true,'
    b'"notes":["quick"]}}'
)
"""Captured from the first version of the class below, and never to be changed."""


@wire("shop.line")
@dataclass
class Line:
    what: str
    price: str


class Order(DataMessage, wire="shop.order"):
    number: int
    lines: list[Line]
    gift: bool = False
    notes: list[str] = field(default_factory=list[str])


@pytest.mark.check("M95")
def test_bytes_from_before_still_decode_when_the_class_was_renamed_and_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    was = Order(7, [Line("tea", "1.50")], True, ["quick"])
    assert JsonCodec().encode(was) == ORDER_OF_2026
    assert decode(ORDER_OF_2026) == was
    forget(Order)

    @dataclass(frozen=True)
    class Purchase:
        number: int
        lines: list[Line]
        gift: bool = False
        notes: list[str] = field(default_factory=list[str])

    purchases = types.ModuleType("shop.purchases")
    purchases.__dict__["Line"] = Line
    monkeypatch.setitem(sys.modules, purchases.__name__, purchases)
    Purchase.__module__ = purchases.__name__
    register(Purchase, "shop.order")
    came = decode(ORDER_OF_2026)
    assert came == Purchase(7, [Line("tea", "1.50")], True, ["quick"])
    assert JsonCodec().encode(came) == ORDER_OF_2026


@pytest.mark.check("M95")
def test_a_field_that_the_receiver_does_not_have_is_ignored() -> None:
    forget(Order, Line)

    @wire("shop.line")
    @attrs.define
    class Line1:
        what: str

    @wire("shop.order")
    @attrs.define
    class Order1:
        number: int

    @wire("shop.envelope")
    class Envelope1(NamedTuple):
        order: Any

    assert decode(ORDER_OF_2026) == Order1(7)
    assert decode(b'{"~:shop.line":{"what":"tea","price":"1.50"}}') == Line1("tea")
    later = b'{"~:shop.envelope":{"order":[' + ORDER_OF_2026 + b'],"stamp":{"~tuple":[1]}}}'
    assert decode(later) == Envelope1([Order1(7)])


def test_what_an_ignored_field_holds_need_not_be_known() -> None:
    data = b'{"~:shop.line":{"what":"tea","price":"1","new":{"~:shop.unknown":{}}}}'
    assert decode(data) == Line("tea", "1")


def test_a_field_that_the_sender_does_not_have_takes_its_default() -> None:
    assert decode(b'{"~:shop.order":{"number":7,"lines":[]}}') == Order(7, [])


def to_three(version: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had one name, version 2 two, version 3 has a list."""
    if version < 2:
        first, _, last = fields.pop("name").partition(" ")
        fields |= {"first": first, "last": last}
    return {"names": [fields["first"], fields["last"]]}


@wire("shop.person", version=3, upgrade=to_three)
@dataclass
class Person:
    names: list[str]


class Party(DataMessage, wire="shop.party"):
    people: list[Person]


@pytest.mark.check("M95")
def test_an_upgrade_makes_the_fields_of_an_older_version_into_the_present_ones() -> None:
    ada = Person(["Ada", "Lovelace"])
    assert decode(b'{"~:shop.person":{"name":"Ada Lovelace"}}') == ada
    assert decode(b'{"~:shop.person@2":{"first":"Ada","last":"Lovelace"}}') == ada
    assert JsonCodec().encode(ada) == b'{"~:shop.person@3":{"names":["Ada","Lovelace"]}}'
    assert round_trip(ada) == ada
    # A sender of version 1 put no tag where the field declares the class.
    old = b'{"~:shop.party":{"people":[{"name":"Ada Lovelace"}]}}'
    assert decode(old) == Party([ada])
    assert round_trip(Party([ada])) == Party([ada])


def test_a_message_class_may_have_a_version_and_an_upgrade() -> None:
    def to_two(version: int, fields: dict[str, Any]) -> dict[str, Any]:
        return {"names": [fields["name"]]}

    class Greet(DataMessage, wire="till.greet", version=2, upgrade=to_two):
        names: list[str]

    assert decode(b'{"~:till.greet":{"name":"Ada"}}') == Greet(["Ada"])


def test_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    new = b'{"~:shop.person@9":{"names":["Ada"],"titles":["Countess"]}}'
    assert decode(new) == Person(["Ada"])


def test_a_codec_takes_up_a_version_that_is_given_later() -> None:
    codec = JsonCodec()
    assert codec.encode(Line("tea", "1")) == b'{"~:shop.line":{"what":"tea","price":"1"}}'
    register(Line, "shop.line", 2, lambda version, fields: fields | {"price": "old"})
    assert codec.encode(Line("tea", "1")) == b'{"~:shop.line@2":{"what":"tea","price":"1"}}'
    assert decode(b'{"~:shop.line":{"what":"tea"}}', codec) == Line("tea", "old")


def test_a_codec_takes_up_a_class_that_is_defined_anew() -> None:
    codec = JsonCodec()
    old_order = Order(7, [])
    data = codec.encode(old_order)
    assert decode(data, codec) == old_order

    class Order2(DataMessage):
        number: int
        lines: list[Line]
        paid: bool = False

    Order2.__module__, Order2.__qualname__ = Order.__module__, Order.__qualname__
    register(Order2, "shop.order")
    assert decode(data, codec) == Order2(7, [])
    assert codec.encode(Order2(7, [])) == b'{"~:shop.order":{"number":7,"lines":[],"paid":false}}'
    with pytest.raises(ValueError, match="not the class that was registered"):
        codec.encode(old_order)
