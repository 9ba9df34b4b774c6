"""Values, frames and conversations in Pipecat's JSON, and back.

The name of a class of theirs is a word in a fixed table; nothing is imported because of it.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any, cast

from ...actors.errors import CallboardError
from ...actors.frames.frame import Direction, Frame, LifecycleFrame
from ..errors import NotCarried, Undecodable
from .kinds import Context, Tools, kind_named, our_frame, their_frame

__all__ = [
    "DATA",
    "TYPE",
    "Foreign",
    "direction_given",
    "direction_taken",
    "frame_given",
    "frame_taken",
    "given",
    "tagged",
    "taken",
]

TYPE, DATA = "__type__", "__data__"

FRAMES = "pipecat.frames.frames."
DIRECTION = "pipecat.processors.frame_processor.FrameDirection"
CONTEXT = "pipecat.processors.aggregators.llm_context.LLMContext"
BYTES = "bytes"

DIRECTIONS = {"DOWNSTREAM": Direction.DOWN, "UPSTREAM": Direction.UP}
DIRECTION_NAMES = {direction: name for name, direction in DIRECTIONS.items()}

LIFECYCLE = {"StartFrame", "EndFrame", "StopFrame", "CancelFrame"}


class Foreign(CallboardError, ValueError):
    """A value is of a class that is not in the table."""


# -- out ----


def given(value: Any, where: str) -> Any:
    """Return what stands for a value of a user's.

    Raises:
        NotCarried: there is nothing that arrives as it was.

    """
    if value is None or value.__class__ in (str, bool, int):
        return value
    if value.__class__ is float:
        if math.isfinite(value):
            return value
        raise NotCarried(f"{where}: {value} is no number in JSON")
    if value.__class__ is bytes:
        return {TYPE: BYTES, DATA: base64.b64encode(value).decode()}
    if value.__class__ is Context:
        return _context_given(value)
    if value.__class__ is list:
        return [given(each, f"{where}[{number}]") for number, each in enumerate(value)]
    if value.__class__ is dict:
        if TYPE in value and DATA in value:
            raise NotCarried(
                f"{where} has the keys {TYPE} and {DATA}, which Pipecat keeps to itself"
            )
        for key in value:
            if key.__class__ is not str:
                raise NotCarried(f"{where}: the key {key!r} is no text")
        return {key: given(each, f"{where}.{key}") for key, each in value.items()}
    raise NotCarried(
        f"{where}: Pipecat's wire carries text, numbers, true and false, None, bytes, lists and "
        f"dicts; not {type(value).__name__}"
    )


def direction_given(direction: Direction) -> dict[str, Any]:
    """Return what stands for a direction."""
    return {TYPE: DIRECTION, DATA: DIRECTION_NAMES[direction]}


def frame_given(frame: Frame) -> dict[str, Any]:
    """Return what stands for a frame.

    Raises:
        NotCarried: it has no counterpart, or a value in it cannot be carried.

    """
    if isinstance(frame, LifecycleFrame):
        raise NotCarried(f"{type(frame).__name__} stays in its pipeline")
    try:
        made = their_frame(frame)
    except ValueError as error:
        raise NotCarried(f"{type(frame).__name__}: {error}") from error
    if made is None:
        raise NotCarried(f"Pipecat has no frame like {type(frame).__name__}")
    name, arguments = made
    made_of = {key: given(value, key) for key, value in arguments.items() if value is not None}
    return {TYPE: f"{FRAMES}{name}", DATA: made_of}


def _context_given(context: Context) -> dict[str, Any]:
    data: dict[str, Any] = {"messages": given(context.messages, "messages")}
    if context.tools is not None:
        data["tools"] = tools = {"standard_tools": given(context.tools.standard, "tools")}
        if context.tools.custom:
            tools["custom_tools"] = given(context.tools.custom, "tools")
    if context.tool_choice is not None:
        data["tool_choice"] = given(context.tool_choice, "tool_choice")
    return {TYPE: CONTEXT, DATA: data}


# -- in; each raises ValueError or TypeError for what it does not take ----


def tagged(value: object) -> tuple[str, Any]:
    """Return the tag of a tagged value, and what it holds."""
    if isinstance(value, dict):
        keyed = cast("dict[str, Any]", value)
        tag = keyed.get(TYPE)
        if isinstance(tag, str) and DATA in keyed:
            return tag, keyed[DATA]
    raise Undecodable("it is JSON, but no message", "untagged")


def taken(value: Any) -> Any:
    """Return the value of a user's; what is tagged in it is bytes, or foreign."""
    if isinstance(value, list):
        return [taken(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    keyed = cast("dict[str, Any]", value)
    if TYPE not in keyed or DATA not in keyed:
        return {key: taken(each) for key, each in keyed.items()}
    tag, inner = keyed[TYPE], keyed[DATA]
    if tag == BYTES and isinstance(inner, str):
        try:
            return base64.b64decode(inner, validate=True)
        except binascii.Error as error:
            raise ValueError(f"bytes that are no base64: {error}") from None
    if tag == CONTEXT and isinstance(inner, dict):
        return _context_taken(cast("dict[str, Any]", inner))
    raise Foreign(f"it holds a value of the class {tag!r:.200}, which is not known here")


def _context_taken(data: dict[str, Any]) -> Context:
    found = taken(data.get("messages"))
    if not isinstance(found, list):
        raise TypeError("a context has no list of messages")
    tools = _tools_taken(data["tools"]) if data.get("tools") is not None else None
    return Context(cast("list[object]", found), tools, taken(data.get("tool_choice")))


def _tools_taken(data: Any) -> Tools:
    standard = taken(data.get("standard_tools"))
    custom = taken(data.get("custom_tools") or {})
    if not isinstance(standard, list) or not isinstance(custom, dict):
        raise TypeError("tools are not as they should be")
    lists = cast("dict[str, Any]", custom)
    if not all(isinstance(each, list) for each in lists.values()):
        raise TypeError("tools of a provider are no list")
    return Tools(cast("list[dict[str, object]]", standard), lists)


def frame_taken(value: object) -> tuple[Frame | None, str]:
    """Return the frame and the name of its class there; None: it has no counterpart."""
    tag, inner = tagged(value)
    theirs = tag.removeprefix(FRAMES)
    if theirs in LIFECYCLE:
        raise Undecodable(f"{theirs} stays in its pipeline", "lifecycle")
    kind = kind_named(theirs) if tag.startswith(FRAMES) else None
    if kind is None:
        return None, theirs
    if not isinstance(inner, dict):
        raise TypeError(f"{theirs} holds no object")
    data = cast("dict[str, object]", inner)
    try:
        return our_frame(theirs, {each: taken(data.get(each)) for each in kind.attributes}), theirs
    except Foreign:
        return None, theirs


def direction_taken(value: object) -> Direction:
    """Return which way a frame flows."""
    tag, name = tagged(value)
    if tag != DIRECTION or name not in DIRECTIONS:
        raise ValueError("the direction of a frame is none")
    return DIRECTIONS[name]
