"""The controller: a reading each second, questions by jobs, whatever else goes on."""

import asyncio
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    JobCancelled,
    JobCrashed,
    JobFailed,
    JobTimeout,
    JobUpdate,
    Node,
    Supervisor,
)
from callboard.actors.frames.worker import FrameWorker
from callboard.actors.llm.errors import ModelUnavailable
from callboard.actors.llm.script import Call, Fail, Pause, after, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.actors.llm.worker import LLMWorker
from callboard.actors.testing import drive
from callboard.examples.sensor.controller import SensorController, build_sensor_controller

quiet = partial(build_sensor_controller, 20, 30, 0.1, 0)


def controller(driver: Any) -> SensorController:
    assert isinstance(driver.worker, SensorController)
    return driver.worker


@pytest.mark.check("M160")
async def test_there_is_one_reading_each_second_and_it_follows_the_lag() -> None:
    async with drive(quiet) as w:
        rolling = controller(w).rolling
        await asyncio.sleep(0.5)
        for number in range(60):
            assert rolling.count == number
            expected = 30 - 10 * 0.9**number
            assert number == 0 or rolling.latest == pytest.approx(expected, rel=1e-12)
            await asyncio.sleep(1)


@pytest.mark.check("M160")
async def test_a_controller_that_was_held_up_leaves_readings_out_and_comes_back_into_step() -> None:
    made = quiet()
    async with Node(Supervisor([Child("controller", lambda: made)])) as node:
        await asyncio.sleep(1.5)
        node.admin().suspend("controller")
        await asyncio.sleep(5.25)  # to 6.75
        node.admin().resume("controller")
        await asyncio.sleep(0.125)
        assert made.rolling.count == 2  # the one that had been due, once
        await asyncio.sleep(0.25)  # to 7.125
        assert made.rolling.count == 3


@pytest.mark.check("M160")
async def test_target_and_rate_are_changed_by_asking_while_it_runs() -> None:
    async with drive(quiet) as w:
        await asyncio.sleep(10.5)
        assert "40 degrees now; it was 30" in await w.request("ask", "Make it 40, please.")
        before = controller(w).lag.temperature
        assert "50% " in await w.request("ask", "Set the response rate to 50%")
        await asyncio.sleep(1)
        assert controller(w).rolling.latest == pytest.approx((before + 40) / 2)


@pytest.mark.check("M161")
def test_it_is_on_no_bridge_and_no_llm_worker() -> None:
    made = build_sensor_controller()
    assert isinstance(made, FrameWorker) and not isinstance(made, LLMWorker)
    assert made.bridged is None


@pytest.mark.check("M161")
async def test_the_five_questions_are_answered_from_the_readings_by_deferred_jobs() -> None:
    async with drive(quiet) as w:
        await asyncio.sleep(20.5)
        answers = [
            await w.request("ask", question)
            for question in (
                "What's the temperature?",
                "Make it warmer.",
                "Is it stable yet?",
                "Why is it slow?",
                "What was the highest reading?",
            )
        ]
        assert answers == [
            "It is 28.8 degrees, on its way to 30.",
            "The target is 32 degrees now; it was 30.",
            "Not yet: over the last 20 readings it is rising by 0.39 degrees a second, and the"
            " target is 32 degrees.",
            "It follows with a lag: each second it covers 10% of what is left to the target. That"
            " is 3.2 degrees now, and half of it takes 7 seconds. A higher response rate makes it"
            " faster.",
            "The highest reading so far was 28.8 degrees.",
        ]
        await asyncio.sleep(120)
        assert await w.request("ask", "Is it stable yet?") == (
            "Yes: it has been at 32.0 degrees, without a trend."
        )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How warm is it?", "21.0 degrees"),
        ("Make it cooler", "target is 28 degrees"),
        ("make it warmer by 3.5", "target is 33.5 degrees"),
        ("turn it down by 1", "target is 29 degrees"),
        ("Set it to 25", "target is 25 degrees"),
        ("set the target to 12,5 degrees", "target is 12.5 degrees"),
        ("Is it rising?", "on average"),
        ("the lowest, please", "lowest reading so far was 21.0"),
        ("respond at a rate of 0.25", "covers 25%"),
        ("set it to 300", "did not work: ValueError: a target is from 0 to 100"),
        ("Who are you?", "I know the temperature"),
    ],
)
async def test_other_words_have_other_answers(question: str, expected: str) -> None:
    async with drive(quiet) as w:
        assert expected in await w.request("ask", question)


@pytest.mark.check("M161")
async def test_the_job_stays_open_until_the_answer_and_tells_of_the_tools_meanwhile() -> None:
    model = ScriptedModel(
        when("warm", Call("read_sensor"), Pause(3)),
        after("read_sensor", Pause(2), "Warm."),
    )
    async with drive(partial(build_sensor_controller, model=model)) as w:
        seen: list[object] = []
        async with w.job("ask", "how warm") as asked:
            async for event in asked:
                assert isinstance(event, JobUpdate)
                seen.append(event.data)
                assert not asked.done
        assert (seen, asked.response) == (["read sensor"], "Warm.")
        assert asyncio.get_running_loop().time() >= 6  # a second until the first reading, and 3, 2
        assert controller(w).rolling.count >= 5  # the readings have gone on meanwhile


async def test_questions_at_once_are_answered_in_order_each_by_its_own_answer() -> None:
    model = ScriptedModel(when(r"(\w+)", Pause(2), "You said {1}."))
    async with drive(partial(build_sensor_controller, model=model)) as w:
        words = ("one", "two", "three")
        replies = await asyncio.gather(*(w.request("ask", word) for word in words))
        assert replies == [f"You said {word}." for word in words]


async def test_a_caller_that_has_left_does_not_get_in_the_way_of_the_next() -> None:
    model = ScriptedModel(when(r"(\w+)", Pause(2), "You said {1}."))
    async with drive(partial(build_sensor_controller, model=model)) as w:
        with pytest.raises(JobTimeout):
            await w.request("ask", "early", timeout=0.5)  # before the first reading
        with pytest.raises(JobTimeout):
            await w.request("ask", "late", timeout=2)
        with pytest.raises(JobCancelled, match="never mind"):
            async with w.job("ask", "left") as left:
                left.cancel("never mind")
        assert await w.request("ask", "here") == "You said here."


async def test_a_model_that_fails_fails_the_job_with_its_words_and_the_next_is_answered() -> None:
    model = ScriptedModel(when("bad", Fail(ModelUnavailable("it is closed"))), otherwise="Good.")
    async with drive(partial(build_sensor_controller, model=model)) as w:
        with pytest.raises(JobFailed, match="it is closed"):
            await w.request("ask", "bad")
        assert await w.request("ask", "good") == "Good."


async def test_a_crash_answers_its_questions_and_the_next_life_reads_again() -> None:
    model = ScriptedModel(when("wait", Pause(100), "Late."))
    async with drive(partial(build_sensor_controller, model=model)) as w:
        with pytest.raises(JobCrashed):
            async with w.job("ask", "wait"):
                await asyncio.sleep(2)
                await w.crash()
        await w.restart()
        await asyncio.sleep(3.5)
        assert controller(w).rolling.count == 3


@pytest.mark.parametrize("payload", [None, "", "  ", 7])
async def test_what_is_no_question_is_refused(payload: object) -> None:
    async with drive(quiet) as w:
        with pytest.raises(JobFailed, match="the question, as text"):
            await w.request("ask", payload)
