"""The watchdog: who blocks the event loop is named while it does, and others are not charged."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from functools import partial
from typing import cast

import pytest

from callboard import Child, DynamicSupervisor, Event, JobRequest, Node, Worker, job, on
from tests.supervision.company import cell_of
from tests.supervision.endings import Note, busy, kinds

LONG = 2.0
"""Seconds that the loop is blocked at most."""


class Blocker:
    """Blocks the loop until the watchdog has said so, or for the whole time."""

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole
        self.seen: list[tuple[float, Event]] = []

    def hold_up_the_loop(self, worker: Worker) -> None:
        events = cast("Node", worker.node).events.subscribe()
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < LONG and (self.whole or not self.seen):
            time.sleep(0.01)
            self.seen += [(passed, event) for event in kinds(events, "blocked")]
        events.close()


class Blocking(Worker):
    """Blocks the loop, in one of several places."""

    def __init__(self, blocker: Blocker, where: str) -> None:
        super().__init__()
        self.blocker = blocker
        self.where = where

    def on_start(self) -> None:
        if self.where == "start hook":
            self.blocker.hold_up_the_loop(self)

    async def on_stop(self) -> None:
        if self.where == "stop hook":
            self.blocker.hold_up_the_loop(self)

    @on(Note)
    async def note(self, message: Note) -> None:
        if message.text == "later":
            await asyncio.sleep(0.01)
        self.blocker.hold_up_the_loop(self)

    @job("block")
    async def block_job(self, request: JobRequest) -> None:
        if request.payload == "later":
            await asyncio.sleep(0.01)
        self.blocker.hold_up_the_loop(self)


def stage(blocker: Blocker, where: str = "", *siblings: Child) -> Node:
    """A pool in which one worker blocks, on the real clock with the real thread."""
    blocking = Child("blocking", partial(Blocking, blocker, where))
    return Node(partial(DynamicSupervisor, [blocking, *siblings]), name="stage")


@pytest.mark.check("S78")
@pytest.mark.realtime
async def test_who_blocks_the_loop_is_named_within_a_second_with_its_stack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocker = Blocker(whole=True)
    async with stage(blocker) as node:
        with caplog.at_level(logging.ERROR, "callboard"):
            await node.ask("blocking", Note("now"))
        ((passed, event),) = blocker.seen
        assert passed < 1
        assert event.path == "root/blocking"
        assert event.incarnation == 1
        assert "in hold_up_the_loop" in event.text
        assert "time.sleep(0.01)" in event.text
        (record,) = caplog.records
        assert record.thread != threading.get_ident()
        assert record.getMessage().startswith("root/blocking blocked")


@pytest.mark.check("S78")
@pytest.mark.realtime
@pytest.mark.parametrize("where", ["handler", "job", "job later", "stop hook", "start hook"])
async def test_it_is_named_wherever_it_blocks(where: str) -> None:
    blocker = Blocker()
    async with stage(blocker, where) as node:
        if where == "handler":
            await node.ask("blocking", Note("later"))
        elif where.startswith("job"):
            await node.request("blocking", "block", where.removeprefix("job").strip())
    ((passed, event),) = blocker.seen
    assert passed < 1
    assert event.path == "root/blocking"
    assert "in hold_up_the_loop" in event.text


@pytest.mark.check("S78")
@pytest.mark.realtime
async def test_the_budget_of_a_sibling_is_not_charged_for_the_blocked_loop() -> None:
    log: list[str] = []
    blocker = Blocker(whole=True)

    class Patient(Worker):
        """Needs 0.8 of the 1 s that it has, and the loop is blocked for 2 s of its time."""

        async def on_stop(self) -> None:
            await asyncio.sleep(0.4)
            log.append("half")
            await asyncio.sleep(0.4)
            log.append("stopped")

    node = stage(blocker, "stop hook", Child("patient", Patient, shutdown=1))
    await node.start()
    place = cell_of(node, "patient")
    begin = time.monotonic()
    await node.stop()
    assert time.monotonic() - begin > LONG
    assert log == ["half", "stopped"]
    assert str(place.ended).startswith("shutdown")


@pytest.mark.check("S78")
@pytest.mark.realtime
async def test_a_worker_that_only_waits_is_not_named() -> None:
    log: list[str] = []
    async with Node(partial(DynamicSupervisor, [busy(log, "a", 1)])) as node:
        events = node.events.subscribe()
        await node.admin().terminate_child("a")
        assert kinds(events, "blocked") == []


@pytest.mark.check("S78")
@pytest.mark.realtime
async def test_one_who_follows_the_events_is_woken_by_what_the_watchdogs_thread_says() -> None:
    node = Node(partial(DynamicSupervisor, []), name="stage", watchdog=False)
    async with node:
        events = node.events.subscribe()
        read: list[str] = []

        async def follow() -> None:
            async for event in events:
                read.append(event.kind)
                events.close()

        # The loop sleeps by then, and nothing but this wakes it before its time.
        thread = threading.Timer(0.1, node.runtime.emit, args=("blocked", "root/a"))
        thread.start()
        begin = time.monotonic()
        await asyncio.wait([asyncio.create_task(follow())], timeout=20)
        assert time.monotonic() - begin < 10
        assert read == ["blocked"]
        thread.join()


@pytest.mark.check("S78")
@pytest.mark.realtime
async def test_the_watchdogs_thread_ends_with_its_node() -> None:
    node = Node(partial(DynamicSupervisor, []), name="watched")
    await node.start()
    watching = [each for each in threading.enumerate() if each.name == "callboard-watchdog-watched"]
    assert len(watching) == 1
    await node.stop()
    assert not watching[0].is_alive()
