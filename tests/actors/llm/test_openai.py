"""The model of OpenAI's kind, with the real client, against a server on this machine."""

from __future__ import annotations

import asyncio
import builtins
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any, cast

import openai
import pytest

from callboard.actors.llm import (
    Call,
    ChatMessage,
    Conversation,
    Finished,
    ModelDenied,
    ModelError,
    ModelEvent,
    ModelLimited,
    ModelMisused,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    OpenAIModel,
    Pause,
    ScriptedModel,
    StreamBroken,
    TextPiece,
    ToolCall,
    ToolSchema,
    Usage,
    after,
    when,
)
from tests.servers.openai_server import OpenAIServer, Trouble

KEY = "sk-very-secret"

SCRIPT = ScriptedModel(
    when("weather", "Let me see. ", Call("weather", city="Rome"), Call("clock")),
    when("count", "one two three", Pause(30), " four"),
    when("nothing"),
    after("weather", "It is {result} there."),
    otherwise="You said: {text}",
)

TOOLS = [ToolSchema("weather", "Tell the weather.", {"type": "object", "properties": {}})]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(SCRIPT, key=KEY) as server:
        yield server


def model_of(server: OpenAIServer, **settings: Any) -> OpenAIModel:
    settings = {"api_key": KEY, "base_url": server.url, "retries": 0, **settings}
    return OpenAIModel("test", **settings)


def user(text: str) -> list[ChatMessage]:
    talk = Conversation()
    talk.user(text)
    return talk


async def run(model: OpenAIModel, text: str, **settings: Any) -> list[ModelEvent]:
    """What the model replies; its connections are closed then."""
    try:
        return [event async for event in model.respond(user(text), **settings)]
    finally:
        await model.aclose()


async def error_of(model: OpenAIModel, text: str = "hi") -> ModelError:
    with pytest.raises(ModelError) as caught:
        await run(model, text)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown and caught.value.__context__ is None
    return caught.value


@pytest.mark.check("M152")
@pytest.mark.realtime
async def test_words_come_as_they_are_streamed(server: OpenAIServer) -> None:
    events = await run(model_of(server), "hello there")
    assert events == [
        TextPiece("You "),
        TextPiece("said: "),
        TextPiece("hello "),
        TextPiece("there"),
        Finished("stop"),
    ]
    request = server.requests[0]
    assert request.body == {"model": "test", "messages": user("hello there"), "stream": True}


@pytest.mark.check("M152")
@pytest.mark.realtime
@pytest.mark.parametrize("bare", [False, True])
async def test_tool_calls_are_put_together(server: OpenAIServer, bare: bool) -> None:
    server.trouble(Trouble(bare=bare))
    events = await run(model_of(server), "weather", tools=TOOLS, tool_choice="auto")
    assert events[3:] == [
        ToolCall("call_1", "weather", '{"city": "Rome"}'),
        ToolCall("call_2", "clock", "{}"),
        Finished("tool_calls"),
    ]
    body = server.requests[0].body
    assert body["tools"] == [each.as_openai() for each in TOOLS]
    assert body["tool_choice"] == "auto"


@pytest.mark.check("M142", "M152")
@pytest.mark.realtime
async def test_without_tools_no_list_of_tools_is_sent(server: OpenAIServer) -> None:
    await run(model_of(server), "hi", tool_choice="none")
    await run(model_of(server), "hi", tools=[])
    assert all(not {"tools", "tool_choice"} & request.body.keys() for request in server.requests)


@pytest.mark.realtime
async def test_results_of_tools_and_parameters_are_sent(server: OpenAIServer) -> None:
    talk = Conversation()
    talk.user("weather")
    talk.assistant("", [ToolCall("1", "weather", "{}")])
    talk.result("1", "sunny")
    options = {"include_usage": True}
    model = model_of(server, parameters={"temperature": 0.5, "stream_options": options})
    events = [event async for event in model.respond(talk)]
    await model.aclose()
    assert events[-1] == Finished("stop", Usage(7, 4))
    assert server.requests[0].body["temperature"] == 0.5
    assert server.requests[0].body["messages"] == json.loads(json.dumps(talk))


@pytest.mark.realtime
async def test_the_server_replies_as_a_whole_to_who_wants_no_stream(server: OpenAIServer) -> None:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=server.url) as client:
        reply = await client.chat.completions.create(
            model="test", messages=[{"role": "user", "content": "hello"}]
        )
    assert reply.choices[0].message.content == "You said: hello"


@pytest.mark.realtime
async def test_a_reply_of_nothing_is_a_reply(server: OpenAIServer) -> None:
    assert await run(model_of(server), "nothing") == [Finished("stop")]


