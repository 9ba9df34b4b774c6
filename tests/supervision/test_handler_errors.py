"""What becomes of a worker whose handler or job raises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    DataMessage,
    Directive,
    JobCrashed,
    JobRequest,
    NoActor,
    Node,
    Restarts,
    Supervisor,
    SystemMessage,
    Worker,
    job,
    on,
)
from callboard.actors.testing import settle

QUICK = Restarts(intensity=100, backoff=Backoff(min=0))


class Fail(DataMessage):
    error: BaseException


class FailUrgently(SystemMessage):
    error: BaseException


class Hand(Worker):
    @on(Fail)
    async def fail(self, message: Fail) -> None:
        raise message.error

    @on(FailUrgently)
    def fail_urgently(self, message: FailUrgently) -> None:
        raise message.error

    @on(str)
    def who(self, text: str) -> tuple[str, int]:
        return text, self.incarnation


# -- M49: a handler that raises ----


@pytest.mark.check("M49")
@pytest.mark.parametrize("kind", [Fail, FailUrgently])
async def test_a_handler_that_raises_fails_its_worker_and_the_next_life_handles_the_next_message(
    kind: Callable[[BaseException], object],
) -> None:
    async with Node(Supervisor([Child("a", Hand)], restarts=QUICK)) as node:
        error = ValueError("oh")
        failing = node.ask("a", kind(error))
        queued = node.ask("a", "next")
        with pytest.raises(ActorFailed) as failed:
            await failing
        assert failed.value.__cause__ is error
        assert await queued == ("next", 2)
        assert await node.ask("a", "later") == ("later", 2), "it is not redelivered"


@pytest.mark.check("M49")
@pytest.mark.parametrize(
    ("restart", "lives"), [("permanent", 2), ("transient", 2), ("temporary", 0)]
)
async def test_whether_it_restarts_is_the_policys_affair(
    restart: Literal["permanent", "transient", "temporary"], lives: int
) -> None:
    async with Node(Supervisor([Child("a", Hand, restart=restart)], restarts=QUICK)) as node:
        with pytest.raises(ActorFailed):
            await node.ask("a", Fail(ValueError("oh")))
        if lives:
            assert await node.ask("a", "?") == ("?", lives)
        else:
            with pytest.raises(NoActor):
                await node.ask("a", "?")


# -- M50: a job that raises ----


class Server(Worker):
    @job("fail")
    async def fail(self, request: JobRequest) -> None:
        raise request.payload

    @job("fail at once")
    def fail_at_once(self, request: JobRequest) -> None:
        raise request.payload

    @job("wait")
    async def wait(self, request: JobRequest) -> str:
        await asyncio.sleep(request.payload)
        return "done"

    @on(str)
    def who(self, text: str) -> int:
        return self.incarnation


class CrashingServer(Server):
    job_errors = "crash"


@pytest.mark.check("M50")
@pytest.mark.parametrize("name", ["fail", "fail at once"])
async def test_a_job_that_raises_ends_and_its_worker_lives(name: str) -> None:
    async with Node(Supervisor([Child("a", Server)], restarts=QUICK)) as node:
        other = node.start_job("a", "wait", 5)
        with pytest.raises(JobCrashed) as crashed:
            await node.request("a", name, ValueError("oh"))
        assert (crashed.value.status, crashed.value.worker) == ("error", "a")
        assert isinstance(crashed.value.__cause__, ValueError)
        assert await other == "done"
        assert await node.ask("a", "?") == 1


@pytest.mark.check("M50")
@pytest.mark.parametrize("name", ["fail", "fail at once"])
async def test_where_job_errors_crash_the_worker_fails_too_with_its_other_jobs(name: str) -> None:
    async with Node(Supervisor([Child("a", CrashingServer)], restarts=QUICK)) as node:
        other = node.start_job("a", "wait", 5)
        await settle()
        with pytest.raises(JobCrashed):
            await node.request("a", name, ValueError("oh"))
        with pytest.raises(JobCrashed) as crashed:
            await other
        assert crashed.value.status == "error"
        assert await node.ask("a", "?") == 2


class Oh(ValueError):
    """Nearer than ValueError."""


@pytest.mark.check("M50")
@pytest.mark.parametrize("by", ["class", "spec"])
@pytest.mark.parametrize("how", ["message", "job"])
@pytest.mark.parametrize(
    ("directives", "ends"),
    [
        ({ValueError: "resume"}, "it goes on"),
        ({ValueError: "restart"}, "it is restarted"),
        ({ValueError: "stop"}, "it stays stopped"),
        ({ValueError: "escalate"}, "its supervisor is restarted"),
        ({ValueError: "stop", Exception: "escalate", Oh: "resume"}, "it goes on"),
        ({Exception: "resume", ValueError: "restart"}, "it is restarted"),
    ],
)
async def test_a_map_from_exception_classes_overrides_both_the_nearest_class_deciding(
    directives: Mapping[type[BaseException], Directive], ends: str, how: str, by: str
) -> None:
    class Mapped(CrashingServer):
        @on(Fail)
        def fail_now(self, message: Fail) -> None:
            raise message.error

    if by == "class":
        Mapped.directives = directives
    spec = Child("a", Mapped, directives=directives if by == "spec" else None)
    inner = Child("inner", partial(Supervisor, [spec], restarts=QUICK), restart="transient")
    async with Node(Supervisor([inner], restarts=QUICK)) as node:
        with pytest.raises((ActorFailed, JobCrashed)):
            if how == "message":
                await node.ask("a", Fail(Oh("oh")))
            else:
                await node.request("a", "fail", Oh("oh"))
        await asyncio.sleep(1)
        ref = node.ref("a")
        life = await ref.ask("?") if ref is not None else None
        inner_life = (await node.admin().which_children())[0].incarnation
        assert (life, inner_life) == {
            "it goes on": (1, 1),
            "it is restarted": (2, 1),
            "it stays stopped": (None, 1),
            "its supervisor is restarted": (1, 2),
        }[ends]


@pytest.mark.check("M50")
async def test_the_spec_goes_before_the_class() -> None:
    class Mapped(Server):
        directives = {ValueError: "stop"}

        @on(Fail)
        def fail_now(self, message: Fail) -> None:
            raise message.error

    spec = Child("a", Mapped, directives={ValueError: "resume"})
    async with Node(Supervisor([spec], restarts=QUICK)) as node:
        with pytest.raises(ActorFailed):
            await node.ask("a", Fail(ValueError("oh")))
        assert await node.ask("a", "?") == 1
