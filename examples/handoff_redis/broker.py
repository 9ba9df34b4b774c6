"""The broker of this example: a Redis, by options that its two programs share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from callboard import Transport
from callboard.examples.talking.environment import Environment

__all__ = ["CHANNEL", "URL", "redis_options"]

URL = "redis://localhost:6379"
CHANNEL = "callboard:acme"


def redis_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options of the broker, as `transports`: what makes them."""

    @click.option(
        "--redis-url",
        metavar="URL",
        help=f"The Redis that all processes share; else REDIS_URL, else {URL}.",
    )
    @click.option(
        "--channel",
        default=CHANNEL,
        show_default=True,
        help="The application's name there: another application has another.",
    )
    @functools.wraps(command)
    def with_redis(*arguments: Any, redis_url: str | None, channel: str, **others: Any) -> Any:
        url = redis_url or Environment.read().get("REDIS_URL") or URL

        def transports() -> Sequence[Transport]:
            from callboard.transports.redis import RedisTransport

            return [RedisTransport(url, channel=channel)]

        return command(*arguments, transports=transports, **others)

    return with_redis
