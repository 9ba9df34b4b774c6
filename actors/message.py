"""Messages: frozen values, their kinds and their lanes.

The kind belongs to the message class, the lane to the message on its way: the class gives the
default, a send may raise or lower it. Any other object may be sent as well, as in Pykka; it
travels on the NORMAL lane and stays in the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, dataclass_transform

from .errors import LaneReserved
from .wire import LOCAL_BASES, WIRE_NAMES, Upgrade, register

__all__ = [
    "DataMessage",
    "Lane",
    "LocalMessage",
    "Message",
    "SystemMessage",
    "WIRE_NAMES",
    "lane_for",
]


class Lane(IntEnum):
    """The lanes of a mailbox, first to last.

    Strict priority between lanes, first in first out inside one.
    """

    SYSTEM = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


NORMAL = int(Lane.NORMAL)

LANES: dict[type, int] = {}
"""Lane by message class; what is not there travels on NORMAL.

A plain dictionary of plain integers: it is read once for every message that is sent. No attribute
of the class, so that a message may have a field called `lane`.
"""


@dataclass_transform(frozen_default=True)
class Message:
    """The base of every message; a subclass with annotated fields is a frozen dataclass.

        class Greet(DataMessage):
            name: str

    Class keywords: `lane` is the default lane, `wire` the stable name under which the type
    may cross to other nodes, `version` the version of its fields there, `upgrade` what makes the
    fields of an earlier version into its own (see `wire.py`).
    """

    def __init_subclass__(
        cls,
        *,
        lane: Lane | None = None,
        wire: str | None = None,
        version: int = 1,
        upgrade: Upgrade | None = None,
        **keywords: Any,
    ) -> None:
        """Make the subclass a frozen dataclass, note its lane and register its wire name."""
        super().__init_subclass__(**keywords)
        inherited = (LANES[base] for base in cls.__mro__[1:] if base in LANES)
        LANES[cls] = int(lane) if lane is not None else next(inherited, NORMAL)
        dataclass(frozen=True)(cls)
        if wire is not None:
            register(cls, wire, version, upgrade)


class DataMessage(Message):
    """An ordinary message: lane NORMAL unless the class says otherwise."""


class SystemMessage(Message, lane=Lane.SYSTEM):
    """An urgent message: handled before all data, and never refused for want of room."""


class LocalMessage(Message):
    """A message that never leaves the process; the very object arrives."""


LOCAL_BASES.add(LocalMessage)


def lane_for(message: object, asked: Lane | None) -> int:
    """Return the lane of one send.

    Raises:
        LaneReserved: the send asked for SYSTEM, and the message is no system message.

    """
    default = LANES.get(message.__class__, NORMAL)
    if asked is None or asked == default:
        return default
    if asked == Lane.SYSTEM:
        raise LaneReserved(
            f"{type(message).__name__} cannot be sent on the SYSTEM lane: only system messages "
            "travel there; make it a SystemMessage, or use Lane.HIGH"
        )
    return int(asked)
