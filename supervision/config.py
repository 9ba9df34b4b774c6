"""The configuration file: where it is, what it may hold, and the texts that hold secrets.

It is `callboard.toml`, or the table `[tool.callboard]` of `pyproject.toml`, in the current folder.
It tunes how a tree is run; the tree itself is Python.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..actors.errors import CallboardError

__all__ = [
    "ConfigError",
    "ConfigFile",
    "find_config",
    "read_config",
    "read_secret",
    "secrets_of",
    "urls_of",
]

OWN_FILE = "callboard.toml"
PROJECT_FILE = "pyproject.toml"
SECRETS = "secrets"

LARGEST = 1 << 20
"""Bytes of the largest file that is taken for a configuration or a secret."""

# Not at each comma: a password may hold one. What comes after it must begin like a URL.
BETWEEN_URLS = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class ConfigError(CallboardError):
    """The configuration is wrong; the text names the file and the key, and never a secret."""

    def __init__(self, where: str, problem: str) -> None:
        """Say where it is wrong, and what to do."""
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


@dataclass(frozen=True)
class ConfigFile:
    """What a configuration file says, by the words of the command line's options."""

    path: Path
    label: str
    """How it is named in what a user reads."""
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    """Text, number, truth value or a list of texts, by key, as written."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The secrets that sign what travels, by key id; the first one signs."""


def find_config(folder: Path) -> Path | None:
    """Return the configuration file of a folder, or None; `callboard.toml` goes first.

    Raises:
        ConfigError: a `pyproject.toml` is there and cannot be read.

    """
    own = folder / OWN_FILE
    if own.is_file():
        return own
    project = folder / PROJECT_FILE
    if project.is_file() and _table(project, _parsed(project)) is not None:
        return project
    return None


def read_config(path: Path, known: Collection[str]) -> ConfigFile:
    """Read a configuration file; `known` are the keys that there are, besides `secrets`.

    A key may be written with `_` for `-`.

    Raises:
        ConfigError: it cannot be read, or holds a key or a value that it may not.

    """
    parsed = _parsed(path)
    label = path.name
    if path.name == PROJECT_FILE:
        label = f"{PROJECT_FILE} [tool.callboard]"
        table = _table(path, parsed)
        if table is None:
            raise ConfigError(str(path), "has no table [tool.callboard]")
    else:
        table = parsed
    values: dict[str, object] = {}
    secrets: dict[str, str] = {}
    for written, value in table.items():
        key = written.replace("_", "-")
        if key == SECRETS:
            secrets = _secrets(label, value)
        elif key not in known:
            raise ConfigError(label, _unknown(written, [*known, SECRETS]))
        elif key in values:
            raise ConfigError(label, f"{key!r} stands there twice, as '-' and as '_'")
        else:
            values[key] = _plain(label, key, value)
    return ConfigFile(path.resolve(), label, values, secrets)


def urls_of(text: str) -> list[str]:
    """Return the URLs of a text: one on a line, or with spaces or commas between; `#` comments."""
    lines = (line.strip() for line in text.splitlines())
    whole = " ".join(line for line in lines if line and not line.startswith("#"))
    return [url.rstrip(",") for url in BETWEEN_URLS.split(whole) if url.strip(", ")]


def secrets_of(text: str, where: str) -> dict[str, str]:
    """Return the secrets of a text with a line `key id = secret` for each; `#` comments.

    Raises:
        ConfigError: a line is none of these; it is named by its number, never shown.

    """
    secrets: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, secret = (part.strip() for part in line.partition("="))
        if not (equals and key and secret):
            raise ConfigError(f"{where}, line {number}", "write it as: key id = secret")
        if key in secrets:
            raise ConfigError(f"{where}, line {number}", f"the key id {key!r} stands there twice")
        secrets[key] = secret
    if not secrets:
        raise ConfigError(where, "holds no secret; write a line: key id = secret")
    return secrets


def read_secret(path: Path, where: str) -> str:
    """Return the text of a file that holds a secret, such as one that a container is given.

    Raises:
        ConfigError: it cannot be read, or is no text; `where` is who named it.

    """
    return _text(path, f"{where}: {path}")


def _text(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(where, f"cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST:
        raise ConfigError(where, f"is larger than {LARGEST:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(where, f"is no UTF-8: byte {error.start}") from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path, str(path)))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"is no TOML: {error}") from None


def _table(path: Path, parsed: Mapping[str, Any]) -> dict[str, Any] | None:
    tool: object = parsed.get("tool", {})
    table: object = cast("dict[str, object]", tool).get("callboard") if _is_table(tool) else None
    if table is not None and not _is_table(table):
        raise ConfigError(str(path), "tool.callboard must be a table: [tool.callboard]")
    return cast("dict[str, Any] | None", table)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _unknown(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key.replace("_", "-"), known, 1)
    if near:
        return f"there is no key {key!r}; did you mean {near[0]!r}?"
    return f"there is no key {key!r}; the keys are {', '.join(sorted(known))}"


def _plain(label: str, key: str, value: object) -> object:
    """Return a value that an option can take; what is in it is for the option to judge."""
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        listed = cast("list[object]", value)
        if all(isinstance(each, str) for each in listed):
            return listed
    raise ConfigError(f"{label}: {key}", "must be a text, a number, true or false, or texts")


def _secrets(label: str, value: object) -> dict[str, str]:
    if not _is_table(value):
        raise ConfigError(f"{label}: {SECRETS}", "must be a table of texts: key id = secret")
    secrets = cast("dict[str, object]", value)
    for key, secret in secrets.items():
        if not isinstance(secret, str) or not secret or not key:
            raise ConfigError(f"{label}: {SECRETS}.{key}", "must be a text, the secret")
    if not secrets:
        raise ConfigError(f"{label}: {SECRETS}", "holds no secret; write: key id = secret")
    return cast("dict[str, str]", secrets)
