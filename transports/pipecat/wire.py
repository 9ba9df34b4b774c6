"""Pipecat's wire format: its JSON, and the messages that it stands for.

A tag in it is the dotted path of a Python class. Here it is a word in a fixed table, and nothing is
ever imported because of it. The layouts of all releases are taken; what is sent is what all of them
take: no `id` and no `name`, which only newer ones have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from ..errors import NotCarried, Undecodable
from ..limits import Limits
from . import messages as said
from .messages import Entry, FrameSaid, Listing, Said
from .values import (
    DATA,
    TYPE,
    direction_given,
    direction_taken,
    frame_given,
    frame_taken,
    given,
    tagged,
    taken,
)

__all__ = ["FLUSH", "SIZE", "Wire"]

SIZE = 4 << 20
"""Bytes of one message, unless another number is given."""

DEPTH = 60
"""Lists and objects inside each other."""

BUS = "pipecat.bus.messages."
ENTRY = "pipecat.registry.types.WorkerRegistryEntry"
FLUSH = "PipelineFlushFrame"
"""The class of the frames with which a pipeline of theirs finds out whether it is empty."""

TAGS: dict[str, type[Said]] = {
    "BusWorkerRegistryMessage": said.Listing,
    "BusWorkerReadyMessage": said.Ready,
    "BusActivateWorkerMessage": said.Activate,
    "BusDeactivateWorkerMessage": said.Deactivate,
    "BusEndMessage": said.End,
    "BusCancelMessage": said.Cancel,
    "BusEndWorkerMessage": said.EndWorker,
    "BusCancelWorkerMessage": said.CancelWorker,
    "BusWorkerErrorMessage": said.WorkerError,
    "BusJobRequestMessage": said.JobRequest,
    "BusJobResponseMessage": said.JobResponse,
    "BusJobUpdateMessage": said.JobUpdate,
    "BusJobUpdateRequestMessage": said.JobUpdateRequest,
    "BusJobCancelMessage": said.JobCancel,
    "BusJobStreamStartMessage": said.StreamStart,
    "BusJobStreamDataMessage": said.StreamData,
    "BusJobStreamEndMessage": said.StreamEnd,
    "BusFrameMessage": said.FrameSaid,
}
"""Their messages that mean something here, without the module in front."""

ALSO: dict[str, type[Said]] = {
    "BusJobResponseUrgentMessage": said.JobResponse,
    "BusJobUpdateUrgentMessage": said.JobUpdate,
}
"""Those that are taken, and sent as one of the others."""

MEANS_NOTHING = {f"{BUS}{name}" for name in ("BusTTSSpeakMessage", "BusFlushProgressMessage")} | {
    f"pipecat.bus.ui.messages.{name}"
    for name in (
        "BusUIEventMessage",
        "BusUICommandMessage",
        "BusUIJobGroupStartedMessage",
        "BusUIJobUpdateMessage",
        "BusUIJobCompletedMessage",
        "BusUIJobGroupCompletedMessage",
    )
}
"""Known, and about what only a pipeline of theirs has."""

LOCAL_ONLY = {f"{BUS}{name}" for name in ("BusAddWorkerMessage", "BusWorkerLocalErrorMessage")}
"""They never leave their process: who sends one over a network means no good."""

TAKEN = {f"{BUS}{name}": kind for name, kind in (TAGS | ALSO).items()}
GIVEN = {kind: f"{BUS}{name}" for name, kind in TAGS.items()}

PAYLOADS = {"args", "payload", "response", "update", "data"}
"""The fields that hold what users send."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The codec of one channel."""

    size: int = SIZE
    """Bytes of one message, in and out."""
    jsonb: bool = False
    """Whether Postgres keeps it: then no text may hold a zero."""

    # -- out ----

    def encode(self, message: Said) -> bytes:
        """Return the bytes of a message.

        Raises:
            NotCarried: a value in it has no form there that arrives as it was; or it is too long.

        """
        data: dict[str, Any] = {}
        try:
            for each in fields(message):
                value = getattr(message, each.name)
                if value is not None and each.name not in ("problem", "theirs"):
                    data[each.name] = self._field(message, each.name, value)
        except RecursionError:
            raise NotCarried("a value in it is nested too deeply, or holds itself") from None
        return self._text({TYPE: GIVEN[type(message)], DATA: data})

    def _field(self, message: Said, name: str, value: Any) -> Any:
        if isinstance(message, FrameSaid):
            if name == "frame":
                return frame_given(value)
            if name == "direction":
                return direction_given(value)
        if isinstance(message, Listing) and name == "workers":
            return [{TYPE: ENTRY, DATA: _entry_given(each)} for each in message.workers]
        return given(value, name)

    def _text(self, value: object) -> bytes:
        try:
            text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
            data = text.encode()
        except (ValueError, RecursionError) as error:
            raise NotCarried(f"Pipecat's wire cannot carry it: {error}") from error
        if len(data) > self.size:
            raise NotCarried(f"{len(data)} bytes are more than the {self.size} that may be sent")
        problem = self._limits.excess(data)
        if problem is not None:
            raise NotCarried(f"it is more than a receiver takes: {problem}")
        if self.jsonb and b"\\u0000" in data:
            raise NotCarried("Postgres keeps no text that holds the character 0")
        return data

    @property
    def _limits(self) -> Limits:
        return Limits(depth=DEPTH, text=max(self.size, 2))

    # -- in ----

    def decode(self, data: bytes) -> Said | None:
        """Return the message; None for one that is known and means nothing here.

        Raises:
            Undecodable: it is no message, or none that may come from a network.

        """
        if len(data) > self.size:
            raise Undecodable(f"{len(data)} bytes are more than {self.size}", "too_large")
        problem = self._limits.excess(data)
        if problem is not None:
            raise Undecodable(problem, "too_deep")
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Undecodable(f"it is no JSON: {error}", "no_json") from None
        tag, inner = tagged(value)
        if tag in LOCAL_ONLY:
            raise Undecodable(f"{tag} may not come from another process", "local_only")
        if tag in MEANS_NOTHING:
            return None
        kind = TAKEN.get(tag)
        if kind is None:
            raise Undecodable(f"{tag:.200} is no message that is known here", "unknown_tag")
        if not isinstance(inner, dict):
            raise Undecodable(f"{tag} holds no object")
        try:
            return _message_taken(kind, cast("dict[str, Any]", inner))
        except Undecodable:
            raise
        except (ValueError, TypeError) as error:
            raise Undecodable(f"{tag}: {error}") from None


