"""Talking about the sensor: each question is one job, and the page's commands do what it says."""

import io

import pytest

from callboard.actors.testing import eventually
from callboard.examples.sensor.__main__ import sensor_example
from callboard.examples.sensor.script import LINES, controller_model, talker_model
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.events import JobProgress, ToolCalled
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking
from callboard.examples.talking.session import Session
from callboard.examples.talking.terminal import given, talk
from tests.examples.models import ByInstructions
from tests.examples.readme import Command, blocks, commands, run
from tests.examples.talking.cast import read, said

MODEL = ByInstructions(("You control", controller_model()), ("You talk", talker_model()))


def example() -> Example:
    talking = Talking("console", "localhost", 0, None, (), False, Environment({}, {}))
    return sensor_example(talking, start=18, target=21, rate=0.1, noise=0)


@pytest.mark.check("M161")
async def test_each_of_the_five_questions_goes_as_one_job_to_the_controller() -> None:
    async with Session(example()) as session:
        await session.settled()
        for line in LINES:
            await session.say(line)
            assert await session.settled(within=60)
    events = await read(session)
    calls = [event.arguments["question"] for event in events if isinstance(event, ToolCalled)]
    assert calls == list(LINES)
    jobs = [event for event in events if isinstance(event, JobProgress)]
    assert {event.worker for event in jobs} == {"controller"}
    asked = {event.job_id: event.text for event in reversed(jobs) if event.status == "running"}
    assert sorted(asked.values()) == sorted(LINES)
    completed = [event.job_id for event in jobs if event.status == "completed"]
    assert len(completed) == 5 and set(completed) == asked.keys()
    answers = said(events)[1:]
    assert len(set(answers)) == len(answers) == 5


@pytest.mark.check("M161")
async def test_a_controller_that_crashes_is_told_of_and_the_next_question_is_answered() -> None:
    async with Session(example()) as session:
        await session.settled()
        await session.say("Why is it slow?")
        await eventually(lambda: any(isinstance(each, JobProgress) for each in session.unread))
        session.node.admin().kill("controller")
        assert await session.settled(within=60)
        await session.say("How warm is it?")
        assert await session.settled(within=60)
    lines = said(await read(session))
    assert "The controller did not answer: JobCrashed" in lines[1]
    assert "18.3 degrees" in lines[2]


@pytest.mark.check("M153", "M161")
async def test_the_page_shows_the_conversation_as_it_is() -> None:
    out = io.StringIO()
    assert await talk(example(), given(LINES), out=out) == 0
    assert out.getvalue() == blocks("sensor", "text")[0]


@pytest.mark.check("M153")
@pytest.mark.parametrize("command", commands("sensor"), ids=str)
def test_a_command_of_the_page_runs(command: Command) -> None:
    done = run(command, MODEL)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout
