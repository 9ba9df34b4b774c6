"""Wire names: stable, and each of one class only."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

import pytest

from callboard import DataMessage, LocalMessage, SpecError
from callboard.actors.wire import WIRE_NAMES, WIRE_TYPES, register, wire

pytestmark = pytest.mark.usefixtures("wire_tables")


def in_another_module(name: str) -> type:
    """Make a class of this name as another module would."""
    return types.new_class(name, exec_body=lambda body: body.update(__module__="elsewhere"))


def test_a_message_is_registered_by_its_class_keyword() -> None:
    class Greet(DataMessage, wire="wire.greet", version=3):
        name: str

    assert WIRE_NAMES[Greet] == "wire.greet"
    known = WIRE_TYPES["wire.greet"]
    assert (known.cls, known.name, known.version, known.upgrade) == (Greet, "wire.greet", 3, None)


def test_any_other_class_is_registered_by_the_decorator() -> None:
    @wire("wire.point")
    @dataclass
    class Point:
        x: int

    assert Point(1).x == 1
    assert WIRE_TYPES["wire.point"].cls is Point


def test_a_subclass_has_no_wire_name_of_its_parent() -> None:
    class Greet(DataMessage, wire="wire.greet"):
        name: str

    class Shout(Greet):
        pass

    assert Shout not in WIRE_NAMES


@pytest.mark.check("M95")
def test_one_name_for_two_classes_is_an_error_that_names_both() -> None:
    first, second = in_another_module("First"), in_another_module("Second")
    register(first, "wire.same")
    with pytest.raises(SpecError) as raised:
        register(second, "wire.same")
    assert "elsewhere.First" in str(raised.value)
    assert "elsewhere.Second" in str(raised.value)
    assert "'wire.same'" in str(raised.value)
    assert WIRE_TYPES["wire.same"].cls is first
    assert second not in WIRE_NAMES


@pytest.mark.check("M95")
def test_a_message_class_cannot_take_the_name_of_another() -> None:
    class Greet(DataMessage, wire="wire.greet"):
        name: str

    with pytest.raises(SpecError, match=r"Leave: wire: .*'wire\.greet' belongs to .*Greet"):
        types.new_class("Leave", (DataMessage,), {"wire": "wire.greet"})

    assert WIRE_TYPES["wire.greet"].cls is Greet


def test_a_class_that_is_defined_anew_replaces_its_older_self() -> None:
    older, newer = in_another_module("Reloaded"), in_another_module("Reloaded")
    register(older, "wire.reloaded")
    register(newer, "wire.reloaded", 2)
    assert older not in WIRE_NAMES
    assert WIRE_NAMES[newer] == "wire.reloaded"
    assert WIRE_TYPES["wire.reloaded"].cls is newer


def test_a_class_has_one_name() -> None:
    one = in_another_module("One")
    register(one, "wire.one")
    with pytest.raises(SpecError, match=r"called 'wire\.one' already"):
        register(one, "wire.other")
    assert "wire.other" not in WIRE_TYPES


@pytest.mark.parametrize("name", ["", "a b", "a@2", "~x", "ä", ".a", "x" * 201, "a\n", 5])
def test_what_is_no_wire_name_is_refused(name: Any) -> None:
    with pytest.raises(SpecError, match="no wire name"):
        register(in_another_module("Some"), name)


@pytest.mark.parametrize("version", [0, -1, 65_536, True, "2", 1.0])
def test_what_is_no_version_is_refused(version: Any) -> None:
    with pytest.raises(SpecError, match="version"):
        register(in_another_module("Some"), "wire.some", version)


def test_a_local_message_gets_no_wire_name() -> None:
    with pytest.raises(SpecError, match="never leaves the process"):
        types.new_class("Here", (LocalMessage,), {"wire": "wire.here"})

    class There(LocalMessage):
        thing: object

    with pytest.raises(SpecError, match="never leaves the process"):
        wire("wire.there")(There)
    assert not {"wire.here", "wire.there"} & WIRE_TYPES.keys()
