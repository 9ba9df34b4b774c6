"""The assistant's server and the main program as processes, and what happens between them."""

from __future__ import annotations

import functools
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from callboard import Node, Supervisor
from callboard.actors.llm.script import Fail, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.actors.testing import eventually
from callboard.examples.remote_assistant.assistant import ASSISTANT, DOWN_AFTER, MAIN
from callboard.examples.remote_assistant.assistant import main as serve
from callboard.examples.remote_assistant.assistant import session as assistant_session
from callboard.examples.remote_assistant.main import main as talk
from callboard.examples.remote_assistant.main import remote_example
from callboard.examples.remote_assistant.script import STORY, scripted_model
from callboard.examples.servers.server import free_port
from callboard.examples.talking.events import FloorChanged, ReplyPiece, WorkerLost
from callboard.examples.talking.session import Session
from callboard.transports.websocket import WebSocketProxyServer
from tests.examples.remote_assistant.processes import assistant, client, listening
from tests.examples.talking.cast import read, said
from tests.servers.certificates import Certificates
from tests.servers.chaos import ChaosProxy

TOKEN = "a-token-of-the-tests"

TOLD_WITHIN = 6.0
"""Seconds in which the user is to be told."""

BUSY = 6.0
"""More that a busy machine may take for it."""


@pytest.mark.check("M164", "M153")
def test_a_conversation_runs_between_two_processes() -> None:
    with assistant() as server:
        url = listening(server)
        with client(url, "--script") as main:
            assert main.end() == 0
        lines = main.shown.splitlines()
        assert "assistant: Hello! I am the assistant. What can I do for you?" in lines
        assert "assistant: That is 42." in lines
        assert lines[-2:] == ["assistant: Your name is Ada.", "-- the input has ended"]
        server.until("has come")
        server.until("has gone")
        assert server.end(signal.SIGTERM) == 0
        assert "Traceback" not in server.shown


@pytest.mark.check("M164")
def test_two_at_once_are_separate() -> None:
    with assistant() as server:
        url = listening(server)
        with client(url) as ada, client(url) as ben:
            ada.type("My name is Ada")
            ben.type("My name is Ben")
            ada.until("Nice to meet you, Ada.")
            ben.until("Nice to meet you, Ben.")
            for each, name in ((ada, "Ada"), (ben, "Ben")):
                each.type("What is my name?")
                each.until(f"Your name is {name}.")
            with client(url) as third:
                third.type("What is my name?")
                third.until("You have not told me your name.")
            assert ada.end() == 0
            ben.type("1 + 1")  # the end of one is none of the other's
            ben.until("That is 2.")


@pytest.mark.check("M165")
def test_a_killed_assistant_is_told_in_time_and_goes_on_when_it_is_started_again() -> None:
    port = str(free_port())
    with assistant("--port", port) as server:
        url = listening(server)
        with client(url) as main:
            main.until("What can I do for you?")
            main.type("My name is Ada")
            main.until("Nice to meet you, Ada.")
            main.type("A story, please")
            main.until("Once there was")
            server.kill()
            killed = time.monotonic()
            main.until("assistant is lost")
            assert DOWN_AFTER < TOLD_WITHIN
            assert time.monotonic() - killed < TOLD_WITHIN + BUSY
            with assistant("--port", port) as again:
                main.until("assistant is back")
                # What it was saying is owed; it is said anew, and whole.
                assert STORY in main.until(STORY)
                main.type("What is my name?")
                main.until("Your name is Ada.")
                assert main.end() == 0
                again.until("has gone")


@pytest.mark.check("M165")
def test_words_that_are_said_while_there_is_nobody_are_answered_later() -> None:
    port = str(free_port())
    with assistant("--port", port) as server:
        url = listening(server)
        with client(url) as main:
            main.until("What can I do for you?\n")  # the reply has ended
            server.kill()
            main.until("assistant is lost")
            main.type("What is 6 * 7?")
            main.until("you: What is 6 * 7?")
            with assistant("--port", port):
                assert main.until("That is 42.").count("assistant: ") == 1
                main.type("Where do you run?")
                main.until("I run on")
        with client(url) as early:  # the server is started after the client
            early.until("the connection is lost: cannot connect to")
            with assistant("--port", port):
                early.until("the connection is back")
                early.until("What can I do for you?")


@pytest.mark.check("M165")
def test_an_assistant_that_is_there_again_and_owes_nothing_says_so() -> None:
    port = str(free_port())
    with assistant("--port", port) as server, client(listening(server)) as main:
        main.type("My name is Ada")
        main.until("Nice to meet you, Ada.\n")  # the reply has ended
        server.kill()
        main.until("assistant is lost")
        with assistant("--port", port):
            main.until("I am back, and I know what we talked about.")
            main.type("What is my name?")
            main.until("Your name is Ada.")


