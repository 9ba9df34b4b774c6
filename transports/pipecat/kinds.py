"""The one table between our frames and those of Pipecat: class names and fields, nothing imported.

A frame of a class that is not in the table is taken for the nearest class above it that is. Where
there is none the frame has no counterpart, and whoever carries it drops and counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from ...actors.frames import frame as ours
from ...actors.frames.frame import Frame

__all__ = [
    "KINDS",
    "Context",
    "Kind",
    "Tools",
    "given_tools",
    "kind_named",
    "kind_of",
    "our_frame",
    "taken_tools",
    "their_frame",
]

CUSTOM = "__custom__"
"""In our list of tools: marks one that only the named provider knows; it stands beside `tool`."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What Pipecat calls a `ToolsSchema`."""

    standard: list[dict[str, Any]]
    """Objects with `name`, `description` and `parameters` (a JSON schema of type `object`)."""
    custom: dict[str, list[Any]]
    """Tools that only one provider knows, by its name."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Pipecat calls an `LLMContext`; None is its `NOT_GIVEN`, which is not the same as empty.

    A message that only one provider knows is `{"__specific__": True, "llm": ..., "message": ...}`.
    """

    messages: list[Any]
    tools: Tools | None = None
    tool_choice: Any = None


# -- values: each says what it takes, and raises ValueError for anything else ----


