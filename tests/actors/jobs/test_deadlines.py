"""Readiness, timeouts, and one deadline for a job and all that it starts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    Child,
    DynamicSupervisor,
    JobCrashed,
    JobRequest,
    JobTimeout,
    Node,
    NotReady,
    StartFailed,
    Worker,
    job,
)
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Boom, Do, Player, never, node_of, now


async def answer(worker: Player, request: JobRequest) -> str:
    return f"from {worker.name} #{worker.incarnation}"


async def crash(worker: Player) -> None:
    raise Boom


class Late(Player):
    """Takes 5 s to start."""

    async def on_start(self) -> None:
        await asyncio.sleep(5)


@pytest.mark.check("M67")
async def test_a_job_is_sent_once_its_worker_is_ready() -> None:
    async with Node(DynamicSupervisor()) as node:
        check = LeakCheck(node)
        began = now()
        asked = node.start_job("b", "do", answer)
        start = asyncio.get_running_loop().create_task(node.admin().start_child(Child("b", Late)))
        assert await asked == "from b #1"
        assert now() == began + 5
        await start
        await node.admin().terminate_child("b")
        await check.verify()


@pytest.mark.check("M67")
async def test_a_job_for_a_worker_that_restarts_is_done_by_its_next_incarnation() -> None:
    async with node_of("b") as node:
        node.tell("b", Do(crash))
        await asyncio.sleep(0.05)
        assert await node.request("b", "do", answer) == "from b #2"


@pytest.mark.check("M67")
async def test_a_timeout_that_ends_first_says_not_ready_and_names_the_worker() -> None:
    async with node_of("a") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(NotReady, match="'b' was not ready") as failure:
            await node.request("b", "do", answer, timeout=2)
        assert now() == began + 2
        assert (failure.value.worker, failure.value.job) == ("b", "do")
        assert isinstance(failure.value, TimeoutError)
        await check.verify()


@pytest.mark.check("M67")
async def test_without_a_timeout_a_worker_that_nobody_knows_is_waited_for_30_seconds() -> None:
    async with node_of("a") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(NotReady, match="'b' was not ready within 30 s"):
            await node.request("b", "do", answer)
        assert now() == began + 30
        await check.verify()


@pytest.mark.check("M67")
async def test_without_a_timeout_a_known_worker_is_waited_for_as_long_as_it_lives() -> None:
    class Slow(Player):
        async def on_start(self) -> None:
            await asyncio.sleep(100)

    async with Node(DynamicSupervisor()) as node:
        check = LeakCheck(node)
        slow = Child("b", Slow, start_timeout=200)
        start = asyncio.get_running_loop().create_task(node.admin().start_child(slow))
        await asyncio.sleep(1)
        assert await node.request("b", "do", answer) == "from b #1"
        await start
        await node.admin().terminate_child("b")

        gone = Child("c", Slow, start_timeout=50)
        began = now()
        start = asyncio.get_running_loop().create_task(node.admin().start_child(gone))
        asked = node.start_job("c", "do", answer)  # not known yet; it is when 30 s are over
        await asyncio.sleep(1)
        known = node.start_job("c", "do", answer)
        for waiting in (asked, known):
            with pytest.raises(JobCrashed, match="'c' ended before it was ready"):
                await waiting
            assert now() == began + 50
        with pytest.raises(Exception, match="longer than 50 s"):
            await start
        await check.verify()


@pytest.mark.check("M67")
async def test_what_waits_for_a_worker_ends_as_soon_as_that_is_gone() -> None:
    class Slow(Player):
        async def on_start(self) -> None:
            await asyncio.sleep(100)

    async with Node(DynamicSupervisor()) as node:
        child = Child("b", Slow, start_timeout=10)
        began = now()
        start = asyncio.get_running_loop().create_task(node.admin().start_child(child))
        await asyncio.sleep(1)
        waiting = [node.start_job("b", "do", answer, timeout=each) for each in (None, 60)]
        for each in waiting:
            with pytest.raises(JobCrashed, match="'b' ended before it was ready"):
                await each
            assert now() == began + 10
        with pytest.raises(StartFailed):
            await start


@pytest.mark.check("M82")
async def test_waiting_for_a_worker_leaves_nothing_on_it() -> None:
    async with node_of("b") as node:
        check = LeakCheck(node)
        node.tell("b", Do(crash))
        await asyncio.sleep(0.05)
        waiting = node.start_job("b", "do", answer, timeout=60)
        given_up = node.start_job("b", "do", answer)
        given_up.cancel()
        await waiting
        await check.verify()


@pytest.mark.check("M68")
async def test_a_server_that_never_answers_is_a_timeout_error_at_the_timeout() -> None:
    ends: list[tuple[float, str | None]] = []

    async def hang(worker: Player, request: JobRequest) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ends.append((now(), request.cancelled))

    async with node_of("b") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(JobTimeout) as failure:
            await node.request("b", "do", hang, timeout=0.05)
        assert now() == pytest.approx(began + 0.05)
        assert failure.value.status == "cancelled"
        await asyncio.sleep(0)
        ((ended, reason),) = ends
        assert ended == pytest.approx(began + 0.05)
        assert reason == "timeout"
        await check.verify()


@pytest.mark.check("M68")
async def test_an_answer_in_time_leaves_no_timer_and_sends_no_cancel() -> None:
    cancelled: list[str | None] = []

    async def work(worker: Player, request: JobRequest) -> str:
        asyncio.get_running_loop().call_later(5, lambda: cancelled.append(request.cancelled))
        await asyncio.sleep(1)
        return "in time"

    async with node_of("b") as node:
        check = LeakCheck(node)
        assert await node.request("b", "do", work, timeout=2) == "in time"
        await asyncio.sleep(10)
        assert cancelled == [None]
        assert node.events.counts["late_job_cancels"] == 0
        await check.verify()


@pytest.mark.check("M68")
@pytest.mark.parametrize(("timeout", "more"), [(None, 0), (60.0, 1)])
async def test_without_a_timeout_there_never_was_a_timer(timeout: float | None, more: int) -> None:
    def timers() -> int:
        loop: Any = asyncio.get_running_loop()
        return sum(not timer.cancelled() for timer in loop._scheduled)

    async def look(worker: Player, request: JobRequest) -> int:
        return timers()

    async with node_of("b") as node:
        before = timers()
        assert await node.request("b", "do", look, timeout=timeout) == before + more


@pytest.mark.check("M69")
async def test_a_job_whose_timeout_ends_in_the_queue_never_starts() -> None:
    begun: list[str] = []

    async def busy(worker: Player, request: JobRequest) -> None:
        begun.append("first")
        await asyncio.sleep(10)

    async def second(worker: Player, request: JobRequest) -> None:
        begun.append("second")

    async with node_of("b") as node:
        check = LeakCheck(node)
        first = node.start_job("b", "in turn", busy)
        began = now()
        with pytest.raises(JobTimeout):
            await node.request("b", "in turn", second, timeout=3)
        assert now() == began + 3
        await first
        await asyncio.sleep(60)
        assert begun == ["first"]
        await check.verify()


@pytest.mark.check("M69")
async def test_a_job_that_waits_in_the_mailbox_past_its_deadline_never_starts() -> None:
    async def block(worker: Player) -> None:
        await asyncio.sleep(10)

    begun: list[str] = []

    async def work(worker: Player, request: JobRequest) -> None:
        begun.append("begun")

    async with node_of("b") as node:
        busy = node.ask("b", Do(block))
        with pytest.raises(JobTimeout):
            await node.request("b", "do", work, timeout=3)
        await busy
        await asyncio.sleep(1)
        assert begun == []


@pytest.mark.check("M69")
async def test_a_job_inside_a_job_has_what_is_left_of_the_time() -> None:
    seen: list[float] = []

    async def inner(worker: Player, request: JobRequest) -> None:
        assert request.deadline is not None
        seen.append(request.deadline - now())
        await asyncio.sleep(3600)

    async def outer(worker: Player, request: JobRequest) -> None:
        await asyncio.sleep(0.4)
        with pytest.raises(JobTimeout):
            await worker.request("c", "do", inner, timeout=5)

    async with node_of("b", "c") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(JobTimeout):
            await node.request("b", "do", outer, timeout=1)
        assert now() == began + 1
        assert seen == [pytest.approx(0.6)]
        await asyncio.sleep(0)
        await check.verify()


@pytest.mark.check("M69")
async def test_one_deadline_goes_down_through_every_job_and_group_and_is_never_prolonged() -> None:
    seen: list[float | None] = []

    async def down(worker: Player, request: JobRequest) -> None:
        seen.append(request.deadline)
        await asyncio.sleep(1)
        below = {"a": "b", "b": "c"}.get(worker.name)
        if below == "b":
            await worker.request("b", "do", down)
        elif below == "c":
            async with worker.job_group("c", job="do", payload=down, timeout=60):
                pass

    async def from_a_task_of_its_own(worker: Player, request: JobRequest) -> None:
        await asyncio.gather(worker.request("c", "do", down))

    async with node_of("a", "b", "c") as node:
        began = now()
        await node.request("a", "do", down, timeout=10)
        await node.request("b", "do", from_a_task_of_its_own, timeout=10)
        assert seen[:3] == [began + 10] * 3
        assert seen[3:] == [began + 3 + 10]


@pytest.mark.check("M69")
async def test_a_job_inside_a_job_that_is_not_ready_ends_at_the_outer_deadline() -> None:
    async def outer(worker: Player, request: JobRequest) -> None:
        await worker.request("nobody", "do", never)

    async with node_of("b") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(JobTimeout):
            await node.request("b", "do", outer, timeout=4)
        assert now() == began + 4
        await asyncio.sleep(0)
        await check.verify()


@pytest.mark.check("M69")
async def test_a_shorter_timeout_of_an_inner_job_stands() -> None:
    async def outer(worker: Player, request: JobRequest) -> str:
        try:
            await worker.request("c", "do", never, timeout=1)
        except JobTimeout:
            return f"gave up after {now() - began:g} s"
        return "never"

    async with node_of("b", "c") as node:
        began = now()
        assert await node.request("b", "do", outer, timeout=10) == "gave up after 1 s"


async def test_a_job_asked_for_on_a_message_handlers_way_has_no_deadline_of_its_callers_job() -> (
    None
):
    """A message starts a new story: only jobs inherit."""

    class Server(Worker):
        @job("look")
        async def look(self, request: JobRequest) -> float | None:
            return request.deadline

    async def outer(worker: Player, request: JobRequest) -> Any:
        return await worker.ask("c", Do(lambda c: c.request("d", "look")))

    async with node_of("b", "c", Child("d", Server)) as node:
        assert await node.request("b", "do", outer, timeout=10) is None
