"""Sets and dicts whose keys all look in the same places: neither side makes or sends one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import orjson
import pytest

from callboard import DataMessage
from callboard.actors.wire import wire
from callboard.transports.errors import NotCarried, Undecodable
from callboard.transports.json_codec import JsonCodec
from callboard.transports.limits import ALIKE, Limits
from tests.transports.codec.carried import UserId, identical, make_ref, round_trip

PRIME = (1 << 61) - 1
"""Numbers have their remainder by this one as their hash."""


class Held(DataMessage, wire="tests.held"):
    numbers: set[int] = field(default_factory=set[int])
    fixed: frozenset[object] = frozenset()
    by_id: dict[uuid.UUID, int] = field(default_factory=dict[uuid.UUID, int])
    by_number: Mapping[int, int] = field(default_factory=dict[int, int])
    anything: Any = None


def numbers(count: int) -> list[int]:
    """Return different numbers of one hash."""
    return [PRIME * number for number in range(count)]


def ids(count: int) -> dict[uuid.UUID, int]:
    return {uuid.UUID(int=number): 0 for number in numbers(count)}


def crowds(count: int) -> list[object]:
    """Return sets and dicts of so many keys that have one hash, in all places where one may be."""
    alike = numbers(count)
    return [
        set(alike),
        frozenset(alike),
        dict.fromkeys(alike),
        {"a": [ids(count)]},
        {Decimal(number) for number in alike},
        {(number, "x") for number in alike},
        {*alike, *map(str, alike)},
        Held(set(alike)),
        Held(fixed=frozenset(alike)),
        Held(by_id=ids(count)),
        Held(by_number=dict.fromkeys(alike, 0)),
        Held(anything={1: set(alike)}),
    ]


class Careless(JsonCodec):
    """Sends what its receiver would not take."""

    def __init__(self) -> None:
        """Look at nothing."""
        super().__init__(Boundless())


class Boundless(Limits):
    def crowd(self, members: object) -> None:
        """Find nothing wrong."""


@pytest.mark.check("M93")
@pytest.mark.parametrize("crowd", crowds(ALIKE), ids=map(str, range(len(crowds(0)))))
def test_a_few_keys_of_one_hash_arrive(crowd: object) -> None:
    assert identical(round_trip(crowd), crowd)


@pytest.mark.check("M97")
@pytest.mark.parametrize("crowd", crowds(ALIKE + 1), ids=map(str, range(len(crowds(0)))))
def test_too_many_keys_of_one_hash_are_refused_by_both_sides(crowd: object) -> None:
    with pytest.raises(NotCarried, match="have one hash: send lists instead"):
        JsonCodec().encode(crowd)
    data = Careless().encode(crowd)
    with pytest.raises(Undecodable, match="have one hash") as raised:
        JsonCodec().decode(data, make_ref)
    assert raised.value.kind == "limit"


def test_keys_that_stand_as_texts_and_become_something_else_are_looked_at_too() -> None:
    low = {each.hex: 0 for each in ids(ALIKE + 1)}
    with pytest.raises(Undecodable, match="have one hash"):
        JsonCodec().decode(orjson.dumps({"~:tests.held": {"by_id": low}}), make_ref)


@wire("tests.twin")
@dataclass
class Twin:
    """Looks in the same place as all others, and counts how often it is compared."""

    number: int
    compared: ClassVar[int] = 0

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        Twin.compared += 1
        return isinstance(other, Twin) and other.number == self.number


@pytest.mark.parametrize("tag", ["~set", "~frozenset", "~dict"])
def test_no_time_is_spent_on_comparing_keys_of_one_hash(tag: str) -> None:
    low: list[Any] = [{"~:tests.twin": {"number": number}} for number in range(1000)]
    if tag == "~dict":
        low = [[each, None] for each in low]
    Twin.compared = 0
    with pytest.raises(Undecodable, match="have one hash"):
        JsonCodec().decode(orjson.dumps({tag: low}), make_ref)
    assert Twin.compared == 0


@pytest.mark.check("M97")
def test_many_keys_that_are_no_text_are_refused_by_both_sides() -> None:
    few = JsonCodec(Limits(keys=100))
    for fine, crowd in (
        (set(range(100)), set(range(101))),
        (dict.fromkeys(map(float, range(100))), dict.fromkeys(map(float, range(101)))),
        (Held(set(range(100))), Held(set(range(101)))),
    ):
        assert identical(round_trip(fine, few), fine)
        with pytest.raises(NotCarried, match="more than 100 keys that are no text: send lists"):
            few.encode(crowd)
        with pytest.raises(Undecodable, match="more than 100 keys that are no text") as raised:
            few.decode(JsonCodec().encode(crowd), make_ref)
        assert raised.value.kind == "limit"


@pytest.mark.check("M93")
def test_large_sets_and_dicts_of_ordinary_keys_arrive() -> None:
    count = Limits().keys
    for value in (
        set(range(-count // 2, count // 2)),
        {number << 32 for number in range(count)},
        {number * 0.1 for number in range(count)},
        {(number % 100, number) for number in range(count)},
        dict.fromkeys(uuid.uuid5(uuid.NAMESPACE_DNS, str(number)) for number in range(count)),
        {str(number) for number in range(5 * count)} | set(range(count)),
        {str(number).encode() for number in range(5 * count)},
        {UserId(number): number for number in range(2 * count)},
        Held(set(range(count))),
    ):
        assert round_trip(value) == value
