"""A kill on demand: an end by force that is repaired like any other fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from callboard import (
    Admin,
    Backoff,
    Child,
    DataMessage,
    JobCrashed,
    NoActor,
    Node,
    Restarts,
    Supervisor,
    Worker,
    job,
    on,
)
from callboard.supervision.strategy import Restart

POLICY = Restarts(backoff=Backoff(min=1.0, jitter=0))


class Number(DataMessage):
    """Ask for the number of this life."""


class Actress(Worker):
    stopped = 0

    def on_stop(self) -> None:
        type(self).stopped += 1

    @on(Number)
    def number(self, _: Number) -> int:
        return self.incarnation

    @job("play")
    async def play(self, _: Any) -> None:
        await asyncio.sleep(3600)


def stage(restart: Restart = "permanent") -> Supervisor:
    return Supervisor([Child("actress", Actress, restart=restart)], restarts=POLICY)


@pytest.mark.check("S21", "S22")
@pytest.mark.parametrize("restart", ["permanent", "transient"])
async def test_who_is_killed_is_restarted_without_its_stop_hook(restart: Restart) -> None:
    Actress.stopped = 0
    async with Node(stage(restart)) as node:
        seen = node.events.subscribe()
        node.admin().kill("actress", "a test")
        assert await node.ask("actress", Number()) == 2
        assert Actress.stopped == 0
        events = [(event.kind, str(event.reason)) for event in seen.take()]
        assert ("killed", "killed: a test") in events


async def test_who_is_killed_and_temporary_is_gone() -> None:
    async with Node(stage("temporary")) as node:
        node.admin().kill("actress")
        await asyncio.sleep(60)
        assert node.ref("actress") is None


async def test_a_kill_acts_at_once_and_open_jobs_end_with_an_error() -> None:
    async with Node(stage()) as node:
        playing = node.start_job("actress", "play")
        await asyncio.sleep(10)
        begun = asyncio.get_running_loop().time()
        node.admin().kill("actress")
        with pytest.raises(JobCrashed):
            await playing
        assert asyncio.get_running_loop().time() == begun


async def test_only_what_runs_can_be_killed() -> None:
    async with Node(stage()) as node:
        admin = Admin(node.root)
        with pytest.raises(NoActor, match="nobody"):
            admin.kill("nobody")
        admin.kill("actress")
        with pytest.raises(NoActor, match="stopping"):
            admin.kill("actress")
        await asyncio.sleep(0.5)
        with pytest.raises(NoActor, match="no worker 'actress' is running"):
            admin.kill("actress")