def _entry_given(entry: Entry) -> dict[str, Any]:
    values = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return {name: value for name, value in values.items() if value is not None}


def _message_taken(kind: type[Said], data: dict[str, Any]) -> Said:
    if kind is FrameSaid:
        return _frame_said(data)
    found: dict[str, Any] = {}
    for each in fields(kind):
        name = each.name
        value = data.get(name)
        if name in PAYLOADS:
            _take_payload(found, name, value)
        elif name == "workers":
            found[name] = _entries(value)
        elif name != "problem":
            found[name] = READERS[str(each.type)](name, value)
    return kind(**found)


def _take_payload(found: dict[str, Any], name: str, value: Any) -> None:
    """Take in what users send; where it cannot be read, who waits for it is to hear why."""
    try:
        value = taken(value)
        if value is not None and not isinstance(value, dict):
            raise TypeError(f"{name} is no object")
        found[name] = value
    except (ValueError, TypeError) as error:
        found["problem"] = f"{name}: {error}"


def _frame_said(data: dict[str, Any]) -> FrameSaid:
    frame, theirs = frame_taken(data.get("frame"))
    return FrameSaid(
        source=_text("source", data.get("source")),
        target=_text_or_none("target", data.get("target")),
        frame=frame,
        theirs=theirs if frame is None else "",
        direction=direction_taken(data.get("direction")),
        bridge=_text_or_none("bridge", data.get("bridge")),
    )


def _entries(value: Any) -> tuple[Entry, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError("workers is no list")
    return tuple(_entry(each) for each in cast("list[object]", value))


def _entry(value: Any) -> Entry:
    tag, data = tagged(value)
    if tag != ENTRY or not isinstance(data, Mapping):
        raise ValueError("an entry of workers is none")
    keyed = cast("Mapping[str, Any]", data)
    return Entry(**{e.name: READERS[str(e.type)](e.name, keyed.get(e.name)) for e in fields(Entry)})


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} is no text")


def _text_or_none(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _flag(name: str, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise TypeError(f"{name} is neither true nor false")


def _moment(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise TypeError(f"{name} is no number")


READERS: dict[str, Callable[[str, object], Any]] = {
    "str": _text,
    "str | None": _text_or_none,
    "bool": _flag,
    "float | None": _moment,
}
"""What reads a field, by how its type is written."""
