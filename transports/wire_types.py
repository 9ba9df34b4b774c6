"""Registered classes: how the instances of each travel, worked out once per class and codec.

Dataclasses and attrs classes by their fields (cattrs writes the code), named tuples as well, enums
by the name of the member, flags by their number, pydantic models as they validate, plain
subclasses of `str`, `int`, `float` and `bytes` by their value; any class by its adapter.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from ..actors.message import LocalMessage, Message
from ..actors.wire import WIRE_NAMES, WIRE_TYPES, WireType, spelled
from .errors import Undecodable
from .kinds import Low, Mismatch, Reading, of_type
from .limits import Limits
from .lowering import CLASS_TAG, Lowering
from .records import Record, pydantic_record, record_of
from .refused import Refused, type_name
from .shapes import Shapes

__all__ = ["Adapter", "Decode", "Encode", "WireTypes"]

T = TypeVar("T")

Encode: TypeAlias = Callable[[Any], object]
"""Makes an instance into a value that can be carried: a dict, say."""

Decode: TypeAlias = Callable[[Any, type[T]], T]
"""Makes that value into an instance of exactly this class again."""


class Adapter(NamedTuple):
    """What a user gave to carry the registered subclasses of a class."""

    encode: Encode
    decode: Decode[Any]


class Plan(NamedTuple):
    """How the instances of one class travel."""

    wire: WireType
    tag: str
    lower: Callable[[Any], Low]
    lift: Callable[[Low, int], Any]
    """With the version that the sender has."""
    bare: bool
    """Whether it needs no tag where a field declares just this class; in version 1, that is."""


class WireTypes:
    """The registered classes of this process, as one codec carries them."""

    def __init__(self, reading: Reading, limits: Limits) -> None:
        """Begin with none worked out."""
        self.lowering = Lowering(self, reading, limits)
        self._shapes = Shapes(self.lowering, self, reading)
        self._plans: dict[type, Plan] = {}
        self._by_tag: dict[str, Plan] = {}
        self._adapters: dict[type, Adapter] = {}

    def adapt(self, cls: type, adapter: Adapter) -> None:
        """Carry the registered subclasses of a class in a way of the user's own."""
        self._adapters[cls] = adapter
        self._plans.clear()
        self._by_tag.clear()

    # -- what Lowering and Shapes ask ----

    def lower(self, value: object) -> Low:
        """Return the value under its tag."""
        plan = self._plan_to_send(type(value))
        return {plan.tag: plan.lower(value)}

    def lift(self, tag: str, low: Low) -> object:
        """Return the value that stands under the tag of a class."""
        known = self._by_tag.get(tag)
        if known is not None and WIRE_TYPES.get(known.wire.name) is known.wire:
            return self._lift(known, low, known.wire.version)
        name, _, number = tag.removeprefix(CLASS_TAG).partition("@")
        wire = WIRE_TYPES.get(name)
        if wire is None:
            raise Undecodable(
                f"the wire name {name[:100]!r} is unknown here: import the module that registers "
                "it on this node too",
                "unknown",
            )
        if number and not (number.isascii() and number.isdigit() and len(number) < 6):
            raise Undecodable(f"{number[:10]!r} is no version of {name}")
        return self._lift(self._plan_to_read(wire), low, int(number or 1))

    def lower_declared(self, value: object) -> Low:
        """Return the value without its tag, where the class stands for itself."""
        plan = self._plan_to_send(type(value))
        low = plan.lower(value)
        return low if plan.bare and plan.wire.version == 1 else {plan.tag: low}

    def lift_declared(self, low: Low, cls: type) -> object:
        """Return the value of the declared class; of any, where that one is not registered."""
        name = WIRE_NAMES.get(cls)
        if name is None:
            return self.lowering.lift(low)
        plan = self._plan_to_read(WIRE_TYPES[name])
        if not plan.bare:
            raise Mismatch(f"{type_name(cls)} under its tag", low)
        # A class of a later version than 1 never travels without its tag: who sent this is older.
        return self._lift(plan, low, 1)

    # -- plans ----

    def _lift(self, plan: Plan, low: Low, version: int) -> object:
        value = plan.lift(low, version)
        if type(value) is not plan.wire.cls:
            raise Mismatch(type_name(plan.wire.cls), value)
        return value

    def _plan_to_send(self, cls: type) -> Plan:
        plan = self._plans.get(cls)
        # Looked up each time: a class that was defined anew has taken the name of its older self.
        name = WIRE_NAMES.get(cls)
        if name is None or (plan is None and LocalMessage in cls.__mro__):
            raise Refused(_not_registered(cls))
        wire = WIRE_TYPES[name]
        return plan if plan is not None and plan.wire is wire else self._make(wire)

    def _plan_to_read(self, wire: WireType) -> Plan:
        plan = self._plans.get(wire.cls)
        if plan is not None and plan.wire is wire:
            return plan
        if LocalMessage in wire.cls.__mro__:
            raise Undecodable(f"a {wire.name} never leaves its process, and came", "local")
        return self._make(wire)

    def _make(self, wire: WireType) -> Plan:
        cls = wire.cls
        record, bare = self._record(cls)
        lower, lift = record
        if wire.upgrade is not None:
            lift = _upgrading(wire, lift)
        tag = f"{CLASS_TAG}{wire.name}" + (f"@{wire.version}" if wire.version > 1 else "")
        plan = Plan(wire, tag, lower, lift, bare)
        self._plans[cls] = self._by_tag[tag] = plan
        return plan

    def _record(self, cls: type) -> tuple[Record, bool]:
        for base in cls.__mro__:
            adapter = self._adapters.get(base)
            if adapter is not None:
                return self._adapted(cls, adapter), False
        if enum.Flag in cls.__mro__:
            return self._by_value(cls, int), False
        if enum.Enum in cls.__mro__:
            return _member(cls), True
        record = record_of(cls, self._shapes)
        if record is not None:
            return record, True
        if hasattr(cls, "model_validate") and hasattr(cls, "model_fields"):
            return pydantic_record(cls, self.lowering), False
        for base in (str, int, float, bytes):
            if base in cls.__mro__:
                return self._by_value(cls, base), False
        raise Refused(
            f"{type_name(cls)} is registered, but it is no dataclass, attrs class, enum, named "
            "tuple or pydantic model: give the codec an adapter, adapt(Base, encode, decode)"
        )

    def _adapted(self, cls: type, adapter: Adapter) -> Record:
        def lower(value: Any) -> Low:
            try:
                encoded = adapter.encode(value)
            except Exception as error:
                raise Refused(f"its adapter failed: {type(error).__name__}: {error}") from error
            return self.lowering.lower(encoded)

        def lift(low: Low, _: int) -> Any:
            return adapter.decode(self.lowering.lift(low), cls)

        return Record(lower, lift)

    def _by_value(self, cls: type, base: type) -> Record:
        """What is a number or a text and nothing else: its value, under its own type."""
        # What the base itself makes of it: `str(value)` would ask the class for its own text.
        plain: Callable[[object], Any] = PLAIN[base]
        unknown = _unknown_bits(cls)

        def lower(value: Any) -> Low:
            if enum.Flag in cls.__mro__:
                return self.lowering.lower(value.value)
            if getattr(value, "__dict__", None):
                raise Refused(f"{type_name(cls)} has attributes besides its {base.__name__}")
            bare = plain(value)
            again = cls(bare)
            if type(again) is not cls or plain(again) != bare:
                raise Refused(f"{type_name(cls)} cannot be made again from its {base.__name__}")
            return self.lowering.lower(bare)

        def lift(low: Low, _: int) -> Any:
            bare = of_type(self.lowering.lift(low), base)
            if unknown and cast("int", bare) & unknown:
                raise Mismatch(f"bits of {type_name(cls)}", low)
            return cls(bare)

        return Record(lower, lift)


