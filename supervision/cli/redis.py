"""`callboard redis acl`: the user that a Redis has to have for a role, and nothing beyond it."""

from __future__ import annotations

from pathlib import Path

import click

from ...transports.redis_channels import ROLES, acl_line
from ..config import ConfigError, read_secret
from .exits import BAD_CONFIGURATION, Refusal
from .options import NAMESPACE

__all__ = ["redis"]


@click.group()
def redis() -> None:
    """Set up a Redis for nodes. Nothing connects to it."""


@redis.command()
@click.argument("role", type=click.Choice(ROLES))
@click.option(
    "--channel",
    type=NAMESPACE,
    envvar="CALLBOARD_NAMESPACE",
    default="callboard",
    show_default=True,
    help="The application that the user belongs to.",
)
@click.option("--user", metavar="NAME", help="The user's name.  [default: callboard-ROLE]")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="A file that holds the user's password; the line holds its hash.",
)
@click.option("--setuser", is_flag=True, help="Print a command for redis-cli instead.")
def acl(
    role: str, channel: str, user: str | None, password_file: Path | None, setuser: bool
) -> None:
    """Print the line of an ACL file for a user of a ROLE.

    node: what the process of a node does: publish and subscribe, in its channel. watch: count who
    listens, for monitoring.
    """
    name = user or f"callboard-{role}"
    try:
        password = None
        if password_file is not None:
            password = read_secret(password_file, "--password-file").strip("\r\n")
            if not password:
                raise ConfigError(f"--password-file: {password_file}", "is empty")
        line = acl_line(role, channel, user=name, password=password)
    except (ConfigError, ValueError) as error:
        raise Refusal(str(error), BAD_CONFIGURATION) from error
    click.echo("ACL SETUSER" + line.removeprefix("user") if setuser else line)
    if password is None:
        click.echo(
            f"callboard: {name} has no password and cannot log in: give a --password-file, or set "
            f"one with: ACL SETUSER {name} '>PASSWORD'",
            err=True,
        )
