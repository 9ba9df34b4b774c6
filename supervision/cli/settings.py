"""Options that may also come from the environment or from the configuration file.

Precedence: command line, environment, file, default. Click does the choosing; what is here tells it
of the file, lets a secret come from a file of its own, and says where a value that is wrong stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

from ..config import ConfigError, ConfigFile, find_config, read_config, read_secret, urls_of
from .exits import BAD_CONFIGURATION, Refusal

__all__ = ["Setting", "config_option", "file_of", "origin_of", "setting", "settings_of"]

F = TypeVar("F", bound=Callable[..., Any])

FILE = "_FILE"
"""The end of an environment variable that names a file which holds the value."""

META = "callboard.configuration"


class Setting(click.Option):
    """An option that may come from elsewhere than the command line.

    A `secret` may also be in a file that `<variable>_FILE` names; several are written as URLs are.
    """

    def __init__(self, *args: Any, secret: bool = False, **kwargs: Any) -> None:
        """Declare it; `secret` is for what should not be on a command line."""
        super().__init__(*args, **kwargs)
        self.secret = secret

    @property
    def key(self) -> str:
        """Its key in the configuration file: the long option."""
        return self.opts[0].removeprefix("--")

    @property
    def variables(self) -> Sequence[str]:
        """The environment variables that it is taken from."""
        if self.envvar is None:
            return ()
        return (self.envvar,) if isinstance(self.envvar, str) else tuple(self.envvar)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says, or the file that it names."""
        names = [*self.variables]
        if self.secret:
            names += [name + FILE for name in self.variables]
        found = [name for name in names if os.environ.get(name, "").strip()]
        if not found:
            empty = [name for name in names if self.multiple and name in os.environ]
            if empty:  # a node that was to join others would run alone, and not say so
                raise Refusal(f"{empty[0]}: is empty: give a URL, or unset it", BAD_CONFIGURATION)
            return None
        if len(found) > 1:
            both = " and ".join(found)
            raise Refusal(f"{both} are both set: unset all but one", BAD_CONFIGURATION)
        [name] = found
        _origins(ctx)[self.name or ""] = name
        if not name.endswith(FILE) or name in self.variables:
            return os.environ[name]
        try:
            return read_secret(Path(os.environ[name]), name)
        except ConfigError as error:
            raise Refusal(str(error), BAD_CONFIGURATION) from error

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the value, or the several, that the environment gives."""
        if not self.multiple:
            return super().value_from_envvar(ctx)
        text = self.resolve_envvar_value(ctx)
        return None if text is None else _urls(text, _origins(ctx)[self.name or ""])

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Check and convert; a wrong one from elsewhere is a wrong configuration, not usage."""
        try:
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            if ctx.get_parameter_source(self.name or "") is ParameterSource.COMMANDLINE:
                raise
            text = f"{origin_of(ctx, self)}: {self.key}: {error.message}"
            raise Refusal(text, BAD_CONFIGURATION) from error


setting = partial(click.option, cls=Setting)
"""Declare an option that is a setting."""


def settings_of(command: click.Command) -> dict[str, Setting]:
    """Return the settings of a command, by their keys in the configuration file."""
    return {each.key: each for each in command.params if isinstance(each, Setting)}


def config_option(command: F) -> F:
    """Add `--config`: the file is read before any other option is looked at."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        envvar="CALLBOARD_CONFIG",
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="The configuration file.  [callboard.toml, or [tool.callboard] of pyproject.toml]",
    )(command)


def _read(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    """Have click take from the file what neither the command line nor the environment gives."""
    settings = settings_of(ctx.command)
    known = [*settings, *(f"{each.key}-file" for each in settings.values() if each.secret)]
    try:
        path = path or find_config(Path.cwd())
        if path is None:
            return
        file = read_config(path, known)
        given = dict(file.values)
        for key, each in settings.items():
            if each.secret and (named := given.pop(f"{key}-file", None)) is not None:
                if key in given:
                    raise ConfigError(file.label, f"{key!r} and '{key}-file' are both there")
                where = f"{file.label}: {key}-file"
                text = read_secret(file.path.parent / str(named), where)
                given[key] = _urls(text, where) if each.multiple else text
    except ConfigError as error:
        raise Refusal(str(error), BAD_CONFIGURATION) from error
    ctx.meta[META] = file
    ctx.default_map = {
        settings[key].name or "": _for_click(file, settings[key], value)
        for key, value in given.items()
    }


def _for_click(file: ConfigFile, each: Setting, value: object) -> object:
    """Return what an option can take: several as a list, a path from the file's own folder."""
    if each.multiple:
        return _urls(value, f"{file.label}: {each.key}") if isinstance(value, str) else value
    if not isinstance(value, str | int | float):
        text = f"{file.label}: {each.key}: must be one value, not a list"
        raise Refusal(text, BAD_CONFIGURATION)
    return str(file.path.parent / str(value)) if isinstance(each.type, click.Path) else value


def _urls(text: str, where: str) -> list[str]:
    """Return the URLs of a text; one that was meant to hold some, and holds none, is refused."""
    urls = urls_of(text)
    if not urls:
        raise Refusal(f"{where}: holds no URL; write a line: redis://host", BAD_CONFIGURATION)
    return urls


def file_of(ctx: click.Context) -> ConfigFile | None:
    """Return the configuration file that was read, if any."""
    return cast("ConfigFile | None", ctx.meta.get(META))


def origin_of(ctx: click.Context, each: Setting) -> str:
    """Return where a setting's value is from: words for a user."""
    match ctx.get_parameter_source(each.name or ""):
        case ParameterSource.COMMANDLINE:
            return "command line"
        case ParameterSource.ENVIRONMENT:
            return _origins(ctx).get(each.name or "", "environment")
        case ParameterSource.DEFAULT_MAP:
            file = file_of(ctx)
            return file.label if file is not None else ""
        case _:
            return "default"


def _origins(ctx: click.Context) -> dict[str, str]:
    """Return the environment variable that each setting was taken from, by parameter."""
    origins: dict[str, str] = ctx.meta.setdefault(f"{META}.variables", {})
    return origins
