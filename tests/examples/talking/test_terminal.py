"""A conversation in the terminal: by a pipe, by options, with and without a keyboard."""

import asyncio
import io
import os
import pty
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callboard.examples.talking.terminal import given, keyboard, talk
from tests.examples.talking.cast import echo_example
from tests.examples.talking.running import COMMAND, environment, run

SCRIPT = """\
-- Echo: They say what they hear.
greeter: hello from greeter
you: hi
greeter: you said: hi
you: tool
  * greeter uses look(at="<b>it</b>")
  * eye, see, running: half
  * eye, see, completed
  * look gives {"seen": 1}
greeter: I have looked
you: to support
-- greeter hands over to support
support: hello from support
you: bare
support: bare words
-- the input has ended
"""


async def test_each_line_waits_for_the_answer_to_the_one_before() -> None:
    out = io.StringIO()
    assert await talk(echo_example(), given(["hi", "", "  to support "]), out=out) == 0
    assert out.getvalue().splitlines()[1:] == [
        "greeter: hello from greeter",
        "you: hi",
        "greeter: you said: hi",
        "you: to support",
        "-- greeter hands over to support",
        "support: hello from support",
        "-- the input has ended",
    ]


async def test_a_session_that_ends_by_itself_ends_the_conversation() -> None:
    async def lines() -> AsyncIterator[str]:
        yield "bye"
        await asyncio.Event().wait()  # somebody who types nothing more

    out = io.StringIO()
    assert await talk(echo_example(), lines(), out=out) == 0
    assert out.getvalue().endswith("greeter: goodbye\n-- the conversation has ended\n")


async def test_trouble_is_an_exit_code_where_nobody_looks() -> None:
    assert await talk(echo_example(), given(["trouble"]), out=io.StringIO()) == 1


async def test_a_line_that_is_never_answered_is_an_exit_code_too() -> None:
    out = io.StringIO()
    assert await talk(echo_example(), given(["long"]), out=out) == 1
    assert out.getvalue().endswith("[interrupted]\n-- no answer came\n")


async def test_a_scene_that_does_not_start_says_why() -> None:
    def broken() -> None:
        raise RuntimeError("no stage")

    out = io.StringIO()
    assert await talk(echo_example(make=broken), given([]), out=out) == 1  # type: ignore[arg-type]
    assert "no stage" in out.getvalue()


@pytest.mark.realtime
async def test_lines_come_from_a_descriptor_whole_and_cut_where_they_are_long() -> None:
    reading, writing = os.pipe()
    os.write(writing, "one\ntw\xf6\n\nlast".encode() + b"x" * 10_001)
    os.close(writing)
    lines = [line async for line in keyboard(reading)]
    os.close(reading)
    assert lines[:2] == ["one", "tw\xf6"]
    assert [len(line) for line in lines[2:]] == [10_000, 5]


@pytest.mark.check("M154")
def test_the_console_is_the_default_and_the_script_runs_in_it() -> None:
    done = run("--script")
    assert (done.stderr, done.stdout, done.returncode) == ("", SCRIPT, 0)


def test_a_pipe_is_a_conversation_and_its_end_is_the_end() -> None:
    done = run(said="hi\ntool\nto support\nbare")
    assert (done.stderr, done.stdout, done.returncode) == ("", SCRIPT, 0)


def test_lines_of_the_command_line_are_said_in_order() -> None:
    done = run("--say", "hi", "--say", "tool", "--say", "to support", "--say", "bare")
    assert (done.stderr, done.stdout, done.returncode) == ("", SCRIPT, 0)


def test_a_closed_input_is_an_empty_one() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_output_that_nobody_reads_ends_it_without_a_word() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" --script | head -n 1', "sh", *COMMAND],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "-- Echo: They say what they hear.\n")


def test_an_output_in_ascii_is_enough() -> None:
    done = run(said="caf\xe9", PYTHONIOENCODING="ascii")
    assert (done.stderr, done.returncode) == ("", 0)
    assert "greeter: you said: caf\\xe9\n" in done.stdout


class Terminal:
    """The program at a terminal of its own."""

    def __init__(self) -> None:
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            COMMAND, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="dumb")
        )
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> None:
        """Read until it has shown this, or has ended."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            try:
                self.shown += os.read(self._mine, 4096).decode()
            except OSError:
                assert text in self.shown
                return

    def type(self, text: str) -> None:
        os.write(self._mine, text.encode())

    def end(self) -> int:
        code = self.process.wait(60)
        os.close(self._mine)
        return code


def test_at_a_keyboard_the_next_line_interrupts_the_reply_and_ctrl_d_ends_it() -> None:
    terminal = Terminal()
    terminal.until("hello from greeter")
    terminal.type("long\n")
    terminal.until("and so on")
    terminal.type("hi\n")
    terminal.until("you said: hi")
    terminal.type("\x04")
    terminal.until("the input has ended")
    assert terminal.end() == 0
    assert terminal.shown.count("[interrupted]") == 1
    assert "you: " not in terminal.shown  # the terminal has shown it already


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_it_in_order(number: signal.Signals, code: int) -> None:
    terminal = Terminal()
    terminal.until("hello from greeter")
    terminal.process.send_signal(number)
    terminal.until("signal")
    assert terminal.end() == code
    assert "Traceback" not in terminal.shown


def test_the_variables_of_a_file_here_choose_the_model(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("nonsense")
    done = run("--script", cwd=tmp_path)
    assert done.returncode == 2 and "line 1" in done.stderr
