"""Tools at work: their results, their errors, their time, what they queue, what they start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from callboard import JobFailed, JobRequest, Worker, job
from callboard.actors.frames import (
    Frame,
    ProgressFrame,
    ReplyTextFrame,
    SpeakFrame,
    TextFrame,
    ToolCallFrame,
    ToolResultFrame,
    TranscriptionFrame,
)
from callboard.actors.llm import Call, LLMWorker, Say, ScriptedModel, ToolAnswer, after, tool, when
from callboard.actors.testing import eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.parlour import Parlour, Talker, kinds, now, parlour, words


@dataclass
class Sky:
    colour: str


class Helper(Worker):
    """Does jobs, some of them for long, and notes which were cancelled."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.deadlines: list[float | None] = []

    @job("add")
    async def add(self, request: JobRequest) -> int:
        return sum(request.payload)

    @job("long")
    async def take_long(self, request: JobRequest) -> str:
        self.deadlines.append(request.deadline)
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            self.cancelled.append(str(request.payload))
            raise
        return f"done {request.payload}"


class Handy(Talker):
    """Has a tool for each test."""

    async def on_start(self) -> None:
        await super().on_start()
        self.log: list[Any] = []

    @tool
    async def weather(self, city: str, days: int = 1) -> Sky:
        """Tell the weather."""
        self.log.append((self.name, city, days))
        return Sky("blue")

    @tool
    def sync(self) -> str:
        return "at once"

    @tool
    async def boom(self) -> None:
        raise Boom("no luck")

    @tool(timeout=5)
    async def slow(self) -> None:
        try:
            await self.request("helper", "long", "slow")
        except asyncio.CancelledError:
            self.log.append("slow was cancelled")
            raise

    @tool(timeout=5)
    async def deaf(self) -> None:
        try:
            await asyncio.sleep(8)
        except asyncio.CancelledError:
            await asyncio.sleep(20)
            await self.push_frame(SpeakFrame("far too late"))
            self.log.append("deaf ended")

    @tool
    async def add(self, numbers: list[int]) -> Any:
        return await self.request("helper", "add", numbers)

    @tool
    async def group(self) -> Any:
        async with self.job_group("helper", "other", job="add", payload=[1, 2]) as g:
            pass
        return g.responses

    @tool
    async def stoppable(self) -> Any:
        self.start_job("helper", "long", "begun")  # and not awaited
        return await self.request("helper", "long", "stoppable")

    @tool(cancel_on_interruption=False)
    async def lasting(self) -> Any:
        return await self.request("helper", "long", "lasting")

    @tool
    async def quiet(self) -> ToolAnswer:
        return ToolAnswer({"noted": True}, run=False)

    @tool
    async def speak(self, text: str, seconds: float = 0) -> None:
        await self.push_frame(SpeakFrame(f"{text} begins", keep=False))
        await asyncio.sleep(seconds)
        await self.push_frame(SpeakFrame(f"{text} ends", keep=False))

    @tool
    async def outer(self) -> None:
        await self.push_frame(SpeakFrame("outer begins", keep=False))
        await self.speak("inner", 1)
        await self.push_frame(SpeakFrame("outer ends", keep=False))

    @tool
    async def speak_and_fail(self) -> None:
        await self.push_frame(SpeakFrame("before the fall", keep=False))
        await asyncio.sleep(2)
        raise Boom("fell")

    @tool
    async def report(self) -> str:
        await self.progress("half way")
        await asyncio.sleep(5)
        await self.progress("there", status="completed", job="walk", job_id="7")
        return "arrived"


def calls(name: str, *others: Call, **arguments: Any) -> Any:
    return when(f"^{name}$", Call(name, **arguments), *others)


def script(*rules: Any) -> ScriptedModel:
    names = ["sync", "boom", "slow", "deaf", "group", "stoppable", "lasting", "quiet", "outer"]
    names += ["speak_and_fail", "report", "unheard_of"]
    return ScriptedModel(*rules, *(calls(name) for name in names), otherwise="You said: {text}")


def handy(model: ScriptedModel) -> Any:
    return parlour(("helper", Helper), ("other", Helper), ("a", partial(Handy, model)))


def results(place: Parlour) -> list[Any]:
    """The results in the conversation, as they are there."""
    return [each["content"] for each in place.worker("a").conversation if each["role"] == "tool"]


def spoken(frames: Sequence[Frame]) -> list[str]:
    return [each.text for each in frames if isinstance(each, SpeakFrame)]


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


async def test_a_result_may_be_recorded_without_another_run() -> None:
    model = script()
    async with handy(model) as p:
        assert await p.reply("quiet") == ""
        assert len(model.runs) == 1
        assert results(p) == ['{"noted": true}']


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
        assert await p.reply("hi") == "You said: hi"
        await p.until(lambda: p.worker("a").tool_calls_active == 0)
        assert results(p)[1] == "done lasting"
        assert p.worker("helper").cancelled == ["begun", "stoppable"]
        await p.until(lambda: p.heard[-1] == ToolResultFrame("lasting", "call_2", "done lasting"))
        assert len(model.runs) == 2


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
