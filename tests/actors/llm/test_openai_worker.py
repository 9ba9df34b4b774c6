"""An LLM worker with the real client of OpenAI's API, against a server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from callboard.actors.frames import ErrorFrame, ReplyEndFrame
from callboard.actors.llm import Call, OpenAIModel, Pause, ScriptedModel, after, tool, when
from callboard.actors.testing import LeakCheck
from tests.actors.llm.parlour import Parlour, Talker, parlour, words
from tests.servers.openai_server import OpenAIServer, Trouble

SCRIPT = ScriptedModel(
    when(r"weather in (\w+)", "Let me see.", Call("weather", city="{1}"), Call("sea")),
    when("misfit", Call("weather", town="Rome")),
    when("count", "one two", Pause(60), " three"),
    after("weather", "It is {weather} there, the sea {sea}."),
    after("weather", "I cannot: {error}", failed=True),
    otherwise="You said: {text}",
)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(SCRIPT) as server:
        yield server


class Abroad(Talker):
    """Has its model behind a server; it is closed with the worker."""

    server: OpenAIServer
    instructions = "You know the weather."

    def build_model(self) -> OpenAIModel:
        return OpenAIModel("test", api_key="sk-test", base_url=self.server.url, retries=0)

    @tool
    async def weather(self, city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        return f"sunny in {city}"

    @tool
    async def sea(self) -> str:
        """Tell how the sea is."""
        await asyncio.sleep(0.01)
        return "calm"


def room(at: OpenAIServer) -> Any:
    class Here(Abroad):
        server = at

    return parlour(("a", Here))


async def heard(place: Parlour, text: str, replies: int) -> str:
    before = len(place.heard)
    await place.say(text)
    await place.until(lambda: place.replies == replies)
    return words(place.heard[before:])


@pytest.mark.check("M143", "M145", "M152")
@pytest.mark.realtime
async def test_tools_are_called_and_their_results_are_spoken_of(server: OpenAIServer) -> None:
    async with room(server) as p:
        reply = await heard(p, "weather in Rome", 1)
        assert reply == "Let me see. It is sunny in Rome there, the sea calm."
        assert await heard(p, "misfit", 2) == (
            "I cannot: city is missing; town is not known; known: city"
        )
        talk = list(p.worker("a").conversation)
    sent = server.requests[-1].body
    assert sent["messages"] == [
        {"role": "system", "content": "You know the weather."},
        *talk[:-1],
    ]
    assert [each["function"]["name"] for each in sent["tools"]] == ["weather", "sea"]


@pytest.mark.check("M146", "M152")
@pytest.mark.realtime
async def test_an_interruption_closes_the_connection(server: OpenAIServer) -> None:
    async with room(server) as p:
        await p.say("count")
        await p.until_heard("one two")
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        assert await asyncio.to_thread(server.requests[0].done.wait, 20)
        assert server.requests[0].left_early
        assert p.worker("a").conversation[-1] == {"role": "assistant", "content": "one two"}


@pytest.mark.check("M152")
@pytest.mark.realtime
async def test_a_broken_stream_ends_the_turn_and_the_next_one_is_had(server: OpenAIServer) -> None:
    server.trouble(Trouble(cut_after=3), Trouble(429))
    async with room(server) as p:
        assert await heard(p, "what now", 1) == "You said: "
        assert isinstance(p.main.before.frames[-1], ErrorFrame)
        assert "the reply broke off" in p.main.before.frames[-1].error
        assert await heard(p, "well", 2) == ""
        assert await heard(p, "and now", 3) == "You said: and now"
        assert p.worker("a").incarnation == 1


@pytest.mark.realtime
async def test_nothing_is_left_of_the_model_when_its_worker_has_ended(server: OpenAIServer) -> None:
    check = LeakCheck()
    async with room(server) as p:
        assert await heard(p, "hi", 1) == "You said: hi"
    await check.verify()
