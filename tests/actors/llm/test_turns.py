"""Turns: words leave as they come, one turn after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest

from callboard import JobCrashed, Worker, job
from callboard.actors.frames import (
    ContextFrame,
    Direction,
    ErrorFrame,
    InterruptionFrame,
    MessagesFrame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    RunFrame,
    SpeakFrame,
    Stage,
    TextFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
)
from callboard.actors.llm import (
    Call,
    Fail,
    ModelEvent,
    ScriptedModel,
    TextPiece,
    tool,
    when,
)
from callboard.actors.testing import eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.parlour import Talker, kinds, now, parlour, words
from tests.actors.llm.talk import model, said


@pytest.mark.check("M145")
async def test_words_leave_in_order_and_the_hook_gets_the_whole_reply_once() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.say("hello there")
        await p.until(lambda: p.replies == 1)
        assert p.heard == [
            ReplyStartFrame(),
            ReplyTextFrame("You "),
            ReplyTextFrame("said: "),
            ReplyTextFrame("hello "),
            ReplyTextFrame("there"),
            ReplyEndFrame(),
        ]
        assert p.worker("a").ended == ["You said: hello there"]


@pytest.mark.check("M145")
async def test_the_words_leave_while_the_model_still_speaks() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        began = now()
        await p.say("slow")
        await p.until_heard("two ")
        assert now() - began == pytest.approx(1, abs=0.2)
        await p.until(lambda: p.replies == 1)
        assert now() - began == pytest.approx(3, abs=0.2)


@pytest.mark.check("M145")
async def test_turns_go_one_after_another_and_keep_the_conversation_in_order() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.say("slow 1")
        await p.main.queue_frame(TextFrame("second"))
        await p.say("third")
        await p.until(lambda: p.replies == 3)
        assert words(p.heard) == "one two three fourYou said: secondYou said: third"
        assert said(p.worker("a")) == [
            ("user", "slow 1"),
            ("assistant", "one two three four"),
            ("user", "second"),
            ("assistant", "You said: second"),
            ("user", "third"),
            ("assistant", "You said: third"),
        ]
        assert kinds(p.heard) == ["ReplyStart", "ReplyText", "ReplyEnd"] * 3


@pytest.mark.check("M145")
async def test_jobs_take_their_turns_with_the_rest_and_share_the_conversation() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.say("slow")
        await eventually(lambda: p.worker("a").llm.busy)
        first = asyncio.create_task(p.node.request("a", payload="for a job"))
        await settle()
        await p.say("again")
        assert await first == "You said: for a job"
        await p.until(lambda: p.replies == 2)
        assert await p.node.request("a", "any name", {"text": "last"}) == "You said: last"
        assert [text for role, text in said(p.worker("a")) if role == "user"] == [
            "slow",
            "for a job",
            "again",
            "last",
        ]
        # What a job is answered is for its caller, and for nobody else.
        assert words(p.heard) == "one two three fourYou said: again"
        assert len(p.worker("a").ended) == 4


async def test_the_reply_of_a_job_is_streamed_as_it_comes() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        chunks: list[tuple[str, float]] = []
        began = now()
        async with p.node.job(
            "a", payload={"messages": [{"role": "user", "content": "slow"}]}
        ) as j:
            async for event in j:
                chunks.append((event.data, now() - began))
        assert chunks == [("one ", 0), ("two ", 1), ("three ", 2), ("four", 3)]
        assert j.response == "one two three four"


async def test_a_job_that_says_nothing_fails_and_the_worker_lives() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        for payload in (None, {}, 3, {"words": "x"}, ["x"]):
            with pytest.raises(Exception, match="no job for 'a'"):
                await p.node.request("a", payload=payload)
        assert await p.node.request("a", payload="hi") == "You said: hi"
        assert p.worker("a").incarnation == 1


async def test_an_error_of_the_model_ends_the_turn_and_the_worker_lives() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        assert await p.reply("limit") == "Half"
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        assert p.main.before.frames[-1] == ErrorFrame("too much")
        assert p.main.before.ways[-1] is Direction.UP
        assert said(p.worker("a")) == [("user", "limit"), ("assistant", "Half")]
        assert p.worker("a").ended == ["Half"]
        with pytest.raises(Exception, match="too much"):
            await p.node.request("a", payload="limit")
        assert await p.reply("hi") == "You said: hi"
        assert p.worker("a").incarnation == 1


async def test_a_stream_that_ends_without_its_end_is_a_broken_one() -> None:
    class Abrupt:
        async def respond(
            self, messages: Any, tools: Any = None, *, tool_choice: Any = None
        ) -> AsyncIterator[ModelEvent]:
            yield TextPiece("Hm")

    async with parlour(("a", partial(Talker, Abrupt()))) as p:
        assert await p.reply("hi") == "Hm"
        assert said(p.worker("a"))[-1] == ("assistant", "Hm")
        assert p.main.before.frames[-1] == ErrorFrame("The reply broke off before it was complete.")


async def test_any_other_error_in_a_turn_fails_the_worker_once_its_reply_has_ended() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        assert await p.reply("crash") == "Half"
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        await p.until(lambda: p.worker("a") is not None and p.worker("a").incarnation == 2)
        assert await p.reply("hi") == "You said: hi"
        with pytest.raises(JobCrashed, match="the model is broken"):
            await p.node.request("a", payload="crash")
        assert p.worker("a").incarnation == 2


async def test_a_hook_that_raises_fails_the_worker() -> None:
    class Fragile(Talker):
        async def on_turn_ended(self, reply: str) -> None:
            raise Boom(reply)

    async with parlour(("a", partial(Fragile, model()))) as p:
        await p.say("hi")
        await p.until(lambda: p.worker("a") is not None and p.worker("a").incarnation == 2)


@pytest.mark.check("M145")
async def test_messages_context_and_run_frames_make_turns_too() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        system = {"role": "system", "content": "Note."}
        await p.main.queue_frame(MessagesFrame([system], run=False))
        await p.until(lambda: said(p.worker("a")) == [("system", "Note.")])
        assert p.heard == []
        await p.main.queue_frame(MessagesFrame([{"role": "user", "content": "one"}]))
        await p.until(lambda: p.replies == 1)
        await p.main.queue_frame(RunFrame())
        await p.until(lambda: p.replies == 2)
        await p.main.queue_frame(ContextFrame([{"role": "user", "content": "anew"}]))
        await p.until(lambda: p.replies == 3)
        assert said(p.worker("a")) == [("user", "anew"), ("assistant", "You said: anew")]


async def test_what_is_not_for_the_model_passes_as_it_came() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        others = [
            TranscriptionFrame("not yet", final=False),
            TranscriptionFrame("  "),
            UserStartedSpeakingFrame(),
            ReplyTextFrame("a word"),
            SpeakFrame("not kept", keep=False),
            SpeakFrame("Welcome."),
        ]
        for frame in others:
            await p.main.queue_frame(frame)
        await p.until(lambda: len(p.heard) == len(others))
        assert p.heard == others
        await p.main.queue_frame(TextFrame("up"), Direction.UP)
        await p.until(lambda: p.main.before.frames[-1] == TextFrame("up"))
        await p.interrupt()
        await p.until(lambda: p.heard[-1] == InterruptionFrame())
        assert said(p.worker("a")) == [("assistant", "Welcome.")]


async def test_a_turn_inside_a_turn_is_refused_at_once() -> None:
    class Circular(Talker):
        @tool
        async def ask_myself(self) -> Any:
            return await self.take_turn("hello?")

        @tool
        async def ask_round(self) -> Any:
            return await self.request("b", "round")

        @tool
        async def ask_by_job(self) -> Any:
            return await self.request(self.name, payload="hello?")

    class Between(Worker):
        @job("round")
        async def go_round(self, request: object) -> Any:
            return await self.request("a", payload="hello?")

    names = ["ask_myself", "ask_round", "ask_by_job"]
    script = model(*(when(f"^{name}$", Call(name)) for name in names))
    async with parlour(("a", partial(Circular, script)), ("b", Between)) as p:
        for name in names:
            reply = await p.reply(name)
            assert reply.startswith("That did not work: "), reply
            assert "wait" in reply


async def test_a_worker_that_is_stopped_finishes_its_turns() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.say("slow")
        await p.say("then this")
        await eventually(lambda: len(p.worker("a").llm.waiting) == 1)
        main = p.main
        await p.node.drain()
    assert words(main.after.frames) == "one two three fourYou said: then this"


async def test_a_worker_that_is_killed_leaves_nothing_of_its_turn() -> None:
    script = model()
    async with parlour(("a", partial(Talker, script))) as p:
        await p.say("pause")
        await p.until_heard("Before. ")
        p.node.kill()
    assert script.closed_early == 1


async def test_the_reply_passes_the_stages_after_the_model() -> None:
    class Loud(Stage):
        async def process(self, frame: Any, direction: Direction) -> None:
            if isinstance(frame, ReplyTextFrame):
                frame = ReplyTextFrame(frame.text.upper())
            await self.push(frame, direction)

    class Shouter(Talker):
        def build_pipeline(self) -> Sequence[Stage]:
            return [self.llm, Loud()]

    async with parlour(("a", partial(Shouter, model()))) as p:
        assert await p.reply("hi") == "YOU SAID: HI"
        assert said(p.worker("a"))[-1] == ("assistant", "You said: hi")


async def test_the_instructions_stand_first_and_are_read_anew_for_each_run() -> None:
    script = model()
    async with parlour(("a", partial(Talker, script))) as p:
        await p.reply("one")
        p.worker("a").instructions = "Be brief."
        await p.reply("two")
        assert [run.messages[0]["content"] for run in script.runs] == ["one", "Be brief."]
        assert said(p.worker("a"))[0] == ("user", "one")


async def test_a_model_that_goes_on_calling_tools_is_told_to_answer_and_then_fails() -> None:
    class Stubborn(Talker):
        max_rounds = 3

        @tool
        async def again(self) -> None:
            """Do it again."""

    rounds = [Call("again")] * 3
    script = ScriptedModel.in_order(*rounds, "Enough.", *rounds, Call("again"))
    async with parlour(("a", partial(Stubborn, script))) as p:
        assert await p.reply("go") == "Enough."
        assert [run.tool_choice for run in script.runs] == [None, None, None, "none"]
        assert await p.reply("go") == ""
        assert isinstance(p.main.before.frames[-1], ErrorFrame)
        assert "called tools in 4 rounds" in p.main.before.frames[-1].error
        assert await p.reply("hi") == "I have no answer to that: hi"


async def test_an_exit_in_a_turn_ends_the_node_in_order() -> None:
    class Leaving(Talker):
        @tool
        async def leave_all(self) -> None:
            raise SystemExit(3)

    script = model(when("^exit", Fail(SystemExit(3))), when("^tool", Call("leave_all")))
    for text in ("exit", "tool"):
        mains: list[Any] = []
        with pytest.raises(SystemExit):  # what the block of a node then does
            async with parlour(("a", partial(Leaving, script))) as p:
                mains.append(p.main)
                await p.say(text)
                await p.until(lambda: p.node.state == "stopped")
        assert mains[0].after.lifecycle[-1] == "EndFrame"