@pytest.mark.realtime
@pytest.mark.check("M164", "M128")
async def test_a_cut_of_three_seconds_costs_no_word_either_way() -> None:
    with assistant() as server:
        port = int(listening(server).split(":")[2].split("/")[0])
        async with ChaosProxy(port) as way:
            url = f"ws://127.0.0.1:{way.port}/ws"
            async with Session(remote_example(url)) as session:
                assert await session.settled(60)
                await session.say("Tell me a story")
                await eventually(lambda: pieces(session) > 10, within=60)
                await way.refuse()
                cut = time.monotonic()
                await session.say("What is 6 * 7?")
                await eventually(lambda: time.monotonic() - cut > 3, within=60)
                assert session.node.events.counts["disconnected"] == 1
                await way.listen()
                await eventually(lambda: "That is 42." in words(session), within=60)
                assert await session.settled(60)
                await session.say("Where do you run?")
                assert await session.settled(60)
            events = await read(session)
    lines = said(events)
    assert lines[1:3] == [f"assistant: {STORY}", "assistant: That is 42."]
    assert lines[3].startswith("assistant: I run on")
    assert len(lines) == 4
    assert not any(isinstance(event, WorkerLost) for event in events)
    assert server.shown.count("has come") <= 2


def pieces(session: Session) -> int:
    return sum(isinstance(event, ReplyPiece) for event in session.unread)


def words(session: Session) -> str:
    return "".join(event.text for event in session.unread if isinstance(event, ReplyPiece))


@pytest.mark.realtime
async def test_an_assistant_that_crashes_alone_is_restarted_and_knows_what_was_said() -> None:
    crash = when("crash", Fail(RuntimeError("told to")))
    model = ScriptedModel(crash, *scripted_model().rules)
    server = WebSocketProxyServer(
        local_worker=ASSISTANT,
        remote_worker=MAIN,
        session=functools.partial(assistant_session, model),
    )
    async with Node(Supervisor([]), transports=[server]):
        await eventually(lambda: server.listening)
        async with Session(remote_example(f"ws://127.0.0.1:{server.port}/ws")) as session:
            assert await session.settled(60)
            await session.say("My name is Ada")
            assert await session.settled(60)
            await session.say("Please crash")
            crashed = FloorChanged(None, ASSISTANT)
            await eventually(lambda: crashed in session.unread, within=60)
            await session.say("What is my name?")
            await eventually(lambda: "Your name is Ada." in words(session), within=60)


# -- who may connect ----


@pytest.mark.check("M164")
def test_an_address_that_others_reach_asks_for_a_token(certificates: Certificates) -> None:
    with assistant("--host", "0.0.0.0", "--port", "0") as server:
        assert server.end() == 2
        assert "--token" in server.shown and "Traceback" not in server.shown
    tls = ("--certificate", str(certificates.certificate), "--key", str(certificates.key))
    with assistant("--host", "0.0.0.0", "--port", "0", *tls, CALLBOARD_TOKEN=TOKEN) as server:
        url = listening(server).replace("0.0.0.0", "localhost")
        assert url.startswith("wss://")
        authority = ("--authority", str(certificates.authority))
        with client(url, *authority, "--token", TOKEN, "--script") as main:
            assert main.end() == 0
            assert "Your name is Ada." in main.shown
        for wrong in ((), ("--token", "another-of-the-tests")):
            with client(url, *authority, *wrong) as main:
                main.until("the connection is lost: cannot connect to")
                assert "401" in main.line()
        with client(url, "--token", TOKEN) as main:  # nobody vouches for the certificate
            main.until("the connection is lost: cannot connect to")
            assert "certificate" in main.line()
        assert TOKEN not in server.shown


def test_a_server_for_others_without_a_certificate_says_what_it_needs() -> None:
    with assistant("--host", "0.0.0.0", "--port", "0", "--token", TOKEN) as server:
        assert server.end() == 2
        assert "--certificate" in server.shown
    with assistant("--host", "0.0.0.0", "--port", "0", "--token", TOKEN, "--insecure") as server:
        with client(listening(server).replace("0.0.0.0", "127.0.0.1"), "--token", TOKEN) as main:
            main.until("What can I do for you?")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--remote-url", "http://localhost:8765"], "ws://"),
        (["--remote-url", "ws://assistant.example.com/ws"], "wss"),
        (["--token", "short"], "shorter"),
    ],
)
def test_what_is_wrong_on_the_clients_command_line_is_named(
    arguments: list[str], told: str
) -> None:
    done = CliRunner().invoke(talk, arguments)
    assert done.exit_code == 2
    assert told in done.output


@pytest.mark.parametrize("option", ["--key", "--certificate"])
def test_what_is_wrong_on_the_servers_command_line_is_named(option: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    done = CliRunner().invoke(serve, [option, str(tmp_path / "key.pem")])
    assert done.exit_code == 2
    assert "--certificate" in done.output


def test_a_port_that_is_taken_is_named_and_ends_the_server() -> None:
    with assistant() as server:
        port = listening(server).split(":")[2].split("/")[0]
        with assistant("--host", "127.0.0.1", "--port", port) as second:
            assert second.end() == 1
            assert f"cannot listen on ws://127.0.0.1:{port}/ws" in second.shown
            assert "Traceback" not in second.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_of_a_server_is_told_to_who_talks(number: signal.Signals) -> None:
    with assistant() as server, client(listening(server)) as main:
        main.until("What can I do for you?\n")
        assert server.end(number) == 0
        main.until("assistant is lost")
        assert "Traceback" not in server.shown
