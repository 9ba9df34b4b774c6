"""Declared types: how the value of a field travels where its type says what it is.

No tag is needed there. What does not match its declaration is refused at the sender and at the
receiver; an instance of a subclass is carried under its tag; an `int` in a `float` stays an `int`.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Collection, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias, Union, cast, get_args, get_origin

import typing_extensions

from .kinds import KINDS, Low, Mismatch, Reading, lower_float, lower_int, lower_str, of_type
from .lowering import Lowering, in_one_order, is_tag
from .refused import Refused, type_name
from .unwrapped import unwrapped

__all__ = ["ClassShapes", "Shape", "Shapes"]

Lower: TypeAlias = "Callable[[Any], Low]"
Lift: TypeAlias = "Callable[[Low, object], Any]"
"""As cattrs calls it: with the type, which is known here already."""


class Shape(NamedTuple):
    """How the values of one declared type travel."""

    lower: Lower
    lift: Lift


class ClassShapes(typing.Protocol):
    """What `Shapes` needs to know of registered classes."""

    def lower_declared(self, value: object, /) -> Low:
        """Return the value of exactly the declared class, without its tag where that can be."""
        ...

    def lift_declared(self, low: Low, cls: type, /) -> object:
        """Return the value of exactly the declared class."""
        ...


class Shapes:
    """The shapes of declared types, each made once."""

    def __init__(self, lowering: Lowering, classes: ClassShapes, reading: Reading) -> None:
        """Begin with none made."""
        self._lowering = lowering
        self._classes = classes
        self._reading = reading
        self._any = Shape(lowering.lower, lowering.lift)
        self._made: dict[object, Shape] = {}

    def of(self, declared: object) -> Shape:
        """Return the shape of a type as it stands in an annotation."""
        try:
            shape = self._made.get(declared)
        except TypeError:  # an annotation that cannot be hashed
            return self._make(unwrapped(declared))
        if shape is None:
            made = self._made
            # An alias may lead back to itself: what asks while it is made gets the way to it.

            def lower(value: Any) -> Low:
                return made[declared].lower(value)

            def lift(low: Low, _: object) -> Any:
                return made[declared].lift(low, None)

            made[declared] = Shape(lower, lift)
            shape = made[declared] = self._make(unwrapped(declared))
        return shape

    def _make(self, declared: Any) -> Shape:
        origin, args = get_origin(declared) or declared, get_args(declared)
        if origin is None or origin is types.NoneType:
            return self._exactly(types.NoneType, _same, _null)
        if origin is Union or origin is types.UnionType:
            return self._union(args)
        if origin is Literal or origin is typing_extensions.Literal:
            return self._checked(lambda value: _is_one_of(value, args), declared)
        if origin is tuple:
            return self._tuple(args)
        if origin in (list, set, frozenset):
            return self._items(origin, self.of(args[0] if args else Any))
        if origin is dict:
            key, value = args or (Any, Any)
            return self._dict(self.of(key), self.of(value))
        if origin in SCALARS:
            return self._scalar(origin, SCALARS[origin])
        if origin in KINDS:
            _, lower, lift = KINDS[origin]
            return self._exactly(origin, lower, lambda low, _: lift(low, self._reading))
        if typing_extensions.is_typeddict(origin):
            return self._checked(lambda value: type(value) is dict, declared)
        if origin is object or not isinstance(origin, type):
            return self._any
        if origin.__module__ == "collections.abc" and args:
            return self._checked(lambda value: self._is_of(value, origin, args), declared)
        return self._class(origin)

    # -- one value ----

    def _exactly(self, cls: type, lower_exact: Lower, lift_exact: Lift) -> Shape:
        """A type whose own values need no tag; a value of a subclass has one."""
        lowering = self._lowering
        also = (int, bool) if cls is float else (bool,) if cls is int else ()

        def lower(value: Any) -> Low:
            if type(value) is cls:
                return lower_exact(value)
            if isinstance(value, cls) or type(value) in also:
                return lowering.lower(value)
            raise mismatch(value, cls)

        def lift(low: Low, _: object) -> Any:
            if low.__class__ is dict and is_tag(low):
                value = lowering.lift(low)
                if not isinstance(value, cls) and type(value) not in also:
                    raise Mismatch(type_name(cls), value)
                return value
            if low.__class__ in also:
                return low
            return lift_exact(low, cls)

        return Shape(lower, lift)

    def _scalar(self, cls: type, lower_exact: Lower) -> Shape:
        """What is its own form in JSON; the short way for nearly every field."""
        lower, lift_other = self._exactly(cls, lower_exact, lambda low, _: of_type(low, cls))

        def lift(low: Low, _: object) -> Any:
            return low if low.__class__ is cls else lift_other(low, None)

        return Shape(lower, lift)

    def _class(self, cls: type) -> Shape:
        """A class of the application: without its tag where that is its very class."""
        lowering, classes = self._lowering, self._classes

        def lower(value: Any) -> Low:
            if type(value) is cls:
                return classes.lower_declared(value)
            if not _is_instance(value, cls):
                raise mismatch(value, cls)
            return lowering.lower(value)

        def lift(low: Low, _: object) -> Any:
            if low.__class__ is dict and is_tag(low):
                value = lowering.lift(low)
            else:
                value = classes.lift_declared(low, cls)
            if not _is_instance(value, cls):
                raise Mismatch(type_name(cls), value)
            return value

        return Shape(lower, lift)

    # -- several ----

    def _items(self, cls: type, item: Shape) -> Shape:
        lower_item, lift_item = item
        lowering, is_set = self._lowering, cls in (set, frozenset)

        def lower_items(values: Collection[Any]) -> Low:
            low: list[Low] = []
            if is_set:
                lowering.may_go(values)
            try:
                for value in values:
                    low.append(lower_item(value))
            except Refused as refused:
                refused.steps.append(len(low))
                raise
            return in_one_order(low) if is_set else low

        def lift_items(low: Low, _: object) -> Any:
            items = [lift_item(each, None) for each in of_type(low, list)]
            return lowering.set_of(cls, items) if is_set else cls(items)

        return self._exactly(cls, lower_items, lift_items)

    def _tuple(self, args: tuple[Any, ...]) -> Shape:
        if any(get_origin(each) is typing.Unpack for each in args):
            return self._items(tuple, self._any)
        if not args or args[-1] is Ellipsis:
            return self._items(tuple, self.of(args[0] if args else Any))
        shapes = [self.of(each) for each in args]

        def lower_parts(values: tuple[Any, ...]) -> Low:
            if len(values) != len(shapes):
                raise Refused(f"a tuple of {len(values)} where {len(shapes)} are declared")
            low: list[Low] = []
            try:
                for value, shape in zip(values, shapes, strict=True):
                    low.append(shape.lower(value))
            except Refused as refused:
                refused.steps.append(len(low))
                raise
            return low

        def lift_parts(low: Low, _: object) -> Any:
            parts = zip(of_type(low, list), shapes, strict=True)
            return tuple([shape.lift(each, None) for each, shape in parts])

        return self._exactly(tuple, lower_parts, lift_parts)

    def _dict(self, key: Shape, value: Shape) -> Shape:
        lowering = self._lowering

        def lower_entries(entries: dict[Any, Any]) -> Low:
            lowering.may_go(entries)
            low: dict[Any, Low] = {}
            pairs: list[list[Low]] = []
            where: object = None
            try:
                for where, each in entries.items():
                    low_key = key.lower(where)
                    pairs.append([low_key, value.lower(each)])
                    if type(where) is str and type(low_key) is str:
                        low[where] = pairs[-1][1]
            except Refused as refused:
                refused.steps.append(where)
                raise
            return {"~dict": pairs} if len(low) != len(pairs) or is_tag(low) else low

        def lift_pairs(pairs: Iterable[Any]) -> Any:
            lifted = [(key.lift(each, None), value.lift(entry, None)) for each, entry in pairs]
            return lowering.dict_of(lifted)

        def lift_entries(low: Low, _: object) -> Any:
            return lift_pairs(of_type(low, dict).items())

        shape = self._exactly(dict, lower_entries, lift_entries)

        def lift(low: Low, _: object) -> Any:
            if low.__class__ is dict and is_tag(low) and "~dict" in low:
                return lift_pairs(of_type(low["~dict"], list))
            return shape.lift(low, None)

        return Shape(shape.lower, lift)

    # -- whatever is told apart by its tag ----

    def _union(self, args: tuple[Any, ...]) -> Shape:
        members = [each for each in args if each is not types.NoneType]
        if len(members) == 1 and len(members) < len(args):
            return self._optional(self.of(members[0]))
        if Any in members or object in members:
            return self._any
        shapes = [self.of(each) for each in args]
        declared = " | ".join(map(type_name, args))
        return self._checked(lambda value: any(_fits(value, each) for each in shapes), declared)

    def _optional(self, inner: Shape) -> Shape:
        lower_inner, lift_inner = inner

        def lower(value: Any) -> Low:
            return None if value is None else lower_inner(value)

        def lift(low: Low, _: object) -> Any:
            return None if low is None else lift_inner(low, None)

        return Shape(lower, lift)

    def _checked(self, check: Callable[[Any], bool], declared: object) -> Shape:
        """A type that its values do not tell of: they travel as in an untyped place."""
        lowering = self._lowering

        def lower(value: Any) -> Low:
            low = lowering.lower(value)  # first: what it refuses, it names exactly
            if not check(value):
                raise mismatch(value, declared)
            return low

        def lift(low: Low, _: object) -> Any:
            value = lowering.lift(low)
            if not check(value):
                raise TypeError(
                    f"expected {type_name(declared)}, came {type_name(value.__class__)}"
                )
            return value

        return Shape(lower, lift)

    def _is_of(self, value: Any, cls: type, args: tuple[Any, ...]) -> bool:
        """Whether an abstract collection is one, and each entry of the declared type."""
        if not isinstance(value, cls):
            return False
        if isinstance(value, dict) and len(args) == 2:
            key, entry = self.of(args[0]), self.of(args[1])
            items = cast("dict[object, object]", value).items()
            return all(_fits(each, key) and _fits(item, entry) for each, item in items)
        if not isinstance(value, collections.abc.Collection) or len(args) != 1:
            return True
        item = self.of(args[0])
        return all(_fits(each, item) for each in cast("Iterable[object]", value))


def mismatch(value: object, declared: object) -> Refused:
    """Return the refusal of a value that is not of its declared type."""
    came, expected = type_name(type(value)), type_name(declared)
    return Refused(
        f"a {came} where {expected} is declared: it would arrive as something else; "
        "send what the field declares, or declare what you send"
    )


def _fits(value: object, shape: Shape) -> bool:
    try:
        shape.lower(value)
    except Refused:
        return False
    return True


def _is_instance(value: object, cls: type) -> bool:
    try:
        return isinstance(value, cls)
    except TypeError:  # a Protocol that cannot be asked at run time
        return True


def _is_one_of(value: object, allowed: tuple[object, ...]) -> bool:
    return any(type(value) is type(each) and value == each for each in allowed)


def _same(value: Low) -> Low:
    return value


def _null(low: Low, _: object) -> None:
    if low is not None:
        raise Mismatch("None", low)


SCALARS: dict[type, Lower] = {str: lower_str, int: lower_int, float: lower_float, bool: _same}
