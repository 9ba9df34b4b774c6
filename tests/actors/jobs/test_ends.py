"""Every way in which a job ends, each exactly once."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from callboard import (
    Child,
    Job,
    JobCancelled,
    JobCrashed,
    JobFailed,
    JobRequest,
    Node,
    Stopped,
)
from callboard.actors.testing import LeakCheck, eventually
from tests.actors.jobs.crew import Boom, Do, Player, never, node_of, now


async def crash(worker: Player) -> None:
    raise Boom("the worker")


async def slow(worker: Player, request: JobRequest) -> str:
    await asyncio.sleep(10)
    return "done"


@pytest.mark.check("M75")
@pytest.mark.parametrize("delay", [None, 1.0])
async def test_a_handler_that_fails_its_job_is_an_error_with_what_it_gave(
    delay: float | None,
) -> None:
    async def work(worker: Player, request: JobRequest) -> None:
        if delay is not None:
            await asyncio.sleep(delay)
        raise JobFailed("no such topic", response={"nearest": "bees"})

    async with node_of("b") as node:
        began = now()
        with pytest.raises(JobFailed, match="no such topic") as failure:
            async with node.job("b", "do", work):
                pass
        assert now() == began + (delay or 0)
        assert failure.value.status == "failed"
        assert failure.value.response == {"nearest": "bees"}
        assert (failure.value.worker, failure.value.job) == ("b", "do")


@pytest.mark.check("M75")
@pytest.mark.parametrize("delay", [None, 1.0])
async def test_a_handler_that_raises_is_an_error_with_type_and_text_and_its_worker_lives(
    delay: float | None,
) -> None:
    async def work(worker: Player, request: JobRequest) -> None:
        if delay is not None:
            await asyncio.sleep(delay)
        raise Boom("what went wrong")

    async with node_of("b") as node:
        began = now()
        with pytest.raises(JobCrashed, match="Boom: what went wrong") as failure:
            await node.request("b", "do", work)
        assert now() == began + (delay or 0)
        assert failure.value.status == "error"
        assert failure.value.kind == "Boom"
        assert isinstance(failure.value.__cause__, Boom)
        assert await node.ask("b", Do(lambda b: asyncio.sleep(0, b.incarnation))) == 1


@pytest.mark.check("M75")
async def test_an_inner_jobs_failure_is_an_error_of_the_outer_one_not_a_failure() -> None:
    async def inner(worker: Player, request: JobRequest) -> None:
        raise JobFailed("inner")

    async def outer(worker: Player, request: JobRequest) -> None:
        await worker.request("c", "do", inner)

    async with node_of("b", "c") as node:
        with pytest.raises(JobCrashed, match="JobFailed: inner") as failure:
            await node.request("b", "do", outer)
        assert failure.value.worker == "b"


@pytest.mark.check("M76")
async def test_a_cancelled_job_is_interrupted_cleans_up_and_its_inner_jobs_end_too() -> None:
    log: list[tuple[str, str | None]] = []

    async def work(below: str | None, worker: Player, request: JobRequest) -> None:
        try:
            if below is None:
                await asyncio.sleep(100)
            elif below == "d":
                await worker.request("d", "do", functools.partial(work, None))
            else:
                both = [
                    worker.start_job("c", "do", functools.partial(work, "d")),
                    worker.start_job("d", "do", functools.partial(work, None)),
                ]
                for each in both:
                    await each
        finally:
            log.append((worker.name, request.cancelled))

    async with node_of("b", "c", "d") as node:
        check = LeakCheck(node)
        asked = node.start_job("b", "do", functools.partial(work, "c"))
        await asyncio.sleep(1)
        asked.cancel("the user hung up")
        with pytest.raises(JobCancelled, match="the user hung up") as failure:
            await asked
        assert failure.value.status == "cancelled"
        await asyncio.sleep(0)
        await check.verify()
    assert ("b", "the user hung up") in log
    assert sorted(name for name, _ in log) == ["b", "c", "d", "d"]
    assert all(reason is not None for _, reason in log)


@pytest.mark.check("M76")
@pytest.mark.parametrize("how", ["deferred", "stubborn"])
async def test_what_a_job_started_is_cancelled_with_it_though_its_handler_has_no_end_now(
    how: str,
) -> None:
    async def work(worker: Player, request: JobRequest) -> None:
        worker.start_job("c", "do", inner)
        request.defer()
        if how == "stubborn":
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                await asyncio.sleep(100)

    async def inner(worker: Player, request: JobRequest) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            reasons.append((now(), request.cancelled))

    reasons: list[tuple[float, str | None]] = []
    async with node_of("b", "c") as node:
        asked = node.start_job("b", "do", work)
        await asyncio.sleep(1)
        asked.cancel("not needed")
        began = now()
        await asyncio.sleep(200)
        assert reasons == [(began, "not needed")]


@pytest.mark.check("M76")
async def test_a_handler_that_swallows_its_cancellation_does_not_keep_the_caller_waiting() -> None:
    async def stubborn(worker: Player, request: JobRequest) -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(20)
        await request.update("too late")
        return "too late as well"

    async with node_of("b") as node:
        asked = node.start_job("b", "do", stubborn)
        await asyncio.sleep(1)
        asked.cancel("enough")
        began = now()
        with pytest.raises(JobCancelled, match="enough"):
            await asked
        assert now() == began
        await asyncio.sleep(30)
        assert isinstance(asked.error, JobCancelled)
        assert node.events.counts["late_job_events"] == 1
        assert node.events.counts["late_job_answers"] == 1


@pytest.mark.check("M77")
@pytest.mark.parametrize("how", ["crash", "stop", "kill"])
async def test_a_server_that_ends_ends_its_open_jobs_as_errors_at_once(how: str) -> None:
    async def end(node: Node) -> None:
        if how == "crash":
            node.tell("b", Do(crash))
        else:
            await node.admin().terminate_child("b")

    async def deferring(worker: Player, request: JobRequest) -> None:
        request.defer()

    spec = Child("b", Player, shutdown="kill" if how == "kill" else 5)
    async with node_of(spec) as node:
        check = LeakCheck(node)
        jobs = [
            node.start_job("b", "do", slow, timeout=60),
            node.start_job("b", "do", deferring),
            node.start_job("b", "in turn", slow),
            node.start_job("b", "in turn", slow),
        ]
        await asyncio.sleep(1)
        began = now()
        await end(node)
        for each in jobs:
            with pytest.raises(JobCrashed, match="'b' ended") as failure:
                await each
            assert failure.value.status == "error"
        assert now() == began
        await asyncio.sleep(1)
        if how == "crash":
            await check.verify()


@pytest.mark.check("M77")
async def test_a_crash_ends_open_jobs_at_once_though_a_handler_takes_its_time_to_end() -> None:
    async def stubborn(worker: Player) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(3)

    class Touchy(Player):
        job_errors = "crash"

    async def fail(worker: Player, request: JobRequest) -> None:
        await asyncio.sleep(1)
        raise Boom

    async with node_of(Child("b", Touchy)) as node:
        running = node.start_job("b", "do", slow, timeout=60)
        failing = node.start_job("b", "do", fail)
        await asyncio.sleep(0)
        busy = node.ask("b", Do(stubborn))
        began = now()
        for each in (failing, running):
            with pytest.raises(JobCrashed):
                await each
        assert now() == began + 1
        with pytest.raises(Stopped):
            await busy
        assert now() > began + 1


@pytest.mark.check("M77")
async def test_jobs_that_wait_in_the_mailbox_of_a_server_gone_for_good_end_as_errors() -> None:
    async def block(worker: Player) -> None:
        await asyncio.sleep(100)

    async with node_of("b") as node:
        node.tell("b", Do(block))
        asked = node.start_job("b", "do", slow)
        await asyncio.sleep(1)
        await node.admin().terminate_child("b")
        with pytest.raises(JobCrashed, match="before it came to the message") as failure:
            await asked
        assert failure.value.status == "error"


@pytest.mark.check("M77")
@pytest.mark.parametrize("how", ["crash", "stop"])
async def test_a_caller_that_ends_has_its_open_jobs_cancelled_with_a_reason_naming_it(
    how: str,
) -> None:
    reasons: list[str | None] = []

    async def work(worker: Player, request: JobRequest) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            reasons.append(request.cancelled)

    async def start(a: Player) -> None:
        a.start_job("b", "do", work)
        a.start_job_group("b", "c", job="do", payload=work)
        a.start_job("nobody yet", "do", work)

    async with node_of("a", "b", "c") as node:
        check = LeakCheck(node)
        await node.ask("a", Do(start))
        await asyncio.sleep(1)
        if how == "crash":
            node.tell("a", Do(crash))
        else:
            await node.admin().terminate_child("a")
        await eventually(lambda: len(reasons) == 3)
        assert all(reason is not None and "'a'" in reason for reason in reasons[:2])
        await asyncio.sleep(1)
        await check.verify()


async def test_a_handler_that_cancels_its_own_job_before_it_waits_is_ended_there() -> None:
    log: list[str] = []
    handles: list[Job[Any]] = []

    async def work(worker: Player, request: JobRequest) -> None:
        handles[0].cancel("by itself")
        try:
            await asyncio.sleep(100)
        finally:
            log.append("ended")

    async with node_of("b") as node:
        check = LeakCheck(node)
        handles.append(node.start_job("b", "do", work))
        with pytest.raises(JobCancelled, match="by itself"):
            await handles[0]
        assert log == ["ended"]
        await check.verify()


@pytest.mark.check("M77")
async def test_a_handler_that_answered_early_ends_with_its_worker() -> None:
    log: list[str] = []

    async def early(worker: Player, request: JobRequest) -> None:
        request.respond("early")
        try:
            await never(worker, request)
        finally:
            log.append("ended")

    async with node_of("b") as node:
        assert await node.request("b", "do", early) == "early"
        await node.admin().terminate_child("b")
        assert log == ["ended"]
