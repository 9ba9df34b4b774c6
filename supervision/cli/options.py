"""What options take: seconds as `30s`, and the name of a node."""

from __future__ import annotations

import re
from typing import Any

import click

from ..control import check_name

__all__ = ["NODE_NAME", "SECONDS", "NodeName", "Seconds"]

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\Z")


class Seconds(click.ParamType[float]):
    """A duration: `30`, `30s`, `500ms`, `2m`, `1h`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = DURATION.match(str(value).strip().lower())
        unit = UNITS.get(found[2]) if found else None
        if found is None or unit is None:
            self.fail(f"{value!r} is no duration: write 30s, 500ms, 2m or 1h", param, ctx)
        return float(found[1]) * unit


class NodeName(click.ParamType[str]):
    """The name of a node, which is also that of its control socket."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it is."""
        wrong = check_name(str(value))
        if wrong is not None:
            self.fail(f"{value!r} {wrong}", param, ctx)
        return str(value)


SECONDS = Seconds()
NODE_NAME = NodeName()