@pytest.mark.check("M152")
@pytest.mark.realtime
@pytest.mark.parametrize(
    ("trouble", "kind", "text"),
    [
        (Trouble(401, "no key"), ModelDenied, "no key"),
        (Trouble(403, "not yours"), ModelDenied, "not yours"),
        (Trouble(429, "slow down"), ModelLimited, "slow down"),
        (Trouble(500, "oh dear"), ModelUnavailable, "oh dear"),
        (Trouble(503, "busy"), ModelUnavailable, "busy"),
        (Trouble(404, "no such model"), ModelMisused, "no such model"),
        (Trouble(400, "too long", "context_length_exceeded"), ModelMisused, "too long"),
        (Trouble(400, "improper", "content_filter"), ModelRefused, "improper"),
        (Trouble(refusal="I will not."), ModelRefused, "I will not. "),
        (Trouble(reason="content_filter"), ModelRefused, "a filter has cut off the reply"),
        (Trouble(cut_after=2), StreamBroken, "the reply broke off"),
        (Trouble(end_after=2), StreamBroken, "the stream ended before its end"),
        (Trouble(say_after=(1, "{no json")), StreamBroken, "the reply broke off"),
        (
            Trouble(say_after=(1, '{"error": {"message": "overloaded"}}')),
            StreamBroken,
            "the reply broke off: overloaded",
        ),
    ],
)
async def test_what_goes_wrong_is_a_typed_error(
    server: OpenAIServer, trouble: Trouble, kind: type[ModelError], text: str
) -> None:
    server.trouble(trouble)
    error = await error_of(model_of(server))
    assert type(error) is kind
    assert text in str(error)
    assert error.status == (trouble.status if trouble.status != 200 else None)


@pytest.mark.check("M152")
@pytest.mark.realtime
async def test_a_limit_says_how_long_to_wait(server: OpenAIServer) -> None:
    server.trouble(Trouble(429, headers={"retry-after": "7"}), Trouble(429))
    error, other = await error_of(model_of(server)), await error_of(model_of(server))
    assert isinstance(error, ModelLimited) and error.retry_after == 7
    assert isinstance(other, ModelLimited) and other.retry_after is None


@pytest.mark.realtime
async def test_a_request_is_sent_again_as_often_as_was_said(server: OpenAIServer) -> None:
    server.trouble(Trouble(500, headers={"retry-after-ms": "1"}))
    assert len(await run(model_of(server, retries=1), "hi")) == 4
    assert len(server.requests) == 2


@pytest.mark.check("M152")
@pytest.mark.realtime
@pytest.mark.parametrize("trouble", [Trouble(delay=30), Trouble(stall_after=2)])
async def test_a_model_that_is_silent_for_too_long_is_left(
    server: OpenAIServer, trouble: Trouble
) -> None:
    server.trouble(trouble)
    error = await error_of(model_of(server, timeout=0.3))
    assert type(error) is ModelTimeout and isinstance(error, TimeoutError)
    assert str(error) == "the model was silent for 0.3 s"
    assert await asyncio.to_thread(server.requests[0].done.wait, 30)
    assert server.requests[0].left_early


@pytest.mark.check("M152")
@pytest.mark.realtime
async def test_a_server_that_is_not_there_is_unavailable(server: OpenAIServer) -> None:
    with OpenAIServer() as gone:
        pass
    error = await error_of(model_of(gone))
    assert type(error) is ModelUnavailable
    assert "cannot be reached" in str(error)


@pytest.mark.check("M146", "M152")
@pytest.mark.realtime
async def test_a_stream_that_is_closed_early_closes_the_connection(server: OpenAIServer) -> None:
    model = model_of(server)
    async with aclosing(cast("Any", model.respond(user("count")))) as stream:
        assert await anext(stream) == TextPiece("one ")
    assert await asyncio.to_thread(server.requests[0].done.wait, 20)
    assert server.requests[0].left_early
    await model.aclose()


@pytest.mark.realtime
async def test_a_cancelled_reader_closes_the_connection(server: OpenAIServer) -> None:
    model = model_of(server)
    began = asyncio.Event()

    async def read() -> None:
        async for _ in model.respond(user("count")):
            began.set()

    task = asyncio.create_task(read())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.requests[0].done.wait, 20)
    assert server.requests[0].left_early
    await model.aclose()


@pytest.mark.realtime
async def test_the_key_is_shown_nowhere(
    server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = "sk-another"
    model = model_of(server)
    error = await error_of(model)
    assert type(error) is ModelDenied
    assert str(error) == "Incorrect API key provided: ***"
    assert KEY not in repr(model)
    assert caplog.records
    assert KEY not in caplog.text
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_key_and_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.example/v1")
    assert OpenAIModel("test").base_url == "http://model.example/v1"
    assert OpenAIModel("test", base_url="http://other.example").base_url == "http://other.example"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelDenied, match="no key for the model 'test': set OPENAI_API_KEY"):
        OpenAIModel("test")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "openai":
            raise ImportError(name)
        return imported(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "openai", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"callboard\[openai\]"):
        OpenAIModel("test", api_key=KEY)
