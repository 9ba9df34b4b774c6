"""What a type annotation comes down to, and which one each field of a class has."""

from __future__ import annotations

import typing
from typing import Any, NewType, TypeVar, get_args, get_origin

import typing_extensions

from .refused import Refused, type_name

__all__ = ["hints_of", "unwrapped"]

WRAPPINGS = {
    typing.Annotated,
    typing.Final,
    typing.ClassVar,
    typing.Required,
    typing.NotRequired,
    typing_extensions.ReadOnly,
}


def hints_of(cls: type) -> dict[str, Any]:
    """Return the types of all annotated names of a class, the names in them resolved.

    Raises:
        Refused: a name leads nowhere.

    """
    try:
        return typing.get_type_hints(cls)
    except Exception as error:
        raise Refused(
            f"the types of the fields of {type_name(cls)} cannot be found ({error}): they are "
            "looked up in its module, so define them there, and not under TYPE_CHECKING"
        ) from error


def unwrapped(declared: Any) -> Any:
    """Return a type without what says something else of it: Annotated, Final, an alias, a name."""
    while True:
        origin = get_origin(declared) or declared
        if _is_alias(origin):
            declared = origin.__value__
        elif isinstance(declared, NewType):
            declared = declared.__supertype__
        elif isinstance(declared, TypeVar):
            if declared.__constraints__:
                return typing.Union[declared.__constraints__]  # noqa: UP007
            declared = declared.__bound__ or Any
        elif origin in WRAPPINGS:
            declared = get_args(declared)[0] if get_args(declared) else Any
        elif declared is typing.LiteralString:
            return str
        elif isinstance(declared, str | typing.ForwardRef):
            return Any
        else:
            return declared


def _is_alias(origin: object) -> bool:
    """Whether it is a type alias statement's (Python 3.12)."""
    return type(origin).__name__ == "TypeAliasType" and hasattr(origin, "__value__")