def _unknown_bits(cls: type) -> int:
    """Return the bits that a flag does not have, unless it keeps what it does not know.

    What becomes of them depends on the release of Python: some drop them without a word.
    """
    if enum.Flag not in cls.__mro__ or getattr(cls, "_boundary_", None) is enum.KEEP:
        return 0
    known = 0
    for member in cast("type[enum.Flag]", cls):
        known |= member.value
    return ~known


PLAIN: dict[type, Callable[[Any], object]] = {
    str: lambda value: str.__str__(value),
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
}


def _member(cls: type) -> Record:
    members: Mapping[str, object] = getattr(cls, "__members__")  # noqa: B009

    def lower(value: Any) -> Low:
        return value.name

    def lift(low: Low, _: int) -> Any:
        name = of_type(low, str)
        if name not in members:
            raise Mismatch(f"a member of {type_name(cls)}", low)
        return members[name]

    return Record(lower, lift)


def _upgrading(wire: WireType, lift: Callable[[Low, int], Any]) -> Callable[[Low, int], Any]:
    def lift_any_version(low: Low, version: int) -> Any:
        if version < wire.version and wire.upgrade is not None:
            low = wire.upgrade(version, of_type(low, dict))
        return lift(low, wire.version)

    return lift_any_version


def _not_registered(cls: type) -> str:
    """Say why instances of a class do not cross, and what to do."""
    name = type_name(cls)
    if type in cls.__mro__:
        return "a class cannot cross to another node, where nothing is imported for it: send a name"
    if LocalMessage in cls.__mro__:
        return f"{name} is a LocalMessage, which never leaves the process: make it a DataMessage"
    if any(spelled(known) == spelled(cls) for known in WIRE_NAMES):
        return (
            f"{name} is not the class that was registered under its name: it was made anew "
            "(slots=True does that), so put @wire(...) above all other decorators"
        )
    if Message in cls.__mro__:
        short, base = cls.__name__, cls.__mro__[1].__name__
        return (
            f"{name} is not registered: give it a wire name, "
            f"class {short}({base}, wire='app.{short.lower()}')"
        )
    if cls.__module__ == "builtins" or not hasattr(cls, "__dict__"):
        return f"a {name} cannot cross to another node: send plain data, or a worker's ref"
    return (
        f"{name} is not registered: put @wire('app.{cls.__name__.lower()}') above it, "
        "or send plain data"
    )
