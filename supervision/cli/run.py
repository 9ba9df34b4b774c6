"""`callboard run`: a tree on this machine, until it ends or is told to."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
from dataclasses import dataclass
from typing import Any

import click
import orjson

from ...actors.errors import SpecError
from ..node import DRAIN_WITHIN, STOP_WITHIN, Node
from . import exits
from .carrying import Carrying, carrying_of
from .company import Company
from .ending import Ending, Limits, say
from .hosting import Hosting, claim
from .lifeline import LOADED, Lifeline
from .loading import load
from .logs import FORMATS, LEVELS, log_to_stderr
from .options import NAMESPACE, NODE_NAME, SECONDS, TRANSPORT
from .settings import config_option, setting

__all__ = ["run"]

NAME_FREE_WITHIN = 15.0
"""Seconds that a process of a company waits for its name: one of a dead parent may still end."""


@dataclass(frozen=True)
class Settings:
    """What `callboard run` was told."""

    target: str
    name: str
    processes: int | None
    drain_within: float
    stop_within: float
    max_restarts: int
    restart_period: float
    log_level: str
    log_format: str
    control: bool
    watchdog: bool
    trace: bool
    lifeline: int | None
    carrying: Carrying


@click.command()
@click.argument("target", metavar="MODULE:TREE")
@setting(
    "--name",
    type=NODE_NAME,
    envvar="CALLBOARD_NAME",
    help="The node's name, unique in a fleet.  [node-XXXXXXXX]",
)
@setting(
    "--transport",
    "transports",
    type=TRANSPORT,
    multiple=True,
    secret=True,
    metavar="URL",
    envvar=["CALLBOARD_BUS_URL", "CALLBOARD_BUS_URLS"],
    help="What carries messages to other nodes: redis://, postgres://, ws://, ws+listen://"
    " (docs/guides/several-machines.md). Give one with a password by CALLBOARD_BUS_URL.",
)
@setting(
    "--namespace",
    type=NAMESPACE,
    envvar="CALLBOARD_NAMESPACE",
    help="The channel of transports whose URL names none: it keeps applications apart.",
)
@setting(
    "--connect-within",
    type=SECONDS,
    help="Exit with 3 if a transport has not connected so long after the start.  [run on]",
)
@setting(
    "--secret-file",
    type=click.Path(),
    envvar="CALLBOARD_SECRET_FILE",
    help="Lines 'key id = secret': what travels is signed by the first, accepted by each.",
)
@setting(
    "--processes",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Run N processes of the tree, NAME-1 to NAME-N, and repair those that die.",
)
@setting(
    "--drain-within",
    type=SECONDS,
    default=DRAIN_WITHIN,
    show_default="30s",
    help="How long running work may take to finish at the end.",
)
@setting(
    "--stop-within",
    type=SECONDS,
    default=STOP_WITHIN,
    show_default="30s",
    help="How long the orderly stop after it may take.",
)
@setting(
    "--max-restarts",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="With --processes: restarts in the period that each process may cost.",
)
@setting(
    "--restart-period",
    type=SECONDS,
    default=5.0,
    show_default="5s",
    help="With --processes: the period in which restarts are counted.",
)
@setting(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    envvar="CALLBOARD_LOG_LEVEL",
)
@setting(
    "--log-format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    envvar="CALLBOARD_LOG_FORMAT",
    help="Text, or one JSON object per record; what the command itself says stays text.",
)
@setting("--control/--no-control", default=True, help="Whether 'tree' and 'ps' can see it.")
@setting(
    "--watchdog/--no-watchdog",
    default=True,
    help="Whether a thread names who blocks the event loop.",
)
@setting("--traceback", "trace", is_flag=True, help="Show all of an error that ends it.")
@config_option
@click.option("--lifeline", type=int, hidden=True)
def run(**given: Any) -> int:
    """Run a tree until it ends, or is told to by TERM or INT (Ctrl-C).

    The first signal (HUP counts too) drains: running work is finished, then everything is stopped
    in order. The second hurries, the third kills. USR1 shows the tree and all stacks.

    MODULE is found in the current folder first; TREE is a Supervisor class, an instance, or a
    function without arguments that returns one.

    Options may also stand in callboard.toml, or [tool.callboard] of pyproject.toml, in the current
    folder; 'callboard config show --origin' says what holds, and from where.
    """  # fmt: skip
    carrying = carrying_of(click.get_current_context())
    for name in ("transports", "namespace", "connect_within", "secret_file"):
        del given[name]
    name = given.pop("name") or f"node-{secrets.token_hex(4)}"
    settings = Settings(name=name, carrying=carrying, **given)
    log_to_stderr(settings.name, settings.log_level, settings.log_format)
    carrying.warn()
    with Ending(Limits(settings.drain_within, settings.stop_within)) as ending:
        # A process of a company reads the same file, and is no parent itself.
        if settings.processes is not None and settings.lifeline is None:
            return _run_company(settings, ending)
        return _run_alone(settings, ending)


def _run_alone(settings: Settings, ending: Ending) -> int:
    lifeline = None
    if settings.lifeline is not None:
        lifeline = Lifeline(settings.lifeline, ending.advance)
    transports = settings.carrying.made()
    tree = load(settings.target, trace=settings.trace)
    try:
        node = Node(
            tree,
            name=settings.name,
            watchdog=settings.watchdog,
            handle_signals=False,
            drain_within=settings.drain_within,
            stop_within=settings.stop_within,
            transports=transports,
            secrets=settings.carrying.secrets or None,
        )
    except SpecError as error:
        raise exits.Refusal(f"{settings.target}: {error}", exits.BAD_CONFIGURATION) from error
    hosting = Hosting(
        node,
        ending,
        settings.target,
        lifeline=lifeline,
        connect_within=settings.carrying.connect_within,
        trace=settings.trace,
    )
    if settings.control:
        claim(hosting, wait=NAME_FREE_WITHIN if lifeline is not None else 0.0)
    if lifeline is not None:
        lifeline.tell(LOADED)
    else:
        _banner(settings, hosting)
    return asyncio.run(hosting.run())


def _run_company(settings: Settings, ending: Ending) -> int:
    settings.carrying.refuse_for_several()
    company = Company(
        settings.name,
        settings.processes or 1,
        _arguments(settings),
        settings.max_restarts,
        settings.restart_period,
        ending,
        settings.carrying,
    )
    hosting = company.hosting(settings.target)
    if settings.control:
        claim(hosting)
    _banner(settings, hosting)
    return asyncio.run(company.run(hosting))


def _arguments(settings: Settings) -> list[str]:
    """Return the arguments of a process of the company, without its name."""
    arguments = [
        "run",
        settings.target,
        f"--drain-within={settings.drain_within}s",
        f"--stop-within={settings.stop_within}s",
        f"--log-level={settings.log_level}",
        f"--log-format={settings.log_format}",
        "--control" if settings.control else "--no-control",
        "--watchdog" if settings.watchdog else "--no-watchdog",
    ]
    return [*arguments, "--traceback"] if settings.trace else arguments


def _banner(settings: Settings, hosting: Hosting) -> None:
    """Say what runs, where, as whom, and how to stop it."""
    pid = os.getpid()
    control = hosting.control.path if hosting.control is not None else None
    if settings.log_format == "json":
        line = {
            "event": "banner", "node": settings.name, "target": settings.target, "pid": pid,
            "host": platform.node(), "processes": settings.processes or 1,
            "control": str(control) if control is not None else None,
            "transports": settings.carrying.shown,
        }  # fmt: skip
        click.echo(orjson.dumps(line).decode(), err=True)
        return
    several = f", {settings.processes} processes" if settings.processes else ""
    say(f"{settings.target} as {settings.name!r} on {platform.node()}, pid {pid}{several}")
    if settings.carrying.shown:
        say(f"carried by {', '.join(settings.carrying.shown)}")
    if control is not None:
        say(f"'callboard tree {settings.name}' shows it ({control})")
    say(
        f"Ctrl-C or 'kill {pid}' finishes what runs (within {settings.drain_within:g} s) and stops;"
        " the second hurries, the third kills"
    )
