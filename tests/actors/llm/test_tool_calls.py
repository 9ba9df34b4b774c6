"""Tools at work: their results, their errors, their time, the jobs they start."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from callboard import JobFailed, JobRequest, job
from callboard.actors.frames import (
    ReplyTextFrame,
    TextFrame,
    ToolCallFrame,
    ToolResultFrame,
)
from callboard.actors.llm import Call, LLMWorker, Say, ScriptedModel, after, tool, when
from callboard.actors.testing import eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.handy import Handy, Helper, calls, handy, results, script, spoken
from tests.actors.llm.parlour import Talker, kinds, now, parlour, words


@pytest.mark.check("M142")
async def test_all_tools_are_offered_and_without_any_no_list() -> None:
    class Bare(Talker):
        bridged = None

    model, bare = script(), script()
    async with parlour(("a", partial(Handy, model)), ("b", partial(Bare, bare)), heard=None) as p:
        await p.node.request("a", payload="x")
        await p.node.request("b", payload="x")
    offered = model.runs[0].tools
    assert offered is not None
    assert [each.name for each in offered] == list(Handy.own_tools)
    assert bare.runs[0].tools is None


@pytest.mark.check("M143", "M145")
async def test_a_tool_is_called_and_the_model_runs_on_its_result() -> None:
    model = script(
        when(r"in (\w+)", "Let me see.", Call("weather", city="{1}")),
        after("weather", "It is {result[colour]}."),
    )
    async with handy(model) as p:
        assert await p.reply("in Rome") == "Let me see. It is blue."
        assert p.worker("a").log == [("a", "Rome", 1)]
        assert p.worker("a").ended == ["Let me see. It is blue."]
        assert kinds(p.heard) == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "ReplyText",
            "ReplyEnd",
        ]
        assert [each for each in p.heard if isinstance(each, ToolCallFrame | ToolResultFrame)] == [
            ToolCallFrame("weather", "call_1", {"city": "Rome"}),
            ToolResultFrame("weather", "call_1", {"colour": "blue"}),
        ]
        function = {"name": "weather", "arguments": '{"city": "Rome"}'}
        assert p.worker("a").conversation == [
            {"role": "user", "content": "in Rome"},
            {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"colour": "blue"}'},
            {"role": "assistant", "content": "It is blue."},
        ]


@pytest.mark.check("M143")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"city": 3}, "city must be a string, not 3"),
        ({}, "city is missing"),
        ({"city": "Rome", "days": "two"}, "days must be a whole number, not 'two'"),
        ({"city": "Rome", "wind": 1}, "wind is not known; known: city, days"),
    ],
)
async def test_arguments_that_do_not_fit_give_an_error_and_no_call(
    arguments: dict[str, Any], text: str
) -> None:
    async with handy(script(when("go", Call("weather", **arguments)))) as p:
        assert await p.reply("go") == f"That did not work: {text}"
        assert results(p) == [json.dumps({"error": text})]
        assert p.worker("a").log == []
        assert ToolResultFrame("weather", "call_1", None, text) in p.heard


async def test_a_tool_that_nobody_has_is_an_error_for_the_model() -> None:
    async with handy(script()) as p:
        reply = await p.reply("unheard_of")
        assert reply.startswith("That did not work: there is no tool 'unheard_of'; there are: ")


@pytest.mark.check("M148")
async def test_a_tool_that_raises_gives_the_model_an_error_and_the_worker_lives() -> None:
    async with handy(script()) as p:
        assert await p.reply("boom") == "That did not work: Boom: no luck"
        assert await p.reply("sync") == "at once"
        assert p.worker("a").incarnation == 1


@pytest.mark.check("M148")
async def test_a_tool_that_passes_its_timeout_is_cancelled_with_its_jobs() -> None:
    async with handy(script()) as p:
        began = now()
        assert await p.reply("slow") == "That did not work: it took longer than 5 s"
        assert now() - began == pytest.approx(5, abs=0.1)
        await settle()
        assert p.worker("a").log == ["slow was cancelled"]
        assert p.worker("helper").cancelled == ["slow"]
        assert p.worker("helper").deadlines == [pytest.approx(began + 5, abs=0.1)]
        assert p.worker("a").incarnation == 1


@pytest.mark.check("M148")
async def test_a_tool_that_does_not_hear_that_it_is_cancelled_is_left_behind() -> None:
    async with handy(script()) as p:
        began = now()
        assert await p.reply("deaf") == "That did not work: it took longer than 5 s"
        assert now() - began == pytest.approx(5, abs=0.1)
        assert p.worker("a").tool_calls_active == 0
        assert await p.reply("hi") == "You said: hi"
        await p.until(lambda: p.worker("a").log == ["deaf ended"])
        await settle()
        assert spoken(p.heard) == []  # nobody waits for what it says then


@pytest.mark.check("M149")
async def test_a_tool_runs_a_job_or_a_group_of_them() -> None:
    async with handy(script(calls("add", numbers=[1, 2, 3]))) as p:
        assert await p.reply("add") == "6"
        assert await p.reply("group") == '{"helper": 3, "other": 3}'


@pytest.mark.check("M149")
async def test_a_function_that_is_no_method_gets_its_worker() -> None:
    async def ask_helper(worker: LLMWorker, numbers: list[int]) -> Any:
        """Ask the helper."""
        return await worker.request("helper", "add", numbers)

    class Modest(Talker):
        tools = (ask_helper,)

    model = ScriptedModel(calls("ask_helper", numbers=[4, 5]))
    async with parlour(("helper", Helper), ("a", partial(Modest, model))) as p:
        assert await p.reply("ask_helper") == "9"
        offered = model.runs[0].tools
        assert offered is not None
        assert list(offered[0].parameters["properties"]) == ["numbers"]


@pytest.mark.check("M149")
async def test_a_tool_in_the_turn_of_a_job_knows_that_job_and_its_deadline() -> None:
    class Employed(Handy):
        @tool
        async def work(self) -> Any:
            await self.current_job.update("begun")
            await self.progress("going on")
            return await self.request("helper", "long", "work")

    model = ScriptedModel(calls("work"))
    async with parlour(("helper", Helper), ("a", partial(Employed, model))) as p:
        began, seen = now(), list[Any]()
        async with p.node.job("a", payload="work", timeout=55) as asked:
            async for event in asked:
                seen.append(event.data)
        assert seen[:2] == ["begun", "going on"]
        assert asked.response == "done work"
        assert p.worker("helper").deadlines == [pytest.approx(began + 55, abs=0.1)]
        with pytest.raises(TimeoutError):
            await p.node.request("a", payload="work", timeout=20)
        await settle()
        assert p.worker("helper").cancelled == ["work"]


async def test_tools_of_one_round_run_at_once() -> None:
    model = script(
        when("both", Call("speak", text="a", seconds=3), Call("speak", text="b", seconds=5)),
        after("speak", "Done."),
    )
    async with handy(model) as p:
        began = now()
        assert await p.reply("both") == "Done."
        assert now() - began == pytest.approx(5, abs=0.1)


async def test_a_result_may_be_recorded_without_another_run() -> None:
    model = script()
    async with handy(model) as p:
        assert await p.reply("quiet") == ""
        assert len(model.runs) == 1
        assert results(p) == ['{"noted": true}']


async def test_words_of_two_rounds_are_not_one_word() -> None:
    model = script(when("go", Say("First."), Call("sync")), after("sync", "Second."))
    async with handy(model) as p:
        assert await p.reply("go") == "First. Second."
        texts = [each.text for each in p.heard if isinstance(each, ReplyTextFrame)]
        assert texts == ["First.", " Second."]


async def test_a_job_may_fail_by_its_tools_and_be_told_so() -> None:
    class Failing(Talker):
        @job("check")
        async def check(self, request: JobRequest) -> str:
            reply = await self.take_turn("boom", job=request)
            raise JobFailed(reply)

        @tool
        async def boom(self) -> None:
            raise Boom

    async with parlour(("a", partial(Failing, ScriptedModel(calls("boom"))))) as p:
        with pytest.raises(JobFailed, match="That did not work: Boom"):
            await p.node.request("a", "check")


async def test_two_frames_of_text_are_two_turns() -> None:
    async with handy(script()) as p:
        for text in ("a", "b"):
            await p.main.queue_frame(TextFrame(text))
        await p.until(lambda: p.replies == 2)
        await eventually(lambda: words(p.heard) == "You said: aYou said: b")
