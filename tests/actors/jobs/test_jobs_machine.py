"""Random jobs, random trouble: every job has exactly one end, and nothing is left of any.

Each rule starts jobs or does something to them or to their workers, on virtual time. A job's end
is noted when it is first seen, and must never change; at the end all sums must match.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from callboard import (
    Backoff,
    Child,
    Job,
    JobFailed,
    JobGroup,
    JobRequest,
    LocalMessage,
    Node,
    Restarts,
    Supervisor,
    Worker,
    job,
    on,
)
from callboard.actors.testing import LeakCheck, Stepper

WORKERS = ("a", "b", "c")
SERVERS = (*WORKERS, "nobody")
NAMES = ("work", "in turn", "fail", "raise", "defer", "stream", "ask on", "ask all", "early", "no")

SOAK_EXAMPLES = 5 * int(os.environ.get("CALLBOARD_SOAK_SECONDS", "6"))
"""About as long as the whole soak is to take, on a slow machine."""

seconds = st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0])
timeouts = st.sampled_from([None, None, 0.1, 0.5, 2.0])
servers = st.sampled_from(SERVERS)
workers = st.sampled_from(WORKERS)
names = st.sampled_from(NAMES)


class Boom(Exception):
    pass


class Crash(LocalMessage):
    pass


class Start(LocalMessage):
    """Start a job in your name, and go on."""

    server: str
    name: str
    plan: list[float]
    timeout: float | None


class Work(LocalMessage):
    """Be busy."""

    plan: list[float]


class World:
    """What happened to all jobs of one run."""

    def __init__(self) -> None:
        self.jobs: list[Job[Any]] = []
        self.groups: list[JobGroup[Any]] = []
        self.deferred: list[JobRequest] = []
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.ends: dict[str, tuple[str, int]] = {}


class Player(Worker):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    @on(Crash)
    async def crash(self, message: Crash) -> None:
        raise Boom

    @on(Work)
    async def busy(self, message: Work) -> None:
        await asyncio.sleep(message.plan[0])

    @on(Start)
    async def start_one(self, message: Start) -> None:
        self.begin(message.server, message.name, message.plan, message.timeout)

    def begin(self, server: str, name: str, plan: list[float], timeout: float | None) -> Job[Any]:
        asked = self.start_job(server, name, plan, timeout=timeout)
        self.world.jobs.append(asked)
        return asked

    async def play(self, request: JobRequest) -> str:
        self.world.begun[request.id] += 1
        try:
            await asyncio.sleep(request.payload[0])
        finally:
            self.world.ended[request.id] += 1
        return request.id

    @job("work")
    async def work(self, request: JobRequest) -> str:
        return await self.play(request)

    @job("in turn", sequential=True)
    async def in_turn(self, request: JobRequest) -> str:
        return await self.play(request)

    @job("fail")
    async def fail(self, request: JobRequest) -> None:
        await self.play(request)
        raise JobFailed("on purpose")

    @job("raise")
    async def raises(self, request: JobRequest) -> None:
        await self.play(request)
        raise Boom

    @job("defer", sequential=True)
    async def defer(self, request: JobRequest) -> None:
        request.defer()
        self.world.deferred.append(request)
        await self.play(request)

    @job("early")
    async def early(self, request: JobRequest) -> str:
        self.world.taken[request.id] += request.respond(request.id)
        self.world.taken[request.id] += request.respond("never")
        await self.play(request)
        return "never"

    @job("stream")
    async def stream(self, request: JobRequest) -> AsyncIterator[int]:
        self.world.begun[request.id] += 1
        try:
            for number, pause in enumerate(request.payload):
                yield number
                await asyncio.sleep(pause)
            request.respond(request.id)
        finally:
            self.world.ended[request.id] += 1

    @job("ask on")
    async def ask_on(self, request: JobRequest) -> str:
        self.world.begun[request.id] += 1
        try:
            plan = request.payload
            server = WORKERS[int(plan[0] * 10) % len(WORKERS)]
            await self.begin(server, NAMES[int(plan[-1] * 10) % len(NAMES)], plan[1:] or [0.1], 5)
        finally:
            self.world.ended[request.id] += 1
        return request.id

    @job("ask all")
    async def ask_all(self, request: JobRequest) -> str:
        self.world.begun[request.id] += 1
        try:
            async with self.job_group("a", "b", "c", job="work", payload=request.payload) as group:
                self.world.groups.append(group)
        finally:
            self.world.ended[request.id] += 1
        return request.id


class JobsMachine(RuleBasedStateMachine):
    """A node with three workers that do jobs for each other, for the test and for nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.stepper = Stepper()
        self.node: Node | None = None

    @property
    def up(self) -> Node:
        assert self.node is not None
        return self.node

    @initialize()
    def begin(self) -> None:
        children = [Child(name, lambda: Player(self.world)) for name in WORKERS]
        policy = Restarts(intensity=None, backoff=Backoff(min=0.1, factor=1, jitter=0))
        self.node = Node(Supervisor(children, restarts=policy))

        async def start() -> LeakCheck:
            await self.up.start()
            return LeakCheck(self.up)

        self.check = self.stepper.run(start())

    # -- jobs ----

    @rule(server=servers, name=names, plan=st.lists(seconds, min_size=1, max_size=4), time=timeouts)
    def start(self, server: str, name: str, plan: list[float], time: float | None) -> None:
        async def start() -> None:
            self.world.jobs.append(self.up.start_job(server, name, plan, timeout=time))

        self.stepper.run(start())

    @rule(
        caller=workers,
        server=servers,
        name=names,
        plan=st.lists(seconds, min_size=1, max_size=4),
        time=timeouts,
    )
    def start_from_a_worker(
        self, caller: str, server: str, name: str, plan: list[float], time: float | None
    ) -> None:
        self.tell(caller, Start(server, name, plan, time))

    @rule(plan=st.lists(seconds, min_size=1, max_size=3), time=timeouts, every=st.booleans())
    def start_a_group(self, plan: list[float], time: float | None, every: bool) -> None:
        async def start() -> None:
            group = self.up.start_job_group(
                *WORKERS, job="work", payload=plan, timeout=time, cancel_on_error=every
            )
            self.world.groups.append(group)

        self.stepper.run(start())

    @rule(number=st.integers(min_value=0))
    def cancel(self, number: int) -> None:
        if self.world.jobs:
            self.world.jobs[number % len(self.world.jobs)].cancel("by the test")
            self.stepper.settle()

    @rule(number=st.integers(min_value=0))
    def answer(self, number: int) -> None:
        if self.world.deferred:
            request = self.world.deferred[number % len(self.world.deferred)]
            self.world.taken[request.id] += request.respond(request.id)
            self.stepper.settle()

    # -- trouble ----

    @rule(name=workers)
    def crash(self, name: str) -> None:
        self.tell(name, Crash())

    @rule(name=workers, plan=st.lists(seconds, min_size=1, max_size=1))
    def keep_busy(self, name: str, plan: list[float]) -> None:
        self.tell(name, Work(plan))

    @rule(name=workers)
    def restart(self, name: str) -> None:
        self.stepper.run(self.up.admin().terminate_child(name))
        self.stepper.run(self.up.admin().restart_child(name))

    @rule(name=workers, active=st.booleans())
    def turn(self, name: str, active: bool) -> None:
        change = self.up.activate(name) if active else self.up.deactivate(name)
        self.stepper.run(asyncio.wait_for(change, 10))

    @rule(time=st.sampled_from([0.05, 0.3, 1.0, 10.0]))
    def pass_time(self, time: float) -> None:
        self.stepper.pass_time(time)

    # -- what holds ----

    @invariant()
    def an_end_is_final_and_the_answer_is_its_own(self) -> None:
        for each in self.world.jobs:
            if not each.done:
                assert each.id not in self.world.ends
                continue
            status = each.error.status if each.error is not None else "completed"
            end = (status, id(each.error))
            assert self.world.ends.setdefault(each.id, end) == end
            if status == "completed":
                assert each.response == each.id
        assert all(count <= 1 for count in self.world.taken.values())
        assert all(count <= 1 for count in self.world.begun.values())

    def teardown(self) -> None:
        if self.node is None:
            self.stepper.close()
            return
        for name in WORKERS:  # who restarts or is busy comes to what it was told
            self.stepper.run(self.heard(name))
        for each in self.world.jobs:
            each.cancel("the test is over")
        for group in self.world.groups:
            group.cancel("the test is over")
        self.stepper.pass_time(5)
        self.an_end_is_final_and_the_answer_is_its_own()
        world = self.world
        assert world.begun == world.ended
        statuses = Counter(status for status, _ in world.ends.values())
        assert set(statuses) <= {"completed", "failed", "error", "cancelled"}
        assert sum(statuses.values()) == len(world.jobs) == len({each.id for each in world.jobs})
        for group in world.groups:
            assert group.done
            assert set(group.responses) | set(group.errors) == set(WORKERS)
            assert not set(group.responses) & set(group.errors)

        async def stop() -> None:
            await self.check.verify()
            await self.up.stop()

        self.stepper.run(stop())
        self.stepper.close()

    async def heard(self, name: str) -> None:
        await self.up.ask(name, Work([0.0]))

    def tell(self, name: str, message: LocalMessage) -> None:
        self.up.tell(name, message)
        self.stepper.settle()


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        JobsMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.mark.check("M75", "M76", "M77", "M79", "M82")
def test_every_job_has_exactly_one_end_whatever_happens() -> None:
    run(examples=40, steps=30)


@pytest.mark.soak
@pytest.mark.check("M75", "M76", "M77", "M79", "M82")
def test_every_job_has_exactly_one_end_in_a_long_run() -> None:
    run(examples=SOAK_EXAMPLES, steps=100)
