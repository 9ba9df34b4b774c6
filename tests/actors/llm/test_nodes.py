"""Talkers on other nodes: handing over between them, jobs, and one that is lost with its node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, ClassVar

import pytest

from callboard import LocalBus, LocalTransport, Node, Worker
from callboard.actors.frames import ToolCallFrame, ToolResultFrame
from callboard.actors.llm import (
    ChatMessage,
    ConversationKeeper,
    LLMActivationArgs,
    Say,
    ScriptedModel,
    when,
)
from callboard.actors.testing import eventually
from tests.actors.frames.studio import Main, company
from tests.actors.llm.hosts import GREET, SUPPORT, Host, Idle
from tests.actors.llm.parlour import Parlour, kinds, words

Start = Callable[..., Any]

WELCOME: list[ChatMessage] = [{"role": "user", "content": "welcome"}]


class Away(Host):
    active = False


class Kept(Idle):
    bridged: ClassVar[tuple[str, ...] | None] = ()
    keeper = "keeper"


SCRIPT = ScriptedModel(
    when("^welcome", "Hello."),
    when("^slow", Say("one two three", pace=5)),
    when("^what", lambda scene: f"You said: {', '.join(scene.said)}"),
    otherwise="I see.",
)


async def nodes(
    stack: AsyncExitStack, bus: LocalBus, **workers: list[tuple[str, Callable[[], Worker]]]
) -> dict[str, Node]:
    return {
        name: await stack.enter_async_context(
            company(*each, name=name, transports=[LocalTransport(bus)])
        )
        for name, each in workers.items()
    }


def main() -> tuple[str, Callable[[], Worker]]:
    return ("main", partial(Main, exclusive=True))


async def test_a_worker_starts_once_its_keeper_on_another_node_is_known() -> None:
    bus = LocalBus()
    made = partial(company, transports=[LocalTransport(bus)])
    front = made(("talker", partial(Kept, SCRIPT)), name="front")
    starting = asyncio.ensure_future(front.start())
    await asyncio.sleep(2)
    assert not starting.done()
    async with company(
        ("keeper", ConversationKeeper), name="kept", transports=[LocalTransport(bus)]
    ):
        await starting
        await front.stop()


def test_what_is_no_message_is_refused_where_it_is_written() -> None:
    wrong: Any = ["hello"]
    with pytest.raises(TypeError, match="messages are objects with a role"):
        LLMActivationArgs(wrong)
    said = [{"role": "user", "content": "hello"}]
    assert LLMActivationArgs.of("hello") == LLMActivationArgs.of(said) == LLMActivationArgs(said)


@pytest.mark.check("M43", "M150")
async def test_a_tool_hands_over_to_a_worker_of_another_node() -> None:
    async with AsyncExitStack() as stack:
        here = await nodes(
            stack,
            LocalBus(),
            front=[main()],
            one=[("a", partial(Away, GREET))],
            two=[("b", partial(Idle, SUPPORT))],
        )
        p = Parlour(here["front"])
        await eventually(lambda: here["front"].ref("a") is not None, within=20)
        await here["front"].activate("a", LLMActivationArgs([], run=False))
        await eventually(lambda: p.main.bridge.heard == ("a",), within=20)
        assert await p.reply("hello") == "Host: hello"
        await p.say("to b")
        await p.until(lambda: p.replies == 3)
        assert words(p.heard) == "Host: helloI connect you.Support: the lamp is broken"
        assert kinds(p.heard)[3:9] == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "Speak",
            "ReplyEnd",
        ]
        shown = [each for each in p.heard if isinstance(each, ToolCallFrame | ToolResultFrame)]
        reason = {"to": "b", "reason": "the lamp is broken"}
        assert shown == [
            ToolCallFrame("transfer", "call_1", reason),
            ToolResultFrame("transfer", "call_1", "handed over to b"),
        ]
        reply = await p.reply("and the switch")
        assert reply == "Support: and the switch"
        assert await here["one"].request("b", payload="by job") == "Support: by job"


async def test_a_talker_lost_with_its_node_goes_on_on_the_next_one() -> None:
    bus = LocalBus()
    async with AsyncExitStack() as stack:
        here = await nodes(stack, bus, front=[main(), ("keeper", ConversationKeeper)])
        p = Parlour(here["front"])
        args = LLMActivationArgs(WELCOME)

        async def begin(name: str) -> Node:
            talking = company(
                ("a", partial(Kept, SCRIPT)), name=name, transports=[LocalTransport(bus)]
            )
            await stack.enter_async_context(talking)
            ref = here["front"].ref
            await eventually(lambda: ref("a") is not None, within=60)
            await here["front"].activate("a", args)
            await eventually(lambda: p.main.bridge.heard == ("a",), within=60)
            return talking

        first = await begin("first")
        await p.until(lambda: p.replies == 1)
        assert await p.reply("my name is Ada") == "I see."
        await p.say("slow")
        await p.until_heard("one ")
        first.kill()
        await eventually(lambda: here["front"].ref("a") is None, within=60)
        await begin("second")
        await p.until_heard("one two three")
        assert words(p.heard) == "Hello.I see.one one two three"
        assert await p.reply("what") == "You said: welcome, my name is Ada, slow, what"
        other: dict[str, Any] = {"messages": [{"role": "user", "content": "what"}]}
        await here["front"].activate("a", other)
        await p.until_heard("You said: welcome, my name is Ada, slow, what, what")
