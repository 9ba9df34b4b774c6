"""What options take: seconds as `30s`, the name of a node, the URL of a transport."""

from __future__ import annotations

from typing import Any

import click

from ...transports.units import seconds_of
from ...transports.urls import BadUrl, address_of
from ..control import check_name

__all__ = [
    "NAMESPACE",
    "NODE_NAME",
    "SECONDS",
    "TRANSPORT",
    "Namespace",
    "NodeName",
    "Seconds",
    "TransportUrl",
]


class Seconds(click.ParamType[float]):
    """A duration: `30`, `30s`, `500ms`, `2m`, `1h`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
        try:
            return seconds_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class NodeName(click.ParamType[str]):
    """The name of a node, which is also that of its control socket."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it is."""
        wrong = check_name(str(value))
        if wrong is not None:
            self.fail(f"{value!r} {wrong}", param, ctx)
        return str(value)


class Namespace(click.ParamType[str]):
    """The channel of transports: any text, but not an empty one."""

    name = "channel"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is."""
        if not str(value).strip():
            self.fail("is empty: write a name, or leave it out", param, ctx)
        return str(value)


class TransportUrl(click.ParamType[str]):
    """The URL of a transport; it is looked at, and nothing is imported for it."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL as it is."""
        try:
            address_of(str(value))
        except BadUrl as error:
            self.fail(str(error), param, ctx)
        return str(value)


SECONDS = Seconds()
NODE_NAME = NodeName()
NAMESPACE = Namespace()
TRANSPORT = TransportUrl()
