"""Every command of the page runs, offline, and prints what the page says."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.examples.handoff.readme import EXAMPLES, Command, commands, files
from tests.examples.talking.running import Server, command, environment
from tests.servers.openai_server import OpenAIServer

README = EXAMPLES / "handoff" / "README.md"
COMMANDS = commands(README)
MODULE = "callboard.examples.handoff"


def run(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line as a newcomer does, here with each warning as an error; nothing is typed."""
    python, m, module, *arguments = shlex.split(line)
    assert (python, m) == ("python", "-m")
    return subprocess.run(
        [*command(module), *arguments],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.check("M153", "M156", "M157")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line)
def test_a_command_runs_and_prints_what_the_page_says(command: Command, tmp_path: Path) -> None:
    line = command.line
    if line == "export OPENAI_API_KEY=sk-your-key":
        return  # for the next line: see the test of the language model
    if line == f"python -m {MODULE} --transport web":
        with Server(module=MODULE) as server:  # on a free port
            assert server.link.startswith("http://localhost:") and server.link.endswith("/client")
            assert server.stop() == (0, "")
        return
    done = run(line, tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == command.printed or command.printed is None
    assert "greeter" in done.stdout


def test_the_page_shows_how_to_use_a_language_model_and_that_is_used(tmp_path: Path) -> None:
    at = next(i for i, each in enumerate(COMMANDS) if each.line.startswith("export OPENAI_"))
    name, _, key = COMMANDS[at].line.removeprefix("export ").partition("=")
    with OpenAIServer(key=key) as server:
        done = run(COMMANDS[at + 1].line, tmp_path, **{name: key, "OPENAI_BASE_URL": server.url})
    assert (done.stderr, done.returncode) == ("", 0)
    assert "greeter: You said: My lamp is broken\n" in done.stdout
    assert [request.body["model"] for request in server.requests] == ["gpt-4.1-mini"] * 2


@pytest.mark.check("M153")
def test_all_options_are_listed(tmp_path: Path) -> None:
    shown = run(f"python -m {MODULE} --help", tmp_path).stdout
    for option in ("--transport", "--host", "--port", "--model", "--say", "--script"):
        assert option in shown


def test_every_file_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in sorted(files(README.parent)) if f"`{name}`" not in text] == []
