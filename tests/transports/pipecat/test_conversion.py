"""Frames of ours made into Pipecat's own objects, and back."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import pytest
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import AdapterType, ToolsSchema
from pipecat.frames import frames as theirs
from pipecat.processors.aggregators.llm_context import NOT_GIVEN, LLMContext, LLMSpecificMessage
from pipecat.transcriptions.language import Language

from callboard.actors.frames import frame as ours
from callboard.transports.pipecat.conversion import CarriedFrame, to_ours, to_theirs
from callboard.transports.pipecat.kinds import KINDS
from tests.transports.pipecat.test_kinds import FRAMES

CONTEXT = ours.ContextFrame(
    [
        {"role": "user", "content": "hi"},
        {"__specific__": True, "llm": "openai", "message": {"a": 1}},
    ],
    [
        {
            "name": "look",
            "description": "Looks around",
            "parameters": {
                "type": "object",
                "properties": {"where": {"type": "string"}},
                "required": ["where"],
            },
        },
        {"__custom__": "gemini", "tool": {"google_search": {}}},
    ],
    "auto",
)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_each_frame_of_the_table_becomes_one_of_theirs_and_is_the_same_when_it_comes_back(
    frame: ours.Frame,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = to_theirs(frame)
    assert not isinstance(made, CarriedFrame)
    back = to_ours(made)
    if isinstance(frame, ours.ReplyEndFrame):  # theirs does not say whether it was cut short
        frame = dataclasses.replace(frame, interrupted=False)
    if isinstance(frame, ours.SpokenTextFrame):
        frame = dataclasses.replace(frame, voice="")
    if isinstance(frame, ours.ContextFrame) and not frame.tools:
        frame = dataclasses.replace(frame, tools=None)
    assert back == frame and type(back) is type(frame)


@pytest.mark.parametrize("name", sorted({kind.theirs for kind in KINDS}))
def test_each_class_of_theirs_in_the_table_is_one_that_pipecat_has(name: str) -> None:
    assert issubclass(getattr(theirs, name), theirs.Frame)


def test_what_has_no_counterpart_is_carried_whole_and_theirs_is_none_of_ours() -> None:
    class Odd(ours.Frame):
        numbers: list[int]

    for odd in (Odd([1]), ours.ProgressFrame("clerk", "count", "half")):
        made = to_theirs(odd)
        assert isinstance(made, CarriedFrame) and isinstance(made, theirs.DataFrame)
        assert to_ours(made) is odd
    assert to_ours(theirs.OutputTransportReadyFrame()) is None
    assert to_ours(theirs.HeartbeatFrame(0)) is None


def test_a_class_of_ones_own_goes_as_the_nearest_above_it() -> None:
    class Mine(theirs.LLMTextFrame):
        pass

    class Shout(ours.TextFrame):
        loud: bool = True

    assert to_ours(Mine("hi")) == ours.ReplyTextFrame("hi")
    made = to_theirs(Shout("hi"))
    assert type(made) is theirs.TextFrame and made.text == "hi"


def test_a_conversation_is_converted_with_tools_choice_and_messages_of_one_provider() -> None:
    made = to_theirs(CONTEXT)
    assert isinstance(made, theirs.LLMContextFrame)
    context = made.context
    assert context.messages == [
        {"role": "user", "content": "hi"},
        LLMSpecificMessage("openai", {"a": 1}),
    ]
    assert isinstance(context.tools, ToolsSchema) and context.tool_choice == "auto"
    (tool,) = context.tools.standard_tools
    assert (tool.name, tool.required) == ("look", ["where"])
    assert context.tools.custom_tools == {AdapterType.GEMINI: [{"google_search": {}}]}
    assert to_ours(made) == CONTEXT


def test_tools_that_are_not_given_stay_so_and_pipecat_takes_none_at_all_for_that() -> None:
    none_at_all: list[Any] = []
    for tools in (None, none_at_all):
        made = to_theirs(ours.ContextFrame([], tools))
        assert isinstance(made, theirs.LLMContextFrame)
        assert made.context.tools is NOT_GIVEN and made.context.tool_choice is NOT_GIVEN
        assert to_ours(made) == ours.ContextFrame([], None)


def test_a_conversation_that_goes_on_does_not_change_what_was_sent() -> None:
    context = LLMContext([{"role": "user", "content": "hi"}])
    context.set_tools(ToolsSchema(standard_tools=[FunctionSchema("look", "", {}, [])]))
    sent = to_ours(theirs.LLMContextFrame(context))
    context.add_message({"role": "assistant", "content": "hello"})
    assert isinstance(sent, ours.ContextFrame)
    assert sent.messages == [{"role": "user", "content": "hi"}]
    back = to_theirs(sent)
    assert isinstance(back, theirs.LLMContextFrame)
    back.context.add_message({"role": "assistant", "content": "hello"})
    assert len(sent.messages) == 1


def test_messages_are_converted_in_every_frame_that_has_some() -> None:
    messages: list[Any] = [LLMSpecificMessage("openai", {"a": 1})]
    mine = to_ours(theirs.LLMMessagesAppendFrame(messages, run_llm=True))
    assert mine == ours.MessagesFrame(
        [{"__specific__": True, "llm": "openai", "message": {"a": 1}}]
    )
    assert mine is not None
    made = to_theirs(mine)
    assert isinstance(made, theirs.LLMMessagesAppendFrame) and made.messages == messages


def test_a_language_is_one_of_theirs_where_they_have_it() -> None:
    made = to_theirs(ours.TranscriptionFrame("hola", language="es"))
    assert isinstance(made, theirs.TranscriptionFrame) and made.language is Language.ES
    rare = to_theirs(ours.TranscriptionFrame("?", language="x-none"))
    assert isinstance(rare, theirs.TranscriptionFrame) and rare.language == "x-none"
    assert to_ours(made) == ours.TranscriptionFrame("hola", language="es")


def test_a_value_that_theirs_cannot_have_is_named() -> None:
    with pytest.raises(ValueError, match="text is expected"):
        to_theirs(ours.ContextFrame([], [{"description": "no name"}]))
    wrong = theirs.OutputAudioRawFrame(audio=b"", sample_rate=16000, num_channels=1)
    wrong.sample_rate = 0
    with pytest.raises(ValueError, match="above zero"):
        to_ours(wrong)
