"""Jobs that a tool has others do: shown as they go, and to their end, whatever that is."""

import asyncio
from functools import partial

import pytest

from callboard import Child, JobFailed, JobRequest, Worker, job
from callboard.actors.llm import (
    Call,
    LLMActivationArgs,
    LLMWorker,
    ScriptedModel,
    after,
    tool,
    when,
)
from callboard.actors.testing import eventually
from callboard.examples.talking.events import JobProgress, ToolEnded
from callboard.examples.talking.example import Example
from callboard.examples.talking.progress import follow, follow_all
from callboard.examples.talking.session import Session
from tests.examples.talking.cast import read, said


class Cook(Worker):
    @job("cook")
    async def cook(self, request: JobRequest) -> str:
        await request.update("heats the pan")
        if request.payload == "stone":
            raise JobFailed("it does not melt")
        await asyncio.sleep(100 if request.payload == "roast" else 1)
        await request.stream("a smell")
        return f"{self.name}'s {request.payload}"


class Waiter(LLMWorker):
    bridged = ()

    @tool
    async def order(self, dish: str) -> str:
        """Order a dish."""
        return str(await follow(self, self.job("cook", "cook", dish), f"one {dish}"))

    @tool
    async def order_twice(self, dish: str) -> dict[str, str]:
        """Order it from both."""
        cooks = ("cook", "boy")
        group = self.job_group(*cooks, job="cook", payload=dish)
        return await follow_all(self, group, "cook", cooks, f"two {dish}")


def restaurant() -> Example:
    model = ScriptedModel(
        when("begin", "What will it be?"),
        when(r"two (\w+)", Call("order_twice", dish="{1}")),
        when(r"(\w+)", Call("order", dish="{1}")),
        after("order", "Here: {result}.", match="."),
        after("order_twice", "Here: {result[cook]} and {result[boy]}."),
    )
    return Example(
        "Restaurant",
        first="waiter",
        workers=[
            Child("cook", Cook),
            Child("boy", Cook),
            Child("waiter", partial(Waiter, model)),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": "begin"}]),
    )


async def shown(line: str) -> tuple[list[tuple[str, str, str]], str, set[str]]:
    """Who, text and status of each progress; the reply; the ids of the jobs."""
    async with Session(restaurant()) as session:
        await session.settled()
        await session.say(line)
        assert await session.settled(within=60)
    events = await read(session)
    progress = [event for event in events if isinstance(event, JobProgress)]
    assert {event.job for event in progress} == {"cook"}
    told = [(event.worker, event.text, event.status) for event in progress]
    return told, said(events)[-1], {event.job_id for event in progress}


async def test_a_job_is_shown_from_its_beginning_to_its_end() -> None:
    told, reply, ids = await shown("soup")
    assert told == [
        ("cook", "one soup", "running"),
        ("cook", "heats the pan", "running"),
        ("cook", "", "completed"),
    ]
    assert reply == "waiter: Here: cook's soup."
    assert len(ids) == 1 and "" not in ids


async def test_a_job_that_fails_is_shown_with_its_reason_and_the_model_gets_the_error() -> None:
    told, reply, _ = await shown("stone")
    assert told[-1] == ("cook", "it does not melt", "failed")
    assert "it does not melt" in reply


async def test_all_of_a_group_are_shown_each_by_itself() -> None:
    told, reply, ids = await shown("two soup")
    assert told[:2] == [("cook", "two soup", "running"), ("boy", "two soup", "running")]
    assert sorted(told[2:]) == [
        ("boy", "", "completed"),
        ("boy", "heats the pan", "running"),
        ("cook", "", "completed"),
        ("cook", "heats the pan", "running"),
    ]
    assert reply == "waiter: Here: cook's soup and boy's soup."
    assert len(ids) == 2


async def test_a_group_of_which_one_fails_is_shown_to_its_end() -> None:
    told, reply, _ = await shown("two stone")
    ends = {(who, status) for who, _, status in told if status != "running"}
    assert {who for who, _ in ends} == {"cook", "boy"} and ("cook", "failed") in ends
    assert "it does not melt" in reply


@pytest.mark.parametrize(("line", "who"), [("roast", {"cook"}), ("two roast", {"cook", "boy"})])
async def test_jobs_of_an_interrupted_tool_are_shown_as_cancelled(line: str, who: set[str]) -> None:
    async with Session(restaurant()) as session:
        await session.settled()
        await session.say(line)
        begun = 2 * len(who)
        await eventually(lambda: sum(isinstance(e, JobProgress) for e in session.unread) == begun)
        await session.interrupt()
        assert await session.settled(within=10)
    events = await read(session)
    ends = [e for e in events if isinstance(e, JobProgress) and e.status != "running"]
    assert {(e.worker, e.status) for e in ends} == {(name, "cancelled") for name in who}
    (ended,) = [event for event in events if isinstance(event, ToolEnded)]
    assert ended.error
