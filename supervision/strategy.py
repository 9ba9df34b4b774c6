"""Who stops and who starts when a child ends. Pure: names and facts in, decisions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from ..actors.cell import Directive
from ..actors.reason import Killed, Reason

__all__ = ["AutoShutdown", "Restart", "Strategy", "affected", "calls_for_restart"]

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Who is restarted with a child that ended."""
Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
"""When a child is started again after it ended."""
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]
"""Whether a supervisor ends with one, or with the last, of its significant children."""

STRATEGIES: tuple[str, ...] = get_args(Strategy)
RESTARTS: tuple[str, ...] = get_args(Restart)
AUTO_SHUTDOWNS: tuple[str, ...] = get_args(AutoShutdown)


def calls_for_restart(restart: Restart, reason: Reason, directive: Directive | None) -> bool:
    """Whether a child of this restart type is restarted after this end (OTP's table).

    A kill that the supervisor itself ordered calls for nothing; nor does the directive `stop`.
    """
    if directive == "stop" or restart == "temporary":
        return False
    if isinstance(reason, Killed) and reason.ordered:
        return False
    return restart == "permanent" or reason.abnormal


def affected(strategy: Strategy, children: Sequence[str], failed: str) -> list[str]:
    """Return the children that a restart of `failed` restarts, in start order."""
    if strategy == "one_for_one":
        return [failed]
    if strategy == "one_for_all":
        return list(children)
    return list(children[children.index(failed) :])
