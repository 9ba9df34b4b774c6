"""What the shared options lead to, and what is said where something is missing."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from callboard.actors.llm.openai import OpenAIModel
from callboard.actors.llm.scripted import ScriptedModel
from callboard.examples.talking.environment import BadEnvironment, Environment
from callboard.examples.talking.options import MissingExtra, Talking, model_for, talking_options
from tests.examples.talking.running import run

SCRIPTED = ScriptedModel()


def invoked(*arguments: str) -> tuple[Talking | None, Result]:
    """What a command gets, and how it has ended."""
    got: list[Talking] = []

    @click.command()
    @talking_options
    @click.option("--topic", default="tea")
    def command(talking: Talking, topic: str) -> None:
        assert topic == "tea"
        got.append(talking)

    result = CliRunner().invoke(command, arguments)
    return (got[0] if got else None), result


def test_the_defaults_are_the_console_and_the_page_at_7860() -> None:
    talking, _ = invoked()
    assert talking is not None
    assert (talking.transport, talking.host, talking.port) == ("console", "localhost", 7860)
    assert (talking.model, talking.say, talking.script) == (None, (), False)


def test_every_option_is_explained() -> None:
    _, result = invoked("--help")
    for option in ("--transport", "--host", "--port", "--model", "--say", "--script", "--topic"):
        assert option in result.output
    assert "console|web|daily" in result.output and "default: console" in result.output


@pytest.mark.parametrize(
    "arguments", [["--transport", "phone"], ["--port", "70000"], ["--transport", "web", "--script"]]
)
def test_what_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    talking, result = invoked(*arguments)
    assert talking is None and result.exit_code == 2


def chosen(name: str | None = None, **variables: str) -> Any:
    return model_for(Environment({}, variables), SCRIPTED, name)


@pytest.mark.check("M155")
def test_without_a_key_the_scripted_model_speaks_and_with_one_a_real_one() -> None:
    assert chosen() is SCRIPTED
    assert chosen(OPENAI_MODEL="gpt") is SCRIPTED
    assert chosen("scripted", OPENAI_API_KEY="k") is SCRIPTED
    assert isinstance(chosen(OPENAI_API_KEY="k"), OpenAIModel)
    real = chosen("named", OPENAI_API_KEY="k", OPENAI_MODEL="other", OPENAI_BASE_URL="http://h/v1")
    assert isinstance(real, OpenAIModel) and real.model == "named"
    assert chosen(OPENAI_API_KEY="k", OPENAI_MODEL="other").model == "other"


@pytest.mark.check("M155")
@pytest.mark.parametrize(
    ("name", "variables", "what"),
    [
        ("gpt-5", {}, "--model gpt-5 needs OPENAI_API_KEY"),
        (None, {"OPENAI_BASE_URL": "http://h/v1"}, "OPENAI_BASE_URL needs OPENAI_API_KEY"),
    ],
)
def test_a_real_model_without_its_key_is_an_error_that_names_the_variable(
    name: str | None, variables: dict[str, str], what: str
) -> None:
    with pytest.raises(BadEnvironment, match=what):
        chosen(name, **variables)


@pytest.mark.check("M155")
def test_the_model_of_a_command_is_that_of_the_file_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY='k'\nOPENAI_MODEL=from-file\n")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    talking, _ = invoked()
    assert talking is not None
    model = talking.model_for(SCRIPTED)
    assert isinstance(model, OpenAIModel) and model.model == "from-file"


@pytest.mark.check("M154")
def test_a_page_without_its_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, *arguments: Any) -> Any:
        return None if name in ("starlette", "uvicorn") else find(name, *arguments)

    monkeypatch.setattr("importlib.util.find_spec", without)
    talking, _ = invoked("--transport", "web")
    assert talking is not None
    with pytest.raises(MissingExtra, match=r"starlette and uvicorn.*callboard\[web\]"):
        talking.run(None)  # type: ignore[arg-type]


def test_a_model_without_its_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"callboard\[openai\]"):
        chosen(OPENAI_API_KEY="k")


@pytest.mark.check("M154")
def test_daily_without_its_key_names_the_variable() -> None:
    done = run("--transport", "daily")
    assert done.returncode == 2
    assert "--transport daily needs DAILY_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr
