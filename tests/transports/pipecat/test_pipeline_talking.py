"""Workers that talk by a model, heard through a Pipecat pipeline."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pipecat.frames import frames as theirs

from callboard import Child
from callboard.actors.llm import LLMActivationArgs, LLMWorker, ScriptedModel, tool, when
from callboard.actors.llm.script import Call
from callboard.actors.testing import eventually
from tests.transports.pipecat.owners import Push, Stage, kinds
from tests.transports.pipecat.pipelines import company

pytestmark = pytest.mark.realtime

LONG = " ".join(f"word{number}" for number in range(200))


class Greeter(LLMWorker):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)

    def build_model(self) -> ScriptedModel:
        return ScriptedModel(
            when("lamp", Call("transfer", reason="the lamp is broken")),
            when("story", LONG),
            when("hello", "Hello! What can I do for you?"),
            pace=0.005,
        )

    @tool
    async def transfer(self, reason: str) -> None:
        """Hand the user over to support.

        Args:
            reason: What it is about.

        """
        await self.hand_over("support", [{"role": "user", "content": reason}])


class Support(LLMWorker):
    bridged: ClassVar[tuple[str, ...] | None] = ("voice",)

    def build_model(self) -> ScriptedModel:
        return ScriptedModel(
            when("broken", "Support here. Is it plugged in?"), when("yes", "Then I have no idea.")
        )


def heard(text: str) -> theirs.Frame:
    """What speech to text makes of what a user says."""
    return theirs.TranscriptionFrame(text, "user", "", finalized=True)


def replies(stage: Stage) -> list[str]:
    """The whole replies that were heard, and the one that is being said."""
    said: list[str] = []
    for frame in stage.after.frames:
        if isinstance(frame, theirs.LLMFullResponseStartFrame):
            said.append("")
        elif isinstance(frame, theirs.LLMTextFrame):
            said[-1] += frame.text
    return said


@pytest.mark.check("M133", "M137")
async def test_two_workers_talk_in_turn_and_the_second_takes_over_with_what_it_is_about() -> None:
    stage = Stage("voice", exclusive=True)
    async with company(Child("greeter", Greeter), Child("support", Support), stage.child()) as node:
        await node.activate("greeter", LLMActivationArgs([{"role": "user", "content": "hello"}]))
        await eventually(lambda: replies(stage) == ["Hello! What can I do for you?"])
        await node.ask("main", Push([heard("my lamp does not work")]))
        await eventually(lambda: replies(stage)[-1] == "Support here. Is it plugged in?")
        assert stage.bridge.heard == ("support",)
        await node.ask("main", Push([heard("yes it is")]))
        await eventually(lambda: replies(stage)[-1] == "Then I have no idea.")
        ended = [each for each in kinds(stage.after.frames) if "FullResponse" in each]
        assert ended == ["LLMFullResponseStartFrame", "LLMFullResponseEndFrame"] * (len(ended) // 2)


async def test_an_interruption_ends_the_reply_at_once_and_the_next_is_whole() -> None:
    stage = Stage("voice", exclusive=True)
    async with company(Child("greeter", Greeter), stage.child()) as node:
        await node.activate("greeter")
        await node.ask("main", Push([heard("tell me a story")]))
        await eventually(lambda: len(replies(stage)) == 1 and "word5" in replies(stage)[0])
        await node.ask("main", Push([theirs.InterruptionFrame(), heard("hello")]))
        await eventually(lambda: replies(stage)[-1] == "Hello! What can I do for you?")
        assert "word199" not in replies(stage)[0]


async def test_the_result_of_a_tool_does_not_run_a_model_of_the_pipeline() -> None:
    stage = Stage("voice")
    async with company(Child("greeter", Greeter), Child("support", Support), stage.child()) as node:
        await node.activate("greeter")
        await node.ask("main", Push([heard("my lamp")]))
        await eventually(lambda: "FunctionCallResultFrame" in kinds(stage.after.frames))
        (result,) = [
            each for each in stage.after.frames if isinstance(each, theirs.FunctionCallResultFrame)
        ]
        assert result.function_name == "transfer" and result.run_llm is False
