"""The stepper: a loop that stands still between two calls."""

from __future__ import annotations

import asyncio

import pytest

from callboard.actors.testing import Leaked, Stepper


def test_nothing_runs_between_two_calls(stepper: Stepper) -> None:
    seen: list[str] = []

    async def begin() -> asyncio.Task[None]:
        async def work() -> None:
            seen.append("began")
            await asyncio.sleep(10)
            seen.append("ended")

        return asyncio.get_running_loop().create_task(work())

    began = stepper.now
    stepper.run(begin())
    assert (seen, stepper.now) == (["began"], began)
    stepper.pass_time(9)
    assert seen == ["began"]
    stepper.pass_time(1)
    assert (seen, stepper.now) == (["began", "ended"], began + 10)


def test_running_returns_the_value_or_raises_the_error(stepper: Stepper) -> None:
    async def divide(by: int) -> float:
        return 1 / by

    assert stepper.run(divide(4)) == 0.25
    with pytest.raises(ZeroDivisionError):
        stepper.run(divide(0))


def test_what_is_left_is_found_at_the_end() -> None:
    kept: list[asyncio.Task[None]] = []

    async def begin() -> None:
        kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(60)))

    with pytest.raises(Leaked, match="sleep"), Stepper() as stepper:
        stepper.run(begin())
    assert kept[0].cancelled()


def test_an_error_of_the_block_goes_before_what_is_left() -> None:
    async def begin() -> None:
        asyncio.get_running_loop().call_later(60, print)

    with pytest.raises(ZeroDivisionError), Stepper() as stepper:
        stepper.run(begin())
        _ = 1 / 0


def test_the_same_calls_are_the_same_run() -> None:
    def run() -> list[tuple[float, int]]:
        seen: list[tuple[float, int]] = []

        async def tick(number: int) -> None:
            for _ in range(3):
                await asyncio.sleep(number / 7)
                seen.append((asyncio.get_running_loop().time(), number))

        async def race() -> None:
            await asyncio.gather(*(tick(number) for number in range(1, 6)))

        with Stepper() as stepper:
            stepper.run(race())
        return seen

    assert run() == run()
