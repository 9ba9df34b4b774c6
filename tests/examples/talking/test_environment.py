"""What the variables of the environment and of `.env` say, and what is said when one is missing."""

import re
from pathlib import Path

import pytest

from callboard import examples
from callboard.examples.talking.environment import (
    VARIABLES,
    BadEnvironment,
    Environment,
    parse,
)

EXAMPLE = Path(examples.__file__).parent / "env.example"

OF_THE_SYSTEM = {"NO_COLOR", "TERM"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A = spaced out  ", "spaced out"),
        ("export A=exported", "exported"),
        ("A=", ""),
        ("A=  # nothing but a comment", ""),
        ("A=value # with a comment", "value"),
        ("A=value#without", "value#without"),
        ("A='single # $HOME \\n'", "single # $HOME \\n"),
        ("A='single' # comment", "single"),
        (r'A="a \"quoted\"\tword\n\\"', 'a "quoted"\tword\n\\'),
        ("A=postgresql://u:p@h/d?x=1", "postgresql://u:p@h/d?x=1"),
        ("A=one\nA=two", "two"),
        ("# A=comment\n\nA=kept", "kept"),
        ("A=\u00fcml\u00e4ut", "\u00fcml\u00e4ut"),
    ],
)
def test_a_line_means_what_the_docstring_says(line: str, value: str) -> None:
    assert parse(line) == {"A": value}


@pytest.mark.parametrize(
    "line",
    [
        "secret",
        "1A=secret",
        "A B=secret",
        "A='secret",
        'A="secret',
        'A="secret" more',
        "A='it's secret'",
        r'A="secret \x"',
        'A="secret\\"',
    ],
)
def test_any_other_line_is_an_error_that_shows_its_number_and_not_its_text(line: str) -> None:
    with pytest.raises(BadEnvironment, match="line 2") as caught:
        parse(f"B=1\n{line}")
    assert "secret" not in str(caught.value)


@pytest.mark.check("M155")
def test_the_environment_goes_first_and_an_empty_variable_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=file\nDATABASE_URL=file\nPGMQ_CHANNEL=file\n")
    monkeypatch.setenv("REDIS_URL", "outside")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("PGMQ_CHANNEL", raising=False)
    monkeypatch.delenv("PROJECT_PATH", raising=False)
    found = Environment.read(tmp_path)
    names = ["REDIS_URL", "DATABASE_URL", "PGMQ_CHANNEL", "PROJECT_PATH"]
    assert [found.get(name) for name in names] == ["outside", "file", "file", None]


@pytest.mark.check("M155")
def test_the_file_is_that_of_the_current_folder_and_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGMQ_CHANNEL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Environment.read().get("PGMQ_CHANNEL") is None
    (tmp_path / ".env").write_text("PGMQ_CHANNEL=acme")
    assert Environment.read().get("PGMQ_CHANNEL") == "acme"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(BadEnvironment, match="UTF-8"):
        Environment.read(tmp_path)


@pytest.mark.check("M155")
def test_what_is_needed_and_missing_is_named_with_its_use() -> None:
    with pytest.raises(BadEnvironment, match=r"--transport daily needs DAILY_API_KEY") as caught:
        Environment({}, {}).need("DAILY_API_KEY", "--transport daily")
    assert caught.value.exit_code == 2
    assert Environment({}, {"DAILY_API_KEY": "k"}).need("DAILY_API_KEY", "it") == "k"


def test_an_environment_shows_names_and_no_values() -> None:
    assert repr(Environment({}, {"OPENAI_API_KEY": "secret"})) == "<Environment OPENAI_API_KEY>"


@pytest.mark.check("M155")
def test_the_example_file_lists_every_variable_with_no_value() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert parse(text) == dict.fromkeys(VARIABLES, "")


@pytest.mark.check("M155")
def test_no_example_reads_a_variable_that_is_not_listed() -> None:
    reading = re.compile(r"\.(?:get|need)\(\s*\"([A-Z][A-Z_]+)\"|envvar=\"([A-Z_]+)\"")
    text = "".join(
        path.read_text(encoding="utf-8") for path in Path(examples.__file__).parent.rglob("*.py")
    )
    read = {first or second for first, second in reading.findall(text)}
    assert read >= OF_THE_SYSTEM and read - OF_THE_SYSTEM <= VARIABLES.keys()
