"""The example's page of documentation: each of its commands is run, and shows what it says."""

from __future__ import annotations

import shlex
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from callboard.examples import remote_assistant
from callboard.examples.remote_assistant.script import scripted_model
from callboard.examples.servers.server import free_port
from tests.docs.pages import FENCE, links
from tests.examples.remote_assistant.processes import Program, listening, run
from tests.servers.certificates import Certificates
from tests.servers.openai_server import OpenAIServer

TEXT = (Path(remote_assistant.__file__).parent / "README.md").read_text(encoding="utf-8")

BLOCKS = [(block[1], block[2]) for block in FENCE.finditer(TEXT)]

COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]

(INSTALL, SERVE, TALK, SCRIPT, WEB, MODEL, EXPORT, SECURE, FAR) = COMMANDS


def test_it_names_the_extras_that_are_needed() -> None:
    assert INSTALL == "pip install 'callboard[websocket,web]'"


@pytest.mark.check("M153")
def test_the_commands_for_one_machine_run_and_show_what_it_says() -> None:
    port = free_port()
    told = [text for kind, text in BLOCKS if kind == "text"]
    here = ("--remote-url", f"ws://localhost:{port}/ws")
    with run(SERVE, "--port", str(port)) as server:
        shown = told[1].replace("8765", str(port))
        assert f"listening on {listening(server)}\n" == shown
        with run(TALK, *here) as main:
            main.type("What is 6 * 7?")
            main.until("assistant: That is 42.")
            assert main.end() == 0
        with run(SCRIPT, *here) as main:
            assert main.end() == 0
            assert main.shown.startswith(told[2])
        with run(WEB, *here, "--port", "0") as main:
            link = main.line()
            assert link.replace(link.split(":")[2].split("/")[0], "7860") in TEXT
            with urllib.request.urlopen(link) as page:
                assert page.status == 200
            assert main.end(signal.SIGINT) == 0


@pytest.mark.check("M153", "M155")
def test_the_command_with_a_key_uses_the_model_behind_it() -> None:
    with OpenAIServer(scripted_model(), key="sk-your-key") as models:
        with run(MODEL, "--port", "0", OPENAI_BASE_URL=models.url) as server:
            with run(TALK, "--remote-url", listening(server)) as main:
                main.until("What can I do for you?")
                main.type("What is 6 * 7?")
                main.until("That is 42.")
        assert {request.path for request in models.requests} == {"/v1/chat/completions"}
        tools = [tool["function"]["name"] for tool in models.requests[-1].body["tools"]]
        assert tools == ["calculate", "where_am_i"]


@pytest.mark.check("M153", "M164")
def test_the_commands_for_two_machines_run(certificates: Certificates) -> None:
    assert EXPORT.startswith("export CALLBOARD_TOKEN=$(python -c ")
    # Not every machine calls it so.
    export = EXPORT.replace("$(python ", f"$({shlex.quote(sys.executable)} ")
    with Program(["sh", "-c", f"{export}; echo $CALLBOARD_TOKEN"]) as made:
        token = made.line()
    assert len(token) > 40
    line = SECURE.replace("server.pem", str(certificates.certificate))
    line = line.replace("server.key", str(certificates.key))
    with run(line, "--port", "0", CALLBOARD_TOKEN=token) as server:
        port = listening(server).split(":")[2].split("/")[0]
        far = FAR.replace("assistant.example.com:8765", f"localhost:{port}")
        authority = ("--authority", str(certificates.authority))
        with run(far, *authority, CALLBOARD_TOKEN=token) as main:
            main.type("What is 6 * 7?")
            main.until("That is 42.")


def test_every_file_is_in_the_table_and_every_link_leads_somewhere() -> None:
    folder = Path(remote_assistant.__file__).parent
    assert all((folder / target).exists() for target in links(TEXT))
    named = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert named == {name for name in named if f"| `{name}` |" in TEXT}
