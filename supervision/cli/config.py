"""`callboard config`: which settings hold, where each is from, and whether they can hold."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from .carrying import carrying_of
from .drawing import Look, draw_table
from .run import run
from .settings import Setting, file_of, origin_of, settings_of

__all__ = ["config"]

Value = str | float | int | bool | Sequence[str] | Mapping[str, str] | None
"""What a setting may hold."""

OPTIONS = [each for each in run.params if isinstance(each, Setting) or each.name == "config"]
"""The options of `callboard run`, so that they can be tried here too."""


@click.group()
def config() -> None:
    """Show or check the settings of 'callboard run', without running anything."""


def _show(*, origin: bool, output: str, **_: Any) -> None:
    """Show the settings that 'callboard run' would have here; secrets are masked.

    Takes the options of 'callboard run', to see what they change.
    """
    ctx = click.get_current_context()
    rows = _rows(ctx)
    if output == "json":
        plain = {key: {"value": value, "origin": where} for key, value, where in rows}
        click.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2))
        return
    look = Look.at(sys.stdout)
    shown = [(key, _text(value), where) for key, value, where in rows]
    heads = ("KEY", "VALUE", "ORIGIN")
    columns = 3 if origin else 2
    for line in draw_table(heads[:columns], [row[:columns] for row in shown], look):
        click.echo(line)


def _check(**_: Any) -> None:
    """Say whether the settings are right; nothing is started, and nothing is connected.

    Exits with 78 if they are not, and with 2 if a transport's library is not installed.
    """
    ctx = click.get_current_context()
    carrying = carrying_of(ctx)
    carrying.made()
    file = file_of(ctx)
    where = file.label if file is not None else "no configuration file here"
    said = [
        key for key, each in settings_of(ctx.command).items() if origin_of(ctx, each) != "default"
    ]
    click.echo(f"the configuration is fine: {where}; set: {', '.join(said) or 'nothing'}")


def _rows(ctx: click.Context) -> list[tuple[str, Value, str]]:
    """Return key, value and origin of each setting."""
    rows: list[tuple[str, Value, str]] = []
    carrying = carrying_of(ctx)
    for key, each in settings_of(ctx.command).items():
        value: Value = ctx.params[each.name or ""]
        if each.secret:
            value = carrying.shown
        rows.append((key, value, origin_of(ctx, each)))
    secrets = carrying.secrets
    file = file_of(ctx)
    where = "default"
    if secrets:
        where = carrying.secret_file or (file.label if file is not None else where)
    rows.append(("secrets", dict.fromkeys(secrets, "***"), where))
    return rows


def _text(value: Value) -> str:
    if not value and not isinstance(value, bool | int):
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}s"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {each}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value)
    return str(value)


config.add_command(
    click.Command(
        "show",
        callback=_show,
        help=_show.__doc__,
        params=[
            click.Option(["--origin"], is_flag=True, help="Say where each value is from."),
            click.Option(["-o", "--output"], type=click.Choice(["table", "json"]), default="table"),
            *OPTIONS,
        ],
    )
)
config.add_command(click.Command("check", callback=_check, help=_check.__doc__, params=[*OPTIONS]))
