"""Classes with fields: dataclasses, attrs classes, named tuples, pydantic models.

Fields that a sender's class has more are ignored, fields that it has less take their default: so
old and new nodes understand each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple, cast

import attrs
import orjson
from cattrs import Converter
from cattrs.cols import is_namedtuple
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from .kinds import Low, of_type
from .lowering import Lowering
from .refused import Refused, type_name
from .shapes import Shape, Shapes
from .unwrapped import hints_of

__all__ = ["Record", "pydantic_record", "record_of"]

CONVERTER = Converter()
"""Only lends its settings to the functions that cattrs writes: every field has its own hooks."""

WRITTEN = ("<string>", "<attrs generated")
"""Where the constructors stand that dataclasses, attrs and namedtuple write."""


class Record(NamedTuple):
    """How the instances of a class travel."""

    lower: Callable[[Any], Low]
    lift: Callable[[Low, int], Any]


def record_of(cls: type, shapes: Shapes) -> Record | None:
    """Return how a dataclass, attrs class or named tuple travels; None: it is none of these.

    Raises:
        Refused: the types of its fields cannot be found.

    """
    if _is_dataclass(cls) or attrs.has(cast("type[Any]", cls)):
        return _fields_record(cls, shapes)
    if is_namedtuple(cls):
        return _tuple_record(cls, shapes)
    return None


def _fields_record(cls: type, shapes: Shapes) -> Record:
    hints = hints_of(cls)
    fields = {name: shapes.of(hints.get(name, Any)) for name in _field_names(cls)}
    # What cattrs takes is by name either a setting of its own or a field: no type says that.
    hooks: dict[str, Any] = {
        name: override(unstruct_hook=shape.lower, struct_hook=shape.lift)
        for name, shape in fields.items()
    }
    lower_fields: Callable[[Any], Low] = make_dict_unstructure_fn(cls, CONVERTER, **hooks)
    structure: Any = make_dict_structure_fn  # as what it returns has no type here
    lift_fields: Callable[[Low, type], Any] = structure(cls, CONVERTER, **hooks)

    def lower(value: Any) -> Low:
        try:
            return lower_fields(value)
        except (Refused, AttributeError):
            _name_the_field(value, fields)
            raise

    def lift(low: Low, _: int) -> Any:
        return lift_fields(of_type(low, dict), cls)

    if not _computes(cls):
        return Record(lower, lift)
    every: Callable[[Any], Low] = make_dict_unstructure_fn(
        cls, CONVERTER, **hooks, _cattrs_include_init_false=True
    )
    return Record(_made_again(cls, lower, lift, every), lift)


def _tuple_record(cls: type, shapes: Shapes) -> Record:
    hints = hints_of(cls)
    names = cast("tuple[str, ...]", getattr(cls, "_fields"))  # noqa: B009
    fields = {name: shapes.of(hints.get(name, Any)) for name in names}

    def lower_fields(value: Any) -> Low:
        return {name: shape.lower(getattr(value, name)) for name, shape in fields.items()}

    def lower(value: Any) -> Low:
        try:
            return lower_fields(value)
        except Refused:
            _name_the_field(value, fields)
            raise

    def lift(low: Low, _: int) -> Any:
        given = of_type(low, dict)
        return cls(**{k: shape.lift(given[k], None) for k, shape in fields.items() if k in given})

    if cls.__new__.__code__.co_filename.startswith(WRITTEN):
        return Record(lower, lift)
    return Record(_made_again(cls, lower, lift, lower_fields), lift)


def pydantic_record(cls: type, lowering: Lowering) -> Record:
    """Return how a pydantic model travels: by the fields that were set; then it validates them."""
    validate = cast("Callable[[object], Any]", getattr(cls, "model_validate"))  # noqa: B009

    def every(value: Any) -> Low:
        parts: list[object] = [vars(value), value.model_extra, value.__pydantic_private__]
        return [lowering.lower(part) for part in (*parts, value.model_fields_set)]

    def lower(value: Any) -> Low:
        fields = cast("dict[str, object]", vars(value))
        given = {name: fields[name] for name in fields if name in value.model_fields_set}
        given.update(value.model_extra or {})
        return lowering.lower(given)

    def lift(low: Low, _: int) -> Any:
        given = of_type(lowering.lift(low), dict)
        return validate(_by_alias(cls, given))

    return Record(_made_again(cls, lower, lift, every), lift)


def _by_alias(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Name the fields as the model's own constructor wants them."""
    fields = cast("dict[str, Any]", getattr(cls, "model_fields"))  # noqa: B009
    aliases = {
        name: field.validation_alias if isinstance(field.validation_alias, str) else name
        for name, field in fields.items()
    }
    return {aliases.get(name, name): value for name, value in given.items()}


# -- what the constructor does of its own ----


def _made_again(
    cls: type,
    lower: Callable[[Any], Low],
    lift: Callable[[Low, int], Any],
    every: Callable[[Any], Low],
) -> Callable[[Any], Low]:
    """Lower as well, and try what the receiver will do: code of the class's own runs there."""

    def lower_and_try(value: Any) -> Low:
        low = lower(value)
        try:
            again = lift(low, 0)
            same = type(again) is cls and _written(every(again)) == _written(every(value))
        except Refused:
            raise
        except Exception as error:
            raise Refused(
                f"{type_name(cls)} cannot be made again from its fields "
                f"({type(error).__name__}): give the codec an adapter"
            ) from error
        if not same:
            raise Refused(
                f"{type_name(cls)} made again from its fields is another: what its constructor "
                "does must give the same when it is done again, or give the codec an adapter"
            )
        return low

    return lower_and_try


def _written(low: Low) -> bytes:
    return orjson.dumps(low, default=bytes.hex)


def _is_dataclass(cls: type) -> bool:
    return dataclasses.is_dataclass(cls)


def _computes(cls: type) -> bool:
    """Whether making an instance runs more than what the decorator wrote."""
    if _is_dataclass(cls):
        own = "__post_init__"
        fields = cast("dict[str, Any]", getattr(cls, "__dataclass_fields__")).values()  # noqa: B009
        bare = all(each.init and each._field_type.name == "_FIELD" for each in fields)
    else:
        own = "__attrs_post_init__"
        bare = all(each.init and not each.converter for each in attrs.fields(cast("Any", cls)))
        bare = bare and not hasattr(cls, "__attrs_pre_init__")
    init = cast("object", getattr(cls, "__init__"))  # noqa: B009
    written = isinstance(init, FunctionType) and init.__code__.co_filename.startswith(WRITTEN)
    new = cast("object", cls.__new__)
    return not bare or hasattr(cls, own) or not written or new is not object.__new__


def _field_names(cls: type) -> list[str]:
    if _is_dataclass(cls):
        return [each.name for each in dataclasses.fields(cast("Any", cls))]
    return [each.name for each in attrs.fields(cast("Any", cls))]


def _name_the_field(value: object, fields: dict[str, Shape]) -> None:
    """Find out which field was refused: only now, so that no other sending pays for it."""
    for name, shape in fields.items():
        try:
            shape.lower(getattr(value, name))
        except Refused as refused:
            refused.steps.append(name)
            raise
        except AttributeError:
            raise Refused(f"its field {name!r} was never set") from None
