"""A debate: three at once, one answer of all, and a second round that knows the first."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import pytest

from callboard import Child, JobFailed
from callboard.actors.llm import (
    ChatMessage,
    ConversationKeeper,
    Fail,
    LLMActivationArgs,
    Model,
    ModelEvent,
    ModelUnavailable,
    ScriptedModel,
    ToolSchema,
    when,
)
from callboard.actors.llm.keeper import Kept
from callboard.actors.testing import Probe, drive, eventually
from callboard.examples.debate.__main__ import debate_example
from callboard.examples.debate.debater import DEBATERS, KEEPER, DebateWorker
from callboard.examples.debate.moderator import Moderator
from callboard.examples.debate.script import BEGIN, LINES, debater_model, moderator_model
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.events import JobProgress, ToolCalled, ToolEnded, WorkerBack
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking
from callboard.examples.talking.session import Session
from callboard.examples.talking.terminal import given, talk
from tests.examples.models import ByInstructions
from tests.examples.readme import Command, blocks, commands, run
from tests.examples.talking.cast import read, said

TALKING = Talking("console", "localhost", 0, None, (), False, Environment({}, {}))

MODEL = ByInstructions(
    ("You moderate", moderator_model()),
    *((f"You are the {name}", debater_model(name)) for name in DEBATERS),
)


M = TypeVar("M", bound=Model)


def debate(models: Mapping[str, Model]) -> Example:
    """A debate of debaters with these models."""
    return Example(
        "Debate",
        first="moderator",
        workers=[
            Child(KEEPER, ConversationKeeper),
            *(Child(name, partial(DebateWorker, "part", model)) for name, model in models.items()),
            Child("moderator", partial(Moderator, moderator_model())),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": BEGIN}]),
    )


def each(make: Callable[[str], M]) -> dict[str, M]:
    """A model for each debater."""
    return {name: make(name) for name in DEBATERS}


class Together:
    """A model that does not answer before all three have been asked."""

    def __init__(self, name: str, barrier: asyncio.Barrier, log: list[str]) -> None:
        self._name, self._barrier, self._log = name, barrier, log
        self._answer = ScriptedModel(otherwise=f"{name} says so.")

    async def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        self._log.append(f"{self._name} begins")
        async with self._barrier:
            async for event in self._answer.respond(messages, tools):
                yield event
        self._log.append(f"{self._name} ends")


@pytest.mark.check("M158")
async def test_all_three_are_asked_before_the_first_answers_and_the_reply_uses_all() -> None:
    barrier, log = asyncio.Barrier(3), list[str]()
    models = each(partial(Together, barrier=barrier, log=log))
    async with Session(debate(models)) as session:
        await session.settled()
        await session.say("bananas")
        assert await session.settled(within=60)
    assert {line.partition(" ")[2] for line in log[:3]} == {"begins"}
    assert sorted(log[3:]) == sorted(f"{name} ends" for name in DEBATERS)
    events = await read(session)
    reply = said(events)[1]
    assert all(f"{name} says so." in reply for name in DEBATERS)
    (ended,) = [event for event in events if isinstance(event, ToolEnded)]
    assert ended.result == {name: f"{name} says so." for name in DEBATERS}


@pytest.mark.check("M158")
async def test_in_the_second_round_each_knows_its_own_first_answer() -> None:
    models = each(partial(debater_model, pace=0.01))
    async with Session(debate(models)) as session:
        await session.settled()
        for line in ("Should everybody work from home?", "And what about the cost?"):
            await session.say(line)
            assert await session.settled(within=60)
    first, second = [e.result for e in await read(session) if isinstance(e, ToolEnded)]
    for name in DEBATERS:
        point = first[name].partition(": ")[2].rstrip(".")
        assert second[name].startswith(f"In my first answer I said that {point}. On cost: ")
        messages = (
            models[name].runs[-1].messages
        )  # what its model was shown is its own conversation
        assert [m["content"] for m in messages if m["role"] == "assistant"] == [first[name]]


@pytest.mark.check("M158")
async def test_a_debater_that_crashed_between_the_rounds_knows_its_first_answer_too() -> None:
    async with Session(debate(each(debater_model))) as session:
        await session.settled()
        await session.say("Is tea better than coffee?")
        assert await session.settled(within=60)
        session.node.admin().kill("critic")
        await eventually(lambda: WorkerBack("critic") in session.unread)
        await session.say("again")
        assert await session.settled(within=60)
    _, second = [e.result for e in await read(session) if isinstance(e, ToolEnded)]
    assert second["critic"].startswith("In my first answer I said that what helps on average")


async def test_another_topic_begins_anew_and_a_question_goes_on() -> None:
    async with Session(debate_example(TALKING)) as session:
        await session.settled()
        for line in ("Let's debate whether tea is good.", "Why?", "Do we need cars?", "{x} and {}"):
            await session.say(line)
            assert await session.settled(within=60)
    events = await read(session)
    assert [event.arguments for event in events if isinstance(event, ToolCalled)] == [
        {"topic": "tea is good"},
        {"topic": "tea is good", "question": "Why?"},
        {"topic": "Do we need cars"},
        {"topic": "{x} and {}"},
    ]
    lines = said(events)[1:]
    assert ["In my first answer" in line for line in lines] == [False, True, False, False]
    assert len(set(lines)) == 4


@pytest.mark.check("M158")
async def test_the_progress_of_each_is_shown() -> None:
    async with Session(debate_example(TALKING)) as session:
        await session.settled()
        await session.say("bananas")
        assert await session.settled(within=60)
    events = await read(session)
    for name in DEBATERS:
        shown = [e for e in events if isinstance(e, JobProgress) and e.worker == name]
        assert [(event.status, event.text) for event in shown] == [
            ("running", "bananas"),
            ("running", "thinks, in its round 1"),
            ("completed", ""),
        ]
    began = [n for n, e in enumerate(events) if isinstance(e, JobProgress) and "think" in e.text]
    ended = [n for n, e in enumerate(events) if isinstance(e, JobProgress) and not e.text]
    assert max(began) < min(ended)


async def test_an_interruption_cancels_all_three() -> None:
    models = {name: ScriptedModel(otherwise="Late.", delay=100) for name in DEBATERS}
    async with Session(debate(models)) as session:
        await session.settled()
        await session.say("bananas")
        await eventually(lambda: sum(len(model.runs) for model in models.values()) == 3)
        await session.interrupt()
        assert await session.settled(within=10)
        await eventually(lambda: all(model.closed_early == 1 for model in models.values()))
    events = await read(session)
    cancelled = {e.worker for e in events if isinstance(e, JobProgress) and e.status == "cancelled"}
    assert cancelled == set(DEBATERS)


async def test_of_a_debate_in_which_one_fails_the_others_are_heard() -> None:
    models = {name: ScriptedModel(otherwise=f"{name} says so.") for name in DEBATERS}
    models["critic"] = ScriptedModel(when("", Fail(ModelUnavailable("it is closed"))))
    async with Session(debate(models)) as session:
        await session.settled()
        await session.say("bananas")
        assert await session.settled(within=60)
    events = await read(session)
    reply = said(events)[1]
    assert "advocate says so." in reply and "analyst says so." in reply
    assert "the critic: (no answer: it is closed)" in reply
    assert [e.text for e in events if isinstance(e, JobProgress) and e.status == "failed"] == [
        "it is closed"
    ]


async def test_a_debater_that_is_lost_in_a_round_is_reported_and_the_answer_waited_for() -> None:
    async with Session(debate_example(TALKING)) as session:
        await session.settled()
        await session.say("bananas")
        await eventually(lambda: any(isinstance(each, JobProgress) for each in session.unread))
        session.node.admin().kill("critic")
        assert await session.settled(within=60)
        assert any(isinstance(each, ToolEnded) for each in session.unread)
        assert "the critic: (no answer: " in said(session.unread)[-1]


async def test_where_all_fail_the_moderator_says_so() -> None:
    failing = ScriptedModel(when("", Fail(ModelUnavailable("it is closed"))))
    models = dict.fromkeys(DEBATERS, failing)
    async with Session(debate(models)) as session:
        await session.settled()
        await session.say("bananas")
        assert await session.settled(within=60)
    assert said(await read(session))[1].startswith("moderator: There was no debate: JobFailed: ")


@pytest.mark.parametrize(
    "payload", [None, "tea", {}, {"topic": " "}, {"topic": "x", "question": 1}]
)
async def test_what_is_no_topic_is_refused(payload: object) -> None:
    keeper = Probe(answer=lambda recall: Kept())
    debater = partial(DebateWorker, "part", debater_model("critic"))
    async with drive(debater, others={KEEPER: keeper}) as w:
        with pytest.raises(JobFailed, match="the payload has a topic"):
            await w.request("argue", payload)


# -- the page ----


@pytest.mark.check("M153", "M158")
async def test_the_page_shows_the_conversation_as_it_is() -> None:
    out = io.StringIO()
    assert await talk(debate_example(TALKING), given(LINES[:2]), out=out) == 0
    assert out.getvalue() == blocks("debate", "text")[0]


@pytest.mark.check("M153")
@pytest.mark.parametrize("command", commands("debate"), ids=str)
def test_a_command_of_the_page_runs(command: Command) -> None:
    done = run(command, MODEL)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout
