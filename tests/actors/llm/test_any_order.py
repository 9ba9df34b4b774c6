"""Whatever is said, interrupted, asked for and cancelled when: one voice, a whole conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callboard import Job, JobError
from callboard.actors.frames import (
    Frame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    SpeakFrame,
)
from callboard.actors.llm import (
    Call,
    Conversation,
    Fail,
    LLMActivationArgs,
    ModelUnavailable,
    Say,
    ScriptedModel,
    tool,
    when,
)
from callboard.actors.testing import eventually
from tests.actors.llm.parlour import Parlour, Talker, parlour

KINDS = ["quick", "slow", "tool", "lasting", "both", "fail", "move", "lost"]


class Busy(Talker):
    """Does all that a talker can do."""

    @tool
    async def walk(self) -> str:
        await self.push_frame(SpeakFrame("I walk."))
        await asyncio.sleep(2)
        return "walked"

    @tool(cancel_on_interruption=False, timeout=4)
    async def run(self) -> str:
        await self.push_frame(SpeakFrame("I run."))
        await asyncio.sleep(3)
        return "ran"

    @tool
    async def move(self, to: str) -> None:
        await self.hand_over(to, [{"role": "user", "content": "quick"}])


def model(other: str) -> ScriptedModel:
    return ScriptedModel(
        when("^slow", Say("one two three", pace=1)),
        when("^tool", "So: ", Call("walk")),
        when("^lasting", Call("run")),
        when("^both", "Well.", Call("run"), Call("walk")),
        when("^fail", "Half", Fail(ModelUnavailable("away"))),
        when("^move", "Bye.", Call("move", to=other)),
        when("^lost", Call("move", to="nobody")),
        otherwise="Yes: {text}",
    )


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(KINDS)),
        st.tuples(st.just("job"), st.sampled_from(KINDS[:6])),
        st.tuples(st.sampled_from(["interrupt", "cancel", "hand back"])),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 1.0, 2.5, 8.0])),
    ),
    max_size=14,
)


async def act(p: Parlour, action: tuple[Any, ...], jobs: list[Job[Any]]) -> None:
    match action:
        case ("say", kind):
            await p.say(f"{kind} {len(p.heard)}")
        case ("job", kind):
            jobs.append(p.node.start_job("a", payload=str(kind)))
        case ("interrupt",):
            await p.interrupt()
        case ("cancel",):
            for each in jobs[-1:]:
                each.cancel("no more")
        case ("hand back",):
            await p.node.activate("a", LLMActivationArgs([], run=False))
        case _:
            seconds = float(action[1])
            await asyncio.sleep(seconds)


def one_voice(frames: Sequence[Frame]) -> bool:
    """Whether replies stand one after another, and words inside of them."""
    inside = False
    for frame in frames:
        match frame:
            case ReplyStartFrame() | ReplyEndFrame():
                if inside is isinstance(frame, ReplyStartFrame):
                    return False
                inside = not inside
            case ReplyTextFrame() if not inside:
                return False
            case _:
                pass
    return not inside


def whole(messages: Conversation) -> bool:
    """Whether each tool call stands before its results, which have come."""
    for index, message in enumerate(messages):
        calls = [call["id"] for call in message.get("tool_calls") or ()]
        after = messages[index + 1 : index + 1 + len(calls)]
        if [each.get("tool_call_id") for each in after] != calls:
            return False
    return not any("running" in str(each["content"]) for each in messages)


@pytest.mark.check("M145", "M146", "M147")
@settings(max_examples=60)
@given(actions=ACTIONS)
@example(actions=[("say", "move"), ("wait", 1.0), ("say", "slow"), ("wait", 0.5), ("hand back",)])
@example(actions=[("say", "both"), ("wait", 0.5), ("interrupt",), ("say", "move")])
async def test_there_is_one_voice_and_a_whole_conversation(actions: list[tuple[Any, ...]]) -> None:
    async with parlour(
        ("a", partial(Busy, model("b"))), ("b", partial(Busy, model("a"))), heard=None
    ) as p:
        await p.node.activate("a", None)
        await eventually(lambda: p.main.bridge.heard == ("a",))
        await p.node.deactivate("b")
        jobs: list[Job[Any]] = []
        for action in actions:
            await act(p, action, jobs)
        a, b = p.worker("a"), p.worker("b")
        await asyncio.sleep(600)
        assert not (a.llm.busy or b.llm.busy or a.tool_calls_active or b.tool_calls_active)
        assert one_voice(p.heard), p.heard
        assert whole(a.conversation) and whole(b.conversation)
        assert a.incarnation == b.incarnation == 1
        for each in jobs:
            assert each.done
            assert isinstance(each.error, JobError) or isinstance(each.response, str)
        if len(p.main.bridge.heard) == 1:
            reply = await p.reply("quick at last")
            assert reply.startswith("Yes: quick at last")
