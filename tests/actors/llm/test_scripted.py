"""The scripted model: replies, tool calls and delays as they are written, by what is said to it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.actors.llm import (
    Call,
    ChatMessage,
    Conversation,
    Fail,
    Finished,
    ModelEvent,
    ModelLimited,
    Pause,
    Say,
    Scene,
    ScriptedModel,
    TextPiece,
    ToolCall,
    ToolSchema,
    Usage,
    after,
    group,
    when,
)
from callboard.actors.llm.scripted import chunked


def now() -> float:
    return asyncio.get_running_loop().time()


def conversation(*said: str) -> Conversation:
    """A conversation in which user and assistant take turns."""
    talk = Conversation()
    for number, text in enumerate(said):
        (talk.assistant if number % 2 else talk.user)(text)
    return talk


async def run(
    model: ScriptedModel, messages: Sequence[ChatMessage], **settings: Any
) -> list[ModelEvent]:
    return [event async for event in model.respond(messages, **settings)]


async def said(model: ScriptedModel, messages: Sequence[ChatMessage] | str) -> str:
    talk = conversation(messages) if isinstance(messages, str) else messages
    return "".join(event.text for event in await run(model, talk) if isinstance(event, TextPiece))


def called(events: Sequence[ModelEvent]) -> list[tuple[str, str, Any]]:
    calls = [event for event in events if isinstance(event, ToolCall)]
    return [(call.id, call.name, json.loads(call.arguments)) for call in calls]


WEATHER = ScriptedModel(
    when(r"weather in (?P<city>\w+) for (\d+)", Call("weather", city="{city}", days=group(2, int))),
    when(re.compile("HELLO"), "Loud and clear."),
    when("hello|hi", "Hello! You said: {text}"),
    when(lambda scene: len(scene.text) > 50, "That is long."),
    after("weather", "It fails: {error}", failed=True),
    after("weather", "It is {result[sky]} in {result[city]}, {weather[sky]}."),
)


@pytest.mark.check("M152")
async def test_the_first_rule_that_matches_the_last_words_decides() -> None:
    assert await said(WEATHER, "Hello there") == "Hello! You said: Hello there"
    assert await said(WEATHER, "HELLO") == "Loud and clear."
    assert await said(WEATHER, "x" * 51) == "That is long."
    assert await said(WEATHER, "{braces}") == "I have no answer to that: {braces}"
    assert await said(WEATHER, conversation("hello", "Hello!", "x" * 51)) == "That is long."
    assert await said(ScriptedModel(otherwise=["What", Say(" now?")]), "so") == "What now?"


@pytest.mark.check("M152")
async def test_a_tool_call_takes_its_arguments_from_the_words() -> None:
    events = await run(WEATHER, conversation("the weather in Rome for 3 days"))
    assert called(events) == [("call_1", "weather", {"city": "Rome", "days": 3})]
    assert events[-1] == Finished("tool_calls", Usage(7, 0))


@pytest.mark.check("M152")
async def test_a_reply_is_made_of_the_results_of_tools() -> None:
    talk = conversation("the weather in Rome for 3 days")
    talk.assistant("", [ToolCall("1", "weather", "{}")])
    talk.result("1", json.dumps({"sky": "blue", "city": "Rome"}))
    assert await said(WEATHER, talk) == "It is blue in Rome, blue."
    talk.result("1", json.dumps({"error": "no wind"}))
    assert await said(WEATHER, talk) == "It fails: no wind"
    talk.assistant("It fails.")
    talk.user("hi")
    assert await said(WEATHER, talk) == "Hello! You said: hi"


async def test_results_that_no_rule_is_for_are_told_as_they_are() -> None:
    talk = conversation("go")
    talk.assistant("", [ToolCall("1", "one"), ToolCall("2", "two")])
    talk.result("1", "{text}")
    talk.result("2", json.dumps({"a": 1}))
    assert await said(ScriptedModel(), talk) == '{text} {"a": 1}'
    talk.result("2", json.dumps({"error": "no {way}"}))
    assert await said(ScriptedModel(), talk) == "That did not work: no {way}"


async def test_a_rule_sees_the_whole_scene() -> None:
    talk = Conversation([{"role": "system", "content": "Be nice."}])
    talk.user("one")
    talk.assistant("First.")
    talk.append({"role": "user", "content": [{"type": "text", "text": "two"}, "!"]})
    talk.assistant("", [ToolCall("1", "a"), ToolCall("2", "b")])
    talk.result("1", "A")
    talk.result("2", json.dumps([1]))
    talk.assistant("Then", [ToolCall("3", "c")])
    talk.result("3", "C")
    scene = Scene(talk)
    assert scene.instructions == "Be nice."
    assert scene.said == ["one", "two!"] and scene.text == "two!"
    assert scene.replies == ["First.", "Then"]
    assert scene.results == {"a": "A", "b": [1], "c": "C"}
    assert scene.latest == {"c": "C"} and scene.result == "C" and scene.error == ""
    assert Scene(talk[:1]).text == "Be nice."  # then it is all there is to reply to
    empty = Scene([])
    assert (empty.text, empty.instructions, empty.result, empty.results) == ("", "", None, {})


async def test_what_a_callable_returns_is_the_next_step_and_said_as_it_is() -> None:
    async def look(scene: Scene) -> list[Any]:
        await asyncio.sleep(2)
        return [f"{{{scene[1]}}} ", lambda _: Say("really")]  # pyright: ignore[reportUnknownLambdaType]

    model = ScriptedModel(
        when(r"find (\w+)", "Look: ", look),
        when(lambda scene: {"half": scene.text[:2]}, "{half}", lambda _: None),
    )
    began = now()
    assert await said(model, "find me") == "Look: {me} really"
    assert now() - began == 2
    assert await said(model, "abcd") == "ab"


@pytest.mark.check("M152")
async def test_delays_come_as_written_and_words_one_by_one() -> None:
    model = ScriptedModel(
        when("slow", Say("one two", pace=3), Pause(10), " three four"), delay=5, pace=1
    )
    began, times = now(), list[tuple[float, str]]()
    async for event in model.respond(conversation("slow")):
        times.append((now() - began, event.text if isinstance(event, TextPiece) else "end"))
    assert times == [(5, "one "), (8, "two"), (18, " three "), (19, "four"), (19, "end")]


@pytest.mark.check("M152")
async def test_an_error_comes_where_it_is_written() -> None:
    model = ScriptedModel(when("fail", "Well,", Fail(ModelLimited("enough", retry_after=3))))
    pieces: list[ModelEvent] = []
    with pytest.raises(ModelLimited, match="enough"):
        async for event in model.respond(conversation("fail")):
            pieces.append(event)
    assert pieces == [TextPiece("Well,")]


async def test_runs_may_be_written_in_order() -> None:
    model = ScriptedModel.in_order("One.", ["Two.", Call("look", at="{text}")], ())
    assert await said(model, "a") == "One."
    assert called(await run(model, conversation("b"))) == [("call_1", "look", {"at": "b"})]
    assert await said(model, "c") == ""
    assert await said(model, "d") == "I have no answer to that: d"


async def test_a_model_that_may_call_no_tool_calls_none() -> None:
    model = ScriptedModel(when("go", Call("walk")), when("go", "I stay."))
    schema = [ToolSchema("walk")]
    assert called(await run(model, conversation("go"), tools=schema))
    events = await run(model, conversation("go"), tools=schema, tool_choice="none")
    assert events[:-1] == [TextPiece("I "), TextPiece("stay.")]
    assert [(each.tools, each.tool_choice) for each in model.runs] == [
        (tuple(schema), None),
        (tuple(schema), "none"),
    ]


async def test_a_stream_that_is_closed_early_or_cancelled_is_counted() -> None:
    model = ScriptedModel(when("talk", "one two three", Pause(100)))
    async with aclosing(cast("Any", model.respond(conversation("talk")))) as stream:
        assert await anext(stream) == TextPiece("one ")
    assert model.closed_early == 1
    task = asyncio.ensure_future(said(model, "talk"))
    await asyncio.sleep(50)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.closed_early == 2
    await said(ScriptedModel(), "x")


@pytest.mark.check("M152")
@given(text=st.text())
async def test_any_text_comes_whole_word_by_word(text: str) -> None:
    assert "".join(chunked(text)) == text
    assert all(each.strip() or each == text for each in chunked(text))
    model = ScriptedModel(when("say", lambda scene: text))
    assert await said(model, "say") == text


@given(texts=st.lists(st.text(max_size=10), min_size=1, max_size=4))
async def test_the_same_conversation_has_the_same_reply(texts: list[str]) -> None:
    talk = conversation(*texts)
    model = ScriptedModel(when("a", "A {text}"), when("b", Call("b", it="{text}")))
    assert await run(model, talk) == await run(model, talk)


async def test_a_script_that_names_what_is_not_there_says_so() -> None:
    with pytest.raises(
        LookupError, match=r"in the script, '\{nobody\}': 'nobody'; known: 0, 1, text"
    ):
        await said(ScriptedModel(when("(h)i", "{nobody}")), "hi")
    with pytest.raises(re.error):
        when("(", "never")


def test_a_model_is_shown_by_its_rules() -> None:
    assert repr(WEATHER) == "<ScriptedModel rules=6>"
