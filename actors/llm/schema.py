"""Types of arguments: the JSON schema that a model is told, and the check of what it then sends.

Both come from one walk over the type, so that what the schema allows is what the check takes.
Nothing is converted that does not fit: a model that sends "three" for a number is told so. (That is
why it is no `cattrs` converter, which would make what it can of a value.)
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args, get_origin

__all__ = [
    "Field",
    "Misfit",
    "NO_DEFAULT",
    "Shape",
    "Unshapely",
    "make_field",
    "shape_of",
    "shape_of_fields",
]

Take: TypeAlias = "Callable[[Any, str], Any]"
"""Turns a JSON value into one of the type, or raises `Misfit`; the text says where it stands."""

NO_DEFAULT = object()
"""In place of a default: there is none, so the part has to be given."""

UNTOLD = object()
"""In place of a default: there is one, made anew each time, and nobody is told which."""


class Misfit(ValueError):
    """A value does not fit its type; the text says where, and what would."""


class Unshapely(TypeError):
    """A type has no JSON schema."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one type looks like as JSON."""

    schema: dict[str, Any]
    take: Take


@dataclass(frozen=True, slots=True)
class Field:
    """One named part of an object."""

    name: str
    shape: Shape
    required: bool


def shape_of(hint: Any) -> Shape:
    """Return the shape of a type.

    Known are str, int, float, bool, None, Any, Literal, enumerations, lists, tuples, sets,
    dictionaries with text keys, unions, dataclasses, typed dictionaries, and any of them in
    `Annotated[…, "what it is"]`.

    Raises:
        Unshapely: it is none of these.

    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin is typing.Annotated:
        return _annotated(shape_of(parts[0]), parts[1:])
    if hint is Any or hint is object:
        return Shape({}, lambda value, _: value)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin is Literal:
        return _choice(list(parts), list(parts))
    if origin in (typing.Union, types.UnionType):
        return _union([shape_of(part) for part in parts])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _choice([member.value for member in hint], list(hint))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    if typing.is_typeddict(cast("Any", hint)):
        return _typed_dict(hint)
    return _collection(hint, origin or hint, parts)


def shape_of_fields(fields: Sequence[Field], build: Callable[[dict[str, Any]], Any]) -> Shape:
    """Return the shape of an object with these fields; `build` makes it of those that came."""
    known = {each.name: each for each in fields}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {each.name: each.shape.schema for each in fields},
        "required": [each.name for each in fields if each.required],
        "additionalProperties": False,
    }

    def take(value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"{at or 'the arguments'} must be an object, not {_kind(value)}")
        given = cast("dict[str, Any]", value)
        inside = f"{at}." if at else ""
        problems: list[str] = []
        for name in given.keys() - known.keys():
            names = ", ".join(known) or "none"
            problems.append(f"{inside}{name} is not known; known: {names}")
        taken: dict[str, Any] = {}
        for name, each in known.items():
            if name not in given:
                if each.required:
                    problems.append(f"{inside}{name} is missing")
                continue
            try:
                taken[name] = each.shape.take(given[name], f"{inside}{name}")
            except Misfit as error:
                problems.append(str(error))
        if problems:
            raise Misfit("; ".join(sorted(problems)))
        try:
            return build(taken)
        except (TypeError, ValueError) as error:
            raise Misfit(f"{at}: {error}") from error

    return Shape(schema, take)


def make_field(name: str, hint: Any, default: object = NO_DEFAULT, description: str = "") -> Field:
    """Return a field of a type; one with a default need not be given."""
    shape = shape_of(hint)
    more: dict[str, Any] = {}
    if description:
        more["description"] = description
    if default is not NO_DEFAULT and _is_json(default):
        more["default"] = default.value if isinstance(default, enum.Enum) else default
    if more:
        shape = Shape({**shape.schema, **more}, shape.take)
    return Field(name, shape, default is NO_DEFAULT)


# -- plain values ----


def _plain(name: str, fits: Callable[[Any], bool], make: Callable[[Any], Any]) -> Shape:
    def take(value: Any, at: str) -> Any:
        if not fits(value):
            raise Misfit(f"{at} must be {ARTICLES[name]}, not {_kind(value)}")
        return make(value)

    return Shape({"type": name}, take)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == value // 1  # JSON knows no difference of 3 and 3.0


def _same(value: Any) -> Any:
    return value


ARTICLES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

PLAIN: dict[Any, Shape] = {
    str: _plain("string", lambda value: isinstance(value, str), _same),
    int: _plain("integer", _is_whole, int),
    float: _plain("number", _is_number, float),
    bool: _plain("boolean", lambda value: isinstance(value, bool), _same),
    None: _plain("null", lambda value: value is None, _same),
    type(None): _plain("null", lambda value: value is None, _same),
}


def _kind(value: Any) -> str:
    """Say what a value is, short enough for an error."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _annotated(shape: Shape, notes: Sequence[Any]) -> Shape:
    told = next((note for note in notes if isinstance(note, str)), None)
    return shape if told is None else Shape({**shape.schema, "description": told}, shape.take)


