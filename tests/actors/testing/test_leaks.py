"""The leak check on nodes and drivers: names, watches, monitors and open jobs."""

from __future__ import annotations

import asyncio

import pytest

from callboard import Child, JobRequest, Node, Supervisor, Worker, WorkerReady, job
from callboard.actors.testing import LeakCheck, Leaked, Probe, settle


class Patient(Worker):
    @job("wait")
    def keep(self, request: JobRequest) -> None:
        request.defer()


def company() -> Node:
    return Node(lambda: Supervisor([Child("patient", Patient)]), name="stage")


async def test_a_node_that_has_ended_holds_nothing() -> None:
    node = company()
    check = LeakCheck(node)
    async with node:
        with pytest.raises(Leaked, match="name 'patient' in the registry of 'stage'"):
            await check.verify()
    await check.verify()


async def test_what_a_running_node_holds_for_as_long_as_it_runs_is_no_leak() -> None:
    async with company() as node:
        check = LeakCheck(node)
        node.tell("patient", "a message, to have a runner rest")
        await settle()
        await check.verify()


async def test_a_job_that_is_left_open_is_a_leak_of_both_its_sides() -> None:
    async with company() as node:
        check = LeakCheck(node)
        left = node.start_job("patient", "wait")
        await settle()
        with pytest.raises(Leaked) as leaked:
            await check.verify()
        assert f"job {left.id} asked for by 'stage'" in str(leaked.value)
        assert f"job {left.id} done by 'patient'" in str(leaked.value)
        left.cancel()
        await settle()
        check_of_jobs = [line for line in _lines(await _leaks(check)) if line.startswith("job")]
        assert check_of_jobs == []


async def test_a_watch_that_is_left_is_a_leak() -> None:
    async with company() as node:
        check = LeakCheck(node)
        seen: list[WorkerReady] = []
        node.registry.watch("somebody", "a key", seen.append)
        with pytest.raises(Leaked, match="watch on 'somebody' in the registry of 'stage'"):
            await check.verify()
        node.registry.unwatch("a key")
        await check.verify()


async def test_a_monitor_that_is_left_is_a_leak(probe: Probe) -> None:
    async with company() as node:
        ref = node.ref("patient")
        assert ref is not None
        check = LeakCheck(node)
        monitor = probe.monitor(ref)
        with pytest.raises(Leaked, match="monitor on 'patient'"):
            await check.verify()
        monitor.cancel()
        await check.verify()


async def test_more_of_what_was_there_is_counted() -> None:
    async with company() as node:
        node.registry.watch("somebody", "first", lambda fact: None)
        check = LeakCheck(node)
        node.registry.watch("somebody", "second", lambda fact: None)
        with pytest.raises(Leaked, match=r"watch on 'somebody'.*1 more than before"):
            await check.verify()


async def test_tasks_and_timers_of_before_are_no_leaks() -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(asyncio.sleep(60))
    timer = loop.call_later(60, print)
    await settle()
    check = LeakCheck()
    await check.verify()
    task.cancel()
    timer.cancel()


async def _leaks(check: LeakCheck) -> str:
    try:
        await check.verify()
    except Leaked as leaked:
        return str(leaked)
    return ""


def _lines(text: str) -> list[str]:
    return text.removeprefix("left behind: ").split("; ")
