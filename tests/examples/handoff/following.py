"""Doing what a README of several processes says, command by command, as its reader would."""

from __future__ import annotations

import configparser
import contextlib
import re
import shlex
import signal
import string
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.source import ROOT
from tests.examples.handoff.models import scripts
from tests.examples.handoff.readme import EXAMPLES, commands
from tests.examples.remote_assistant.processes import Program
from tests.examples.talking.running import Server, command
from tests.servers.openai_server import OpenAIServer

__all__ = ["follow"]

ASSIGNED = re.compile(r"(?:export )?([A-Z_]+)=(\S+)")


class Reader:
    """Has a terminal for each worker, and one to talk in."""

    def __init__(self, example: str, variables: Mapping[str, str], server: OpenAIServer) -> None:
        self.module = f"callboard.examples.{example}"
        self.stack = contextlib.ExitStack()
        self._variables = dict(variables)
        self._server = server
        self._workers: dict[str, Program] = {}

    def type(self, line: str) -> None:
        """Do what a line of the page says."""
        words = shlex.split(line)
        given: dict[str, str] = {}
        while words and (assigned := ASSIGNED.fullmatch(words[0])) is not None:
            given[assigned[1]] = string.Template(assigned[2]).substitute(self._variables)
            words.pop(0)
        if given.keys() & {"OPENAI_API_KEY"}:
            given["OPENAI_BASE_URL"] = self._server.url
        if words[0] == "callboard":
            with Program([*command("callboard.supervision.cli"), *words[1:]], **given) as program:
                assert program.end() == 0
            return
        assert words[:2] == ["python", "-m"], line
        module, *arguments = words[2:]
        if arguments == ["--help"]:
            with Program([*command(module), "--help"]) as program:
                program.until("--help")
                assert program.end() == 0
        elif module == f"{self.module}.llm":
            self._work(arguments, given)
        else:
            assert module == f"{self.module}.main"
            self._talk(arguments, given)

    def _work(self, arguments: list[str], given: Mapping[str, str]) -> None:
        """Run a worker in its terminal, in place of the one that ran there."""
        name = arguments[0]
        if name in self._workers:
            assert self._workers.pop(name).end(signal.SIGTERM) == 0
        program = Program([*command(f"{self.module}.llm"), *arguments], **self._variables, **given)
        self._workers[name] = self.stack.enter_context(program)
        program.until(f"{name} is here; Ctrl-C ends it")

    def _talk(self, arguments: list[str], given: Mapping[str, str]) -> None:
        """Hold a conversation, to its end."""
        if "web" in arguments:
            with Server(*self._broker(), module=f"{self.module}.main") as server:
                assert server.link.endswith("/client")
                assert server.stop()[0] == 0
            return
        line = [*command(f"{self.module}.main"), *arguments]
        with Program(line, **self._variables, **given) as program:
            for _ in range(2 * ("--worker" in arguments)):
                program.until(" is ready, on node ")
                assert program.line() in ("greeter", "support")
            if "--script" in arguments:
                program.until("-- greeter hands over to support")
                program.until("-- support hands over to greeter")
                program.until("greeter: Goodbye, and come again!")
            elif "--say" in arguments:
                program.until("greeter: The clock is a wall clock")
            else:
                program.type("thank you")
                program.until("you: thank you")
            assert program.end() == 0

    def _broker(self) -> list[str]:
        """The options for a server, which is given no variables."""
        names = {"REDIS_URL": "--redis-url", "DATABASE_URL": "--database-url"}
        return [f"{names[name]}={url}" for name, url in self._variables.items() if name in names]


def follow(example: str, variables: Mapping[str, str], outside: Mapping[str, str]) -> list[str]:
    """Do what the page of an example says; `variables` say where the broker of the test is.

    `outside`: what a line is replaced by that stands for something around the example; empty for
    what the test has done already. Returns the lines that were replaced.
    """
    page = EXAMPLES / example / "README.md"
    replaced: list[str] = []
    with OpenAIServer(scripts(), key="sk-your-key") as server:
        reader = Reader(example, variables, server)
        with reader.stack:
            for each in commands(page):
                line = each.line
                if line.startswith("pip install"):
                    check_extra(line)
                elif (found := [known for known in outside if known in line]) != []:
                    replaced.append(line)
                    line = line.replace(found[0], outside[found[0]])
                    if outside[found[0]]:
                        reader.type(line)
                else:
                    reader.type(line)
    return replaced


def check_extra(line: str) -> None:
    """Check that what is to be installed is there: its extras are those of the package."""
    found = re.fullmatch(r"pip install 'callboard\[([\w,]+)\]'", line)
    assert found is not None, line
    settings = configparser.ConfigParser()
    settings.read(Path(ROOT) / "setup.cfg", encoding="utf-8")
    assert set(found[1].split(",")) <= set(settings["options.extras_require"])
