"""Types of arguments: what a model is told of them, and what of its values they take."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.actors.llm.schema import Misfit, Unshapely, shape_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0
    marks: list[str] = field(default_factory=list[str])


@dataclass
class Positive:
    value: int

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError("it must be positive")


class Address(TypedDict):
    street: str
    number: NotRequired[int]


STRING = {"type": "string"}
WHOLE = {"type": "integer"}

SCHEMAS: list[tuple[Any, dict[str, Any]]] = [
    (str, STRING),
    (int, WHOLE),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (None, {"type": "null"}),
    (Any, {}),
    (list, {"type": "array", "items": {}}),
    (list[int], {"type": "array", "items": WHOLE}),
    (Sequence[str], {"type": "array", "items": STRING}),
    (set[str], {"type": "array", "items": STRING}),
    (tuple[int, ...], {"type": "array", "items": WHOLE}),
    (
        tuple[int, str],
        {"type": "array", "prefixItems": [WHOLE, STRING], "minItems": 2, "maxItems": 2},
    ),
    (dict[str, int], {"type": "object", "additionalProperties": WHOLE}),
    (Mapping[str, Any], {"type": "object", "additionalProperties": {}}),
    (int | None, {"anyOf": [WHOLE, {"type": "null"}]}),
    (Literal["a", 1], {"enum": ["a", 1]}),
    (Colour, {"enum": ["red", "blue"]}),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
    (
        Point,
        {
            "type": "object",
            "properties": {
                "x": {"type": "number"},
                "y": {"type": "number", "default": 0.0},
                "marks": {"type": "array", "items": STRING},
            },
            "required": ["x"],
            "additionalProperties": False,
        },
    ),
    (
        Address,
        {
            "type": "object",
            "properties": {"street": STRING, "number": WHOLE},
            "required": ["street"],
            "additionalProperties": False,
        },
    ),
]


@pytest.mark.check("M143")
@pytest.mark.parametrize(("hint", "schema"), SCHEMAS)
def test_each_type_has_its_schema(hint: Any, schema: dict[str, Any]) -> None:
    assert shape_of(hint).schema == schema


FITTING: list[tuple[Any, Any, Any]] = [
    (str, "a", "a"),
    (int, 3.0, 3),
    (float, 3, 3.0),
    (bool, True, True),
    (Any, {"a": [1]}, {"a": [1]}),
    (list[int], [1, 2], [1, 2]),
    (set[str], ["a", "a"], {"a"}),
    (tuple[int, str], [1, "a"], (1, "a")),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (int | str | None, None, None),
    (int | str, "1", "1"),
    (Literal[1, True], True, True),
    (Colour, "blue", Colour.BLUE),
    (Point, {"x": 1}, Point(1.0)),
    (list[Point], [{"x": 1, "y": 2, "marks": ["a"]}], [Point(1.0, 2.0, ["a"])]),
    (Address, {"street": "a"}, {"street": "a"}),
]


@pytest.mark.check("M143")
@pytest.mark.parametrize(("hint", "value", "taken"), FITTING)
def test_a_value_that_fits_is_taken_as_its_type(hint: Any, value: Any, taken: Any) -> None:
    made = shape_of(hint).take(value, "it")
    assert made == taken
    assert type(made) is type(taken)


MISFITS: list[tuple[Any, Any, str]] = [
    (str, 1, "it must be a string, not 1"),
    (int, "3", "it must be a whole number, not '3'"),
    (int, 3.5, "it must be a whole number, not 3.5"),
    (int, True, "it must be a whole number, not True"),
    (int, math.inf, "it must be a whole number, not inf"),
    (float, False, "it must be a number, not False"),
    (bool, 0, "it must be true or false, not 0"),
    (None, 0, "it must be null, not 0"),
    (list[str], "abc", "it must be a list, not 'abc'"),
    (list[int], [1, "2"], "it[1] must be a whole number, not '2'"),
    (set[Any], [[1]], "it: unhashable type: 'list'"),
    (tuple[int, str], [1], "it must be a list of 2, not [1]"),
    (dict[str, int], {"a": None}, "it.a must be a whole number, not None"),
    (dict[str, int], [], "it must be an object, not []"),
    (int | None, "a", "it must be a whole number, not 'a' or it must be null, not 'a'"),
    (Literal[1], True, "it must be one of 1, not True"),
    (Colour, "RED", "it must be one of 'red', 'blue', not 'RED'"),
    (Point, {"y": "a"}, "it.x is missing; it.y must be a number, not 'a'"),
    (Point, {"x": 1, "z": 1}, "it.z is not known; known: x, y, marks"),
    (Point, [], "it must be an object, not []"),
    (Positive, {"value": 0}, "it: it must be positive"),
    (Address, {}, "it.street is missing"),
    (str, ["x" * 100], "it must be a string, not ['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."),
]


@pytest.mark.check("M143")
@pytest.mark.parametrize(("hint", "value", "text"), MISFITS)
def test_a_value_that_does_not_fit_is_refused_and_said_where(
    hint: Any, value: Any, text: str
) -> None:
    with pytest.raises(Misfit) as caught:
        shape_of(hint).take(value, "it")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "hint", [bytes, object.__class__, Callable[[], None], dict[int, str], complex, Literal[b"a"]]
)
def test_a_type_that_json_does_not_know_is_refused(hint: Any) -> None:
    with pytest.raises(Unshapely):
        shape_of(hint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)

HINTS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([str, int, float, bool, None, Any, Colour, Literal["a", 1, None]]),
    lambda inner: st.one_of(
        inner.map(lambda hint: list.__class_getitem__(hint)),
        inner.map(lambda hint: dict.__class_getitem__((str, hint))),
        inner.map(lambda hint: tuple.__class_getitem__((hint, int))),
        inner.map(lambda hint: hint | None if hint is not None else None),
    ),
    max_leaves=4,
)


@pytest.mark.check("M143")
@given(hint=HINTS, value=JSON)
def test_what_the_schema_allows_is_what_the_check_takes(hint: Any, value: Any) -> None:
    shape = shape_of(hint)
    try:
        shape.take(value, "it")
        taken = True
    except Misfit:
        taken = False
    assert taken is allows(shape.schema, value)


def allows(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a JSON schema, of those that are written here, allows a value."""
    if "enum" in schema:
        return any(same(value, each) for each in schema["enum"])
    if "anyOf" in schema:
        return any(allows(each, value) for each in schema["anyOf"])
    match schema.get("type"):
        case None:
            return True
        case "string":
            return isinstance(value, str)
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case "array":
            return isinstance(value, list) and allows_items(schema, cast("list[object]", value))
        case "object":
            inner = schema["additionalProperties"]
            values = cast("dict[str, object]", value).values() if isinstance(value, dict) else None
            return values is not None and all(allows(inner, each) for each in values)
        case kind:
            raise AssertionError(f"no such type: {kind}")


def allows_items(schema: Mapping[str, Any], value: list[object]) -> bool:
    first = schema.get("prefixItems")
    if first is None:
        return all(allows(schema["items"], each) for each in value)
    return len(value) == len(first) and all(map(allows, first, value))


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) is isinstance(other, bool)
