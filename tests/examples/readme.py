"""The page of an example: its commands are run as they stand there, by a shell's rules."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from callboard import examples
from callboard.actors.llm import Model
from tests.docs.pages import FENCE
from tests.examples.talking.running import Server, environment
from tests.servers.openai_server import OpenAIServer

__all__ = ["Command", "blocks", "commands", "page", "run"]

ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True)
class Command:
    """One line of a page, with the variables that are set before it."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return shlex.join(self.words)

    @property
    def is_server(self) -> bool:
        """Whether it serves until it is told to end."""
        return "web" in self.words


def page(example: str) -> str:
    """The text of an example's page."""
    return (Path(examples.__file__).parent / example / "README.md").read_text(encoding="utf-8")


def blocks(example: str, kind: str) -> list[str]:
    """The blocks of a kind on the page."""
    return [block[2] for block in FENCE.finditer(page(example)) if block[1] == kind]


def commands(example: str) -> list[Command]:
    """The commands of the page; what one block exports is not there in the next."""
    found: list[Command] = []
    for block in blocks(example, "sh"):
        exported: dict[str, str] = {}
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "export":
                exported |= dict(word.split("=", 1) for word in words[1:])
            elif words:
                before = [word for word in words if ASSIGNMENT.fullmatch(word)]
                variables = exported | dict(word.split("=", 1) for word in before)
                found.append(Command(tuple(words[len(before) :]), variables))
    assert found, f"the page of {example} has no command"
    return found


def run(
    command: Command, model: Model, *, said: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of a page to its end; a real key leads to a server that has this model."""
    assert command.words[:2] == ("python", "-m"), f"not a command of an example: {command}"
    with _model_server(command, model) as variables:
        if command.is_server:
            return _serve(command)
        return subprocess.run(
            [sys.executable, "-W", "error", *command.words[1:]],
            input=said,
            capture_output=True,
            encoding="utf-8",
            env=environment(**variables),
            cwd=cwd,
            timeout=120,
            check=False,
        )


@contextmanager
def _model_server(command: Command, model: Model) -> Generator[Mapping[str, str]]:
    key = command.variables.get("OPENAI_API_KEY")
    if key is None:
        yield command.variables
        return
    with OpenAIServer(model, key=key) as server:
        yield {**command.variables, "OPENAI_BASE_URL": server.url, "NO_PROXY": "*"}
        assert server.requests, f"the model was not asked: {command}"


def _serve(command: Command) -> subprocess.CompletedProcess[str]:
    """Begin to serve, as the page says but for the port, and end it by a signal."""
    module, *words = command.words[2:]
    with Server(*words, module=module) as server:
        assert server.link.startswith("http://localhost:") and server.link.endswith("/client")
        code, written = server.stop()
    return subprocess.CompletedProcess(command.words, code, f"{server.link}{os.linesep}", written)
