"""What every transport must let jobs do: one answer, events in order, one deadline, an end."""

from __future__ import annotations

import asyncio

import pytest

from callboard import (
    GroupFailed,
    JobCancelled,
    JobChunk,
    JobCrashed,
    JobFailed,
    JobTimeout,
    JobUpdate,
    NotReady,
)
from callboard.actors.jobs.events import UNREAD_EVENTS
from callboard.transports.errors import NotCarried, RemoteError
from tests.transports.contract_cast import Add, Apart, Question, Take, player
from tests.transports.contract_stage import Stage, Staged

__all__ = ["Jobs"]


class Jobs(Staged):
    """Jobs of one worker for another one elsewhere."""

    @pytest.mark.check("M66")
    @pytest.mark.parametrize("payload", [None, 0, "", [], {}, {"n": [1, (2,), b"3"]}])
    async def test_a_job_returns_what_its_handler_returned(
        self, stage: Stage, payload: object
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            answer = await a.ask("a", Take(lambda me: me.request("b", "echo", payload)))
            assert answer == payload
            assert type(answer) is type(payload)
            await a.request("b", "echo", payload)
            (id1, caller1), (id2, caller2) = stage.log.of("b", "job")
            assert id1 != id2
            assert caller1 == a.ref("a")
            assert caller2 is None or caller2.name == "A"

    async def test_a_typed_job_crosses_and_so_does_a_deferred_one(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            assert await a.request("b", Add([1, 2, 3])) == 6
            assert await a.request("b", "deferred", 5) == {"deferred": 5}

    @pytest.mark.check("M67")
    async def test_a_job_waits_for_its_worker_or_its_deadline(self, stage: Stage) -> None:
        async with stage:
            a = await stage.node("A", "a")
            job = a.start_job("b", "echo", "early", timeout=stage.network.within)
            with pytest.raises(NotReady, match="'nobody'"):
                await a.request("nobody", "echo", timeout=0.2)
            await stage.node("B", "b")
            assert await job == "early"

    @pytest.mark.check("M68")
    async def test_a_timeout_is_the_callers_error_and_cancels_the_handler(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(JobTimeout, match="'b'"):
                await a.request("b", "wait", timeout=1.0)
            assert await stage.noted("b", "cancelled") == ["timeout"]

    @pytest.mark.check("M69")
    async def test_a_job_inside_a_job_inherits_what_is_left_of_its_time(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            c = await stage.node("C", "c")
            await stage.know(stage.nodes[1], "c")
            await stage.know(a, "b")
            within = stage.network.within
            inner = ["c", "deadline", None, 10 * within]
            left = await a.request("b", "relay", inner, timeout=within)
            assert 0 < left <= within
            assert await a.request("b", "relay", ["c", "deadline", None, None]) is None
            assert c.ref("c") is not None

    @pytest.mark.check("M70")
    async def test_updates_come_in_order_before_the_answer(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            async with a.job("b", "updates", [25, 75, None]) as job:
                events = [event async for event in job]
            assert events == [JobUpdate("b", 25), JobUpdate("b", 75), JobUpdate("b", None)]
            assert job.response == "updated"
            async with a.job("b", "updates", [1]) as unread:
                pass
            assert unread.response == "updated"

    @pytest.mark.check("M71")
    async def test_a_block_that_is_left_early_cancels_the_handler(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(ZeroDivisionError):
                async with a.job("b", "wait", "first"):
                    await stage.noted("b", "waits")
                    raise ZeroDivisionError
            assert await stage.noted("b", "cancelled") == ["its caller left: ZeroDivisionError"]
            task = asyncio.create_task(a.request("b", "wait", "second"))
            await stage.noted("b", "waits", count=2)
            task.cancel()
            heard = await stage.noted("b", "cancelled", count=2)
            assert heard[1] == "its caller was cancelled"

    @pytest.mark.check("M72", "M75")
    async def test_whoever_fails_a_job_the_caller_has_a_typed_error(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(JobFailed, match="not today") as failed:
                await a.request("b", "failed")
            assert failed.value.response == {"until": 7}
            assert (failed.value.worker, failed.value.job) == ("b", "failed")
            assert failed.value.status == "failed"
            with pytest.raises(JobCrashed, match="in a job") as crashed:
                await a.request("b", "crash")
            assert (crashed.value.kind, crashed.value.status) == ("Broken", "error")
            assert isinstance(crashed.value.__cause__, RemoteError)
            with pytest.raises(JobCrashed, match=r"'nothing'.*echo"):
                await a.request("b", "nothing")
            assert await a.request("b", "echo", "lives") == "lives"

    @pytest.mark.check("M76")
    async def test_a_cancel_reaches_the_handler_and_the_jobs_that_it_started(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            c = await stage.node("C", "c")
            await stage.know(b, "c")
            await stage.know(c, "b")
            job = a.start_job("b", "relay", ["c", "wait", "inner", None])
            await stage.noted("c", "waits")
            job.cancel("changed my mind")
            with pytest.raises(JobCancelled, match="changed my mind"):
                await job
            assert len(await stage.noted("c", "cancelled")) == 1

    @pytest.mark.check("M77")
    async def test_a_server_that_ends_ends_its_jobs_and_a_caller_that_ends_cancels_its_own(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            first = a.start_job("b", "wait", 1)
            await stage.noted("b", "waits")
            await b.admin().terminate_child("b")
            with pytest.raises(JobCrashed, match="'b'"):
                await first
            await b.admin().start_child(player("b2", stage.log))
            await stage.know(a, "b2")
            await a.ask("a", Take(lambda me: me.start_job("b2", "wait", 2).done))
            await stage.noted("b2", "waits")
            await a.admin().terminate_child("a")
            (reason,) = await stage.noted("b2", "cancelled")
            assert "'a'" in reason

    @pytest.mark.check("M81")
    async def test_a_caller_may_ask_for_progress(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            job = a.start_job("b", "wait")
            await stage.noted("b", "waits")
            job.ask_progress()
            assert await stage.noted("b", "progress") == ["wait"]
            stage.log.gate.set()
            assert await job == "waited"
            job.ask_progress()
            assert await a.ask("b", Question("?")) == "?"
            assert stage.log.of("b", "progress") == ["wait"]

    @pytest.mark.check("M83", "M86")
    async def test_a_group_over_nodes_collects_answers_and_events_by_name(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            await stage.node("C", "c")
            await stage.know(a, "c")
            async with a.job_group("a", "b", "c", job="updates", payload=[1, 2]) as group:
                events = [(event.worker, event.data) async for event in group]
            assert group.responses == dict.fromkeys("abc", "updated")
            for name in "abc":
                assert [data for worker, data in events if worker == name] == [1, 2]

    @pytest.mark.check("M84", "M85")
    async def test_a_member_that_does_not_complete_ends_the_group_or_is_noted(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            await stage.node("C", "c")
            await stage.know(a, "c")
            with pytest.raises(GroupFailed, match="'b'"):
                async with a.job_group("b", "c", job="wait"):
                    await stage.noted("b", "waits")
                    await stage.noted("c", "waits")
                    await b.admin().terminate_child("b")
            await stage.noted("c", "cancelled")
            async with a.job_group("a", "c", job="crash", cancel_on_error=False) as group:
                pass
            assert group.responses == {}
            assert {name: type(error) for name, error in group.errors.items()} == {
                "a": JobCrashed,
                "c": JobCrashed,
            }

    @pytest.mark.check("M89")
    async def test_a_stream_comes_in_order_and_ends_with_the_answer(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            async with a.job("b", "stream", 300) as job:
                events = [event async for event in job]
            assert events == [JobChunk("b", number) for number in range(300)]
            assert job.response is None
            assert await stage.noted("b", "closed")

    @pytest.mark.check("M90")
    async def test_a_stream_that_nobody_reads_on_is_closed(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            async with a.job("b", "stream", 1_000_000) as job:
                async for event in job:
                    assert event.data == 0
                    break
            assert await stage.noted("b", "closed")
            before = len(stage.log.of("b", "chunk"))
            assert await a.ask("b", Question("?")) == "?"
            assert len(stage.log.of("b", "chunk")) == before

    @pytest.mark.check("M91")
    async def test_a_stream_is_held_back_while_its_caller_does_not_read(self, stage: Stage) -> None:
        async with stage:
            a, _ = await stage.pair()
            total = 3 * UNREAD_EVENTS
            async with a.job("b", "stream", total) as job:
                await stage.noted("b", "chunk", count=UNREAD_EVENTS)
                # What is told later has come before what the handler would have yielded meanwhile.
                for number in range(20):
                    await a.ask("b", Question(str(number)))
                assert len(stage.log.of("b", "chunk")) <= 2 * UNREAD_EVENTS + 1
                data = [event.data async for event in job]
            assert data == [*range(total)]

    @pytest.mark.check("M94")
    async def test_a_payload_that_cannot_cross_raises_and_an_answer_is_an_error(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            with pytest.raises(JobCrashed, match="Apart") as crashed:
                await a.request("b", "echo", Apart("?"))
            assert isinstance(crashed.value.__cause__, NotCarried)

    @pytest.mark.check("M82")
    async def test_jobs_that_ended_in_every_way_leave_nothing_on_either_side(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            for number in range(40):
                await a.request("b", "echo", number)
                for name in ("failed", "crash", "nothing"):
                    with pytest.raises((JobFailed, JobCrashed)):
                        await a.request("b", name)
                async with a.job("b", "stream", 100) as job:
                    async for _ in job:
                        break
                job = a.start_job("b", "wait")
                job.cancel()
                with pytest.raises(JobCancelled):
                    await job
                with pytest.raises(JobTimeout):
                    await a.request("b", "wait", timeout=0.01)
            for node in (a, b):
                await stage.until(lambda node=node: stage.open_with_others(node) == 0)  # type: ignore[misc]
