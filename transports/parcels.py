"""Parcels: what travels between two nodes, as a head of plain JSON and a payload from the codec.

The head says what it is and for whom; its shape is checked before anything is done with it. Who
is answered is a number that only the other side of the same session knows.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from types import NoneType
from typing import Any, cast

import orjson

from .errors import NotCarried, Undecodable
from .packet import MAX_ENVELOPE, check_size

__all__ = ["Op", "fold", "unfold", "who_waits"]

LENGTH = struct.Struct(">I")
MOST_HEAD = 64 * 1024
"""Bytes of a head; names and reasons are short."""


class Op(IntEnum):
    """What a parcel is."""

    TELL = 0
    """A message: target, source, lane, seconds left, trace."""
    ASK = 1
    """A message that is answered: target, source, lane, seconds left, trace, number."""
    SEND = 2
    """A message that waits for room, and is confirmed: as ASK."""
    STOP = 3
    """A stop in its turn: target, source, number or None."""
    ANSWER = 4
    """The value of an ask: number."""
    REFUSAL = 5
    """The error of an ask: number, error."""
    JOB = 6
    """A job: target, source, lane, seconds left, trace, id, name, typed, chain."""
    EVENT = 7
    """An update or chunk: id, whether it is a chunk."""
    DONE = 8
    """The answer of a job: id."""
    FAILED = 9
    """The error of a job, with its response as payload: id, error."""
    CANCEL = 10
    """The caller has left: id, reason."""
    PROGRESS = 11
    """The caller asks for a report: id."""
    CREDIT = 12
    """The caller has taken so many events: id, number."""
    CAST = 13
    """A broadcast: source, lane."""
    UNSEND = 14
    """Who waited for room does so no longer: number."""


TEXT = (str,)
NAME = (str, NoneType)
NUMBER = (int,)
TIME = (int, float, NoneType)
LIST = (list,)

SHAPES: dict[int, tuple[tuple[type, ...], ...]] = {
    Op.TELL: (TEXT, NAME, NUMBER, TIME, NAME),
    Op.ASK: (TEXT, NAME, NUMBER, TIME, NAME, NUMBER),
    Op.SEND: (TEXT, NAME, NUMBER, TIME, NAME, NUMBER),
    Op.STOP: (TEXT, NAME, (int, NoneType)),
    Op.ANSWER: (NUMBER,),
    Op.REFUSAL: (NUMBER, LIST),
    Op.JOB: (TEXT, NAME, NUMBER, TIME, NAME, TEXT, NAME, (bool,), LIST),
    Op.EVENT: (TEXT, (bool,)),
    Op.DONE: (TEXT,),
    Op.FAILED: (TEXT, LIST),
    Op.CANCEL: (TEXT, TEXT),
    Op.PROGRESS: (TEXT,),
    Op.CREDIT: (TEXT, NUMBER),
    Op.CAST: (NAME, NUMBER),
    Op.UNSEND: (NUMBER,),
}

WAITING = {
    Op.ASK: 6, Op.SEND: 6, Op.STOP: 3, Op.ANSWER: 1, Op.REFUSAL: 1,
    Op.JOB: 6, Op.EVENT: 1, Op.DONE: 1, Op.FAILED: 1,
}  # fmt: skip
"""Where the head says who waits: the number of an ask, or the id of a job."""


def fold(head: list[Any], payload: bytes = b"") -> bytes:
    """Return the bytes of a parcel.

    Raises:
        NotCarried: it is larger than an envelope may be, or a name in it is no text that crosses.

    """
    try:
        text = orjson.dumps(head)
    except TypeError as error:
        raise NotCarried(f"a name, trace or reason beside the message: {error}") from error
    if len(text) > MOST_HEAD:
        raise NotCarried(
            f"the names, trace and reason beside the message take {len(text)} bytes, and "
            f"{MOST_HEAD} is the most that crosses to another node: put it into the message"
        )
    body = LENGTH.pack(len(text)) + text + payload
    if len(body) > MAX_ENVELOPE:
        check_size(body)
    return body


def unfold(body: bytes) -> tuple[list[Any], bytes]:
    """Return head and payload; the head has the shape of its kind.

    Raises:
        Undecodable: it has not.

    """
    if len(body) < LENGTH.size:
        raise Undecodable("a parcel is too short")
    (length,) = LENGTH.unpack_from(body)
    end = LENGTH.size + length
    if length > MOST_HEAD or end > len(body):
        raise Undecodable("a parcel's head is longer than it may be")
    try:
        head: Any = orjson.loads(body[LENGTH.size : end])
    except ValueError as error:
        raise Undecodable("a parcel's head is no JSON") from error
    if head.__class__ is not list or not head or head[0].__class__ is not int:
        raise Undecodable("a parcel's head is no list with a kind")
    shape = SHAPES.get(head[0])
    if shape is None:
        raise Undecodable(f"a parcel is of the unknown kind {head[0]}", "unknown_parcel")
    if len(head) <= len(shape):
        raise Undecodable(f"a parcel of kind {head[0]} has too few fields")
    # More fields than these are a later version's: they are ignored.
    for value, allowed in zip(head[1:], shape, strict=False):
        if value.__class__ not in allowed:
            raise Undecodable(f"a field of a parcel of kind {head[0]} has a wrong type")
    return head, body[end:]


def who_waits(body: bytes) -> tuple[int, int | str] | None:
    """Return the kind of a parcel that cannot be read, and who waits for it, if that much can."""
    try:
        (length,) = LENGTH.unpack_from(body)
        head: Any = orjson.loads(body[LENGTH.size : LENGTH.size + length])
        kind, waiting = cast("int", head[0]), cast("object", head[WAITING[head[0]]])
    except (struct.error, ValueError, TypeError, LookupError):
        return None
    if isinstance(waiting, bool) or not isinstance(waiting, int | str):
        return None
    return kind, waiting
