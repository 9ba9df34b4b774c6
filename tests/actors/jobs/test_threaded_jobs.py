"""Jobs of a worker with a thread of its own: its handlers block, its caller does not notice."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from callboard import (
    Child,
    JobCancelled,
    JobChunk,
    JobCrashed,
    JobError,
    JobFailed,
    JobRequest,
    JobTimeout,
    JobUpdate,
    LocalMessage,
    ThreadWorker,
    job,
    on,
)
from callboard.actors.jobs.events import UNREAD_EVENTS
from callboard.actors.testing import eventually
from tests.actors.jobs.crew import Boom, Player, never, node_of, now


class Relay(LocalMessage):
    pass


class Blocking(ThreadWorker):
    kept: JobRequest | None = None
    sent = 0

    def on_start(self) -> None:
        self.gate = threading.Event()
        self.cancelled: list[str] = []

    @job("where")
    def where(self, request: JobRequest) -> str:
        return threading.current_thread().name

    @job("blocks")
    def blocks(self, request: JobRequest) -> str:
        assert request.payload.wait(10)
        return "done"

    @job("reports")
    def reports(self, request: JobRequest) -> str:
        request.update(25)
        request.stream("part")
        request.update(75)
        return "done"

    @job("floods")
    def floods(self, request: JobRequest) -> int:
        for number in range(request.payload):
            self.sent += 1
            request.update(number)
        return self.sent

    @job("fails")
    def fails(self, request: JobRequest) -> None:
        raise JobFailed("on purpose")

    @job("raises")
    def raises(self, request: JobRequest) -> None:
        raise Boom("broken")

    @job("asks on")
    def asks_on(self, request: JobRequest) -> Any:
        return self.wait(self.request("c", "do", request.payload))

    @job("asks on in a block")
    def asks_on_in_a_block(self, request: JobRequest) -> Any:
        async def ask() -> Any:
            async with self.job("c", "do", request.payload) as asked:
                events = [event async for event in asked]
            return events, asked.response

        return self.wait(ask())

    @job("starts")
    def starts(self, request: JobRequest) -> None:
        self.start_job("c", "do")

    @job("defers")
    def defers(self, request: JobRequest) -> None:
        self.kept = request
        request.defer()

    @job("whose")
    def whose(self, request: JobRequest) -> bool:
        return self.current_job is request

    @on(Relay)
    def relay(self, message: Relay) -> bool:
        assert self.kept is not None
        return self.kept.respond("from another handler")

    def on_job_cancelled(self, job: JobRequest, reason: str) -> None:
        self.cancelled.append(f"{reason} on {threading.current_thread().name}")
        self.gate.set()


def blocking() -> Child:
    return Child("b", Blocking)


async def test_a_jobs_handler_runs_on_the_workers_thread() -> None:
    async with node_of(blocking()) as node:
        assert await node.request("b", "where") == "callboard-b-1"
        assert await node.request("b", "whose") is True


@pytest.mark.realtime
@pytest.mark.check("M12")
async def test_a_handler_that_blocks_holds_up_neither_the_loop_nor_the_caller() -> None:
    gate = threading.Event()
    async with node_of(blocking(), "c") as node:
        running = node.start_job("b", "blocks", gate, timeout=10)
        began = time.monotonic()
        assert await node.request("c", "do", quick) == "quick"
        assert time.monotonic() - began < 1
        gate.set()
        assert await running == "done"


async def quick(worker: Player, request: JobRequest) -> str:
    return "quick"


@pytest.mark.check("M70")
async def test_updates_and_chunks_from_the_thread_come_in_order_before_the_answer() -> None:
    async with node_of(blocking()) as node:
        async with node.job("b", "reports") as asked:
            events = [event async for event in asked]
        assert events == [JobUpdate("b", 25), JobChunk("b", "part"), JobUpdate("b", 75)]
        assert asked.response == "done"


@pytest.mark.check("M91")
async def test_a_thread_is_held_back_while_its_caller_does_not_read() -> None:
    async with node_of(blocking()) as node:
        async with node.job("b", "floods", 3_000) as asked:
            known: Any = node.registry.find("b")
            await eventually(lambda: known.target.actor.sent >= UNREAD_EVENTS)
            assert known.target.actor.sent == UNREAD_EVENTS
            assert [event.data async for event in asked] == list(range(3_000))
        assert asked.response == 3_000


@pytest.mark.check("M75")
@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("fails", JobFailed, "on purpose"), ("raises", JobCrashed, "Boom: broken")],
)
async def test_what_the_thread_raises_ends_the_job(
    name: str, kind: type[JobError], text: str
) -> None:
    async with node_of(blocking()) as node:
        with pytest.raises(kind, match=text):
            await node.request("b", name)


async def test_a_handler_asks_for_a_job_and_waits_on_its_thread() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        await request.update("half")
        return f"for {request.caller}"

    async with node_of(blocking(), "c") as node:
        assert await node.request("b", "asks on", work) == "for b"
        events, answer = await node.request("b", "asks on in a block", work)
        assert (events, answer) == ([JobUpdate("c", "half")], "for b")


@pytest.mark.check("M69")
async def test_what_a_thread_asks_for_has_the_deadline_of_its_job() -> None:
    async def work(worker: Player, request: JobRequest) -> None:
        seen.append(request.deadline)
        await never(worker, request)

    seen: list[float | None] = []
    before = set(threading.enumerate())
    async with node_of(blocking(), "c") as node:
        began = now()
        with pytest.raises(JobTimeout):
            await node.request("b", "asks on", work, timeout=3)
        assert now() == began + 3
        assert seen == [began + 3]
        assert await node.request("b", "whose") is True  # the thread is free again
        check_threads(before)
        await node.admin().terminate_child("b")


def check_threads(before: set[threading.Thread]) -> None:
    """Whether the worker has one thread; one of another test may still be at its end."""
    begun = [each for each in threading.enumerate() if each not in before]
    assert sum(each.name.startswith("callboard-b") for each in begun) == 1


@pytest.mark.check("M76")
async def test_cancelling_a_job_frees_a_thread_that_waits_for_another() -> None:
    async with node_of(blocking(), "c") as node:
        asked = node.start_job("b", "asks on", never)
        await eventually(lambda: node.runtime.registry.find("c"))
        asked.cancel("enough")
        with pytest.raises(JobCancelled, match="enough"):
            await asked
        assert await node.request("b", "whose", timeout=10) is True


@pytest.mark.check("M77")
async def test_stopping_a_worker_frees_a_thread_that_waits_for_a_job() -> None:
    async with node_of(blocking(), "c") as node:
        asked = node.start_job("b", "asks on", never)
        await eventually(lambda: any(_doing(node, "c")))
        began = now()
        await node.admin().terminate_child("b")
        assert now() < began + 5
        with pytest.raises(JobCrashed, match="'b' ended"):
            await asked
        assert node.events.counts["abandoned"] == 0


def _doing(node: Any, name: str) -> dict[str, Any]:
    known = node.registry.find(name)
    serving = known.target.actor._serving
    return serving.open if serving is not None else {}


async def test_a_job_is_not_started_from_a_thread() -> None:
    async with node_of(blocking(), "c") as node:
        with pytest.raises(JobCrashed, match=r"self\.wait"):
            await node.request("b", "starts")


@pytest.mark.check("M78")
async def test_a_job_deferred_on_a_thread_is_answered_from_another_handler() -> None:
    async with node_of(blocking()) as node:
        asked = node.start_job("b", "defers", timeout=60)
        await eventually(lambda: _deferred(node))
        await node.ask("b", Relay())
        assert await asked == "from another handler"
        late = node.start_job("b", "defers", timeout=1)
        with pytest.raises(JobTimeout):
            await late
        known: Any = node.registry.find("b")
        await eventually(lambda: known.target.actor.cancelled)
        assert known.target.actor.cancelled == ["timeout on callboard-b-1"]


def _deferred(node: Any) -> bool:
    return any(each.deferred and not each.running for each in _doing(node, "b").values())
