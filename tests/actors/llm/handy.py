"""A worker with a tool for each test, and one that does jobs for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from callboard import JobRequest, Worker, job
from callboard.actors.frames import (
    Frame,
    SpeakFrame,
)
from callboard.actors.llm import Call, ScriptedModel, ToolAnswer, tool, when
from tests.actors.jobs.crew import Boom
from tests.actors.llm.parlour import Parlour, Talker, parlour


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
