"""The broker of this example: a Postgres with PGMQ, by options that its two programs share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from callboard import Transport
from callboard.examples.talking.environment import BadEnvironment, Environment

__all__ = ["CHANNEL", "pgmq_options"]

CHANNEL = "callboard_acme"


def pgmq_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the option of the broker, as `transports`: what makes them."""

    @click.option(
        "--database-url",
        metavar="URL",
        help="The Postgres that all processes share; else DATABASE_URL. PGMQ_CHANNEL is the"
        f" application's name there, {CHANNEL} without it: another application has another.",
    )
    @functools.wraps(command)
    def with_pgmq(*arguments: Any, database_url: str | None, **others: Any) -> Any:
        environment = Environment.read()
        url = database_url or environment.get("DATABASE_URL")
        if url is None:
            raise BadEnvironment(
                "there is no database: give --database-url, or set DATABASE_URL in the environment"
                " or in a file .env here"
            )
        channel = environment.get("PGMQ_CHANNEL") or CHANNEL

        def transports() -> Sequence[Transport]:
            from callboard.transports.pgmq.transport import PgmqTransport

            return [PgmqTransport(url, channel=channel)]

        return command(*arguments, transports=transports, **others)

    return with_pgmq
