"""Values of any type, in places that declare none: what JSON cannot tell apart has a tag there.

A tag is an object of one key that begins with `~`: `{"~tuple": [1, 2]}`. A registered class is
`{"~:acme.greet": {"name": "Ada"}}`, in a later version `{"~:acme.greet@2": ...}`. A dict that looks
like a tag, or that has other keys than strings, is a list of pairs under `~dict`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from types import NoneType
from typing import Any, Protocol, TypeVar

from .errors import Undecodable
from .kinds import KINDS, TAGS, Low, Reading, lower_float, lower_int, lower_str, of_type
from .limits import Limits
from .refused import Refused

__all__ = ["CLASS_TAG", "Classes", "Lowering", "is_plain", "is_tag"]

S = TypeVar("S")

CLASS_TAG = "~:"
"""How the tag of a registered class begins."""

ATOMS = frozenset((str, int, bool, NoneType))


def is_tag(low: dict[str, Any]) -> bool:
    """Whether an object is a tag and what stands under it, or looks like it."""
    if len(low) != 1:
        return False
    (key,) = low
    return key.__class__ is str and key[:1] == "~"


def is_plain(value: Low) -> bool:
    """Whether a list or dict is its own form, as far as JSON's writer does not look itself.

    It refuses integers beyond 64 bits, lone surrogates and keys that are not strings; but it
    writes tuples, NaN and dicts that look like tags, and they would arrive as something else.
    """
    entries: Iterable[Low] = value
    if value.__class__ is dict:
        if len(value) == 1 and is_tag(value):
            return False
        entries = value.values()
    for each in entries:
        kind = each.__class__  # whoever lies here is refused by JSON's writer
        if kind in ATOMS:
            continue
        if kind is float:
            if each - each != 0.0:
                return False
        elif (kind is not dict and kind is not list) or not is_plain(each):
            return False
    return True


class Classes(Protocol):
    """What `Lowering` needs to know of registered classes."""

    def lower(self, value: object, /) -> Low:
        """Return the value under its tag; refuse it if its class is not registered."""
        ...

    def lift(self, tag: str, low: Low, /) -> object:
        """Return the value that stands under the tag of a class."""
        ...


class Lowering:
    """Values of any type to JSON's terms and back."""

    def __init__(self, classes: Classes, reading: Reading, limits: Limits) -> None:
        """Carry the builtin types, and the classes that `classes` knows."""
        self._classes = classes
        self._reading = reading
        self._limits = limits
        self.handlers: dict[type, Callable[[Any], Low]] = {
            NoneType: _same,
            bool: _same,
            str: lower_str,
            int: lower_int,
            float: lower_float,
            list: self.lower_items,
            dict: self._lower_dict,
            tuple: lambda value: {"~tuple": self.lower_items(value)},
            set: lambda value: {"~set": self._lower_members(value)},
            frozenset: lambda value: {"~frozenset": self._lower_members(value)},
            **{cls: _tagging(kind.tag, kind.lower) for cls, kind in KINDS.items()},
        }

    def lower(self, value: object) -> Low:
        """Return the value in JSON's terms.

        Raises:
            Refused: it cannot be carried.

        """
        handler = self.handlers.get(type(value))
        return self._classes.lower(value) if handler is None else handler(value)

    def lift(self, low: Low, _: object = None) -> Any:
        """Return the value again. Raises what it likes if nothing of ours stands there."""
        kind = low.__class__
        if kind is list:
            return [self.lift(each) for each in low]
        if kind is not dict:
            return low
        if is_tag(low):
            ((tag, inner),) = low.items()
            return self._lift_tag(tag, inner)
        return {key: self.lift(each) for key, each in low.items()}

    def lower_items(self, values: Iterable[object]) -> list[Low]:
        """Return the list of the values, each in JSON's terms."""
        handlers, low = self.handlers, list[Low]()
        try:
            for value in values:
                handler = handlers.get(type(value))
                low.append(self._classes.lower(value) if handler is None else handler(value))
        except Refused as refused:
            refused.steps.append(len(low))
            raise
        return low

    def may_go(self, members: Collection[object]) -> None:
        """Look at the members of a set, or the keys of a dict, that is to be sent.

        Raises:
            Refused: the receiver would not take them.

        """
        crowd = self._limits.crowd(members)
        if crowd is not None:
            raise Refused(f"{crowd}: send lists instead")

    def set_of(self, cls: Callable[[list[Any]], S], members: list[Any]) -> S:
        """Make a set, of this class, of members that came.

        Raises:
            Undecodable: its making might take a time that grows with their square.

        """
        crowd = self._limits.crowd(members)
        if crowd is not None:
            raise Undecodable(crowd, "limit")
        return cls(members)

    def dict_of(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        """Make a dict of keys and values that came.

        Raises:
            Undecodable: as in `set_of`.

        """
        crowd = self._limits.crowd([key for key, _ in pairs])
        if crowd is not None:
            raise Undecodable(crowd, "limit")
        return dict(pairs)

    def _lower_members(self, members: Collection[object]) -> list[Low]:
        self.may_go(members)
        return in_one_order(self.lower_items(members))

    def _lower_dict(self, value: dict[object, object]) -> Low:
        handlers, low = self.handlers, dict[str, Low]()
        key: object = None
        try:
            for key, each in value.items():
                if type(key) is not str or lower_str(key) is not key:
                    break
                handler = handlers.get(type(each))
                low[key] = self._classes.lower(each) if handler is None else handler(each)
        except Refused as refused:
            refused.steps.append(key)
            raise
        return self._lower_pairs(value) if len(low) < len(value) or is_tag(low) else low

    def _lower_pairs(self, value: dict[object, object]) -> Low:
        self.may_go(value)
        pairs: list[Low] = []
        for key, each in value.items():
            try:
                pairs.append([self.lower(key), self.lower(each)])
            except Refused as refused:
                refused.steps.append(key)
                raise
        return {"~dict": pairs}

    def _lift_tag(self, tag: str, low: Low) -> object:
        if tag.startswith(CLASS_TAG):
            return self._classes.lift(tag, low)
        match tag:
            case "~tuple":
                return tuple(map(self.lift, of_type(low, list)))
            case "~dict":
                pairs = of_type(low, list)
                return self.dict_of([(self.lift(key), self.lift(each)) for key, each in pairs])
            case "~set":
                return self.set_of(set, [self.lift(each) for each in of_type(low, list)])
            case "~frozenset":
                return self.set_of(frozenset, [self.lift(each) for each in of_type(low, list)])
            case _:
                lift = TAGS.get(tag)
                if lift is None:
                    raise Undecodable(f"the tag {tag[:40]!r} is unknown", "unknown")
                return lift(low, self._reading)


def in_one_order(low: list[Low]) -> list[Low]:
    """Order what came out of a set, so that equal sets have equal bytes."""
    return sorted(low, key=repr)


def _same(value: Low) -> Low:
    return value


def _tagging(tag: str, lower: Callable[[Any], Low]) -> Callable[[Any], Low]:
    return lambda value: {tag: lower(value)}
