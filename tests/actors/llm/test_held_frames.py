"""Frames that tools queue: they leave when the last of them has ended."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard.actors.frames import (
    ProgressFrame,
    SpeakFrame,
    TranscriptionFrame,
)
from callboard.actors.llm import Call, ScriptedModel, ToolAnswer, after, tool, when
from callboard.actors.testing import settle
from tests.actors.llm.handy import calls, handy, script, spoken
from tests.actors.llm.parlour import Talker, kinds, now, parlour, words


@pytest.mark.check("M147")
async def test_frames_of_running_tools_leave_after_the_last_of_them_in_order() -> None:
    model = script(
        when("both", Call("speak", text="a", seconds=3), Call("speak", text="b", seconds=5)),
        after("speak", "Done."),
    )
    async with handy(model) as p:
        worker = p.worker("a")
        await p.say("both")
        await p.until(lambda: worker.tool_calls_active == 2)
        await worker.push_frame(SpeakFrame("from elsewhere", keep=False))
        assert spoken(p.heard) == []  # it is on its way
        await asyncio.sleep(1)
        assert spoken(p.heard) == ["from elsewhere"]
        await p.until(lambda: worker.tool_calls_active == 1)
        await asyncio.sleep(1)
        assert spoken(p.heard) == ["from elsewhere"]
        await p.until(lambda: p.replies == 1)
        assert worker.tool_calls_active == 0
        assert spoken(p.heard)[1:] == ["a begins", "b begins", "a ends", "b ends"]
        last = kinds(p.heard)
        assert last[-7:] == ["ToolResult", *["Speak"] * 4, "ReplyText", "ReplyEnd"]
        await worker.push_frame(SpeakFrame("none is running", keep=False))
        await p.until(lambda: spoken(p.heard)[-1] == "none is running")


@pytest.mark.check("M147")
async def test_frames_of_nested_tools_and_of_one_that_raises_leave_in_order() -> None:
    model = script(
        when("all", Call("outer"), Call("speak_and_fail")),
        after("outer", "Nested."),
        after("speak_and_fail", "So so: {error}", failed=True),
    )
    async with handy(model) as p:
        assert await p.reply("outer") == "Nested."
        nested = ["outer begins", "inner begins", "inner ends", "outer ends"]
        assert spoken(p.heard) == nested
        assert await p.reply("speak_and_fail") == "So so: Boom: fell"
        assert spoken(p.heard)[4:] == ["before the fall"]
        await p.say("all")
        await p.until(lambda: p.worker("a").tool_calls_active == 1)
        assert len(spoken(p.heard)) == 5
        await p.until(lambda: p.replies == 3)
        assert spoken(p.heard)[5:] == [*nested[:2], "before the fall", *nested[2:]]


@pytest.mark.check("M147")
async def test_a_frame_that_a_tool_queues_into_the_pipeline_is_held_too() -> None:
    class Queueing(Talker):
        @tool
        async def remind(self) -> ToolAnswer:
            await self.queue_frame(TranscriptionFrame("and then?"))
            await asyncio.sleep(3)
            return ToolAnswer("noted", run=False)

    model = ScriptedModel(calls("remind"), otherwise="You said: {text}")
    async with parlour(("a", partial(Queueing, model))) as p:
        began = now()
        await p.say("remind")
        await p.until(lambda: p.replies == 2)
        assert now() - began == pytest.approx(3, abs=0.1)
        assert words(p.heard) == "You said: and then?"


async def test_progress_is_told_at_once() -> None:
    async with handy(script()) as p:
        await p.say("report")
        await p.until(lambda: kinds(p.heard)[-1:] == ["Progress"])
        assert p.heard[-1] == ProgressFrame("a", "report", "half way")
        await p.until(lambda: p.replies == 1)
        assert ProgressFrame("a", "walk", "there", "completed", "7") in p.heard


@pytest.mark.check("M146", "M147")
async def test_what_an_interrupted_tool_wanted_to_say_is_not_said() -> None:
    class Waiting(Talker):
        @tool
        async def wait(self) -> None:
            await self.push_frame(SpeakFrame("One moment"))
            await self.push_frame(ProgressFrame("a", "b", "c"))
            await asyncio.sleep(100)

    async with parlour(("a", partial(Waiting, ScriptedModel(calls("wait"))))) as p:
        await p.say("wait")
        await p.until(lambda: p.worker("a").tool_calls_active == 1)
        await settle()
        await p.interrupt()
        await p.until(lambda: p.replies == 1)
        assert await p.reply("hi") == "I have no answer to that: hi"
        assert spoken(p.heard) == []
