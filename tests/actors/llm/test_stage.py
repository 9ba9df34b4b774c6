"""The model as a stage in the pipeline of a worker that is no LLM worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from callboard import Deadlock, JobRequest, job
from callboard.actors.frames import (
    Direction,
    Frame,
    PipelineWorker,
    ReplyEndFrame,
    ReplyTextFrame,
    Stage,
    TextFrame,
)
from callboard.actors.llm import (
    Call,
    LLMStage,
    Say,
    ScriptedModel,
    StreamBroken,
    after,
    tool,
    when,
)
from callboard.actors.llm.conversation import as_messages
from callboard.actors.testing import drive


class Collect(Stage):
    """Answers the first open job with each whole reply."""

    def __init__(self, owner: Controller) -> None:
        self._owner = owner
        self._said = ""

    async def process(self, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, ReplyTextFrame):
            self._said += frame.text
        elif isinstance(frame, ReplyEndFrame):
            said, self._said = self._said, ""
            self._owner.open.pop(0).respond(said)
        await self.push(frame, direction)


MODEL = ScriptedModel(
    when("how warm", Call("read")),
    when("slow", Say("one two", pace=10)),
    when("nested", Call("nested")),
    after("read", "It is {result} degrees."),
    otherwise="I control the temperature.",
)


class Controller(PipelineWorker):
    bridged: ClassVar[tuple[str, ...] | None] = None

    async def on_start(self) -> None:
        self.open: list[JobRequest] = []
        self.degrees = 21.5

    def build_pipeline(self) -> Sequence[Stage]:
        self.llm = LLMStage(
            MODEL, tools=[self.read, self.nested], instructions="You control.", max_rounds=3
        )
        return [self.llm, Collect(self)]

    @tool(timeout=3)
    def read(self) -> float:
        """Read the temperature."""
        return self.degrees

    async def nested(self) -> str:
        return await self.llm.take_turn(as_messages("how warm"))

    @job("question")
    async def question(self, request: JobRequest) -> None:
        request.defer()
        self.open.append(request)
        await self.queue_frame(TextFrame(request.payload))

    @job("direct")
    async def direct(self, request: JobRequest) -> str:
        return await self.llm.take_turn(as_messages(request.payload))


@pytest.mark.check("M143", "M149")
async def test_a_question_goes_through_the_pipeline_and_its_reply_answers_the_job() -> None:
    async with drive(Controller) as w:
        assert await w.request("question", "how warm is it?") == "It is 21.5 degrees."
        assert await w.request("question", "hm") == "I control the temperature."
        assert await w.request("direct", {"text": "how warm"}) == "It is 21.5 degrees."
        talk = w.worker.llm.conversation
        assert [each["role"] for each in talk].count("user") == 3
        assert MODEL.runs[-1].messages[0] == {"role": "system", "content": "You control."}


async def test_two_questions_are_answered_in_order() -> None:
    async with drive(Controller) as w:
        answers = await asyncio.gather(w.request("question", "slow"), w.request("question", "hm"))
        assert list(answers) == ["one two", "I control the temperature."]


async def test_a_turn_cannot_be_had_inside_a_turn() -> None:
    async with drive(Controller) as w:
        reply = await w.request("question", "nested")
        assert reply.startswith(f"That did not work: {Deadlock.__name__}")


@pytest.mark.parametrize(
    ("payload", "texts"),
    [
        ("a", ["a"]),
        ({"text": "a"}, ["a"]),
        ({"messages": [{"role": "user", "content": "a"}]}, ["a"]),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], ["a", "b"]),
    ],
)
def test_what_is_said_may_come_in_several_forms(payload: Any, texts: list[str]) -> None:
    assert [each["content"] for each in as_messages(payload)] == texts


def test_a_model_error_says_what_it_is_without_a_text() -> None:
    assert str(StreamBroken()) == "The reply broke off before it was complete."
