"""The options and variables of the programs: which database, which application, which worker."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callboard import Transport
from callboard.examples.handoff.processes import Transports
from callboard.examples.handoff_pgmq.llm import main as llm
from callboard.examples.handoff_pgmq.main import main

URL = "postgresql://acme:canary@127.0.0.1/one"
OTHER = "postgresql://acme:canary@127.0.0.1/other"


def made(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """The transport of a worker's process that is started so, as it is shown."""
    kept: list[Transport] = []

    def host(name: str, model: str | None, transports: Transports) -> None:
        kept.extend(transports())

    monkeypatch.setattr("callboard.examples.handoff_pgmq.llm.host", host)
    assert invoke(llm, "greeter", *arguments).exit_code == 0
    return repr(kept[0])


def invoke(program: object, *arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder, with no file in it; and no variables."""
    for name in ("DATABASE_URL", "PGMQ_CHANNEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.check("M163")
def test_the_option_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "127.0.0.1/one" in made(monkeypatch, "--database-url", URL)
    monkeypatch.setenv("DATABASE_URL", OTHER)
    assert "127.0.0.1/other" in made(monkeypatch)
    assert "127.0.0.1/one" in made(monkeypatch, "--database-url", URL)


@pytest.mark.check("M163", "M155")
def test_the_variables_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / ".env").write_text(f"DATABASE_URL={URL}\nPGMQ_CHANNEL=bank\n", encoding="utf-8")
    assert "127.0.0.1/one" in made(monkeypatch) and "channel='bank'" in made(monkeypatch)
    monkeypatch.setenv("DATABASE_URL", OTHER)
    monkeypatch.setenv("PGMQ_CHANNEL", "shop")
    assert "127.0.0.1/other" in made(monkeypatch) and "channel='shop'" in made(monkeypatch)


@pytest.mark.check("M163")
def test_without_a_variable_the_channel_is_that_of_the_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "channel='callboard_acme'" in made(monkeypatch, "--database-url", URL)


@pytest.mark.check("M163", "M155")
@pytest.mark.parametrize("program", ["main", "llm"])
def test_without_a_database_there_is_an_error_that_names_both(program: str) -> None:
    refused = invoke(main) if program == "main" else invoke(llm, "greeter")
    assert refused.exit_code == 2
    (line,) = refused.output.splitlines()
    assert "--database-url" in line and "DATABASE_URL" in line and ".env" in line


@pytest.mark.check("M163")
@pytest.mark.parametrize("name", ["clerk", "Greeter", ""])
def test_another_name_than_the_two_is_refused(name: str) -> None:
    refused = invoke(llm, name, "--database-url", URL)
    assert refused.exit_code == 2
    assert "'greeter', 'support'" in refused.output


@pytest.mark.check("M153")
def test_all_options_are_listed_without_a_database() -> None:
    for option in ("--database-url", "--worker", "--transport", "--say", "--script"):
        assert option in invoke(main, "--help").output
    for option in ("--database-url", "PGMQ_CHANNEL", "--model", "{greeter|support}"):
        assert option in invoke(llm, "--help").output
