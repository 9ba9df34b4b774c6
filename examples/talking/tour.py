"""The tour: each conversational example, one after the other, with a short conversation.

    $ python -m callboard.examples.talking.tour [NAME ...]

It needs no key and no network: what joins several processes is a private server on this machine.
With OPENAI_API_KEY, and OPENAI_BASE_URL if it is not OpenAI's, a real model talks.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import click

from callboard.examples.indexing.brokers import Broker
from callboard.examples.servers.server import LOOPBACK, free_port

__all__ = ["TOUR", "Stop", "run"]

PYTHON = (sys.executable, "-P", "-m")

PATIENCE = 300.0
"""Seconds that one conversation may take; offline none takes more than a few."""

Command = tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """One example: what is run, and what runs beside it meanwhile."""

    title: str
    talks: Command
    beside: tuple[Command, ...] = ()
    broker: str | None = None
    """The transport whose server joins them; its URL takes the place of `{url}`."""


TOUR: dict[str, Stop] = {
    "handoff": Stop("Hand-over on one node", ("handoff", "--script")),
    "voices": Stop("Hand-over, each with a voice of its own", ("handoff.voices", "--script")),
    "handoff_redis": Stop(
        "Hand-over over Redis, each in a process of its own",
        ("handoff_redis.main", "--redis-url={url}", "--script"),
        tuple(("handoff_redis.llm", name, "--redis-url={url}") for name in ("greeter", "support")),
        broker="redis",
    ),
    "handoff_pgmq": Stop(
        "Hand-over over Postgres, each in a process of its own",
        ("handoff_pgmq.main", "--database-url={url}", "--script"),
        tuple(("handoff_pgmq.llm", n, "--database-url={url}") for n in ("greeter", "support")),
        broker="pgmq",
    ),
    "debate": Stop("A debate", ("debate", "--script")),
    "code_assistant": Stop("Questions about code", ("code_assistant", "--script")),
    "sensor": Stop("A sensor and its controller", ("sensor", "--script")),
    "remote_assistant": Stop(
        "An assistant behind a WebSocket",
        ("remote_assistant.main", "--remote-url=ws://{host}:{port}/ws", "--script"),
        (("remote_assistant.assistant", "--host={host}", "--port={port}"),),
    ),
    "shopping": Stop("A shopping list and a form", ("shopping", "--script")),
}
"""By name; in this order."""


def run(stop: Stop) -> int:
    """Run one example to its end; return its exit code."""
    with ExitStack() as stack:
        facts = {"host": LOOPBACK, "port": str(free_port()), "url": ""}
        if stop.broker is not None:
            facts["url"] = stack.enter_context(Broker(stop.broker)).url
        for command in stop.beside:
            stack.enter_context(_beside(_filled(command, facts)))
        done = subprocess.run(
            _filled(stop.talks, facts), stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False
        )
        return done.returncode


def _filled(command: Command, facts: dict[str, str]) -> Sequence[str]:
    module, *arguments = (part.format(**facts) for part in command)
    return [*PYTHON, f"callboard.examples.{module}", *arguments]


@contextlib.contextmanager
def _beside(command: Sequence[str]) -> Generator[None]:
    """Run a process meanwhile, and end it as Ctrl-C would."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TOUR)))
def main(names: Sequence[str]) -> None:
    """Hold a short conversation with each example, or with those of these NAMES."""
    real = bool(os.environ.get("OPENAI_API_KEY"))
    click.echo(f"Talking: {'a real model' if real else 'the models of the examples, offline'}.")
    failed: list[str] = []
    for name in names or TOUR:
        stop = TOUR[name]
        click.echo(f"\n== {stop.title} ({name})\n")
        begun = time.monotonic()
        code = _code(stop)
        click.echo(f"\n== {name}: exit code {code}, {time.monotonic() - begun:.1f} s")
        if code != 0:
            failed.append(name)
    if failed:
        raise click.ClickException(f"these did not end well: {', '.join(failed)}")


def _code(stop: Stop) -> int:
    """Return the exit code, also where the conversation did not come to its end in time."""
    try:
        return run(stop)
    except subprocess.TimeoutExpired:
        click.echo(f"\nit took longer than {PATIENCE:g} s", err=True)
        return 1


if __name__ == "__main__":
    main()
