"""The caller's side: asking, reading, leaving, starting without a block, progress."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from callboard import (
    Child,
    Job,
    JobCancelled,
    JobChunk,
    JobCrashed,
    JobRequest,
    JobUpdate,
    Lane,
    NotStarted,
    Worker,
    job,
)
from tests.actors.jobs.crew import Boom, Do, Player, never, node_of


@pytest.mark.check("M66")
@pytest.mark.parametrize("value", [None, 0, "", [], False, {"a": 1}])
async def test_a_request_returns_what_the_handler_returned(value: object) -> None:
    async def give(worker: Player, request: JobRequest) -> object:
        return value

    async with node_of("a", "b") as node:
        answer = await node.ask("a", Do(lambda a: a.request("b", "do", give)))
        assert answer is value


@pytest.mark.check("M66")
async def test_a_plain_handler_answers_too() -> None:
    class Adder(Worker):
        @job("sum")
        def sum(self, request: JobRequest) -> int:
            return sum(request.payload)

    async with node_of("a", Child("adder", Adder)) as node:
        assert await node.ask("a", Do(lambda a: a.request("adder", "sum", [1, 2, 3]))) == 6


@pytest.mark.check("M66")
async def test_the_request_shows_id_caller_name_payload_and_deadline() -> None:
    seen: list[JobRequest] = []

    class Server(Worker):
        @job("look")
        async def look(self, request: JobRequest) -> None:
            seen.append(request)

    payload = object()
    async with node_of("a", Child("b", Server)) as node:
        began = asyncio.get_running_loop().time()
        await node.ask("a", Do(lambda a: a.request("b", "look", payload, timeout=7)))
        await node.ask("a", Do(lambda a: a.request("b", "look")))
        first, second = seen
        assert first.id and first.id != second.id
        assert first.caller == second.caller == node.ref("a")
        assert first.name == "look"
        assert first.payload is payload and second.payload is None
        assert first.deadline == began + 7 and second.deadline is None
        assert first.worker == "b"


@pytest.mark.check("M70")
async def test_iteration_gives_the_updates_in_order_and_the_answer_is_there_after() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        await request.update(25)
        await asyncio.sleep(1)
        await request.update(75)
        return "done"

    async def ask(a: Player, lane: Lane) -> Any:
        async with a.job("b", "do", work, lane=lane) as asked:
            seen = [event async for event in asked]
        return seen, asked.response

    async with node_of("a", "b") as node:
        for lane in (Lane.HIGH, Lane.NORMAL, Lane.LOW):
            seen, answer = await node.ask("a", Do(functools.partial(ask, lane=lane)))
            assert seen == [JobUpdate("b", 25), JobUpdate("b", 75)]
            assert answer == "done"


@pytest.mark.check("M70")
async def test_the_answer_is_there_after_the_block_without_iteration() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        await request.update(50)
        await asyncio.sleep(1)
        return "done"

    async with node_of("b") as node:
        async with node.job("b", "do", work) as asked:
            assert not asked.done
        assert asked.response == "done"


@pytest.mark.check("M70")
async def test_a_handle_read_outside_its_block_raises() -> None:
    async def work(worker: Player, request: JobRequest) -> int:
        await asyncio.sleep(1)
        return 1

    async with node_of("b") as node:
        asked = node.job("b", "do", work)
        with pytest.raises(NotStarted, match="outside its block"):
            async for _ in asked:
                pass
        with pytest.raises(NotStarted, match="outside its block"):
            await asked
        with pytest.raises(NotStarted, match="no answer yet"):
            _ = asked.response
        async with asked:
            with pytest.raises(NotStarted, match="no answer yet"):
                _ = asked.response
        with pytest.raises(NotStarted, match="inside its block"):
            async for _ in asked:
                pass
        assert asked.response == 1


class Interrupted(Player):
    """Notes why its jobs were cancelled."""

    reasons: list[str | None]

    def on_start(self) -> None:
        self.reasons = []

    @job("endless")
    async def endless(self, request: JobRequest) -> None:
        try:
            for number in range(1000):
                await request.update(number)
                await asyncio.sleep(1)
        finally:
            self.reasons.append(request.cancelled)


async def leave_by_break(a: Player) -> None:
    async with a.job("b", "endless") as asked:
        async for _ in asked:
            break


async def leave_by_return(a: Player) -> str:
    async with a.job("b", "endless") as asked:
        async for event in asked:
            return f"returned {event.data}"
    return "never"


async def leave_by_exception(a: Player) -> None:
    async with a.job("b", "endless"):
        await asyncio.sleep(1)
        raise Boom("mine")


async def leave_by_cancellation(a: Player) -> None:
    async def ask() -> None:
        async with a.job("b", "endless"):
            await asyncio.sleep(100)

    task = asyncio.get_running_loop().create_task(ask())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.check("M71")
@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (leave_by_break, "left early"),
        (leave_by_return, "left early"),
        (leave_by_cancellation, "CancelledError"),
    ],
)
async def test_a_block_that_is_left_cancels_the_job_with_a_reason(leave: Any, reason: str) -> None:
    async with node_of("a", Child("b", Interrupted)) as node:
        await node.ask("a", Do(leave))
        await asyncio.sleep(0)
        reasons = await node.ask("b", Do(reasons_of))
        assert len(reasons) == 1 and reason in reasons[0]


async def reasons_of(b: Player) -> Any:
    return b.reasons  # type: ignore[attr-defined]


@pytest.mark.check("M71")
async def test_the_callers_own_exception_is_what_is_seen() -> None:
    async def ask(a: Player) -> str:
        with pytest.raises(Boom, match="mine"):
            await leave_by_exception(a)
        return "seen"

    async with node_of("a", Child("b", Interrupted)) as node:
        assert await node.ask("a", Do(ask)) == "seen"
        assert "Boom" in (await node.ask("b", Do(reasons_of)))[0]


@pytest.mark.check("M71")
async def test_a_request_whose_task_is_cancelled_cancels_the_job() -> None:
    async def ask(a: Player) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await a.request("b", "endless")

    async with node_of("a", Child("b", Interrupted)) as node:
        await node.ask("a", Do(ask))
        assert await node.ask("b", Do(reasons_of)) == ["its caller was cancelled"]


@pytest.mark.check("M72")
@pytest.mark.parametrize("name", ["unheard of", None])
async def test_a_job_without_a_handler_of_its_own_goes_to_the_default_one(name: str | None) -> None:
    class Server(Worker):
        @job("known")
        async def known(self, request: JobRequest) -> str:
            return "known"

        @job()
        async def anything(self, request: JobRequest) -> str:
            return f"default: {request.name}"

    async with node_of(Child("b", Server)) as node:
        assert await node.request("b", name) == f"default: {name}"
        assert await node.request("b", "known") == "known"


@pytest.mark.check("M72", "M75")
async def test_a_job_that_nobody_handles_is_an_error_at_once_that_names_the_known_ones() -> None:
    async with node_of("b") as node:
        began = asyncio.get_running_loop().time()
        with pytest.raises(JobCrashed) as refusal:
            await node.request("b", "unheard of")
        for part in ("'b'", "'unheard of'", "do, in turn"):
            assert part in str(refusal.value)
        assert (refusal.value.worker, refusal.value.job) == ("b", "unheard of")
        assert refusal.value.status == "error"
        with pytest.raises(JobCrashed, match="do, in turn"):
            await node.request("b")
        assert asyncio.get_running_loop().time() == began


class Keeper(Player):
    """Keeps the handle of a job from one handler to the next."""

    kept: Job[Any]


@pytest.mark.check("M80")
async def test_a_job_started_without_a_block_is_awaited_and_read_from_another_handler() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        await request.update("half")
        await request.stream("part")
        await asyncio.sleep(1)
        return "whole"

    async def start(a: Player) -> float:
        assert isinstance(a, Keeper)
        a.kept = a.start_job("b", "do", work)
        return asyncio.get_running_loop().time()

    async def read(a: Player) -> Any:
        assert isinstance(a, Keeper)
        return [event async for event in a.kept]

    async def wait(a: Player) -> Any:
        assert isinstance(a, Keeper)
        return await a.kept

    async with node_of(Child("a", Keeper), "b") as node:
        began = asyncio.get_running_loop().time()
        assert await node.ask("a", Do(start)) == began  # the handle is there at once
        assert await node.ask("a", Do(read)) == [JobUpdate("b", "half"), JobChunk("b", "part")]
        assert await node.ask("a", Do(wait)) == "whole"
        await node.ask("a", Do(start))
        assert await node.ask("a", Do(wait)) == "whole"


@pytest.mark.check("M80")
async def test_a_job_started_without_a_block_is_cancelled_from_another_handler() -> None:
    async def start(a: Player) -> None:
        assert isinstance(a, Keeper)
        a.kept = a.start_job("b", "do", never)

    async def cancel(a: Player) -> None:
        assert isinstance(a, Keeper)
        a.kept.cancel("no more needed")
        with pytest.raises(JobCancelled, match="no more needed"):
            await a.kept

    async with node_of(Child("a", Keeper), "b") as node:
        await node.ask("a", Do(start))
        await node.ask("a", Do(cancel))


@pytest.mark.check("M81")
async def test_progress_asked_for_runs_the_hook_once_and_only_for_an_open_job() -> None:
    class Reporter(Player):
        asked = 0

        async def on_job_progress(self, job: JobRequest) -> None:
            self.asked += 1
            await job.update(f"{self.asked} of 10")

    async def count(b: Player) -> Any:
        return b.asked  # type: ignore[attr-defined]

    async def work(worker: Player, request: JobRequest) -> None:
        await asyncio.sleep(10)

    async with node_of(Child("b", Reporter)) as node:
        unsent = node.start_job("nobody yet", "do", work)
        unsent.ask_progress()  # unknown to any server: nothing happens
        async with node.job("b", "do", work) as asked:
            await asyncio.sleep(1)
            asked.ask_progress()
            assert [event async for event in asked] == [JobUpdate("b", "1 of 10")]
        asked.ask_progress()
        await asyncio.sleep(1)
        assert await node.ask("b", Do(count)) == 1
        unsent.cancel()
