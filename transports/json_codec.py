"""The codec that is used unless another is given: JSON, with bytes beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import orjson
from cattrs import BaseValidationError
from cattrs.errors import AttributeValidationNote

from ..actors.ref import WorkerRef
from ..actors.wire import WIRE_NAMES
from .container import MARK, pack, unpack
from .errors import NotCarried, Undecodable
from .kinds import Low, Mismatch, Reading
from .limits import Limits
from .lowering import ATOMS, is_plain
from .refused import Refused, type_name
from .wire_types import Adapter, Decode, Encode, WireTypes

__all__ = ["JsonCodec"]

T = TypeVar("T")

dumps, loads = orjson.dumps, orjson.loads

TAGGED = b'"~'
"""What stands in every JSON that is more than plain data."""


class JsonCodec:
    """Values to JSON and back, by cattrs and orjson.

    Plain data is plain JSON. Registered classes travel by the declared types of their fields, and
    all else that is carried under a tag (see `lowering.py`): tuples, sets, bytes, times, decimals,
    UUIDs, enums, refs, big integers, NaN, keys that are no strings. What would not arrive equal
    and of its type is refused. It may be used from several threads at once.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        """Carry within these limits."""
        self.limits = limits or Limits()
        self._harmless = self.limits.harmless
        self._reading = Reading()
        self._types = WireTypes(self._reading, self.limits)
        self._lower = self._types.lowering.lower

    def adapt(self, base: type[T], encode: Encode, decode: Decode[T]) -> None:
        """Carry the registered subclasses of a class, and itself, by functions of your own.

        `encode(value)` returns a value that can be carried, `decode(value, cls)` an instance of
        exactly `cls` from it. The nearest base class decides; a later adapter of the same
        class replaces the earlier. Both sides need it.
        """
        self._types.adapt(base, Adapter(encode, decode))

    def encode(self, value: object, /) -> bytes:
        """Return the bytes of a message or payload.

        Raises:
            NotCarried: it names the place in the value and the type, and says what to do.

        """
        kind = type(value)
        if kind is dict or kind is list or kind in ATOMS:
            try:
                if kind in ATOMS or is_plain(value):
                    data = dumps(value)
                    if len(data) <= self._harmless or self.limits.excess(data) is None:
                        return data
            except (TypeError, RecursionError):
                pass  # the long way carries it, or says exactly why not
        return self._encode_by_type(value)

    def decode(self, data: bytes, ref: Callable[[str], WorkerRef], /) -> object:
        """Return the value; `ref` makes the refs that it holds.

        Raises:
            Undecodable: the bytes are not ours, too deep or too long, or of an unknown or wrong
                type: its `kind` is `malformed`, `limit`, `unknown`, `local` or `field`. Nothing is
                imported, and nothing else is ever raised.

        """
        text, blobs = unpack(data) if data and data[0] == MARK else (data, ())
        if len(text) > self._harmless:
            excess = self.limits.excess(text)
            if excess is not None:
                raise Undecodable(excess, "limit")
        try:
            low: Low = loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise Undecodable(f"a value is no JSON: {error}") from error
        if TAGGED not in text:
            if blobs:
                raise Undecodable("a value has pieces of bytes that nothing in it names")
            return low
        reading = self._reading
        before = reading.blobs, reading.ref
        reading.blobs, reading.ref = [*blobs], ref
        try:
            return self._types.lowering.lift(low)
        except Exception as error:
            raise _undecodable(error) from error
        finally:
            reading.blobs, reading.ref = before

    def _encode_by_type(self, value: object) -> bytes:
        blobs: list[bytes] = []

        def put_aside(blob: object) -> int:
            """Stand in the JSON for a piece of bytes: nothing else is left that is not JSON."""
            if type(blob) is not bytes:
                raise TypeError(type(blob).__name__)
            blobs.append(blob)
            return len(blobs) - 1

        try:
            text = dumps(self._lower(value), default=put_aside)
        except Refused as refused:
            raise NotCarried(f"{refused.place(_root(value))}: {refused.text}") from refused
        except (RecursionError, orjson.JSONEncodeError) as error:
            deep = f"it contains itself, or is nested deeper than {self.limits.depth}"
            raise NotCarried(f"{_root(value)}: {deep}: send it in parts") from error
        excess = self.limits.excess(text)
        if excess is not None:
            raise NotCarried(f"{_root(value)}: {excess}: send it in parts")
        return pack(text, blobs) if blobs else text


def _root(value: object) -> str:
    """Return how an error calls the whole value."""
    return type(value).__name__ if type(value) in WIRE_NAMES else "payload"


def _undecodable(error: Exception) -> Undecodable:
    """Say which field of which class was wrong."""
    steps: list[str] = []
    while isinstance(error, BaseValidationError):
        steps = steps or [type_name(error.cl)]
        error = error.exceptions[0]
        notes: list[object] = getattr(error, "__notes__", [])
        steps += [note.name for note in notes if isinstance(note, AttributeValidationNote)]
    if isinstance(error, Undecodable):
        return error
    where = ".".join(steps) if steps else "a value"
    if isinstance(error, Mismatch | Refused):
        return Undecodable(f"{where}: {error}", "field")
    if isinstance(error, KeyError) and steps:
        return Undecodable(f"{where}: a field that has no default is missing", "field")
    # Its own text may show what came, which is nobody's but the receiver's: the cause has it.
    return Undecodable(f"{where} was refused: {type(error).__name__}", "field")
