"""The server's side: at once or in turn, beside the mailbox, from inside a suspended handler."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    JobCancelled,
    JobError,
    JobRequest,
    Lane,
    NotStarted,
    Worker,
    job,
    on,
)
from callboard.actors.testing import LeakCheck
from tests.actors.jobs.crew import Do, Player, never, node_of, now


def taking(seconds: float, log: list[str], name: str) -> Any:
    async def task(worker: Player, request: JobRequest) -> str:
        log.append(f"{name} begins")
        await asyncio.sleep(seconds)
        log.append(f"{name} ends")
        return name

    return task


@pytest.mark.check("M73")
async def test_two_jobs_of_one_name_run_at_the_same_time() -> None:
    log: list[str] = []
    async with node_of("b") as node:
        began = now()
        jobs = [node.start_job("b", "do", taking(1, log, name)) for name in "xy"]
        assert [await each for each in jobs] == ["x", "y"]
        assert now() == began + 1
        assert log == ["x begins", "y begins", "x ends", "y ends"]


@pytest.mark.check("M73")
async def test_sequential_jobs_run_one_at_a_time_in_order_of_arrival() -> None:
    log: list[str] = []
    async with node_of("b") as node:
        check = LeakCheck(node)
        began = now()
        jobs = [node.start_job("b", "in turn", taking(1, log, name)) for name in "xyz"]
        assert [await each for each in jobs] == ["x", "y", "z"]
        assert now() == began + 3
        assert log == [f"{name} {what}" for name in "xyz" for what in ("begins", "ends")]
        await check.verify()


@pytest.mark.check("M73")
async def test_a_queued_job_that_is_cancelled_never_starts_and_the_next_moves_up() -> None:
    log: list[str] = []
    async with node_of("b") as node:
        jobs = [node.start_job("b", "in turn", taking(1, log, name)) for name in "xyz"]
        await asyncio.sleep(0.5)
        jobs[1].cancel("changed my mind")
        await jobs[2]
        assert log == ["x begins", "x ends", "z begins", "z ends"]
        with pytest.raises(JobCancelled, match="changed my mind"):
            await jobs[1]


@pytest.mark.check("M73")
async def test_another_name_is_not_held_up_by_a_sequential_one() -> None:
    log: list[str] = []
    async with node_of("b") as node:
        slow = node.start_job("b", "in turn", taking(10, log, "slow"))
        await node.request("b", "do", taking(1, log, "quick"))
        assert log == ["slow begins", "quick begins", "quick ends"]
        assert await slow == "slow"


@pytest.mark.check("M73")
async def test_a_sequential_job_that_answers_early_holds_its_turn_until_its_handler_ends() -> None:
    log: list[str] = []

    async def early(worker: Player, request: JobRequest) -> None:
        request.respond("early")
        log.append("answered")
        await asyncio.sleep(1)
        log.append("cleaned up")

    async with node_of("b") as node:
        first = node.start_job("b", "in turn", early)
        second = node.start_job("b", "in turn", taking(1, log, "second"))
        assert await first == "early"
        await second
        assert log == ["answered", "cleaned up", "second begins", "second ends"]


@pytest.mark.check("M73")
async def test_ten_thousand_queued_jobs_that_need_no_time_follow_without_recursion() -> None:
    async def at_once(worker: Player, request: JobRequest) -> int:
        return 1

    async def first(worker: Player, request: JobRequest) -> int:
        await asyncio.sleep(1)
        return 1

    async with node_of(Child("b", Player, bound=20_000)) as node:
        jobs = [node.start_job("b", "in turn", first)]
        jobs += [node.start_job("b", "in turn", at_once) for _ in range(9_999)]
        assert sum([await each for each in jobs]) == 10_000


@pytest.mark.check("M73")
async def test_a_job_that_follows_is_its_workers_own_and_has_a_task_of_its_own() -> None:
    """It must inherit nothing from the job before it, nor from who has cancelled that."""
    seen: list[Any] = []

    async def show(worker: Player, request: JobRequest) -> None:
        other = await worker.ask("c", Do(lambda c: asyncio.sleep(0, c.envelope.source)))
        seen.append((other.name if other else None, request.deadline))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.sleep(10)
        seen.append(asyncio.current_task())

    async def cancel_another(a: Player) -> None:
        first = a.start_job("b", "in turn", never, timeout=50)
        await asyncio.sleep(1)
        first.cancel()
        seen.append(asyncio.current_task())
        await asyncio.sleep(10)

    async with node_of("a", "b", "c") as node:
        busy = node.ask("a", Do(cancel_another))
        await asyncio.sleep(0.5)
        await node.request("b", "in turn", show)
        await busy
        task_of_a, source, task_of_b = seen
        assert source == ("b", None)
        assert task_of_a is not task_of_b


class Note(DataMessage):
    text: str


class Busy(Player):
    log: list[str]

    def on_start(self) -> None:
        self.log = []

    @on(Note)
    async def note(self, message: Note) -> str:
        self.log.append(message.text)
        return message.text

    @job("log")
    async def show(self, request: JobRequest) -> list[str]:
        return self.log


@pytest.mark.check("M74")
async def test_a_message_is_handled_while_a_job_runs() -> None:
    async def work(worker: Player, request: JobRequest) -> float:
        await asyncio.sleep(1)
        return now()

    async with node_of(Child("b", Busy)) as node:
        began = now()
        running = node.start_job("b", "do", work)
        assert await node.ask("b", Note("meanwhile")) == "meanwhile"
        assert now() == began
        assert await running == began + 1


def flooded(b: Player, count: int = 100) -> None:
    """Fill its mailbox, so that nothing new comes to its turn."""
    for number in range(count):
        b.tell(b.actor_ref, Note(str(number)), lane=Lane.HIGH)


@pytest.mark.check("M74")
async def test_a_handler_suspended_in_a_request_to_another_is_resumed_whatever_waits() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        await asyncio.sleep(1)
        return "worked"

    async def ask(a: Player) -> Any:
        flooded(a)
        answer = await a.request("c", "do", work)
        return answer, list(a.log)  # type: ignore[attr-defined]

    async with node_of(Child("a", Busy), "c") as node:
        assert await node.ask("a", Do(ask)) == ("worked", [])


@pytest.mark.check("M74")
async def test_a_handler_may_request_a_job_of_its_own_worker() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        async with asyncio.timeout(5):
            await asyncio.sleep(1)
        return f"{worker.name} for {request.caller}"

    async def ask(a: Player) -> Any:
        flooded(a)
        return await a.request("a", "do", work)

    async with node_of(Child("a", Busy)) as node:
        check = LeakCheck(node)
        assert await asyncio.wait_for(node.ask("a", Do(ask)), 60) == "a for a"
        await asyncio.sleep(1)
        await check.verify()


@pytest.mark.check("M74")
async def test_a_handler_may_request_what_needs_its_own_worker_again() -> None:
    async def back(worker: Player, request: JobRequest) -> str:
        return f"{worker.name} was asked by {request.caller}"

    async def there(worker: Player, request: JobRequest) -> Any:
        await asyncio.sleep(1)
        return await worker.request("a", "do", back)

    async def far(worker: Player, request: JobRequest) -> Any:
        return await worker.request("c", "do", there)

    async def ask(a: Player) -> Any:
        flooded(a)
        return await a.request("b", "do", there), await a.request("b", "do", far)

    async with node_of(Child("a", Busy), "b", "c") as node:
        expected = ("a was asked by b", "a was asked by c")
        assert await asyncio.wait_for(node.ask("a", Do(ask)), 60) == expected


@pytest.mark.check("M74", "M76")
async def test_a_job_that_overtook_the_mailbox_is_cancelled_like_any_other() -> None:
    ended: list[str | None] = []

    async def work(worker: Player, request: JobRequest) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(request.cancelled)

    async def ask(a: Player) -> str:
        asked = a.start_job("a", "do", work)
        await asyncio.sleep(1)
        asked.cancel("enough")
        await asked.wait()
        return "went on"

    async with node_of("a") as node:
        check = LeakCheck(node)
        assert await node.ask("a", Do(ask)) == "went on"
        assert ended == ["enough"]
        await check.verify()


@pytest.mark.check("M74")
async def test_a_timeout_in_a_job_that_overtook_the_mailbox_is_not_felt_by_its_caller() -> None:
    async def work(worker: Player, request: JobRequest) -> str:
        try:
            async with asyncio.timeout(1):
                await asyncio.sleep(100)
        except TimeoutError:
            return "timed out"
        return "never"

    async with node_of("a") as node:
        ask = Do(lambda a: a.request("a", "do", work))
        assert await asyncio.wait_for(node.ask("a", ask), 50) == "timed out"


async def test_a_worker_that_has_let_go_of_its_jobs_refuses_its_own() -> None:
    """In `on_stop` it would wait for itself: the error comes at once."""
    seen: list[BaseException] = []

    class Selfish(Player):
        async def on_stop(self) -> None:
            try:
                await self.request(self.name, "do", never)
            except JobError as error:
                seen.append(error)

    async with node_of(Child("b", Selfish)) as node:
        began = now()
        await node.admin().terminate_child("b")
        assert now() == began
    assert "'b' is ending" in str(seen[0])


async def test_what_a_stop_hook_still_asked_for_is_cancelled_after_it() -> None:
    class Parting(Player):
        async def on_stop(self) -> None:
            self.start_job("c", "do", never)
            await asyncio.sleep(1)

    async with node_of("c", Child("b", Parting)) as node:
        check = LeakCheck(node)
        await node.admin().terminate_child("b")
        await asyncio.sleep(0)
        await check.verify()


async def test_the_current_job_is_known_in_its_handler_only() -> None:
    class Server(Player):
        @job("same")
        async def same(self, request: JobRequest) -> bool:
            await asyncio.sleep(0)
            return self.current_job is request

    async def outside(b: Player) -> str:
        with pytest.raises(NotStarted, match="'b' does no job here"):
            _ = b.current_job
        return "none"

    async with node_of(Child("b", Server)) as node:
        assert await node.request("b", "same") is True
        assert await node.ask("b", Do(outside)) == "none"


class Inert(Worker):
    pass


async def test_a_worker_without_jobs_says_so() -> None:
    async with node_of(Child("b", Inert)) as node:
        with pytest.raises(JobError, match="it has: none"):
            await node.request("b", "x")
