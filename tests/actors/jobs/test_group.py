"""Job groups: one question to several workers, their answers by name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    Child,
    GroupFailed,
    JobCancelled,
    JobChunk,
    JobCrashed,
    JobError,
    JobFailed,
    JobRequest,
    JobTimeout,
    JobUpdate,
    NotReady,
    NotStarted,
)
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Boom, Do, Player, node_of, now

ends: list[tuple[str, str | None]] = []


@pytest.fixture(autouse=True)
def _empty() -> None:
    ends.clear()


async def answer(worker: Player, request: JobRequest) -> str:
    await asyncio.sleep(0.2)
    return f"from {worker.name}"


def each(**tasks: Any) -> Any:
    """A task that is another one for each worker; without one of its own it never ends."""

    async def task(worker: Player, request: JobRequest) -> Any:
        try:
            if worker.name in tasks:
                return await tasks[worker.name](worker, request)
            await asyncio.sleep(3600)
        finally:
            ends.append((worker.name, request.cancelled))

    return task


async def failed(worker: Player, request: JobRequest) -> None:
    await asyncio.sleep(1)
    raise JobFailed("not today")


async def error(worker: Player, request: JobRequest) -> None:
    await asyncio.sleep(1)
    raise Boom("broken")


@pytest.mark.check("M83")
async def test_a_group_takes_as_long_as_its_slowest_member_and_has_all_answers_by_name() -> None:
    async def ask(a: Player) -> Any:
        async with a.job_group("b", "c", "d", job="do", payload=answer) as group:
            pass
        return group.responses

    async with node_of("a", "b", "c", "d") as node:
        check = LeakCheck(node)
        began = now()
        answers = await node.ask("a", Do(ask))
        assert answers == {"b": "from b", "c": "from c", "d": "from d"}
        assert now() == pytest.approx(began + 0.2)
        assert await node.start_job_group("b", job="do", payload=answer) == {"b": "from b"}
        await check.verify()


@pytest.mark.check("M84")
@pytest.mark.parametrize(("how", "kind"), [(failed, JobFailed), (error, JobCrashed)])
async def test_a_member_that_does_not_complete_ends_the_group_and_the_others(
    how: Any, kind: type[JobError]
) -> None:
    async with node_of("b", "c", "d") as node:
        check = LeakCheck(node)
        began = now()
        with pytest.raises(GroupFailed, match="'c'") as failure:
            async with node.job_group("b", "c", "d", job="do", payload=each(b=answer, c=how)):
                pass
        assert now() == began + 1
        assert failure.value.worker == "c"
        assert failure.value.status == kind.status
        assert isinstance(failure.value.__cause__, kind)
        assert failure.value.responses == {"b": "from b"}
        assert isinstance(failure.value.errors["c"], kind)
        assert isinstance(failure.value.errors["d"], JobCancelled)
        await asyncio.sleep(0)
        assert dict(ends) == {"b": None, "c": None, "d": "'c' did not complete"}
        await check.verify()


@pytest.mark.check("M84")
async def test_a_member_whose_worker_crashes_ends_the_group() -> None:
    async def crash(worker: Player) -> None:
        raise Boom

    async with node_of("b", "c") as node:
        group = node.start_job_group("b", "c", job="do", payload=each(b=answer))
        await asyncio.sleep(1)
        node.tell("c", Do(crash))
        with pytest.raises(GroupFailed) as failure:
            await group
        assert (failure.value.worker, failure.value.status) == ("c", "error")
        assert failure.value.responses == {"b": "from b"}


@pytest.mark.check("M84")
async def test_a_member_that_is_refused_at_once_keeps_the_others_from_being_asked() -> None:
    async def asked(worker: Player, request: JobRequest) -> None:
        ends.append((worker.name, None))

    full = Child("b", Player, bound=1)
    async with node_of(full, "c") as node:
        busy = node.ask("b", Do(lambda b: asyncio.sleep(1)))
        await asyncio.sleep(0)
        node.tell("b", Do(lambda b: asyncio.sleep(0)))
        check = LeakCheck(node)
        with pytest.raises(GroupFailed) as failure:
            async with node.job_group("b", "c", "nobody", job="do", payload=asked):
                pass
        assert failure.value.worker == "b"
        assert set(failure.value.errors) == {"b", "c", "nobody"}
        await busy
        await asyncio.sleep(60)
        assert ends == []
        await check.verify()


@pytest.mark.check("M85")
async def test_without_cancel_on_error_the_block_waits_for_all_and_does_not_raise() -> None:
    async def late(worker: Player, request: JobRequest) -> str:
        await asyncio.sleep(5)
        return "late"

    async with node_of("b", "c", "d", "e") as node:
        began = now()
        async with node.job_group(
            *"bcde",
            job="do",
            payload=each(b=answer, c=failed, d=error, e=late),
            cancel_on_error=False,
        ) as group:
            pass
        assert now() == began + 5
        assert group.responses == {"b": "from b", "e": "late"}
        assert {name: type(each) for name, each in group.errors.items()} == {
            "c": JobFailed,
            "d": JobCrashed,
        }
        assert all(cancelled is None for _, cancelled in ends)


@pytest.mark.check("M86")
async def test_events_name_their_worker_and_are_in_order_per_worker() -> None:
    def sending(delay: float) -> Any:
        async def task(worker: Player, request: JobRequest) -> str:
            for number in range(3):
                await request.stream(number)
                await asyncio.sleep(delay)
            await request.update("end")
            return worker.name

        return task

    async with node_of("b", "c") as node:
        tasks = each(b=sending(0.5), c=sending(0.7))
        async with node.job_group("b", "c", job="do", payload=tasks) as group:
            events = [event async for event in group]
        for name in ("b", "c"):
            own = [event for event in events if event.worker == name]
            assert own == [*(JobChunk(name, number) for number in range(3)), JobUpdate(name, "end")]
        assert [event.worker for event in events][:4] == ["b", "c", "b", "c"]
        assert group.responses == {"b": "b", "c": "c"}


@pytest.mark.check("M86")
async def test_a_group_read_outside_its_block_raises_and_a_failure_is_raised_at_the_end() -> None:
    async with node_of("b", "c") as node:
        group = node.job_group("b", "c", job="do", payload=each(c=failed))
        with pytest.raises(NotStarted):
            async for _ in group:
                pass
        with pytest.raises(NotStarted):
            await group
        with pytest.raises(GroupFailed):
            async with group:
                async for _ in group:
                    pass
        with pytest.raises(NotStarted):
            async for _ in group:
                pass


@pytest.mark.check("M87")
async def test_a_cancelled_group_cancels_its_open_members_and_raises_with_the_reason() -> None:
    async with node_of("b", "c", "d") as node:
        check = LeakCheck(node)
        group = node.job_group("b", "c", "d", job="do", payload=each(b=answer))
        with pytest.raises(GroupFailed, match="the user left") as failure:
            async with group:
                await asyncio.sleep(1)
                group.cancel("the user left")
        assert failure.value.status == "cancelled"
        assert group.responses == {"b": "from b"}
        await asyncio.sleep(0)
        assert dict(ends) == {"b": None, "c": "the user left", "d": "the user left"}
        await check.verify()


@pytest.mark.check("M87")
async def test_a_cancelled_group_raises_without_cancel_on_error_too() -> None:
    async with node_of("b") as node:
        group = node.start_job_group("b", job="do", payload=each(), cancel_on_error=False)
        group.cancel("enough")
        with pytest.raises(GroupFailed, match="enough"):
            await group


@pytest.mark.check("M87")
@pytest.mark.parametrize("silent", ["c", "nobody yet"])
async def test_a_timeout_ends_the_group_and_names_who_was_silent(silent: str) -> None:
    async with node_of("b", "c", "d") as node:
        check = LeakCheck(node)
        began = now()
        group = node.job_group("b", silent, "d", job="do", payload=each(b=answer), timeout=2)
        with pytest.raises(GroupFailed, match=f"'{silent}'") as failure:
            async with group:
                pass
        assert now() == began + 2
        assert failure.value.worker == silent
        assert isinstance(failure.value.errors[silent], JobTimeout)
        assert isinstance(failure.value.errors[silent], NotReady) == (silent != "c")
        assert group.responses == {"b": "from b"}
        await asyncio.sleep(0)
        assert all(isinstance(failure.value.errors[name], JobTimeout) for name in (silent, "d"))
        cancelled = {"d": "timeout"} | ({"c": "timeout"} if silent == "c" else {})
        assert dict(ends) == {"b": None} | cancelled
        await check.verify()


@pytest.mark.check("M87", "M71")
async def test_a_group_whose_block_is_left_early_cancels_its_members() -> None:
    async with node_of("b", "c") as node:
        check = LeakCheck(node)
        with pytest.raises(Boom):
            async with node.job_group("b", "c", job="do", payload=each()):
                await asyncio.sleep(1)
                raise Boom
        await asyncio.sleep(0)
        assert {name: reason and "Boom" in reason for name, reason in ends} == {
            "b": True,
            "c": True,
        }
        await check.verify()


@pytest.mark.check("M88")
async def test_members_are_names_each_once() -> None:
    async with node_of("b", "c") as node:
        other: Any = node.ref("c")
        with pytest.raises(TypeError, match="worker names"):
            node.job_group("b", other, job="do", payload=each())
        with pytest.raises(ValueError, match="each once"):
            node.job_group("b", "c", "b", job="do", payload=each())
        with pytest.raises(ValueError, match="at least one"):
            node.job_group(job="do", payload=each())
        await asyncio.sleep(1)
        assert ends == []


@pytest.mark.check("M80")
async def test_a_group_started_without_a_block_is_awaited_and_cancelled_elsewhere() -> None:
    async with node_of("b", "c") as node:
        began = now()
        group = node.start_job_group("b", "c", job="do", payload=each(b=answer, c=answer))
        assert now() == began and not group.done
        assert await group == {"b": "from b", "c": "from c"}
        waiting = asyncio.get_running_loop().create_task(ask_and_wait(node))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)
        assert ("b", "its caller was cancelled") in ends


async def ask_and_wait(node: Any) -> None:
    await node.start_job_group("b", "c", job="do", payload=each())


@pytest.mark.check("M69")
async def test_a_group_inside_a_job_ends_with_the_jobs_deadline() -> None:
    async def outer(worker: Player, request: JobRequest) -> None:
        async with worker.job_group("b", "c", job="do", payload=each()):
            pass

    async with node_of("a", "b", "c") as node:
        check = LeakCheck(node)
        with pytest.raises(JobTimeout):
            await node.request("a", "do", outer, timeout=3)
        await asyncio.sleep(0)
        assert sorted(name for name, _ in ends) == ["b", "c"]
        await check.verify()
