"""Settings from the command line, environment and file: which one holds, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callboard.supervision.cli import main

CANARY = "canary-4711-canary"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.chdir(tmp_path)
    for name in ("LOG_LEVEL", "LOG_FORMAT", "BUS_URL", "BUS_URL_FILE", "BUS_URLS", "NAMESPACE"):
        monkeypatch.delenv(f"CALLBOARD_{name}", raising=False)


def laid(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = said(capsys, "config", "show", "-o", "json", *arguments)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code, out, err = said(capsys, *arguments)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert CANARY not in err
    return code, err


def test_the_command_line_goes_before_the_environment_before_the_file_before_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(capsys)["log-level"] == {"value": "info", "origin": "default"}
    laid("callboard.toml", 'log-level = "warning"\n')
    assert shown(capsys)["log-level"] == {"value": "warning", "origin": "callboard.toml"}
    monkeypatch.setenv("CALLBOARD_LOG_LEVEL", "error")
    assert shown(capsys)["log-level"] == {"value": "error", "origin": "CALLBOARD_LOG_LEVEL"}
    found = shown(capsys, "--log-level", "debug")["log-level"]
    assert found == {"value": "debug", "origin": "command line"}


def test_every_option_of_run_may_stand_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    laid(
        "callboard.toml",
        'name = "house"\ntransport = ["redis://a", "ws://b"]\nnamespace = "shop"\n'
        'connect-within = "5s"\nprocesses = 2\ndrain-within = "2m"\nstop-within = 9\n'
        'max-restarts = 7\nrestart-period = "1h"\nlog-level = "debug"\nlog-format = "json"\n'
        "control = false\nwatchdog = false\ntraceback = true\n",
    )
    found = {key: each["value"] for key, each in shown(capsys).items()}
    assert found == {
        "name": "house", "transport": ["redis://a", "ws://b"], "namespace": "shop",
        "connect-within": 5.0, "secret-file": None, "processes": 2, "drain-within": 120.0,
        "stop-within": 9.0, "max-restarts": 7, "restart-period": 3600.0, "log-level": "debug",
        "log-format": "json", "control": False, "watchdog": False, "traceback": True,
        "secrets": {},
    }  # fmt: skip


def test_a_file_elsewhere_is_named_and_its_paths_are_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    laid("etc/house.toml", 'transport-file = "bus"\nsecret-file = "keys"\n')
    laid("etc/bus", f"# the bus of the house\nredis://:{CANARY}@broker\nws://hub\n")
    laid("etc/keys", f"new = {CANARY}\nold = {CANARY}-old\n")
    monkeypatch.setenv("CALLBOARD_CONFIG", "etc/house.toml")
    found = shown(capsys)
    assert found["transport"]["value"] == ["redis://:***@broker", "ws://hub"]
    assert found["secrets"]["value"] == {"new": "***", "old": "***"}
    monkeypatch.delenv("CALLBOARD_CONFIG")
    assert shown(capsys, "--config", "etc/house.toml") == found


def test_the_urls_come_from_the_environment_or_from_a_file_that_it_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBOARD_BUS_URL", f"redis://u:{CANARY}@a, ws://hub")
    found = shown(capsys)["transport"]
    assert found == {"value": ["redis://u:***@a", "ws://hub"], "origin": "CALLBOARD_BUS_URL"}
    found = shown(capsys, "--transport", "ws://other")["transport"]
    assert found == {"value": ["ws://other"], "origin": "command line"}
    laid("bus", f"rediss://:{CANARY}@b\n")
    monkeypatch.setenv("CALLBOARD_BUS_URL_FILE", "bus")
    code, line = refusal(capsys, "config", "show")
    assert code == 78
    assert "CALLBOARD_BUS_URL and CALLBOARD_BUS_URL_FILE are both set" in line
    monkeypatch.delenv("CALLBOARD_BUS_URL")
    found = shown(capsys)["transport"]
    assert found == {"value": ["rediss://:***@b"], "origin": "CALLBOARD_BUS_URL_FILE"}


@pytest.mark.check("M106")
def test_what_is_shown_holds_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    laid("callboard.toml", f'[secrets]\n2026 = "{CANARY}"\n')
    monkeypatch.setenv("CALLBOARD_BUS_URL", f"postgres://u:{CANARY}@db/bus?backend=isolated")
    for form in ("table", "json"):
        code, out, err = said(capsys, "config", "show", "--origin", "-o", form)
        assert code == 0 and CANARY not in out + err
        assert "postgres://u:***@db/bus?backend=isolated" in out
        assert "2026" in out and "callboard.toml" in out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "drain_withn = 3\n",
            "callboard.toml: there is no key 'drain_withn'; did you mean 'drain-",
        ),
        ("transports = 'redis://a'\n", "there is no key 'transports'; did you mean 'transport'?"),
        ("drain-within = 'soon'\n", "callboard.toml: drain-within: 'soon' is no duration"),
        ("drain-within = -1\n", "drain-within: '-1' is no duration"),
        ("drain-within = true\n", "drain-within: 'True' is no duration"),
        ("log-level = 'loud'\n", "callboard.toml: log-level: 'loud' is not one of"),
        ("processes = 0\n", "callboard.toml: processes: 0 is not in the range"),
        ("name = ['a']\n", "callboard.toml: name: must be one value, not a list"),
        ("name = '../a'\n", "callboard.toml: name: '../a' must be of letters"),
        ("namespace = ''\n", "callboard.toml: namespace: is empty"),
        (f"transport = 'rdis://:{CANARY}@h'\n", "transport: rdis://:***@h: names no transport"),
        ("transport = 'redis://h?chanel=a'\n", "there is no setting 'chanel'; did you mean 'chan"),
        ("transport-file = 'none'\n", "callboard.toml: transport-file: "),
        ("transport-file = 'blank'\n", "callboard.toml: transport-file: holds no URL; write a l"),
        ("transport = ' '\n", "callboard.toml: transport: holds no URL; write a line: redis://"),
        ("connect-within = '1s'\n", "(callboard.toml): there is no transport to connect"),
        ("transport = 'ws://a'\ntransport-file = 'b'\n", "'transport' and 'transport-file' are bo"),
        ("secret-file = 'none'\n", "none: cannot be read: No such file"),
        ("lifeline = 3\n", "there is no key 'lifeline'"),
        (f"[secrets]\nk = '{CANARY}\n", "is no TOML"),
    ],
)
@pytest.mark.parametrize("verb", [("config", "check"), ("run", "nowhere:Tree")])
def test_what_is_wrong_in_the_file_is_said_in_one_line_and_ends_with_78(
    capsys: pytest.CaptureFixture[str], verb: tuple[str, ...], text: str, problem: str
) -> None:
    laid("callboard.toml", text)
    laid("blank", "\n# nothing yet\n \n")
    code, line = refusal(capsys, *verb)
    assert problem in line
    assert code == 78


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CALLBOARD_LOG_LEVEL", "loud", "CALLBOARD_LOG_LEVEL: log-level: 'loud' is not one of"),
        ("CALLBOARD_BUS_URL", f"h:{CANARY}", "CALLBOARD_BUS_URL: transport: "),
        ("CALLBOARD_BUS_URL_FILE", "/nowhere", "CALLBOARD_BUS_URL_FILE: /nowhere: cannot be read"),
        ("CALLBOARD_BUS_URL_FILE", "blank", "CALLBOARD_BUS_URL_FILE: holds no URL; write a line"),
        ("CALLBOARD_BUS_URL_FILE", "", "CALLBOARD_BUS_URL_FILE: is empty: give a URL, or unset"),
        ("CALLBOARD_BUS_URL", " ", "CALLBOARD_BUS_URL: is empty: give a URL, or unset it"),
        ("CALLBOARD_SECRET_FILE", "/nowhere", "CALLBOARD_SECRET_FILE: /nowhere: cannot be read"),
        ("CALLBOARD_CONFIG", "/nowhere", "/nowhere: cannot be read: No such file"),
    ],
)
def test_what_is_wrong_in_the_environment_ends_with_78_too(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    problem: str,
) -> None:
    laid("blank", "\n# nothing yet\n \n")
    monkeypatch.setenv(name, value)
    code, line = refusal(capsys, "config", "check")
    assert (code, problem in line) == (78, True), line


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--transport", f"rdis://:{CANARY}@h"), "'--transport': rdis://:***@h: names no tran"),
        (("--namespace", ""), "'--namespace': is empty"),
        (("--connect-within", "soon"), "'soon' is no duration"),
        (("--connect-within", "1s"), "(command line): there is no transport to connect: give one"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    code, line = refusal(capsys, "run", "nowhere:Tree", *arguments)
    assert (code, problem in line) == (2, True), line


def test_two_sources_of_secrets_in_one_file_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    laid("keys", f"k = {CANARY}\n")
    laid("callboard.toml", f'secret-file = "keys"\n[secrets]\nk = "{CANARY}"\n')
    code, line = refusal(capsys, "config", "check")
    assert (code, "'secrets' and 'secret-file' are both there" in line) == (78, True)


def test_a_secret_file_of_the_command_line_goes_before_the_secrets_of_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    laid("keys", f"mine = {CANARY}\n")
    laid("callboard.toml", f'[secrets]\ntheirs = "{CANARY}"\n')
    assert list(shown(capsys, "--secret-file", "keys")["secrets"]["value"]) == ["mine"]


def test_a_configuration_that_is_right_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "config", "check")[1] == (
        "the configuration is fine: no configuration file here; set: nothing\n"
    )
    laid("pyproject.toml", '[tool.callboard]\nname = "house"\n')
    assert said(capsys, "config", "check")[1] == (
        "the configuration is fine: pyproject.toml [tool.callboard]; set: name\n"
    )


def test_where_each_value_is_from_is_shown_when_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    laid("callboard.toml", "processes = 3\n")
    _, out, _ = said(capsys, "config", "show", "--origin", "--name", "house")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert lines["KEY"] == "VALUE ORIGIN"
    assert lines["name"] == "house command line"
    assert lines["processes"] == "3 callboard.toml"
    assert lines["drain-within"] == "30s default"
    _, out, _ = said(capsys, "config", "show")
    assert "ORIGIN" not in out
