"""What examples are told by variables: of the environment, or of `.env` in the current folder.

The environment goes first, and a variable that is empty counts as one that is not there. Nothing
of the file is put into the environment: no process that is started from here inherits a key.

A line of the file is `NAME=value`; `export` may stand before it. A value in single quotes is taken
as it is; in double quotes, `\\n`, `\\t`, `\\"` and `\\\\` stand for what they do elsewhere; without
quotes it ends before ` #`. Lines that begin with `#`, and empty ones, say nothing. Whatever else
is in the file is an error that names the line, and never shows it: it may be a key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import click

__all__ = ["VARIABLES", "BadEnvironment", "Environment", "parse"]

VARIABLES: dict[str, str] = {
    "OPENAI_API_KEY": "the key of the language model; without it a scripted model speaks",
    "OPENAI_BASE_URL": "where an OpenAI-compatible server is; without it OpenAI's own",
    "OPENAI_MODEL": "the name of the model",
    "ANTHROPIC_API_KEY": "the key for the Claude Agent SDK, in the code assistant",
    "DAILY_API_KEY": "the key of the rooms of --transport daily",
    "DEEPGRAM_API_KEY": "the key of what turns speech into text, for --transport daily",
    "CARTESIA_API_KEY": "the key of what turns text into speech, for --transport daily",
    "REDIS_URL": "the broker of the hand-over over Redis",
    "DATABASE_URL": "the database of the hand-over over PGMQ",
    "PGMQ_CHANNEL": "the application's name there",
    "PROJECT_PATH": "the folder that the code assistant reads",
    "CALLBOARD_TOKEN": "what a remote assistant asks its clients for",
}
"""Every variable that the examples read; `examples/env.example` lists them too."""

LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?P<value>.*)")
SINGLE = re.compile(r"'([^']*)'[ \t]*(?:#.*)?")
DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*(?:#.*)?')
ESCAPED = re.compile(r"\\(.)")
MEANINGS = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class BadEnvironment(click.ClickException):
    """A variable is missing or wrong: one line that names it."""

    exit_code = 2


class Environment:
    """The variables of the environment, and behind them those of a file."""

    def __init__(self, outside: Mapping[str, str], file: Mapping[str, str]) -> None:
        """Look into these two, in this order."""
        self._outside = outside
        self._file = file

    @classmethod
    def read(cls, folder: Path | None = None) -> Environment:
        """Read the environment, and the `.env` of a folder (the current one) if there is one.

        Raises:
            BadEnvironment: the file cannot be read; names the line.

        """
        path = (folder or Path()) / ".env"
        if not path.is_file():
            return cls(os.environ, {})
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problem = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise BadEnvironment(f".env: {problem}") from None
        return cls(os.environ, parse(text))

    def __repr__(self) -> str:
        """Show the names of the file, and no value: it may be a key."""
        return f"<Environment {' '.join(sorted(self._file))}>"

    def get(self, name: str) -> str | None:
        """Return the value of a variable; None if it is not there, or empty."""
        return self._outside.get(name) or self._file.get(name) or None

    def need(self, name: str, what_for: str) -> str:
        """Return the value of a variable that something cannot do without.

        Raises:
            BadEnvironment: it is missing; the error names it, and what it is for.

        """
        value = self.get(name)
        if value is None:
            known = f" ({VARIABLES[name]})" if name in VARIABLES else ""
            raise BadEnvironment(
                f"{what_for} needs {name}{known}: set it in the environment, or in a file .env here"
            )
        return value


def parse(text: str, file: str = ".env") -> dict[str, str]:
    """Return the variables of a file's text; of two of one name the later.

    Raises:
        BadEnvironment: a line is none of those above; the error shows its number alone.

    """
    found: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        matched = LINE.fullmatch(line)
        value = _value(matched["value"]) if matched is not None else None
        if matched is None or value is None:
            raise BadEnvironment(
                f"{file}, line {number}: write NAME=value, NAME='value' or NAME=\"value\""
            )
        found[matched["name"]] = value
    return found


def _value(written: str) -> str | None:
    """Return what a value means; None if its quotes do not fit."""
    if written.startswith("'"):
        single = SINGLE.fullmatch(written)
        return single[1] if single is not None else None
    if written.startswith('"'):
        double = DOUBLE.fullmatch(written)
        if double is None or any(mark not in MEANINGS for mark in ESCAPED.findall(double[1])):
            return None
        return ESCAPED.sub(lambda found: MEANINGS[found[1]], double[1])
    if written.startswith("#"):
        return ""
    return re.split(r"[ \t]#", written, maxsplit=1)[0].strip()
