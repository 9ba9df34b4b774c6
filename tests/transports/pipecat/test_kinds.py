"""The table between our frames and Pipecat's: held against Pipecat's own classes."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from pipecat.frames import frames as theirs

from callboard.actors.frames import frame as ours
from callboard.transports.pipecat.kinds import (
    KINDS,
    Context,
    Kind,
    Tools,
    kind_named,
    our_frame,
    their_frame,
)

MESSAGES: list[Any] = [
    {"role": "user", "content": "hello"},
    {"__specific__": True, "llm": "anthropic", "message": {"role": "assistant", "n": 1.5}},
]
SEARCH: dict[str, Any] = {
    "name": "search",
    "description": "Looks it up",
    "parameters": {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
    },
}

FRAMES: list[ours.Frame] = [
    ours.StartFrame(),
    ours.EndFrame("all done"),
    ours.EndFrame(),
    ours.StopFrame(),
    ours.CancelFrame("enough"),
    ours.TextFrame("hello"),
    ours.ReplyTextFrame("hel"),
    ours.SpokenTextFrame("hello"),
    ours.TranscriptionFrame("hello", "ada", "2026-01-01T00:00:00Z", "es"),
    ours.TranscriptionFrame("hel", "ada", final=False),
    ours.InputAudioFrame(b"\x00\x01", 16_000),
    ours.OutputAudioFrame(b"\x00\x01\x02\x03", 24_000, 2),
    ours.SpeechAudioFrame(b"", 8_000),
    ours.SpeakFrame("hello", keep=False),
    ours.SpeakFrame("hello"),
    ours.SpeechStartedFrame(),
    ours.SpeechStoppedFrame(),
    ours.MessagesFrame(MESSAGES),
    ours.MessagesFrame([], run=False),
    ours.ContextFrame(MESSAGES),
    ours.ContextFrame([], []),
    ours.ContextFrame(MESSAGES, [SEARCH], "auto"),
    ours.ContextFrame([], [SEARCH, {"__custom__": "gemini", "tool": {"google_search": {}}}]),
    ours.RunFrame(),
    ours.ReplyStartFrame(),
    ours.ReplyEndFrame(),
    ours.ToolCallFrame("search", "call-1", {"q": "x"}),
    ours.ToolResultFrame("search", "call-1", ["x"]),
    ours.ToolResultFrame("search", "call-1", error="no such thing"),
    ours.InterruptionFrame(),
    ours.UserStartedSpeakingFrame(),
    ours.UserStoppedSpeakingFrame(),
    ours.BotStartedSpeakingFrame(),
    ours.BotStoppedSpeakingFrame(),
    ours.ErrorFrame("it broke"),
    ours.ErrorFrame("it broke", fatal=True),
]

WITHOUT_COUNTERPART = {ours.Frame, ours.LifecycleFrame, ours.AudioFrame, ours.ProgressFrame}


def classes(base: type[ours.Frame]) -> Iterator[type[ours.Frame]]:
    yield base
    for cls in base.__subclasses__():
        if cls.__module__ == ours.__name__:
            yield from classes(cls)


def test_each_kind_of_frame_is_tried_or_named_as_one_without_counterpart() -> None:
    assert {type(frame) for frame in FRAMES} | WITHOUT_COUNTERPART == set(classes(ours.Frame))


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_a_frame_becomes_theirs_and_comes_back_as_it_was(frame: ours.Frame) -> None:
    made = their_frame(frame)
    assert made is not None
    assert our_frame(*made) == frame


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_pipecats_own_class_takes_the_arguments_and_has_the_attributes(frame: ours.Frame) -> None:
    made = their_frame(frame)
    assert made is not None
    name, arguments = made
    with warnings.catch_warnings(record=True):  # of what is deprecated there
        built = getattr(theirs, name)(**arguments)
    kind = kind_named(*(cls.__name__ for cls in type(built).__mro__))
    assert kind is not None and kind.theirs == name
    assert our_frame(name, {each: getattr(built, each) for each in kind.attributes}) == frame


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.theirs)
def test_pipecat_has_each_class_and_each_attribute_of_the_table(kind: Kind) -> None:
    fields = {each.name for each in dataclasses.fields(getattr(theirs, kind.theirs))}
    assert {*kind.attributes, *kind.constants} <= fields


def test_a_frame_without_counterpart_is_none() -> None:
    class Note(ours.Frame):
        text: str

    assert their_frame(Note("x")) is None
    assert their_frame(ours.ProgressFrame("w", "j", "half")) is None
    assert our_frame("MetricsFrame", {"data": []}) is None
    assert our_frame("LLMMessagesUpdateFrame", {"messages": [], "run_llm": False}) is None


def test_a_frame_of_ones_own_goes_as_what_it_is_a_kind_of() -> None:
    class Whisper(ours.TextFrame):
        volume: float = 0.1

    assert their_frame(Whisper("psst")) == ("TextFrame", {"text": "psst"})


def test_messages_that_replace_all_others_and_run_the_model_are_a_context() -> None:
    taken = our_frame("LLMMessagesUpdateFrame", {"messages": MESSAGES, "run_llm": True})
    assert taken == ours.ContextFrame(MESSAGES)


@pytest.mark.check("M99")
@pytest.mark.parametrize(
    ("tools", "expected"),
    [(None, None), ([], Tools([], {})), ([SEARCH], Tools([SEARCH], {}))],
    ids=["not given", "empty", "filled"],
)
def test_tools_that_are_not_given_are_kept_apart_from_none(
    tools: list[Any] | None, expected: Tools | None
) -> None:
    made = their_frame(ours.ContextFrame(MESSAGES, tools))
    assert made is not None
    assert made == ("LLMContextFrame", {"context": Context(MESSAGES, expected)})
    assert our_frame(*made) == ours.ContextFrame(MESSAGES, tools)


def test_a_tool_wrapped_as_openai_wants_it_is_unwrapped() -> None:
    made = their_frame(ours.ContextFrame([], [{"type": "function", "function": SEARCH}]))
    assert made is not None and made[1]["context"].tools == Tools([SEARCH], {})


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("TextFrame", {}),
        ("TextFrame", {"text": 5}),
        ("InputAudioRawFrame", {"audio": "AAA=", "sample_rate": 16_000, "num_channels": 1}),
        ("InputAudioRawFrame", {"audio": b"", "sample_rate": 0, "num_channels": 1}),
        ("InputAudioRawFrame", {"audio": b"", "sample_rate": 16_000, "num_channels": True}),
        ("LLMContextFrame", {"context": {"messages": []}}),
        ("LLMMessagesAppendFrame", {"messages": "hello"}),
        ("LLMMessagesAppendFrame", {"messages": [], "run_llm": "yes"}),
        (
            "FunctionCallInProgressFrame",
            {"function_name": "f", "tool_call_id": "1", "arguments": 5},
        ),
        ("TranscriptionFrame", {"text": "x", "user_id": 7}),
    ],
)
def test_what_does_not_fit_is_refused(name: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .* expected"):
        our_frame(name, attributes)


def test_a_tool_without_a_name_is_refused_at_the_sender() -> None:
    with pytest.raises(ValueError, match="text is expected"):
        their_frame(ours.ContextFrame([], [{"description": "x"}]))
