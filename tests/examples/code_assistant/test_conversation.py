"""Talking about code: a job for each question, who reads, and the commands of the page."""

import io
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click import ClickException

from callboard.actors.llm import Model, ScriptedModel, when
from callboard.examples.code_assistant import __main__ as program
from callboard.examples.code_assistant.__main__ import code_example
from callboard.examples.code_assistant.claude_worker import ClaudeCodeWorker
from callboard.examples.code_assistant.code_worker import CodeWorker
from callboard.examples.code_assistant.model_worker import ModelCodeWorker
from callboard.examples.code_assistant.script import LINES, talker_model
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.events import JobProgress, ToolCalled
from callboard.examples.talking.options import Talking
from callboard.examples.talking.session import Session
from callboard.examples.talking.terminal import given, talk
from tests.architecture.source import ROOT
from tests.examples.code_assistant.shop import build_shop
from tests.examples.models import ByInstructions
from tests.examples.readme import Command, blocks, commands, run
from tests.examples.talking.cast import read, said

MODEL: Model = ByInstructions(
    ("You talk with a programmer", talker_model()),
    ("You answer questions", ScriptedModel(when(".", "A project."))),
)


def talking(**variables: str) -> Talking:
    environment = Environment({}, variables)
    return Talking("console", "localhost", 0, None, (), False, environment)


@pytest.mark.check("M159")
async def test_each_question_is_a_job_and_each_answer_another(tmp_path: Path) -> None:
    example = code_example(talking(), build_shop(tmp_path))
    async with Session(example) as session:
        await session.settled()
        for line in ("What does the till module do?", "How are errors handled in it?", *LINES[1:]):
            await session.say(line)
            assert await session.settled(within=60)
    events = await read(session)
    calls = [event.arguments["question"] for event in events if isinstance(event, ToolCalled)]
    done = [e for e in events if isinstance(e, JobProgress) and e.status == "completed"]
    assert len(calls) == len(done) == len({event.job_id for event in done}) == 7
    assert {event.worker for event in done} == {"code"}
    lines = said(events)[1:]
    assert "The till: takes money" in lines[0] and "In shop/till.py: raises" in lines[1]
    assert "3 TODO comments" in lines[2]
    assert len(set(lines)) == len(lines) == 6


@pytest.mark.check("M159")
async def test_two_questions_in_one_line_are_answered_in_their_order(tmp_path: Path) -> None:
    example = code_example(talking(), build_shop(tmp_path))
    async with Session(example) as session:
        await session.settled()
        await session.say("How are errors handled in the till? And in stock.py?")
        assert await session.settled(within=60)
    events = await read(session)
    answer = said(events)[1]
    assert 0 < answer.index("In shop/till.py") < answer.index("In shop/stock.py: catches")
    ended = [e.status for e in events if isinstance(e, JobProgress) and e.status != "running"]
    assert ended == ["completed", "completed"]


async def test_words_with_braces_are_asked_as_they_are(tmp_path: Path) -> None:
    async with Session(code_example(talking(), build_shop(tmp_path))) as session:
        await session.settled()
        await session.say("Where is {result} defined?")
        assert await session.settled(within=60)
    events = await read(session)
    (call,) = [event for event in events if isinstance(event, ToolCalled)]
    assert call.arguments == {"question": "Where is {result} defined?"}


async def test_a_code_worker_that_fails_is_told_of(tmp_path: Path) -> None:
    folder = build_shop(tmp_path)
    example = code_example(talking(), folder)
    async with Session(example) as session:
        await session.settled()
        session.node.admin().suspend("code")
        await session.say("Find the TODOs")
        assert await session.settled(within=600)
    assert "The code worker did not answer: " in said(await read(session))[1]


# -- who reads ----


@pytest.mark.check("M155", "M159")
@pytest.mark.parametrize(
    ("variables", "installed", "reader", "expected"),
    [
        ({}, True, None, CodeWorker),
        ({"ANTHROPIC_API_KEY": "k"}, True, None, ClaudeCodeWorker),
        ({"ANTHROPIC_API_KEY": "k"}, False, None, CodeWorker),
        ({"ANTHROPIC_API_KEY": "k"}, True, "files", CodeWorker),
        ({"ANTHROPIC_API_KEY": "k"}, True, "claude", ClaudeCodeWorker),
        ({"OPENAI_API_KEY": "k"}, True, None, ModelCodeWorker),
        ({"OPENAI_API_KEY": "k"}, True, "files", CodeWorker),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, True, None, ClaudeCodeWorker),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, True, "model", ModelCodeWorker),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, False, None, ModelCodeWorker),
    ],
)
def test_who_reads_is_who_can(
    variables: dict[str, str],
    installed: bool,
    reader: str | None,
    expected: type,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "is_installed", lambda: installed)
    example = code_example(talking(**variables), tmp_path, reader)
    assert type(example.workers[0].factory()) is expected


@pytest.mark.check("M155")
@pytest.mark.parametrize(
    ("variables", "installed", "reader", "named"),
    [
        ({}, True, "claude", "ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_API_KEY": "k"}, False, "claude", r"callboard\[claude\]"),
        ({}, True, "model", "OPENAI_API_KEY"),
    ],
)
def test_what_is_missing_for_who_was_chosen_is_named(
    variables: dict[str, str],
    installed: bool,
    reader: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "is_installed", lambda: installed)
    with pytest.raises(ClickException, match=named):
        code_example(talking(**variables), tmp_path, reader)


# -- the page ----


@pytest.mark.check("M153", "M159")
async def test_the_page_shows_the_conversation_as_it_is() -> None:
    command = next(command for command in commands("code_assistant") if "--project" in str(command))
    lines = [word for before, word in pairwise(command.words) if before == "--say"]
    out = io.StringIO()
    example = code_example(talking(), ROOT / "examples" / "sensor")
    assert await talk(example, given(lines), out=out) == 0
    shown = out.getvalue().replace(f"{ROOT}/", "…/")
    assert shown == blocks("code_assistant", "text")[0]


@pytest.mark.check("M153")
@pytest.mark.parametrize("command", commands("code_assistant"), ids=str)
def test_a_command_of_the_page_runs(command: Command) -> None:
    done = run(command, MODEL, cwd=ROOT)
    if "claude" in command.words:  # the SDK is not installed here
        assert done.returncode == 2 and "pip install 'callboard[claude]'" in done.stderr
        return
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout


@pytest.mark.check("M159")
def test_the_folder_is_the_current_one_unless_one_is_named(tmp_path: Path) -> None:
    folder = build_shop(tmp_path / "here")
    build_shop(tmp_path / "here" / "below")
    line = "python -m callboard.examples.code_assistant --say 'How big is the project?'"
    words = tuple(shlex.split(line))
    for variables, more, count in (
        ({}, (), 16),
        ({"PROJECT_PATH": "below"}, (), 8),
        ({"PROJECT_PATH": "nowhere"}, ("--project", "below"), 8),
    ):
        done = run(Command((*words, *more), variables), MODEL, cwd=folder)
        assert f" lines of text in {count} files" in done.stdout
    done = run(Command(words, {"PROJECT_PATH": "nowhere"}), MODEL, cwd=folder)
    assert done.returncode == 2 and "PROJECT_PATH is no folder: nowhere" in done.stderr
