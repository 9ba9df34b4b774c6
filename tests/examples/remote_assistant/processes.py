"""The programs of the example as processes: what they show, line by line, as it comes."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from typing import Self

from tests.examples.talking.running import command, environment

__all__ = ["Program", "assistant", "client", "listening", "run"]

PATIENCE = 60.0
"""Seconds that a process may take to show what is expected: the machine may be busy."""


class Program:
    """A process whose input is a pipe; it is killed when the block is left."""

    def __init__(self, arguments: list[str], **variables: str) -> None:
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(**variables),
        )
        self.shown = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def until(self, text: str) -> str:
        """Read until it has shown this, after what was read before; return all up to it."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while (at := self.shown.find(text, self._read)) < 0:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self._process.stdout], [], [], left)[0], (
                f"no {text!r} in: {self.shown}"
            )
            data = os.read(self._process.stdout.fileno(), 65536)
            assert data, f"it has ended without {text!r}: {self.shown}"
            self.shown += data.decode()
        before, self._read = self._read, at + len(text)
        return self.shown[before : self._read]

    def line(self) -> str:
        """Return the rest of the line."""
        return self.until("\n").rstrip("\n")

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self, number: signal.Signals | None = None) -> int:
        """End its input, or send a signal; return its code."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if number is None:
            self._process.stdin.close()
        else:
            self._process.send_signal(number)
        self.shown += self._process.stdout.read().decode()
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as a crash of its machine would."""
        self._process.kill()
        self._process.wait()


def assistant(*arguments: str, **variables: str) -> Program:
    """The assistant's server, by default on a free port; see `listening`."""
    module = command("callboard.examples.remote_assistant.assistant")
    return Program([*module, *(arguments or ("--port", "0"))], **variables)


def client(url: str, *arguments: str, **variables: str) -> Program:
    """The main program, with a conversation by a pipe."""
    module = command("callboard.examples.remote_assistant.main")
    return Program([*module, "--remote-url", url, *arguments], **variables)


def listening(server: Program) -> str:
    """Return the URL on which a server listens."""
    server.until("listening on ")
    return server.line()


def run(line: str, *more: str, **variables: str) -> Program:
    """Run a command of a page, with variables before it, and with these further options."""
    words = shlex.split(line)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables.setdefault(name, value)
    python, option, module, *arguments = words
    assert (python, option) == ("python", "-m")
    return Program([*command(module), *arguments, *more], **variables)
