"""A session of workers that talk by a model: hand-over, tools, the end, and a restart."""

from typing import Any

from callboard import Child
from callboard.actors.llm.script import Call, after, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.actors.llm.tools import tool
from callboard.actors.llm.worker import LLMActivationArgs, LLMWorker
from callboard.actors.testing import eventually
from callboard.examples.talking.events import FloorChanged, ReplyEnded, ToolCalled, ToolEnded
from callboard.examples.talking.example import Example
from callboard.examples.talking.session import Session
from tests.examples.talking.cast import read, said


def model() -> ScriptedModel:
    return ScriptedModel(
        when("begin", "Hello from the greeter."),
        when("my lamp", "One moment.", Call("transfer", reason="a broken lamp")),
        when("nobody", Call("transfer_to_nobody")),
        when("time", Call("look_at_clock")),
        when("bye", "Goodbye!", Call("say_goodbye")),
        when("a broken lamp", "Support here."),
        after("look_at_clock", "It is {result}."),
        otherwise="Yes?",
        delay=0.5,
        pace=0.1,
    )


class Talker(LLMWorker):
    bridged = ()
    instructions = "You talk."

    @tool
    async def transfer(self, reason: str) -> None:
        """Hand over to support."""
        await self.hand_over("support", [{"role": "user", "content": reason}])

    @tool
    async def transfer_to_nobody(self) -> None:
        """Hand over to nobody."""
        await self.hand_over("nobody", [])

    @tool
    async def look_at_clock(self) -> str:
        """Tell the time."""
        return "noon"

    @tool
    async def say_goodbye(self) -> None:
        """End the session."""
        await self.end_session("bye was said")


def example(**fields: Any) -> Example:
    workers = [Child(name, lambda: Talker(model())) for name in ("greeter", "support")]
    opening = LLMActivationArgs([{"role": "user", "content": "begin"}])
    return Example("Talk", first="greeter", workers=workers, opening=opening, **fields)


async def test_each_line_is_answered_before_the_next_one_over_tools_and_hand_overs() -> None:
    async with Session(example()) as session:
        await session.settled()
        for line in ("the time please", "nobody", "my lamp", "who is there"):
            await session.say(line)
            assert await session.settled(within=60)
    events = await read(session)
    lines = said(events)
    assert "no worker is called 'nobody'" in lines.pop(2)
    assert lines == [
        "greeter: Hello from the greeter.",
        "greeter: It is noon.",
        "greeter: One moment.",
        "support: Support here.",
        "support: Yes?",
    ]
    assert FloorChanged("support", "greeter") in events
    calls = [event.call_id for event in events if isinstance(event, ToolCalled)]
    ended = [event.call_id for event in events if isinstance(event, ToolEnded)]
    assert len(calls) == 3 and set(ended) == set(calls)


async def test_a_tool_that_ends_the_session_lets_its_last_words_out() -> None:
    async with Session(example()) as session:
        await session.settled()
        await session.say("bye")
        assert await session.settled(within=60)
        assert session.ended is not None
    assert said(await read(session))[-1] == "greeter: Goodbye!"


async def test_an_interruption_in_mid_reply_is_followed_by_the_new_answer() -> None:
    async with Session(example()) as session:
        await session.settled()
        await session.say("who is there")
        await eventually(lambda: session.quiet.speaking)
        await session.say("the time please", interrupt=True)
        assert await session.settled(within=60)
    events = await read(session)
    assert ReplyEnded("greeter", interrupted=True) in events
    assert said(events)[1:] == ["greeter: It is noon."]