def _choice(values: list[Any], members: list[Any]) -> Shape:
    if not all(isinstance(value, str | int | float | bool | None) for value in values):
        raise Unshapely(f"a choice among {values} has no JSON schema")

    def take(value: Any, at: str) -> Any:
        for known, member in zip(values, members, strict=True):
            # True is no 1 here, though they are equal.
            if known == value and isinstance(known, bool) is isinstance(value, bool):
                return member
        allowed = ", ".join(repr(known) for known in values)
        raise Misfit(f"{at} must be one of {allowed}, not {_kind(value)}")

    return Shape({"enum": values}, take)


def _union(shapes: list[Shape]) -> Shape:
    def take(value: Any, at: str) -> Any:
        problems: list[str] = []
        for shape in shapes:
            try:
                return shape.take(value, at)
            except Misfit as error:
                problems.append(str(error))
        raise Misfit(" or ".join(dict.fromkeys(problems)))

    return Shape({"anyOf": [shape.schema for shape in shapes]}, take)


# -- what holds others ----


def _collection(hint: Any, kind: Any, parts: tuple[Any, ...]) -> Shape:
    if not isinstance(kind, type):
        raise Unshapely(f"{hint!r} has no JSON schema")
    if kind is tuple and parts and parts[-1] is not Ellipsis:
        return _fixed([shape_of(part) for part in parts])
    if issubclass(kind, str | bytes):
        raise Unshapely(f"{_name(hint)} has no JSON schema")
    if kind is dict or kind is Mapping:
        if parts and parts[0] is not str:
            raise Unshapely(f"{_name(hint)} has no JSON schema: its keys must be str")
        return _mapping(shape_of(parts[1] if parts else Any))
    if kind in (list, Sequence, Iterable):
        return _list(shape_of(parts[0] if parts else Any), list)
    if kind is tuple:
        return _list(shape_of(parts[0] if parts else Any), tuple)
    if kind in (set, frozenset, Set):
        return _list(shape_of(parts[0] if parts else Any), frozenset if kind is not set else set)
    raise Unshapely(f"{_name(hint)} has no JSON schema")


def _list(item: Shape, make: Callable[[list[Any]], Any]) -> Shape:
    def take(value: Any, at: str) -> Any:
        if not isinstance(value, list):
            raise Misfit(f"{at} must be a list, not {_kind(value)}")
        items = cast("list[object]", value)
        taken = [item.take(each, f"{at}[{index}]") for index, each in enumerate(items)]
        try:
            return make(taken)
        except TypeError as error:  # a set of what cannot be in one
            raise Misfit(f"{at}: {error}") from None

    return Shape({"type": "array", "items": item.schema}, take)


def _fixed(shapes: list[Shape]) -> Shape:
    count = len(shapes)

    def take(value: Any, at: str) -> Any:
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not isinstance(value, list) or len(items) != count:
            raise Misfit(f"{at} must be a list of {count}, not {_kind(value)}")
        return tuple(
            shape.take(each, f"{at}[{index}]")
            for index, (shape, each) in enumerate(zip(shapes, items, strict=True))
        )

    items = [shape.schema for shape in shapes]
    return Shape(
        {"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}, take
    )


def _mapping(item: Shape) -> Shape:
    def take(value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"{at} must be an object, not {_kind(value)}")
        items = cast("dict[str, Any]", value)
        return {name: item.take(each, f"{at}.{name}") for name, each in items.items()}

    return Shape({"type": "object", "additionalProperties": item.schema}, take)


def _dataclass(cls: Any) -> Shape:
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = [
        make_field(each.name, hints[each.name], _default_of(each))
        for each in dataclasses.fields(cls)
        if each.init
    ]
    return shape_of_fields(fields, lambda given: cls(**given))


def _typed_dict(cls: Any) -> Shape:
    fields: list[Field] = []
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        required = name in cls.__required_keys__
        while (said := get_origin(hint)) in (typing.Required, typing.NotRequired):
            # The class itself cannot read these where annotations are text.
            required = said is typing.Required
            hint = get_args(hint)[0]
        fields.append(Field(name, shape_of(hint), required))
    return shape_of_fields(fields, _same)


def _default_of(each: dataclasses.Field[Any]) -> object:
    if each.default is not dataclasses.MISSING:
        return each.default
    return UNTOLD if each.default_factory is not dataclasses.MISSING else NO_DEFAULT


def _is_json(value: object) -> bool:
    if isinstance(value, enum.Enum):
        return _is_json(value.value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return all(_is_json(each) for each in items)
    return isinstance(value, str | int | float | bool | None)


def _name(hint: Any) -> str:
    return getattr(hint, "__qualname__", None) or repr(hint)
