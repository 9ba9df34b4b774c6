"""Handing over from a tool, and ending the session from one."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    AskTimeout,
    NoActor,
    on,
)
from callboard.actors.frames import (
    ReplyEndFrame,
    ToolResultFrame,
)
from callboard.actors.llm import (
    Call,
    LLMActivationArgs,
    ScriptedModel,
    tool,
    when,
)
from callboard.actors.testing import drive, eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.hosts import GREET, SUPPORT, Host, Idle, actives, pair, said, user
from tests.actors.llm.parlour import kinds, parlour, words


@pytest.mark.check("M150")
async def test_a_hand_over_records_its_result_lets_the_speech_out_and_then_activates() -> None:
    async with pair() as p:
        await p.say("to b")
        await p.until(lambda: p.replies == 2)
        assert actives(p) == ["b"]
        assert kinds(p.heard) == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "Speak",
            "ReplyEnd",
            "ReplyStart",
            "ReplyText",
            "ReplyEnd",
        ]
        assert words(p.heard) == "I connect you.Support: the lamp is broken"
        a = p.worker("a")
        assert said(a)[-2:] == [("assistant", "I connect you."), ("tool", "handed over to b")]
        assert a.log == ["deactivated", "handed over", "I connect you."]
        assert said(p.worker("b"))[0] == ("user", "the lamp is broken")
        assert await p.reply("and the switch") == "Support: and the switch"
        assert not any(run.messages[-1]["role"] == "tool" for run in GREET.runs)


@pytest.mark.check("M150")
async def test_an_unknown_worker_is_an_error_for_the_model_and_this_one_stays_active() -> None:
    async with pair() as p:
        reply = await p.reply("to nobody")
        assert reply == "I connect you. They do not answer: NoActor: no worker is called 'nobody'"
        assert actives(p) == ["a"]
        assert p.worker("a").log == [reply]
        error = {"error": "NoActor: no worker is called 'nobody'"}
        assert said(p.worker("a"))[2] == ("tool", json.dumps(error))
        assert await p.reply("well") == "Host: well"


@pytest.mark.check("M150")
async def test_a_worker_whose_activation_fails_gives_it_back_and_nothing_is_said_twice() -> None:
    class Broken(Idle):
        async def on_activated(self, args: Any) -> None:
            raise Boom("not today")

    model = ScriptedModel(
        when("welcome", "Hello."), when("to b", Call("transfer", to="b", reason="x"))
    )

    class Lazy(Host):
        active = False

    async with parlour(
        ("a", partial(Lazy, model)), ("b", partial(Broken, SUPPORT)), heard=None
    ) as p:
        await p.node.activate("a", LLMActivationArgs([user("welcome")]))
        await p.until(lambda: p.replies == 1)
        await p.say("to b")
        await p.until(lambda: "That did not work" in words(p.heard) and p.replies == 3)
        assert p.worker("a").active
        assert [text for _, text in said(p.worker("a"))].count("welcome") == 1
        await p.until(lambda: p.worker("b") is not None)


async def test_a_tool_may_activate_another_plainly_to_the_same_effect() -> None:
    async with pair() as p:
        await p.say("plainly")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Support: plainly"
        assert said(p.worker("a"))[-1] == ("tool", "it is theirs now")
        assert actives(p) == ["b"]


async def test_a_hand_over_waits_for_the_other_tools_of_its_round() -> None:
    async with pair() as p:
        await p.say("both")
        await p.until(lambda: p.replies == 2)
        results = [each for each in p.heard if isinstance(each, ToolResultFrame)]
        assert [each.name for each in results] == ["dawdle", "transfer"]
        assert said(p.worker("a"))[-2:] == [("tool", "dawdled"), ("tool", "handed over to b")]


async def test_of_two_hand_overs_in_one_round_one_is_an_error() -> None:
    async with pair() as p:
        await p.say("twice")
        await p.until(lambda: p.replies == 2)
        errors = [each.error for each in p.heard if isinstance(each, ToolResultFrame)]
        assert errors == ["CallboardError: the tool 'transfer' ends this turn already", ""]
        assert words(p.heard) == "Support: 1"


async def test_what_a_user_says_while_it_hands_over_is_handed_over_too() -> None:
    async with pair() as p:
        await p.say("both")
        await eventually(lambda: p.worker("a").tool_calls_active == 2)
        await p.say("are you there")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Support: are you there"
        assert [each for each in said(p.worker("b")) if each[0] == "user"] == [
            ("user", "both"),
            ("user", "are you there"),
        ]


async def test_an_interruption_does_not_tear_a_hand_over_apart() -> None:
    class Slow(Idle):
        async def on_activated(self, args: Any) -> None:
            await asyncio.sleep(2)

    async with pair(support=Slow) as p:
        await p.say("to b")
        await p.until(lambda: p.worker("a").log == ["deactivated"])
        await p.interrupt()
        await p.until(lambda: len(p.worker("a").log) == 3)
        assert p.worker("a").log == ["deactivated", "handed over", "I connect you."]
        assert actives(p) == ["b"]


async def test_a_hand_over_from_outside_a_turn_ends_what_is_being_said() -> None:
    class Manager(Host):
        @on(str)
        async def manage(self, to: str) -> None:
            await self.hand_over(to, [user("now")])

    async with parlour(("a", partial(Manager, GREET)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        await p.node.ask("a", "b")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "one two Support: now"
        assert ReplyEndFrame(interrupted=True) in p.heard


async def test_a_hook_may_hand_over_too() -> None:
    class Polite(Host):
        async def on_turn_ended(self, reply: str) -> None:
            if reply == "Host: your turn":
                await self.hand_over("b", [user(reply)])

    async with parlour(("a", partial(Polite, GREET)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("your turn")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Host: your turnSupport: Host: your turn"


async def test_a_tool_may_put_its_worker_to_rest() -> None:
    async with pair() as p:
        assert await p.reply("rest") == "I rest."
        await p.until(lambda: actives(p) == [])
        assert p.worker("a").log == ["deactivated", "I rest."]


async def test_a_silent_worker_is_an_error_after_a_while() -> None:
    class Deaf(Idle):
        @on(str)
        async def sleep(self, text: str) -> None:
            await asyncio.sleep(100)

    async with pair(support=Deaf) as p:
        p.node.tell("b", "sleep")
        await settle()
        reply = await p.reply("to b")
        assert "They do not answer: AskTimeout" in reply
        assert actives(p) == ["a"]


async def test_what_a_failed_hand_over_raises_may_be_handled_by_the_tool() -> None:
    class Careful(Host):
        @tool
        async def attempt(self) -> str:
            for name in ("nobody", "b"):
                try:
                    await self.hand_over(name, [user("second try")])
                except (NoActor, AskTimeout, ActorFailed):
                    self.log.append(f"not {name}")
            return "tried"

    model = ScriptedModel(when("go", "Wait.", Call("attempt")))
    async with parlour(("a", partial(Careful, model)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("go")
        await p.until(lambda: p.replies == 2)
        assert p.worker("a").log == ["not nobody", "deactivated", "Wait."]
        assert words(p.heard) == "Wait.Support: second try"
        assert len(model.runs) == 1


@pytest.mark.check("M151")
async def test_a_tool_ends_the_session_after_the_last_words() -> None:
    before = len(GREET.runs)
    async with pair() as p:
        main, a = p.main, p.worker("a")
        await p.say("bye")
        await p.until(lambda: p.node.state == "stopped")
        assert kinds(main.after.frames) == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "Speak",
            "ReplyEnd",
        ]
        assert words(main.after.frames) == "Goodbye."
        assert main.after.lifecycle[-1] == "EndFrame"
        assert a.log == ["Goodbye."]
        assert len(GREET.runs) == before + 1


async def test_where_there_is_no_node_no_session_can_be_ended() -> None:
    async with drive(partial(Host, GREET)) as w:
        reply = await w.request(payload="bye")
        assert reply.startswith("Goodbye. I cannot: NotStarted: 'worker' stands on no node")


async def test_a_session_may_be_ended_from_outside_a_turn() -> None:
    class Manager(Host):
        @on(str)
        async def manage(self, reason: str) -> None:
            await self.end_session(reason)

    async with parlour(("a", partial(Manager, GREET))) as p:
        main = p.main
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        p.node.tell("a", "enough")
        await p.until(lambda: p.node.state == "stopped")
        assert words(main.after.frames) == "one two three four"  # it is let finish
