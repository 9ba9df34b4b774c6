"""Interruptions: they end a turn where it is, with the tools that it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial

import pytest

from callboard import JobCancelled
from callboard.actors.frames import (
    Direction,
    Frame,
    ReplyEndFrame,
    Stage,
    ToolCallFrame,
    ToolResultFrame,
)
from callboard.actors.llm import (
    Call,
    ScriptedModel,
    tool,
    when,
)
from callboard.actors.testing import eventually, settle
from tests.actors.llm.handy import Handy, Helper, calls, handy, results, script
from tests.actors.llm.parlour import Talker, kinds, parlour, words
from tests.actors.llm.talk import model, said


@pytest.mark.check("M146")
async def test_an_interruption_closes_the_stream_and_keeps_what_was_said() -> None:
    script = model()
    async with parlour(("a", partial(Talker, script))) as p:
        await p.say("slow")
        await p.until_heard("two ")
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        assert script.closed_early == 1
        worker = p.worker("a")
        assert said(worker) == [("user", "slow"), ("assistant", "one two ")]
        assert worker.ended == ["one two "]
        await asyncio.sleep(100)
        assert words(p.heard) == "one two "
        assert await p.reply("go on") == "You said: go on"


@pytest.mark.check("M146")
async def test_an_interruption_before_any_word_leaves_no_reply_in_the_conversation() -> None:
    async with parlour(("a", partial(Talker, ScriptedModel(delay=10)))) as p:
        await p.say("hm")
        await p.until(lambda: kinds(p.heard) == ["ReplyStart"])
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        assert said(p.worker("a")) == [("user", "hm")]


async def test_what_waits_at_an_interruption_is_kept_and_not_replied_to_by_itself() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.say("slow")
        await p.say("and this")
        await p.until_heard("two ")
        await p.interrupt()
        await p.say("no, that")
        await p.until(lambda: p.replies == 2)
        await settle()
        assert words(p.heard) == "one two You said: no, that"
        assert said(p.worker("a"))[1:] == [
            ("assistant", "one two "),
            ("user", "and this"),
            ("user", "no, that"),
            ("assistant", "You said: no, that"),
        ]


async def test_an_interruption_with_nothing_being_said_changes_nothing() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        await p.interrupt()
        assert await p.reply("hi") == "You said: hi"
        await p.interrupt()
        assert await p.reply("ho") == "You said: ho"


async def test_an_interruption_is_not_for_the_turn_of_a_job() -> None:
    async with parlour(("a", partial(Talker, model()))) as p:
        answer = asyncio.create_task(p.node.request("a", payload="slow"))
        await eventually(lambda: p.worker("a").llm.busy)
        await p.interrupt()
        assert await answer == "one two three four"


@pytest.mark.check("M146")
async def test_a_cancelled_job_interrupts_its_turn_or_never_has_it() -> None:
    script = model()
    async with parlour(("a", partial(Talker, script))) as p:
        first = p.node.start_job("a", payload="pause")
        await eventually(lambda: bool(script.runs))
        second = p.node.start_job("a", payload="second")
        await settle()
        second.cancel("no more")
        first.cancel("enough")
        for each in (first, second):
            with pytest.raises(JobCancelled):
                await each
        await eventually(lambda: not p.worker("a").llm.busy)
        assert said(p.worker("a")) == [("user", "pause"), ("assistant", "Before. ")]
        assert script.closed_early == 1
        assert await p.reply("hi") == "You said: hi"


@pytest.mark.check("M146")
async def test_an_interruption_cancels_tools_with_their_jobs_unless_they_say_otherwise() -> None:
    model = script(when("both", "Wait. ", Call("stoppable"), Call("lasting")))
    async with handy(model) as p:
        await p.say("both")
        await p.until(lambda: len(p.worker("helper").deadlines) == 3)
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        await settle()
        assert sorted(p.worker("helper").cancelled) == ["begun", "stoppable"]
        assert p.worker("a").tool_calls_active == 1
        running = json.dumps({"status": "running"})
        assert results(p) == [json.dumps({"error": "it was interrupted"}), running]
        told = ToolResultFrame("stoppable", "call_1", None, "it was interrupted")
        assert p.heard.index(told) < p.heard.index(ReplyEndFrame(interrupted=True))
        assert sum(isinstance(each, ToolResultFrame) for each in p.heard) == 1
        assert await p.reply("hi") == "You said: hi"
        await p.until(lambda: p.worker("a").tool_calls_active == 0)
        assert results(p)[1] == "done lasting"
        assert p.worker("helper").cancelled == ["begun", "stoppable"]
        await p.until(lambda: p.heard[-1] == ToolResultFrame("lasting", "call_2", "done lasting"))
        assert len(model.runs) == 2


async def test_a_worker_that_ends_ends_its_tools() -> None:
    async with handy(script()) as p:
        await p.say("lasting")
        helper = p.worker("helper")
        await p.until(lambda: len(helper.deadlines) == 1)
        p.node.kill()
    assert helper.cancelled == ["lasting"]


async def test_a_tool_may_start_what_goes_on_after_it() -> None:
    class Starting(Talker):
        @tool
        async def send_off(self) -> str:
            self.started = self.start_job("helper", "long", "later")
            return "started"

    model = ScriptedModel(calls("send_off"))
    async with parlour(("helper", Helper), ("a", partial(Starting, model))) as p:
        assert await p.reply("send_off") == "started"
        await p.interrupt()
        assert await p.worker("a").started == "done later"


@pytest.mark.check("M146")
async def test_tools_that_were_not_begun_at_the_interruption_never_are() -> None:
    class Slow(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if isinstance(frame, ToolCallFrame):
                await asyncio.sleep(5)
            await self.push(frame, direction)

    class Behind(Handy):
        def build_pipeline(self) -> Sequence[Stage]:
            return [self.llm, Slow()]

    script = ScriptedModel(when("both", Call("weather", city="Rome"), Call("sync")))
    async with parlour(("helper", Helper), ("a", partial(Behind, script))) as p:
        await p.say("both")
        await p.until(lambda: bool(results(p)))
        await asyncio.sleep(6)  # the first was begun and has ended, the second is being announced
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        error = json.dumps({"error": "it was interrupted"})
        assert results(p) == ['{"colour": "blue"}', error]
        shown = [each.name for each in p.heard if isinstance(each, ToolResultFrame)]
        assert shown == ["weather"]
