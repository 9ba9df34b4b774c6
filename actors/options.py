"""What a child spec says about its worker's mailbox, handlers and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .mailbox import DEFAULT_BOUND, Overflow

__all__ = ["DEFAULTS", "CellOptions", "Directive"]

Directive: TypeAlias = Literal["resume", "restart", "stop", "escalate"]
"""What becomes of a worker whose handler raised."""


@dataclass(frozen=True, slots=True)
class CellOptions:
    """What a child spec says about its worker; one object, shared by the cells of equal specs."""

    bound: int = DEFAULT_BOUND
    overflow: Overflow = "reject"
    keep_mailbox: bool = True
    redeliver: int = 0
    message_timeout: float | None = None
    grace: float = 5.0
    """Seconds between the first cancellation of a task and declaring it abandoned."""
    recancel: float = 0.5
    """Seconds between two cancellations of a task that does not end."""
    end_within: float | None = 5.0
    """Seconds that an end of its own may take: a failure or stop hook, and the children."""
    directives: Mapping[type[BaseException], Directive] | None = None


DEFAULTS = CellOptions()
