"""Updates and streams: order, ends, and a bound for who does not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from callboard import (
    Child,
    JobChunk,
    JobCrashed,
    JobError,
    JobFailed,
    JobRequest,
    JobUpdate,
    Worker,
    job,
)
from callboard.actors.jobs.events import UNREAD_EVENTS
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Boom, Do, Player, node_of, now


class Streaming(Worker):
    """Streams; notes how far it came and how it ended."""

    sent = 0
    ended: str | None = None

    @job("mixed")
    async def mixed(self, request: JobRequest) -> AsyncIterator[str | None]:
        yield "one"
        await request.update("half")
        await asyncio.sleep(1)
        yield None

    @job("summed up")
    async def summed_up(self, request: JobRequest) -> AsyncIterator[int]:
        yield 1
        yield 2
        request.respond("three")
        yield 3

    @job("breaks")
    async def breaks(self, request: JobRequest) -> AsyncIterator[int]:
        yield 1
        raise request.payload

    @job("counts")
    async def counts(self, request: JobRequest) -> AsyncIterator[int]:
        try:
            for number in range(request.payload):
                self.sent += 1
                yield number
            self.ended = "all sent"
        finally:
            self.ended = self.ended or str(request.cancelled)

    @job("sleepy")
    async def sleepy(self, request: JobRequest) -> AsyncIterator[int]:
        try:
            for number in range(100):
                self.sent += 1
                yield number
                await asyncio.sleep(1)
        finally:
            self.ended = str(request.cancelled)

    @job("reports")
    async def reports(self, request: JobRequest) -> str:
        for number in range(request.payload):
            self.sent += 1
            await request.update(number)
        return "reported"

    @job("state")
    async def state(self, request: JobRequest) -> tuple[int, str | None]:
        return self.sent, self.ended


@pytest.mark.check("M89")
async def test_chunks_and_updates_come_in_the_order_sent_and_the_iteration_ends() -> None:
    async with node_of(Child("b", Streaming)) as node:
        async with node.job("b", "mixed") as asked:
            events = [event async for event in asked]
        assert events == [JobChunk("b", "one"), JobUpdate("b", "half"), JobChunk("b", None)]
        assert asked.response is None


@pytest.mark.check("M89")
async def test_what_the_generator_responds_is_the_answer() -> None:
    async with node_of(Child("b", Streaming)) as node:
        async with node.job("b", "summed up") as asked:
            events = [event.data async for event in asked]
        assert events == [1, 2]
        assert asked.response == "three"
        await asyncio.sleep(0)
        assert node.events.counts["late_job_events"] == 1


@pytest.mark.check("M90")
@pytest.mark.parametrize(
    ("raised", "kind", "status"),
    [(Boom("broken"), JobCrashed, "error"), (JobFailed("refused"), JobFailed, "failed")],
)
async def test_a_generator_that_raises_gives_its_chunk_then_the_error(
    raised: Exception, kind: type[JobError], status: str
) -> None:
    seen: list[Any] = []
    async with node_of(Child("b", Streaming)) as node:
        with pytest.raises(kind) as failure:
            async with node.job("b", "breaks", raised) as asked:
                async for event in asked:
                    seen.append(event.data)
        assert failure.value.status == status
        assert seen == [1]


@pytest.mark.check("M90")
@pytest.mark.parametrize(("name", "sent"), [("sleepy", 3), ("counts", UNREAD_EVENTS)])
async def test_a_caller_that_leaves_midway_has_the_generator_closed(name: str, sent: int) -> None:
    async with node_of(Child("b", Streaming)) as node:
        check = LeakCheck(node)
        async with node.job("b", name, 10_000) as asked:
            async for event in asked:
                if event.data == 2:
                    break
        await asyncio.sleep(100)
        sent_then, ended = await node.request("b", "state")
        assert ended == "its caller left early"
        assert sent_then <= sent
        assert node.events.counts["late_job_events"] == 0
        await check.verify()


@pytest.mark.check("M91")
async def test_a_generator_is_held_back_while_its_caller_does_not_read() -> None:
    async with node_of(Child("b", Streaming)) as node:
        async with node.job("b", "counts", 5_000) as asked:
            await asyncio.sleep(10)
            assert await node.request("b", "state") == (UNREAD_EVENTS, None)
            seen = [event.data async for event in asked]
        assert seen == list(range(5_000))
        assert await node.request("b", "state") == (5_000, "all sent")


@pytest.mark.check("M91")
async def test_an_awaited_update_is_held_back_too() -> None:
    async with node_of(Child("b", Streaming)) as node:
        async with node.job("b", "reports", 5_000) as asked:
            await asyncio.sleep(10)
            assert (await node.request("b", "state"))[0] == UNREAD_EVENTS
            async for event in asked:
                if event.data == 4_999:
                    break
            assert (await node.request("b", "state"))[0] == 5_000


@pytest.mark.check("M91")
async def test_who_was_held_back_goes_on_when_the_block_ends() -> None:
    async with node_of(Child("b", Streaming)) as node:
        async with node.job("b", "reports", 5_000, timeout=60) as asked:
            await asyncio.sleep(10)
        assert asked.response == "reported"


@pytest.mark.check("M91", "M80")
async def test_an_answer_that_is_awaited_without_reading_does_not_wait_for_a_reader() -> None:
    async with node_of(Child("b", Streaming)) as node:
        asked = node.start_job("b", "reports", 5_000, timeout=60)
        await asyncio.sleep(10)
        assert await asked == "reported"
        kept = [event.data async for event in asked]
        assert kept == list(range(5_000))[-len(kept) :] and len(kept) < UNREAD_EVENTS
        assert node.events.counts["unread_job_events"] == 5_000 - len(kept)


@pytest.mark.check("M91", "M80")
async def test_a_reader_beside_who_awaits_the_answer_gets_every_event() -> None:
    async def read(asked: Any) -> list[int]:
        return [event.data async for event in asked]

    async with node_of(Child("b", Streaming)) as node:
        asked = node.start_job("b", "reports", 5_000, timeout=60)
        reader = asyncio.get_running_loop().create_task(read(asked))
        assert await asked == "reported"
        assert await reader == list(range(5_000))


@pytest.mark.check("M91")
async def test_a_request_reads_no_events_and_holds_nobody_back() -> None:
    async with node_of(Child("b", Streaming)) as node:
        assert await node.request("b", "reports", 5_000, timeout=60) == "reported"


@pytest.mark.check("M91")
async def test_a_held_member_that_is_cancelled_does_not_take_another_along() -> None:
    async def flood(worker: Player, request: JobRequest) -> str:
        for number in range(UNREAD_EVENTS):
            await request.update(number)
        return worker.name

    async def ask(a: Player) -> Any:
        group = a.start_job_group("b", "c", job="do", payload=flood, cancel_on_error=False)
        await asyncio.sleep(1)  # both are held
        members: Any = group
        members._jobs["b"].cancel("only this one")
        await asyncio.sleep(1)
        return await group

    async with node_of("a", "b", "c") as node:
        assert await node.ask("a", Do(ask)) == {"c": "c"}


@pytest.mark.check("M91")
async def test_the_members_of_a_group_are_held_back_together() -> None:
    async with node_of(Child("b", Streaming), Child("c", Streaming)) as node:
        began = now()
        async with node.job_group("b", "c", job="counts", payload=2_000) as group:
            await asyncio.sleep(10)
            sent = [(await node.request(name, "state"))[0] for name in "bc"]
            assert UNREAD_EVENTS <= sum(sent) <= UNREAD_EVENTS + 2
            seen = [event async for event in group]
        assert len(seen) == 4_000
        assert now() == began + 10
