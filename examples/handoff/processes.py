"""Several processes: who talks has one of its own, and the main worker another."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import click

from callboard import CallboardError, Node, Supervisor, Transport
from callboard.examples.handoff.cast import NAMES, ModelFor, apart, talker
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.options import Talking, model_for
from callboard.supervision.cli.logs import Console

__all__ = ["Transports", "host", "talk", "talker_options", "worker_option"]

Transports: TypeAlias = "Callable[[], Sequence[Transport]]"
"""Makes the transports of one node: all that differs between the examples."""

logger = logging.getLogger("callboard.examples.handoff")

worker_option = click.option(
    "--worker",
    "names",
    metavar="NAME",
    multiple=True,
    help="Watch this worker, and activate it as soon as it is ready; may be repeated. The last one"
    " that is has the floor. Without it that is the greeter, who hands over to the others.",
)


def talker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the name of a worker that talks, and its model: `name` and `model`."""
    for option in (
        click.option(
            "--model",
            metavar="NAME",
            help="The language model. Without OPENAI_API_KEY it is the example's own, offline.",
        ),
        click.argument("name", type=click.Choice(NAMES)),
    ):
        command = option(command)
    return command


def host(name: str, model: str | None, transports: Transports) -> None:
    """Run the worker of this name until a signal ends the process; exit with its code.

    It may be started before the main worker, and outlives it: it is as new for each session.
    """
    _log()
    choose = partial(model_for, Environment.read(), name=model)
    sys.exit(asyncio.run(_host(name, choose, transports)))


async def _host(name: str, choose: ModelFor, transports: Transports) -> int:
    children = talker(name, choose)
    # Started again after it was killed, it takes the place of the node before it at once.
    node = Node(lambda: Supervisor(children), name=name, transports=_made(transports))
    logger.info("%s is here; Ctrl-C ends it", name)
    try:
        await node.run()
    except CallboardError as error:
        raise click.ClickException(f"{name} has failed: {error.__cause__ or error}") from None
    return 0


def talk(talking: Talking, names: Sequence[str], transports: Transports, *, how: str) -> None:
    """Run the main worker's process; `how`: the command that starts the others."""
    _log()
    _made(transports)
    talking.run(apart(transports, names=names, how=how))


def _made(transports: Transports) -> Sequence[Transport]:
    """Make the transports.

    Raises:
        ClickException: a URL or a channel is wrong, or an extra is missing.

    """
    try:
        return transports()
    except (CallboardError, ImportError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _log() -> None:
    """Write to stderr what is logged: of this example all, of Callboard what is a warning."""
    handler = Console(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger().addHandler(handler)
    logger.setLevel(logging.INFO)
