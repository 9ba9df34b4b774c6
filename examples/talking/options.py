"""The options that all conversational examples share, and what they lead to.

A command that has them gets a `Talking` as its first argument:

    @click.command()
    @talking_options
    @click.option("--topic", default="tea")
    def main(talking: Talking, topic: str) -> None:
        '''Talk about a topic.'''
        talking.run(Example("Topic", first="talker", workers=[...]))
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import sys
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any, TextIO

import click

from callboard.actors.llm.model import Model
from callboard.examples.talking import terminal
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.example import Example

__all__ = ["MissingExtra", "Talking", "model_for", "talking_options"]

MODEL = "gpt-4.1-mini"
"""The model where a key is there and nobody names one."""

SCRIPTED = "scripted"
"""The name that stands for the example's own model."""


WITH_DAILY = "--transport daily"


class MissingExtra(click.ClickException):
    """A part of the installation is missing: one line that names the extra."""

    exit_code = 2

    def __init__(self, what: str, missing: str, extra: str) -> None:
        """Say what needs what, and the command that brings it."""
        super().__init__(f"{what} needs {missing}: pip install 'callboard[{extra}]'")


def model_for(environment: Environment, scripted: Model, name: str | None = None) -> Model:
    """Return the model that speaks: a real one where its key is there, else the scripted one.

    `name` is what `--model` says; `scripted` in any case stands for the scripted one.

    Raises:
        BadEnvironment: a real one was chosen, and its key is missing.
        MissingExtra: the `openai` extra is missing.

    """
    url = environment.get("OPENAI_BASE_URL")
    if name == SCRIPTED:
        return scripted
    key = environment.get("OPENAI_API_KEY")
    if key is None and name is None and url is None:
        return scripted
    chosen = f"--model {name}" if name is not None else "OPENAI_BASE_URL"
    key = environment.need("OPENAI_API_KEY", chosen)
    from callboard.actors.llm.openai import OpenAIModel

    try:
        return OpenAIModel(
            name or environment.get("OPENAI_MODEL") or MODEL, api_key=key, base_url=url
        )
    except ImportError:
        raise MissingExtra("a model of OpenAI's kind", "openai", "openai") from None


@dataclass(frozen=True)
class Talking:
    """What the user has asked for, and how a conversation is then held."""

    transport: str
    host: str
    port: int
    model: str | None
    say: tuple[str, ...]
    script: bool
    environment: Environment

    def model_for(self, scripted: Model) -> Model:
        """Return the model that speaks; see the function of this name."""
        return model_for(self.environment, scripted, self.model)

    def run(self, example: Example) -> None:
        """Hold the conversation, by the transport that was chosen; exit with its code."""
        sys.exit(asyncio.run(self._run(example)))

    async def _run(self, example: Example) -> int:
        if self.transport == "web":
            return await self._serve(example)
        if self.transport == "daily":
            return await self._join(example)
        lines, patient = self._lines(example)
        return await terminal.talk(example, lines, out=sys.stdout, patient=patient)

    def _lines(self, example: Example) -> tuple[AsyncIterable[str], bool]:
        """Return what the user says, and whether each line waits for the answer before it."""
        if self.script or self.say:
            return terminal.given([*(example.script if self.script else ()), *self.say]), True
        keyboard: TextIO | None = sys.stdin  # None where it was closed before the start
        if keyboard is None:
            return terminal.given(()), True
        return terminal.keyboard(keyboard.fileno()), not keyboard.isatty()

    async def _serve(self, example: Example) -> int:
        _require("--transport web", ("starlette", "uvicorn", "websockets"), "web")
        from callboard.examples.talking import web

        return await web.serve(example, self.host, self.port, out=sys.stdout)

    async def _join(self, example: Example) -> int:
        self.environment.need("DAILY_API_KEY", WITH_DAILY)
        _require(WITH_DAILY, ("pipecat",), "pipecat")
        from callboard.examples.talking import daily

        services = daily.real_services(self.environment)
        key = self.environment.need("DAILY_API_KEY", WITH_DAILY)
        return await daily.hold(example, key, services, out=sys.stdout)


def talking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the shared options, as its first argument: a `Talking`."""

    @functools.wraps(command)
    def with_talking(
        *,
        transport: str,
        host: str,
        port: int,
        model: str | None,
        say: tuple[str, ...],
        script: bool,
        **others: Any,
    ) -> Any:
        if transport != "console" and (say or script):
            raise click.UsageError("--say and --script are for --transport console")
        environment = Environment.read()
        return command(Talking(transport, host, port, model, say, script, environment), **others)

    for option in reversed(OPTIONS):
        with_talking = option(with_talking)
    return with_talking


OPTIONS = (
    click.option(
        "--transport",
        type=click.Choice(["console", "web", "daily"]),
        default="console",
        show_default=True,
        help="Where to talk: here in the terminal, in a web page, or in a Daily room by voice"
        " (which needs keys, and the extra callboard[pipecat]).",
    ),
    click.option(
        "--host",
        default="localhost",
        show_default=True,
        help="The address of the web page. On any other than this machine's own it asks for a"
        " token, which is in the link that is shown.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=7860,
        show_default=True,
        help="The port of the web page; 0 is any free one.",
    ),
    click.option(
        "--model",
        metavar="NAME",
        help=f"The language model. With OPENAI_API_KEY it is {MODEL} (or OPENAI_MODEL), without a"
        f" key the example's own, which is offline; '{SCRIPTED}' is that one in any case.",
    ),
    click.option(
        "--say",
        metavar="TEXT",
        multiple=True,
        help="Say this, and end after the answer; may be repeated.",
    ),
    click.option(
        "--script", is_flag=True, help="Say the lines of the example's own short conversation."
    ),
)


def _require(what: str, modules: tuple[str, ...], extra: str) -> None:
    """Refuse what cannot run.

    Raises:
        MissingExtra: names the modules and the extra.

    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(what, " and ".join(missing), extra)
