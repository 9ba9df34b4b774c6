"""Virtual time: it jumps when everything waits, and stands still while a thread works."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from callboard.actors.testing import (
    StuckError,
    VirtualTimeLoop,
    eventually,
    run_virtual,
    settle,
)


async def test_timers_fire_in_the_order_of_their_times() -> None:
    order: list[int] = []

    async def at(seconds: int) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    await asyncio.gather(*(at(seconds) for seconds in (300, 1, 86_400, 20)))
    assert order == [1, 20, 300, 86_400]


async def test_a_year_passes_in_one_jump_or_a_few() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(365 * 86_400)
    assert loop.time() == pytest.approx(began + 365 * 86_400)


async def test_time_stands_still_while_a_thread_works() -> None:
    loop = asyncio.get_running_loop()
    gate = threading.Event()
    alarms: list[float] = []
    alarm = loop.call_later(60, lambda: alarms.append(loop.time()))
    work = loop.run_in_executor(None, gate.wait)
    began = loop.time()
    threading.Timer(0.1, gate.set).start()
    await work
    assert (loop.time(), alarms) == (began, [])
    alarm.cancel()


async def test_a_loop_that_waits_for_a_thread_of_the_test_is_not_stuck() -> None:
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    thread = threading.Timer(0.2, lambda: loop.call_soon_threadsafe(called.set_result, "from afar"))
    thread.start()
    assert await called == "from afar"
    thread.join()


def test_what_can_never_come_is_found_at_once() -> None:
    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    began = time.monotonic()
    with pytest.raises(StuckError, match=r"waits in .*hang at .*test_loop\.py"):
        run_virtual(hang())
    assert time.monotonic() - began < 5


def test_patience_is_in_real_seconds() -> None:
    async def forever() -> None:
        await eventually(lambda: False, within=1e12)

    with pytest.raises(StuckError, match=r"not ended within 0\.1 real seconds"):
        run_virtual(forever(), patience=0.1)


def test_clean_up_still_runs_after_a_test_was_found_stuck() -> None:
    cleaned: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3600)
            cleaned.append("up")

    with pytest.raises(StuckError):
        run_virtual(hang())
    assert cleaned == ["up"]


async def test_settling_runs_all_that_can_run_without_time_passing() -> None:
    loop = asyncio.get_running_loop()
    steps: list[str] = []

    async def walk() -> None:
        for step in range(50):
            await asyncio.sleep(0)
            steps.append(str(step))
        await asyncio.sleep(1)
        steps.append("a second later")

    walker = loop.create_task(walk())
    began = loop.time()
    await settle()
    assert (len(steps), loop.time()) == (50, began)
    await walker
    assert steps[-1] == "a second later"


@pytest.mark.realtime
async def test_settling_needs_virtual_time() -> None:
    with pytest.raises(TypeError, match="eventually"):
        await settle()


async def test_eventually_returns_when_the_condition_is_true_and_fails_when_it_never_is() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await eventually(lambda: loop.time() >= began + 2)
    assert loop.time() < began + 2.1
    with pytest.raises(AssertionError, match="within 7 s"):
        await eventually(lambda: False, within=7)


def test_a_loop_can_be_moved_as_if_it_had_been_blocked() -> None:
    async def late() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        due = loop.time() + 1
        fired: asyncio.Future[float] = loop.create_future()
        loop.call_at(due, lambda: fired.set_result(loop.time()))
        loop.advance(5)
        return await fired - due

    assert run_virtual(late()) == 4
