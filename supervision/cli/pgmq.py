"""`callboard pgmq install`: what a Postgres has to have so that nodes can share it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click

from ...transports.masking import mask_url
from ..config import ConfigError, read_secret
from .exits import BAD_CONFIGURATION, FAILED, UNREACHABLE, USAGE, Refusal

__all__ = ["pgmq"]

VARIABLE = "CALLBOARD_DATABASE_URL"
"""The environment variable with the URL; with `_FILE` after it, the one that names a file."""


@click.group()
def pgmq() -> None:
    """Set up a Postgres for nodes."""


@pgmq.command()
@click.argument("url", required=False)
@click.option("--isolated", is_flag=True, help="Also the functions of the isolated backend.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="NAME",
    help="Let this role use it; with --isolated it may do nothing else. Repeatable.",
)
def install(url: str | None, isolated: bool, roles: Sequence[str]) -> None:
    """Install PGMQ, unless it is there, and what the transport needs beside it.

    URL is that of the database and of a user who may create schemas in it; without it, it is taken
    from CALLBOARD_DATABASE_URL, or from the file that CALLBOARD_DATABASE_URL_FILE names. What is
    installed already is left as it is: a second run changes nothing.
    """
    where = url or _from_environment()
    shown = mask_url(where)
    if shown != where and url is not None:
        click.echo(
            f"callboard: warning: {shown} holds a secret that all users of this machine can read "
            f"in the list of processes: give it by {VARIABLE} or {VARIABLE}_FILE",
            err=True,
        )
    try:
        from ...transports.pgmq.errors import PgmqError
        from ...transports.pgmq.install import install as install_there
    except ImportError as error:
        raise Refusal(str(error), USAGE) from error
    try:
        done = asyncio.run(install_there(where, isolated=isolated, roles=roles))
    except (OSError, TimeoutError) as error:
        raise Refusal(f"{shown} cannot be reached: {error}", UNREACHABLE) from error
    except ImportError as error:
        raise Refusal(str(error), USAGE) from error
    except PgmqError as error:
        raise Refusal(f"{shown}: {mask_url(str(error))}", FAILED) from error
    for line in done:
        click.echo(f"{shown}: {line}")
    if not done:
        click.echo(f"{shown}: nothing to do, all of it is there")


def _from_environment() -> str:
    """Return the URL that the environment gives, itself or by a file."""
    given = [name for name in (VARIABLE, f"{VARIABLE}_FILE") if os.environ.get(name, "").strip()]
    if not given:
        raise Refusal(f"give the URL of the database, or set {VARIABLE} or {VARIABLE}_FILE", USAGE)
    if len(given) > 1:
        raise Refusal(f"{' and '.join(given)} are both set: unset one", BAD_CONFIGURATION)
    [name] = given
    if name == VARIABLE:
        return os.environ[name].strip()
    try:
        return read_secret(Path(os.environ[name]), name).strip()
    except ConfigError as error:
        raise Refusal(str(error), BAD_CONFIGURATION) from error
