"""The probe: what it records, waits for and answers; as a child, as another worker, and bare."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    Child,
    DataMessage,
    JobRequest,
    Lane,
    Node,
    Restarts,
    Supervisor,
    Worker,
    WorkerDown,
    WorkerFailed,
    WorkerReady,
    on,
)
from callboard.actors.testing import Probe, eventually


class Greet(DataMessage):
    name: str


class Echo(Worker):
    @on(Greet)
    async def greet(self, message: Greet) -> None:
        self.tell("listener", message)


# -- waiting ----


async def test_expecting_returns_the_next_message_and_waits_for_it(probe: Probe) -> None:
    asyncio.get_running_loop().call_later(2, probe.ref.tell, Greet("Ada"))
    assert await probe.expect(Greet) == Greet("Ada")
    assert probe.received == [Greet("Ada")]
    assert probe.unread == []


async def test_expecting_fails_when_nothing_comes_in_time(probe: Probe) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(AssertionError, match="expected Greet: nothing came within 7 s"):
        await probe.expect(Greet, timeout=7)
    assert asyncio.get_running_loop().time() == pytest.approx(began + 7)


async def test_expecting_fails_when_the_next_message_is_another(probe: Probe) -> None:
    probe.ref.tell("something else")
    probe.ref.tell(Greet("Ada"))
    with pytest.raises(AssertionError, match="expected Greet, received 'something else'"):
        await probe.expect(Greet)


async def test_expecting_nothing_waits_all_the_time_and_fails_on_the_first_message(
    probe: Probe,
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await probe.expect_none(30)
    assert loop.time() == pytest.approx(began + 30)
    loop.call_later(5, probe.ref.tell, Greet("Ada"))
    with pytest.raises(AssertionError, match="expected nothing, received Greet"):
        await probe.expect_none(30)
    assert loop.time() == pytest.approx(began + 35)


async def test_expecting_nothing_fails_on_what_was_not_looked_at(probe: Probe) -> None:
    probe.ref.tell("overlooked")
    with pytest.raises(AssertionError, match="received 'overlooked'"):
        await probe.expect_none()


async def test_fishing_passes_over_all_others_and_names_them_when_it_fails(probe: Probe) -> None:
    for number in range(5):
        probe.ref.tell(number)
    assert await probe.fish(lambda number: number == 3) == 3
    assert probe.unread == [4]
    with pytest.raises(AssertionError, match=r"within 2 s; passed over: \[4\]"):
        await probe.fish(lambda number: number == 3, timeout=2)


# -- what it stands for ----


async def test_a_bare_probe_is_told_from_any_thread_and_keeps_the_envelope(probe: Probe) -> None:
    ref = probe.ref
    thread = threading.Thread(target=ref.tell, args=("from afar",), kwargs={"lane": Lane.HIGH})
    thread.start()
    assert await probe.expect(str) == "from afar"
    thread.join()
    envelope = probe.envelopes[0]
    assert (envelope.lane, envelope.source, envelope.target) == (Lane.HIGH, None, ref)


@pytest.mark.parametrize("deferred", [False, True])
async def test_a_bare_probe_answers_what_it_is_asked(deferred: bool) -> None:
    async def later(message: Any) -> Any:
        await asyncio.sleep(5)
        return message * 2

    probe = Probe(later if deferred else lambda message: message * 2)
    assert await probe.ref.ask(21) == 42
    assert await Probe().ref.ask("anything") is None


async def test_an_answer_that_raises_is_a_failed_ask() -> None:
    probe = Probe(lambda message: 1 / message)
    with pytest.raises(ActorFailed) as failed:
        await probe.ref.ask(0)
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


async def test_a_probe_is_a_child_over_all_its_incarnations(probe: Probe) -> None:
    def answer(message: Any) -> str:
        if message == "fail":
            raise ValueError(message)
        return "as told"

    probe.answer = answer
    tree = Supervisor([Child("echo", Echo), Child("listener", probe)], restarts=Restarts(10))
    async with Node(tree) as node:
        node.tell("echo", Greet("Ada"))
        assert await probe.expect(Greet) == Greet("Ada")
        assert probe.envelopes[0].source == node.ref("echo")
        with pytest.raises(ActorFailed):
            await node.ask("listener", "fail")
        assert await node.ask("listener", "again") == "as told"
        assert probe.received == [Greet("Ada"), "fail", "again"]
        assert probe.ref == node.ref("listener")


async def test_a_probe_records_jobs_and_answers_them(probe: Probe) -> None:
    def add(request: JobRequest) -> int:
        return sum(request.payload)

    probe.answer = add
    async with Node(Supervisor([Child("adder", probe)])) as node:
        assert await node.request("adder", "sum", [1, 2]) == 3
        request = await probe.expect(JobRequest)
        assert (request.name, request.payload) == ("sum", [1, 2])


async def test_a_job_may_be_answered_by_the_test_itself(probe: Probe) -> None:
    probe.answer = JobRequest.defer
    async with Node(Supervisor([Child("adder", probe)])) as node:
        job = node.start_job("adder", "sum", [1, 2])
        request = await probe.expect(JobRequest)
        request.respond("by hand")
        assert await job == "by hand"


async def test_a_probe_records_what_a_worker_is_told_of_others(probe: Probe) -> None:
    def answer(message: Any) -> None:
        if message == "fail":
            raise ValueError(message)

    kid = Probe(answer)

    class Watchful(Worker):
        async def on_start(self) -> None:
            self.watch_workers("late")
            await self.spawn(Child("kid", kid, restart="temporary"))

        def on_worker_ready(self, data: WorkerReady) -> None:
            probe.ref.tell(data)

        def on_worker_failed(self, data: WorkerFailed) -> None:
            probe.ref.tell(data)

    async with Node(Supervisor([Child("watchful", Watchful)])) as node:
        ready = await probe.expect(WorkerReady)
        assert (ready.worker, ready.incarnation) == ("kid", 1)
        node.tell("kid", "fail")
        failed = await probe.expect(WorkerFailed)
        assert (failed.worker, str(failed.error)) == ("kid", "fail")


async def test_a_probe_monitors_as_an_actor_does(probe: Probe) -> None:
    async with Node(Supervisor([Child("echo", Echo, restart="temporary")])) as node:
        ref = node.ref("echo")
        assert ref is not None
        probe.monitor(ref)
        cancelled = Probe()
        cancelled.monitor(ref).cancel()
        await ref.stop()
        down = await probe.expect(WorkerDown)
        assert (down.worker, str(down.reason)) == (ref, "normal")
        assert cancelled.received == []
        probe.monitor(ref)
        assert (await probe.expect(WorkerDown)).reason is None


async def test_a_private_child_may_be_a_probe(probe: Probe) -> None:
    class Owner(Worker):
        async def on_start(self) -> None:
            kid = await self.spawn(Child("kid", probe), watch=False)
            kid.tell("hello")

    async with Node(Supervisor([Child("owner", Owner)])):
        await eventually(lambda: probe.received == ["hello"])
