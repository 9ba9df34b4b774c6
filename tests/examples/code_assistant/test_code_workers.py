"""The code workers: jobs only, one at a time, from the project's files and no others."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from callboard import JobCrashed, JobFailed, JobUpdate, StartFailed
from callboard.actors.frames.worker import FrameWorker
from callboard.actors.llm import Call, Fail, ModelUnavailable, ScriptedModel, after, when
from callboard.actors.testing import drive
from callboard.examples.code_assistant.claude_worker import ClaudeCodeWorker
from callboard.examples.code_assistant.code_worker import CodeWorker
from callboard.examples.code_assistant.model_worker import ModelCodeWorker
from tests.examples.code_assistant.shop import build_shop
from tests.examples.code_assistant.stand_in import StandIn


def reading_model() -> ScriptedModel:
    """A model that reads what it is told to, and says what it got, and what it was asked before."""
    return ScriptedModel(
        when(r"^read (\S+)", Call("read_file", path="{1}")),
        when(r"^find (\S+)", Call("find_files", pattern="{1}")),
        when(r"^search (\S+)", Call("search_text", text="{1}")),
        when("^break", Fail(ModelUnavailable("it is closed"))),
        when("before", lambda scene: scene.said[-2]),
        after("read_file", "{result}", failed=None),
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("the secret")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "leak").symlink_to(tmp_path)
    return build_shop(folder)


async def events_of(driver: Any, question: str) -> tuple[list[object], object]:
    """The updates of a job, and its answer."""
    updates: list[object] = []
    async with driver.job("ask", question) as asked:
        async for event in asked:
            if isinstance(event, JobUpdate):
                updates.append(event.data)
    return updates, asked.response


@pytest.mark.check("M159")
async def test_it_answers_from_the_files_and_tells_what_it_reads(shop: Path) -> None:
    async with drive(partial(CodeWorker, shop)) as w:
        updates, answer = await events_of(w, "What does the till module do?")
        assert updates == ["reads shop/till.py"]
        assert str(answer).startswith("shop/till.py: The till: takes money.")
        (shop / "shop" / "till.py").write_text('"""It has closed."""')
        assert "It has closed" in await w.request("ask", "What does the till module do?")


@pytest.mark.check("M159")
async def test_two_questions_at_once_are_answered_in_order_and_the_second_goes_on(
    shop: Path,
) -> None:
    async with drive(partial(CodeWorker, shop)) as w:
        first, second = await asyncio.gather(
            w.request("ask", "How are errors handled in the till?"),
            w.request("ask", "And in stock.py?"),
        )
        assert first.startswith("In shop/till.py: raises")
        assert second.startswith("In shop/stock.py: catches")


@pytest.mark.check("M159")
@pytest.mark.parametrize("path", ["../secret.txt", "leak/secret.txt", "/etc/passwd"])
async def test_nothing_outside_is_read_whoever_reads(
    shop: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", StandIn())
    for worker, question in (
        (partial(CodeWorker, shop), f"What is in {path}?"),
        (partial(ModelCodeWorker, shop, reading_model()), f"read {path}"),
        (partial(ClaudeCodeWorker, shop, "key"), f"READ {path}"),
    ):
        async with drive(worker) as w:
            answer = await w.request("ask", question)
            assert "secret\n" not in answer and "the secret" not in answer and "root:" not in answer
            assert "no path within" in answer or "leads o" in answer


@pytest.mark.check("M159")
def test_no_code_worker_is_on_a_bridge(shop: Path) -> None:
    made = ModelCodeWorker(shop, reading_model())
    assert made.bridged is None and made.active
    assert not issubclass(CodeWorker, FrameWorker) and not issubclass(ClaudeCodeWorker, FrameWorker)


@pytest.mark.parametrize("payload", [None, "", " ", {"text": "x"}])
async def test_what_is_no_question_is_refused(shop: Path, payload: object) -> None:
    for worker in (partial(CodeWorker, shop), partial(ModelCodeWorker, shop, reading_model())):
        async with drive(worker) as w:
            with pytest.raises(JobFailed, match="the question, as text"):
                await w.request("ask", payload)


async def test_a_folder_that_is_not_there_fails_the_start_and_is_named(shop: Path) -> None:
    for worker in (CodeWorker, partial(ModelCodeWorker, model=reading_model())):
        with pytest.raises(StartFailed) as failed:
            async with drive(partial(worker, shop / "nowhere")):
                pass
        assert "nowhere is no folder to read" in str(failed.value.__cause__)


# -- by a model ----


@pytest.mark.check("M159")
async def test_a_model_reads_finds_and_searches(shop: Path) -> None:
    async with drive(partial(ModelCodeWorker, shop, reading_model())) as w:
        updates, answer = await events_of(w, "read shop/page.js")
        assert updates == ["reads shop/page.js"]
        assert answer == "1\t// TODO: a picture\n2\tfetch('x')"
        assert await w.request("ask", "find *.js") == "shop/page.js"
        assert await w.request("ask", "search fetch(") == "shop/page.js:2: fetch('x')"


@pytest.mark.check("M159")
async def test_a_model_knows_the_question_before_and_has_one_turn_at_a_time(shop: Path) -> None:
    async with drive(partial(ModelCodeWorker, shop, reading_model())) as w:
        first, second = await asyncio.gather(
            w.request("ask", "read shop/page.js"), w.request("ask", "what was it before?")
        )
        assert first.startswith("1\t") and second == "read shop/page.js"


async def test_a_model_that_fails_fails_the_job(shop: Path) -> None:
    async with drive(partial(ModelCodeWorker, shop, reading_model())) as w:
        with pytest.raises(JobFailed, match="it is closed"):
            await w.request("ask", "break")
        assert "page.js" in await w.request("ask", "find *.js")


# -- by the agent SDK: against a stand-in ----


@pytest.mark.check("M159")
async def test_an_agent_has_our_tools_and_none_of_its_own(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = StandIn()
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", sdk)
    async with drive(partial(ClaudeCodeWorker, shop, "a-key")) as w:
        updates, answer = await events_of(w, "READ shop/page.js")
        assert updates == ["read file shop/page.js"]
        assert answer == "1\t// TODO: a picture\n2\tfetch('x')"
        options = sdk.runs[0]
        assert (options.tools, options.setting_sources, options.strict_mcp_config) == ([], [], True)
        assert options.permission_mode == "dontAsk" and options.cwd == shop
        assert options.env == {"ANTHROPIC_API_KEY": "a-key"}
        assert options.allowed_tools == [
            "mcp__project__find_files",
            "mcp__project__read_file",
            "mcp__project__search_text",
        ]
        assert "a-key" not in str(w.worker.get_state())


@pytest.mark.check("M159")
async def test_an_agent_resumes_its_session_and_has_one_run_at_a_time(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = StandIn()
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", sdk)
    async with drive(partial(ClaudeCodeWorker, shop, "key")) as w:
        await asyncio.gather(*(w.request("ask", "READ shop/page.js") for _ in range(3)))
    assert [options.resume for options in sdk.runs] == [None, "session-1", "session-1"]
    assert (sdk.most_inside, sdk.inside) == (1, 0)


async def test_an_agent_that_fails_fails_the_job_and_the_next_is_answered(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", StandIn())
    async with drive(partial(ClaudeCodeWorker, shop, "key")) as w:
        for question, words in (("FAIL", "no credit"), ("BREAK", "the agent has failed: it broke")):
            with pytest.raises(JobFailed, match=words):
                await w.request("ask", question)
        assert "TODO" in await w.request("ask", "READ shop/page.js")


async def test_a_job_without_the_sdk_ends_with_an_error_that_names_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", None)
    async with drive(partial(ClaudeCodeWorker, shop, "key")) as w:
        with pytest.raises(JobCrashed, match="claude_agent_sdk"):
            await w.request("ask", "READ shop/page.js")
