"""A conversation that is kept: a worker that is killed goes on where it was."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callboard import Failed, StartFailed
from callboard.actors import lifecycle
from callboard.actors.llm import (
    Call,
    ChatMessage,
    Conversation,
    ConversationKeeper,
    Fail,
    LLMActivationArgs,
    Pause,
    Say,
    ScriptedModel,
    ToolCall,
    tool,
    when,
)
from callboard.actors.llm.keeper import Forget, Kept, Recall, Remember
from callboard.actors.testing import drive, eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.parlour import Parlour, Talker, parlour, words


class Kind(Talker):
    """Greets, and is kept."""

    active = False
    keeper: str | None = "keeper"

    @tool
    async def look(self) -> str:
        """Look for something, for long."""
        await self.request("nobody", "look", timeout=50)
        return "found"


def model() -> ScriptedModel:
    return ScriptedModel(
        when("^greet", "Welcome."),
        when("^slow", Say("Half a word", pace=5), " and the rest"),
        when("^look", Call("look")),
        when("^poison", Pause(1), Fail(Boom("poison"))),
        when("^remember", lambda scene: f"You said: {', '.join(scene.said)}"),
        otherwise="You said: {text}",
    )


def kept(script: ScriptedModel, **settings: Any) -> Any:
    return parlour(("keeper", ConversationKeeper), ("a", partial(Kind, script)), heard=None)


async def greeted(place: Parlour) -> None:
    await place.node.activate("a", LLMActivationArgs([{"role": "user", "content": "greet"}]))
    await place.until(lambda: place.replies == 1)


async def crash(place: Parlour) -> None:
    """Have the worker fail, and wait for its next life."""
    worker = place.worker("a")
    life = worker.incarnation
    lifecycle.end(worker._place, Failed(Boom("killed")))
    await place.until(
        lambda: place.worker("a") is not None and place.worker("a").incarnation == life + 1
    )
    await eventually(lambda: place.main.bridge.heard == ("a",))


@pytest.mark.check("M42", "M145")
async def test_a_restarted_worker_knows_the_conversation_and_does_not_greet_again() -> None:
    async with kept(model()) as p:
        await greeted(p)
        assert await p.reply("my name is Ada") == "You said: my name is Ada"
        await crash(p)
        await settle()
        assert words(p.heard) == "Welcome.You said: my name is Ada"
        assert await p.reply("remember") == "You said: greet, my name is Ada, remember"


async def test_a_reply_that_was_under_way_is_had_again_once() -> None:
    script = model()
    async with kept(script) as p:
        await greeted(p)
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("Half "))
        await crash(p)
        await p.until(lambda: words(p.heard).endswith("Half Half a word and the rest"))
        assert [each["role"] for each in p.worker("a").conversation][2:] == ["user", "assistant"]


async def test_a_tool_that_ran_at_the_crash_has_failed_for_the_model() -> None:
    async with kept(model()) as p:
        await greeted(p)
        await p.say("look")
        await p.until(lambda: p.worker("a").tool_calls_active == 1)
        await crash(p)
        await p.until(lambda: words(p.heard).endswith("'a' was restarted while it ran"))


async def test_a_reply_that_crashes_its_worker_is_not_tried_for_ever() -> None:
    script = model()
    async with kept(script) as p:
        await greeted(p)
        await p.say("poison")
        await p.until(lambda: p.worker("a") is not None and p.worker("a").incarnation == 3)
        await settle()
        assert len(script.runs) == 3
        assert await p.reply("well") == "You said: well"
        assert p.worker("a").incarnation == 3


async def test_another_activation_adds_its_messages_to_what_was_kept() -> None:
    async with kept(model()) as p:
        await greeted(p)
        await crash(p)
        args = LLMActivationArgs([{"role": "user", "content": "remember"}])
        await p.node.activate("a", args)
        await p.until(lambda: words(p.heard).endswith("You said: greet, remember"))


async def test_what_is_forgotten_is_forgotten_by_the_keeper_too() -> None:
    async with kept(model()) as p:
        await greeted(p)
        p.worker("a").forget()
        assert await p.reply("one") == "You said: one"
        await crash(p)
        assert await p.reply("remember") == "You said: one, remember"


async def test_without_its_keeper_it_does_not_start() -> None:
    with pytest.raises(StartFailed, match="the worker 'keeper' was not ready"):
        async with drive(partial(Kind, model())):
            raise AssertionError


async def test_without_a_keeper_a_conversation_lasts_as_long_as_its_incarnation() -> None:
    class Plain(Kind):
        keeper = None

    async with parlour(("a", partial(Plain, model())), heard=None) as p:
        await greeted(p)
        await p.reply("one")
        await crash(p)
        await p.until(lambda: p.replies == 3)  # the activation is kept, and its greeting with it
        assert await p.reply("remember") == "You said: greet, remember"


async def test_a_keeper_keeps_what_it_is_told_bounded_and_counts_recalls() -> None:
    async with drive(partial(ConversationKeeper, 2)) as w:
        w.tell(Remember("a", 0, ["1", "2", "3"], "x", "o", True))
        w.tell(Remember("a", 1, ["4"], "x", "o", True))
        assert await w.request(Recall("a")) == Kept(["1", "4"], "x", "o", True, 0)
        assert await w.request(Recall("a")) == Kept(["1", "4"], "x", "o", True, 1)
        w.tell(Remember("a", 2, [], "y", "p", False))
        assert await w.request(Recall("a")) == Kept(["1", "4"], "y", "p", False, 0)
        assert await w.request(Recall("b")) == Kept()
        w.tell(Remember("b", 0, ["b"]))
        w.tell(Remember("a", 0, ["a"]))
        w.tell(Remember("c", 0, ["c"]))
        assert await w.request(Recall("b")) == Kept()
        w.tell(Forget("a"))
        assert await w.request(Recall("a")) == Kept()


class Scribe(Talker):
    """Changes its conversation as a test says, and tells its keeper."""

    keeper = "keeper"
    bridged = None

    def change(self, edit: list[Any]) -> None:
        conversation = self.conversation
        match edit:
            case ["say", text]:
                conversation.user(str(text))
            case ["call", number]:
                conversation.assistant("", [ToolCall(str(number), "look")])
            case ["result", number]:
                conversation.result(str(number), "found")
            case ["cut", number]:
                del conversation[int(number) :]
            case _:
                conversation[:] = [{"role": "system", "content": "anew"}]
        self.conversation_changed()


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.text(max_size=3)),
        st.tuples(st.sampled_from(["call", "result", "cut"]), st.integers(0, 3)),
        st.tuples(st.just("anew")),
    ).map(list),
    max_size=12,
)


@settings(max_examples=40)
@given(edits=EDITS)
async def test_the_keeper_knows_every_change(edits: list[list[Any]]) -> None:
    others = {"keeper": ConversationKeeper}
    async with drive(partial(Scribe, ScriptedModel()), name="a", others=others) as w:
        for edit in edits:
            w.worker.change(edit)
            answer = await w.worker.request("keeper", Recall("a"))
            assert answer.messages == list(w.worker.conversation)


def valid(messages: list[ChatMessage]) -> bool:
    """Whether every tool call stands before a result of its own."""
    for index, message in enumerate(messages):
        calls = [call["id"] for call in message.get("tool_calls") or ()]
        after = messages[index + 1 : index + 1 + len(calls)]
        if [each.get("tool_call_id") for each in after] != calls:
            return False
    return True


@given(edits=EDITS)
def test_a_conversation_is_well_formed_after_every_word(edits: list[list[Any]]) -> None:
    talk = Conversation()
    for number, edit in enumerate(edits):
        match edit:
            case ["say", text]:
                talk.user(str(text))
            case ["call", count]:
                talk.assistant("", [ToolCall(f"{number}.{n}", "look") for n in range(int(count))])
            case ["result", count]:
                calls = [each["tool_call_id"] for each in talk if each["role"] == "tool"]
                assert talk.result("no such call", "x") is False
                assert all(talk.result(call, "found") for call in calls[: int(count)])
            case _:
                talk.give_up("over")
                assert all("running" not in str(each["content"]) for each in talk)
        assert valid(talk)
    assert talk.awaits_reply is bool(talk and talk[-1]["role"] != "assistant")