def _text(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # an enum that is a string is its value on their side
    raise ValueError(f"a text is expected, not {type(value).__name__}")


def _text_or_nothing(value: object) -> str:
    return "" if value is None else _text(value)


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _words_or_nothing(value: object) -> str:
    return "" if value is None else str(value)


def _empty_is_none(value: str) -> str | None:
    return value or None


def _flag(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ValueError(f"true or false is expected, not {type(value).__name__}")


def _flag_or_true(value: object) -> bool:
    return value is None or _flag(value)


def _number(value: object) -> int:
    if type(value) is int and value > 0:
        return value
    raise ValueError(f"a number above zero is expected, not {value!r:.40}")


def _sound(value: object) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise ValueError(f"bytes are expected, not {type(value).__name__}")


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType]
    raise ValueError(f"a list is expected, not {type(value).__name__}")


def _object(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise ValueError(f"an object is expected, not {type(value).__name__}")


def _same(value: Any) -> Any:
    return value


# -- the table ----


class Field(NamedTuple):
    """How one field of ours and one of theirs become each other."""

    ours: str
    theirs: str
    take: Callable[[object], Any] = _text
    """Makes theirs into ours; None stands for one that is absent.

    Raises:
        ValueError: it is none.

    """
    give: Callable[[Any], Any] = _same
    """Makes ours into theirs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One frame of ours and its counterpart."""

    ours: type[Frame]
    theirs: str
    """The name of their class."""
    fields: tuple[Field, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments that their class wants, and for which ours has no field."""
    reads: tuple[str, ...] = ()
    """The attributes of theirs from which ours is made; without them, those of `fields`."""
    give: Callable[[Any], dict[str, Any]] | None = None
    """Makes the arguments of their class of ours, where that is more than field by field."""
    take: Callable[[Mapping[str, Any]], Frame | None] | None = None
    """Makes ours of the attributes of theirs, where that is more; None: there is no counterpart."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the attributes of theirs that are looked at."""
        return self.reads or tuple(each.theirs for each in self.fields)

    def given(self, frame: Frame) -> dict[str, Any]:
        """Return the arguments with which their class is made."""
        if self.give is not None:
            return self.give(frame)
        given = {each.theirs: each.give(getattr(frame, each.ours)) for each in self.fields}
        return {**given, **self.constants}

    def taken(self, attributes: Mapping[str, Any]) -> Frame | None:
        """Make ours of the attributes of theirs; None if there is no counterpart.

        Raises:
            ValueError: an attribute is missing, or is not what it should be.

        """
        try:
            if self.take is not None:
                return self.take(attributes)
            return self.ours(
                **{each.ours: each.take(attributes.get(each.theirs)) for each in self.fields}
            )
        except ValueError as error:
            raise ValueError(f"{self.theirs}: {error}") from None


def _given_context(frame: ours.ContextFrame) -> dict[str, Any]:
    tools = None if frame.tools is None else given_tools(frame.tools)
    return {"context": Context(frame.messages, tools, frame.tool_choice)}


def _taken_context(attributes: Mapping[str, Any]) -> Frame:
    context = attributes.get("context")
    if not isinstance(context, Context):
        raise ValueError(f"a context is expected, not {type(context).__name__}")
    tools = None if context.tools is None else taken_tools(context.tools)
    return ours.ContextFrame(context.messages, tools, context.tool_choice)


def _taken_update(attributes: Mapping[str, Any]) -> Frame | None:
    """Take messages that replace all others: ours that does so has the model run, too."""
    messages, run = _list(attributes.get("messages")), _flag(attributes.get("run_llm"))
    return ours.ContextFrame(messages) if run else None


def _taken_guess(attributes: Mapping[str, Any]) -> Frame:
    heard = {each.ours: each.take(attributes.get(each.theirs)) for each in HEARD}
    return ours.TranscriptionFrame(**heard, final=False)


def given_tools(tools: list[Any]) -> Tools:
    """Make our list of tools into theirs; those wrapped as OpenAI wants them are unwrapped.

    Raises:
        ValueError: one of them is no object, or has no name.

    """
    made = Tools([], {})
    for tool in tools:
        each = _object(tool)
        if CUSTOM in each:
            made.custom.setdefault(_text(each[CUSTOM]), []).append(each.get("tool"))
            continue
        if isinstance(each.get("function"), Mapping):
            each = _object(each["function"])
        parameters = _object(each.get("parameters"))
        made.standard.append(
            {
                "name": _text(each.get("name")),
                "description": _text_or_nothing(each.get("description")),
                "parameters": {
                    "type": "object",
                    "properties": _object(parameters.get("properties")),
                    "required": _list(parameters.get("required") or []),
                },
            }
        )
    return made


def taken_tools(tools: Tools) -> list[Any]:
    """Make their tools into our list."""
    custom = [
        {CUSTOM: provider, "tool": tool} for provider, some in tools.custom.items() for tool in some
    ]
    return [*tools.standard, *custom]


TEXT = Field("text", "text")
AUDIO = (
    Field("audio", "audio", _sound),
    Field("sample_rate", "sample_rate", _number),
    Field("channels", "num_channels", _number),
)
HEARD = (
    TEXT,
    Field("user", "user_id", _text_or_nothing),
    Field("at", "timestamp", _text_or_nothing),
    Field("language", "language", _text_or_none),
)
REASON = Field("reason", "reason", _words_or_nothing, _empty_is_none)
MESSAGES = Field("messages", "messages", _list)

KINDS: tuple[Kind, ...] = (
    # These four stay in their pipeline: no wire carries them.
    Kind(ours.StartFrame, "StartFrame"),
    Kind(ours.EndFrame, "EndFrame", (REASON,)),
    Kind(ours.StopFrame, "StopFrame"),
    Kind(ours.CancelFrame, "CancelFrame", (REASON,)),
    Kind(ours.TextFrame, "TextFrame", (TEXT,)),
    Kind(ours.ReplyTextFrame, "LLMTextFrame", (TEXT,)),
    Kind(ours.SpokenTextFrame, "TTSTextFrame", (TEXT,), {"text_type": "word"}),
    Kind(ours.TranscriptionFrame, "TranscriptionFrame", HEARD, {"finalized": True}),
    Kind(ours.TranscriptionFrame, "InterimTranscriptionFrame", HEARD, take=_taken_guess),
    Kind(ours.InputAudioFrame, "InputAudioRawFrame", AUDIO),
    Kind(ours.OutputAudioFrame, "OutputAudioRawFrame", AUDIO),
    Kind(ours.SpeechAudioFrame, "TTSAudioRawFrame", AUDIO),
    Kind(
        ours.SpeakFrame, "TTSSpeakFrame", (TEXT, Field("keep", "append_to_context", _flag_or_true))
    ),
    Kind(ours.SpeechStartedFrame, "TTSStartedFrame"),
    Kind(ours.SpeechStoppedFrame, "TTSStoppedFrame"),
    Kind(ours.MessagesFrame, "LLMMessagesAppendFrame", (MESSAGES, Field("run", "run_llm", _flag))),
    Kind(
        ours.ContextFrame,
        "LLMContextFrame",
        reads=("context",),
        give=_given_context,
        take=_taken_context,
    ),
    Kind(ours.RunFrame, "LLMRunFrame"),
    Kind(ours.ReplyStartFrame, "LLMFullResponseStartFrame"),
    Kind(ours.ReplyEndFrame, "LLMFullResponseEndFrame"),
    Kind(
        ours.ToolCallFrame,
        "FunctionCallInProgressFrame",
        (
            Field("name", "function_name"),
            Field("call_id", "tool_call_id"),
            Field("arguments", "arguments", _object),
        ),
    ),
    Kind(
        ours.ToolResultFrame,
        "FunctionCallResultFrame",
        (
            Field("name", "function_name"),
            Field("call_id", "tool_call_id"),
            Field("result", "result", _same),
            Field("error", "error", _text_or_nothing, _empty_is_none),
        ),
        # The worker whose tool it was runs its own model: theirs must not run for it.
        {"arguments": {}, "run_llm": False},
    ),
    Kind(ours.InterruptionFrame, "InterruptionFrame"),
    Kind(ours.UserStartedSpeakingFrame, "UserStartedSpeakingFrame"),
    Kind(ours.UserStoppedSpeakingFrame, "UserStoppedSpeakingFrame"),
    Kind(ours.BotStartedSpeakingFrame, "BotStartedSpeakingFrame"),
    Kind(ours.BotStoppedSpeakingFrame, "BotStoppedSpeakingFrame"),
    Kind(ours.ErrorFrame, "ErrorFrame", (Field("error", "error"), Field("fatal", "fatal", _flag))),
    # What follows is taken only: where a class of ours is in two rows, the first says how it goes.
    Kind(
        ours.ContextFrame,
        "LLMMessagesUpdateFrame",
        reads=("messages", "run_llm"),
        take=_taken_update,
    ),
    Kind(ours.ReplyTextFrame, "VisionTextFrame", (TEXT,)),
    Kind(ours.ReplyStartFrame, "VisionFullResponseStartFrame"),
    Kind(ours.ReplyEndFrame, "VisionFullResponseEndFrame"),
    Kind(ours.TextFrame, "AggregatedTextFrame", (TEXT,)),
    Kind(ours.TextFrame, "InputTextRawFrame", (TEXT,)),
    Kind(ours.InputAudioFrame, "UserAudioRawFrame", AUDIO),
    Kind(ours.SpeechAudioFrame, "SpeechOutputAudioRawFrame", AUDIO),
)

BY_THEIRS = {kind.theirs: kind for kind in KINDS}
BY_OURS = {kind.ours: kind for kind in reversed(KINDS)}
GUESS = BY_THEIRS["InterimTranscriptionFrame"]


def kind_of(frame: Frame) -> Kind | None:
    """Return the row by which a frame of ours goes; None: it has no counterpart."""
    if isinstance(frame, ours.TranscriptionFrame) and not frame.final:
        return GUESS
    return next((BY_OURS[cls] for cls in type(frame).__mro__ if cls in BY_OURS), None)


def kind_named(*names: str) -> Kind | None:
    """Return the row of the first of these classes of theirs that has one (a class, its bases)."""
    return next((BY_THEIRS[name] for name in names if name in BY_THEIRS), None)


def their_frame(frame: Frame) -> tuple[str, dict[str, Any]] | None:
    """Return the name of their class and its arguments; None: it has no counterpart.

    Raises:
        ValueError: a value in it is none that theirs can have.

    """
    kind = kind_of(frame)
    return None if kind is None else (kind.theirs, kind.given(frame))


def our_frame(name: str, attributes: Mapping[str, Any]) -> Frame | None:
    """Make ours of theirs, by the name of its class and its attributes; None: no counterpart.

    Raises:
        ValueError: an attribute is missing, or is not what it should be.

    """
    kind = BY_THEIRS.get(name)
    return None if kind is None else kind.taken(attributes)
