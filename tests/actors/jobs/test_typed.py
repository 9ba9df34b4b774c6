"""Typed jobs: the message is name and payload, and its handler gets the message itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from callboard import (
    Child,
    JobCrashed,
    JobFailed,
    JobMessage,
    JobRequest,
    JobTimeout,
    JobUpdate,
    LocalMessage,
    ThreadWorker,
    Worker,
    job,
)
from tests.actors.jobs.crew import node_of


class Analysis(LocalMessage):
    text: str


class Analyse(JobMessage[Analysis]):
    topic: str


class Chapters(JobMessage[int]):
    count: int


class Later(JobMessage[str]):
    pass


class Unheard(JobMessage[None]):
    pass


class Analyst(Worker):
    open: JobRequest | None = None

    @job(Analyse)
    async def analyse(self, message: Analyse) -> Analysis:
        await self.current_job.update("reading")
        await asyncio.sleep(1)
        if not message.topic:
            raise JobFailed("no topic")
        return Analysis(f"on {message.topic}")

    @job(Chapters)
    async def chapters(self, message: Chapters) -> AsyncIterator[str]:
        for number in range(message.count):
            yield f"chapter {number}"
        self.current_job.respond(message.count)

    @job(Later)
    async def later(self, message: Later) -> None:
        self.open = self.current_job
        self.current_job.defer()
        asyncio.get_running_loop().call_later(2, self.open.respond, "later")


async def test_a_typed_job_is_answered_and_its_handler_gets_the_message() -> None:
    async with node_of(Child("analyst", Analyst)) as node:
        assert await node.request("analyst", Analyse("bees")) == Analysis("on bees")
        with pytest.raises(JobFailed, match="no topic") as failure:
            await node.request("analyst", Analyse(""))
        assert failure.value.job == "Analyse"
        with pytest.raises(JobTimeout):
            await node.request("analyst", Analyse("bees"), timeout=0.5)


async def test_the_handler_of_a_typed_job_reports_streams_and_defers_by_the_current_job() -> None:
    async with node_of(Child("analyst", Analyst)) as node:
        async with node.job("analyst", Analyse("bees")) as asked:
            events = [event async for event in asked]
        assert events == [JobUpdate("analyst", "reading")]
        assert asked.response == Analysis("on bees")
        async with node.job("analyst", Chapters(2)) as streamed:
            chapters = [event.data async for event in streamed]
        assert (chapters, streamed.response) == (["chapter 0", "chapter 1"], 2)
        assert await node.request("analyst", Later()) == "later"


async def test_a_typed_job_goes_to_a_group_and_from_a_thread() -> None:
    class Blocking(ThreadWorker):
        @job(Analyse)
        def analyse(self, message: Analyse) -> Analysis:
            return self.wait(self.request("analyst", message))

    async with node_of(Child("analyst", Analyst), Child("b", Blocking)) as node:
        answers = await node.start_job_group("analyst", "b", job=Analyse("bees"))
        assert answers == {"analyst": Analysis("on bees"), "b": Analysis("on bees")}


@pytest.mark.check("M72")
async def test_a_typed_job_that_nobody_handles_names_its_class_and_the_known_ones() -> None:
    async with node_of(Child("analyst", Analyst)) as node:
        with pytest.raises(JobCrashed, match="'Unheard'; it has: Analyse, Chapters, Later"):
            await node.request("analyst", Unheard())
