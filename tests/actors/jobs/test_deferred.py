"""Answering later, twice, too late, or without a part in the job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import Child, Job, JobCrashed, JobError, JobFailed, JobRequest, job
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Boom, Do, Player, node_of


async def crash(worker: Player) -> None:
    raise Boom("the worker")


async def slow(worker: Player, request: JobRequest) -> str:
    await asyncio.sleep(10)
    return "done"


class Deferring(Player):
    """Keeps a job open, to answer it from another handler or from a hook."""

    kept: JobRequest | None = None
    cancelled: list[tuple[str, str]]

    def on_start(self) -> None:
        self.cancelled = []

    @job("later")
    async def later(self, request: JobRequest) -> str:
        self.kept = request
        request.defer()
        return "not the answer"

    @job("later and longer")
    async def longer(self, request: JobRequest) -> None:
        self.kept = request
        request.defer()
        await asyncio.sleep(5)

    async def on_job_cancelled(self, job: JobRequest, reason: str) -> None:
        self.cancelled.append((str(job.name), reason))

    @classmethod
    async def respond(cls, worker: Player) -> bool:
        assert isinstance(worker, cls) and worker.kept is not None
        return worker.kept.respond("the answer")

    @classmethod
    async def fail(cls, worker: Player) -> bool:
        assert isinstance(worker, cls) and worker.kept is not None
        return worker.kept.fail("sorry", response=3)


@pytest.mark.check("M78")
@pytest.mark.parametrize("name", ["later", "later and longer"])
async def test_a_deferred_job_stays_open_until_it_is_answered_from_another_handler(
    name: str,
) -> None:
    async with node_of(Child("b", Deferring)) as node:
        check = LeakCheck(node)
        asked = node.start_job("b", name, timeout=60)
        await asyncio.sleep(10)
        assert not asked.done
        assert await node.ask("b", Do(Deferring.respond)) is True
        assert await asked == "the answer"
        again = node.start_job("b", name)
        await asyncio.sleep(10)
        await node.ask("b", Do(Deferring.fail))
        with pytest.raises(JobFailed, match="sorry") as failure:
            await again
        assert failure.value.response == 3
        await check.verify()


@pytest.mark.check("M78")
@pytest.mark.parametrize("name", ["later", "later and longer"])
@pytest.mark.parametrize("how", ["cancel", "deadline"])
async def test_a_deferred_job_that_is_cancelled_or_too_late_has_the_hook_run_once(
    name: str, how: str
) -> None:
    async def seen(b: Player) -> Any:
        return b.cancelled  # type: ignore[attr-defined]

    async with node_of(Child("b", Deferring)) as node:
        check = LeakCheck(node)
        asked = node.start_job("b", name, timeout=2)
        await asyncio.sleep(1)
        if how == "cancel":
            asked.cancel("not needed")
        with pytest.raises(JobError):
            await asked
        await asyncio.sleep(0)
        assert await node.ask("b", Do(Deferring.respond)) is False
        assert node.events.counts["late_job_answers"] == 1
        await asyncio.sleep(30)
        reason = "not needed" if how == "cancel" else "timeout"
        assert await node.ask("b", Do(seen)) == [(name, reason)]
        await check.verify()


@pytest.mark.check("M79")
async def test_the_first_answer_is_the_answer_and_the_others_are_counted() -> None:
    async def twice(worker: Player, request: JobRequest) -> str:
        assert request.respond("first") is True
        assert request.respond("second") is False
        assert request.fail("third") is False
        return "fourth"

    async with node_of("b") as node:
        assert await node.request("b", "do", twice) == "first"
        assert node.events.counts["late_job_answers"] == 3


@pytest.mark.check("M79")
async def test_what_comes_after_the_end_or_from_a_stranger_changes_nothing_and_is_counted() -> None:
    """A restarted server has no part in the jobs of its last life."""

    async def revive(b: Player) -> bool:
        request = kept[0]
        await request.update("late")
        await request.stream("late")
        return request.respond("late")

    kept: list[JobRequest] = []

    async def keep(worker: Player, request: JobRequest) -> None:
        kept.append(request)
        await asyncio.sleep(100)

    async with node_of("b") as node:
        asked: Job[Any] = node.start_job("b", "do", keep)
        await asyncio.sleep(1)
        node.tell("b", Do(crash))
        with pytest.raises(JobCrashed):
            await asked
        assert await node.ask("b", Do(revive)) is False
        server: Any = kept[0]
        server._server.cancel(kept[0], "late")
        counts = node.events.counts
        assert counts["late_job_events"] == 2
        assert counts["late_job_answers"] >= 1
        assert counts["late_job_cancels"] == 1
        assert isinstance(asked.error, JobCrashed)
        running = node.start_job("b", "do", slow)
        assert await running == "done"
