"""Names that the runtime keeps for itself: a class that takes one by accident is refused.

A handler called `leave` or `send` would otherwise replace what the runtime calls, and be noticed
long after, as a worker that does not stop.
"""

from __future__ import annotations

from .errors import SpecError
from .handlers import HOOKS, MARKS

__all__ = ["RUNTIME_SIDE", "refuse_reserved"]

RUNTIME_SIDE = frozenset(
    {
        "activation",
        "attach",
        "begin_job_beside",
        "call_hook",
        "count_lost",
        "end_hook",
        "end_hook_name",
        "idle",
        "job_cancelled",
        "job_progress",
        "job_raised",
        "kill_children",
        "leave",
        "let_in",
        "open_bridge",
        "preempt",
        "refused",
        "registered",
        "release",
        "start_hooks",
        "stop_children",
        "table",
        "tell_member",
        "tell_when_gone",
        "turn",
        "watch_bridged",
    }
)
"""What the classes of Callboard define without an underscore and users neither call nor define."""

OURS = tuple(
    f"{__name__.split('.', 1)[0]}.{part}." for part in ("actors", "transports", "supervision")
)


def refuse_reserved(owner: type) -> None:
    """Refuse a user's class that defines what belongs to the runtime.

    Private names of the base classes and those of `RUNTIME_SIDE` are never to be defined anew; a
    handler takes no name that its bases have, unless that is a hook or a handler too.

    Raises:
        SpecError: names class and attribute.

    """
    if owner.__module__.startswith(OURS):
        return
    inherited = {
        name: value
        for base in reversed(owner.__mro__[1:])
        if base.__module__.startswith(OURS)
        for name, value in vars(base).items()
    }
    for name, value in vars(owner).items():
        if name not in inherited or name.startswith("__"):
            continue
        private = name.startswith("_") or name in RUNTIME_SIDE
        handler = (
            hasattr(value, MARKS) and name not in HOOKS and not hasattr(inherited[name], MARKS)
        )
        if private or handler:
            what = "handler" if hasattr(value, MARKS) else "attribute"
            raise SpecError(
                f"{owner.__qualname__}.{name}",
                what,
                f"{name!r} means something else in the classes of Callboard: choose another name",
            )
