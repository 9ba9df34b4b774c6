"""The configuration file, and texts that hold URLs and secrets: what is read, what refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from callboard.supervision.config import (
    ConfigError,
    find_config,
    read_config,
    read_secret,
    secrets_of,
    urls_of,
)

KNOWN = ["drain-within", "transport", "control"]


def laid(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_own_file_goes_before_the_projects(tmp_path: Path) -> None:
    assert find_config(tmp_path) is None
    project = laid(tmp_path, "pyproject.toml", "[tool.callboard]\n")
    assert find_config(tmp_path) == project
    own = laid(tmp_path, "callboard.toml", "")
    assert find_config(tmp_path) == own


def test_a_project_that_says_nothing_of_us_is_no_configuration(tmp_path: Path) -> None:
    laid(tmp_path, "pyproject.toml", "[tool.other]\ncallboard = 1\n")
    assert find_config(tmp_path) is None


def test_values_come_as_written_and_keys_with_either_dash(tmp_path: Path) -> None:
    text = 'drain_within = "90s"\ntransport = ["redis://a", "ws://b"]\ncontrol = false\n'
    file = read_config(laid(tmp_path, "callboard.toml", text), KNOWN)
    assert file.values == {
        "drain-within": "90s",
        "transport": ["redis://a", "ws://b"],
        "control": False,
    }
    assert file.label == "callboard.toml"


def test_the_table_of_a_project_is_named_in_its_errors(tmp_path: Path) -> None:
    path = laid(tmp_path, "pyproject.toml", "[tool.callboard]\ndrain-withn = 3\n")
    with pytest.raises(ConfigError) as wrong:
        read_config(path, KNOWN)
    assert str(wrong.value) == (
        "pyproject.toml [tool.callboard]: there is no key 'drain-withn'; "
        "did you mean 'drain-within'?"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1\n", "there is no key 'colour'; the keys are control, drain-within, secrets"),
        ("secret = 1\n", "did you mean 'secrets'?"),
        ("control = 1\ncontrol = 2\n", "is no TOML: Cannot overwrite a value"),
        ("drain-within = 1\ndrain_within = 2\n", "stands there twice"),
        ("control = 2026-11-24\n", "control: must be a text, a number, true or false"),
        ("transport = [1]\n", "transport: must be a text"),
        ("secrets = 'k'\n", "secrets: must be a table of texts"),
        ("[secrets]\n", "secrets: holds no secret"),
        ("[secrets]\nk = 5\n", "secrets.k: must be a text"),
        ("[secrets]\nk = ''\n", "secrets.k: must be a text"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"callboard\.toml") as wrong:
        read_config(laid(tmp_path, "callboard.toml", text), KNOWN)
    assert said in str(wrong.value)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        read_config(tmp_path / "none.toml", KNOWN)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_secret(tmp_path, "X_FILE")
    (tmp_path / "raw").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"X_FILE: .*raw: is no UTF-8"):
        read_secret(tmp_path / "raw", "X_FILE")
    (tmp_path / "large").write_bytes(b" " * (1 << 21))
    with pytest.raises(ConfigError, match="is larger than"):
        read_secret(tmp_path / "large", "X_FILE")
    laid(tmp_path, "pyproject.toml", "[tool]\n")
    with pytest.raises(ConfigError, match=r"has no table \[tool.callboard\]"):
        read_config(tmp_path / "pyproject.toml", KNOWN)
    laid(tmp_path, "pyproject.toml", "[tool]\ncallboard = 5\n")
    with pytest.raises(ConfigError, match="must be a table"):
        find_config(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "redis://a,ws://b",
        "redis://a ws://b",
        " redis://a , ws://b\n",
        "# the bus\nredis://a\n\n  # and a hub\nws://b\n",
    ],
)
def test_urls_stand_on_lines_or_with_commas_or_spaces_between(text: str) -> None:
    assert urls_of(text) == ["redis://a", "ws://b"]


def test_a_comma_in_a_password_ends_no_url() -> None:
    assert urls_of("redis://:pass,word@a,ws://b") == ["redis://:pass,word@a", "ws://b"]
    assert urls_of(" \n") == []


def test_secrets_stand_one_on_a_line_the_first_one_first() -> None:
    text = "# rotated in autumn\n\n2026-11 = one=two \n2026-05=three\n"
    assert list(secrets_of(text, "file").items()) == [("2026-11", "one=two"), ("2026-05", "three")]


@pytest.mark.parametrize("text", ["hush-hush", "= hush-hush", "a = \n", "a = hush-hush\na = other"])
def test_a_line_that_is_no_secret_is_named_by_its_number_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match=r"file, line \d") as wrong:
        secrets_of(text, "file")
    assert "hush" not in str(wrong.value)


def test_a_file_of_secrets_holds_at_least_one() -> None:
    with pytest.raises(ConfigError, match="holds no secret"):
        secrets_of("# none yet\n", "file")


def test_secrets_are_not_shown_by_the_file_either(tmp_path: Path) -> None:
    path = laid(tmp_path, "callboard.toml", '[secrets]\nk = "hush-hush"\n')
    assert "hush" not in repr(read_config(path, KNOWN))
