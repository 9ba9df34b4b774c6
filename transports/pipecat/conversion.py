"""Conversion: a frame of ours into one of Pipecat's, and back, by the table in `kinds.py`."""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from ...actors.frames.frame import Frame
from .kinds import Context, Kind, Tools, kind_named, their_frame
from .library import DataFrame, TheirFrame, theirs

__all__ = ["CarriedFrame", "to_ours", "to_theirs"]

# Of these Pipecat has moved some between its releases; here it has imported all of them itself.
CONTEXTS: Any = importlib.import_module("pipecat.processors.aggregators.llm_context")
LANGUAGES: Any = importlib.import_module("pipecat.transcriptions.language")

SPECIFIC = "__specific__"
"""In our messages: marks one that only the named provider knows."""


@dataclass
class CarriedFrame(DataFrame):
    """A frame of ours that has no counterpart, on its way through a Pipecat pipeline."""

    frame: Frame


def to_theirs(frame: Frame) -> TheirFrame:
    """Make a frame of Pipecat's; ours without a counterpart goes as it is, in a `CarriedFrame`.

    Raises:
        ValueError: a value in it is none that theirs can have.

    """
    found = their_frame(frame)
    if found is None:
        return CarriedFrame(frame)
    name, arguments = found
    # Their constructor warns of a flag that their pipelines still heed.
    fatal = arguments.pop("fatal", False)
    if "language" in arguments:
        arguments["language"] = _language(arguments["language"])
    if "context" in arguments:
        arguments["context"] = _their_context(arguments["context"])
    if "messages" in arguments:
        arguments["messages"] = [_their_message(each) for each in arguments["messages"]]
    made: TheirFrame = getattr(theirs, name)(**arguments)
    if fatal:
        made.fatal = True  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return made


def to_ours(frame: TheirFrame) -> Frame | None:
    """Make a frame of ours; None: there is no counterpart.

    Raises:
        ValueError: an attribute is not what it should be.

    """
    if isinstance(frame, CarriedFrame):
        return frame.frame
    kind = kind_of_theirs(frame)
    if kind is None:
        return None
    attributes: dict[str, Any] = {name: getattr(frame, name, None) for name in kind.attributes}
    if "context" in attributes:
        attributes["context"] = _our_context(attributes["context"])
    messages: Any = attributes.get("messages")
    if isinstance(messages, list):
        some: list[Any] = messages  # pyright: ignore[reportUnknownVariableType]
        attributes["messages"] = [_our_message(each) for each in some]
    return kind.taken(attributes)


def kind_of_theirs(frame: TheirFrame) -> Kind | None:
    """Return the row of a frame of theirs, or of the nearest class above its own that has one."""
    own = [each.__name__ for each in type(frame).__mro__ if each.__module__.startswith("pipecat.")]
    return kind_named(*own)


def _language(name: str | None) -> Any:
    """Return their word for a language, or ours where they have none."""
    with suppress(ValueError):
        return LANGUAGES.Language(name)
    return name


def _their_context(context: Context) -> Any:
    """Return their context; an empty list of tools is none given to them, in a living one."""
    given: dict[str, Any] = {"messages": [_their_message(each) for each in context.messages]}
    if context.tools is not None:
        given["tools"] = _their_tools(context.tools)
    if context.tool_choice is not None:
        given["tool_choice"] = context.tool_choice
    return CONTEXTS.LLMContext(**given)


def _our_context(context: Any) -> Context:
    tools, choice = context.tools, context.tool_choice
    return Context(
        [_our_message(each) for each in context.messages],
        _our_tools(tools) if CONTEXTS.is_given(tools) else None,
        choice if CONTEXTS.is_given(choice) else None,
    )


def _their_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    given = cast("dict[str, Any]", message)
    if not {SPECIFIC, "llm", "message"} <= given.keys():
        return given
    return CONTEXTS.LLMSpecificMessage(llm=given["llm"], message=given["message"])


def _our_message(message: Any) -> Any:
    if isinstance(message, CONTEXTS.LLMSpecificMessage):
        return {SPECIFIC: True, "llm": message.llm, "message": message.message}
    return message


def _their_tools(tools: Tools) -> Any:
    standard = [
        CONTEXTS.FunctionSchema(
            name=each["name"],
            description=each["description"],
            properties=each["parameters"]["properties"],
            required=each["parameters"]["required"],
        )
        for each in tools.standard
    ]
    adapters = {each.value: each for each in _adapters()}
    custom = {adapters[name]: some for name, some in tools.custom.items() if name in adapters}
    return CONTEXTS.ToolsSchema(standard_tools=standard, custom_tools=custom or None)


def _our_tools(tools: Any) -> Tools:
    given: dict[Any, list[Any]] = tools.custom_tools or {}
    custom = {adapter.value: list(some) for adapter, some in given.items()}
    return Tools([each.to_default_dict() for each in tools.standard_tools], custom)


def _adapters() -> Any:
    """Return the providers that Pipecat knows tools of their own for."""
    return importlib.import_module(CONTEXTS.ToolsSchema.__module__).AdapterType
