"""How a command ends: the exit codes, and the refusal that is one line for the user."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ...actors.errors import CallboardError, SpecError, StartFailed
from ..control import NameServed

__all__ = [
    "ALREADY_RUNNING",
    "BAD_CONFIGURATION",
    "CLEAN",
    "FAILED",
    "INTERRUPTED",
    "UNREACHABLE",
    "USAGE",
    "WORK_LEFT",
    "Refusal",
    "by_signal",
    "code_of",
    "worst",
]

CLEAN = 0
"""The tree ended, or was drained and stopped."""

FAILED = 1
"""The tree failed: it did not start, or spent its restart budget."""

USAGE = 2
"""The command was given wrongly, or the module cannot be imported."""

UNREACHABLE = 3
"""A transport did not connect at the start, within the time that it was given."""

WORK_LEFT = 4
"""The drain's deadline passed, or the drain was cut short, with work left."""

ALREADY_RUNNING = 5
"""A living node of this machine has the name."""

BAD_CONFIGURATION = 78
"""The tree is declared wrongly, or the machine's set-up forbids to run (EX_CONFIG)."""

INTERRUPTED = 130
"""A KeyboardInterrupt, as for any program."""

MILDEST_FIRST = (CLEAN, WORK_LEFT, FAILED)


class Refusal(click.ClickException):
    """A mistake of the user's: one line on stderr, and an exit code."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        """Refuse with this line and code."""
        super().__init__(message)
        # A class variable for click's own types; what is read is the instance's.
        vars(self)["exit_code"] = code


def by_signal(number: int) -> int:
    """Return the code of a process that a signal ended, as a shell shows it."""
    return 128 + number


def code_of(error: BaseException) -> int:
    """Return the code for what ended a tree or a command."""
    if isinstance(error, SystemExit):
        if error.code is None:
            return CLEAN
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    while isinstance(error, StartFailed) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, SpecError):
        return BAD_CONFIGURATION
    if isinstance(error, NameServed):
        return ALREADY_RUNNING
    if isinstance(error, CallboardError) or not isinstance(error, click.ClickException):
        return FAILED
    return error.exit_code


def worst(codes: Iterable[int]) -> int:
    """Return the code that tells of the worst end; one that is none of ours is worse than ours."""

    def badness(code: int) -> tuple[int, int]:
        known = code in MILDEST_FIRST
        return (MILDEST_FIRST.index(code), 0) if known else (len(MILDEST_FIRST), code)

    return max(codes, key=badness, default=CLEAN)
