"""Where in the user's own code an error was raised."""

from __future__ import annotations

import os
import sysconfig
import traceback

__all__ = ["place_of", "users_place"]


def users_place(error: BaseException) -> str | None:
    """Return `file:line` of the innermost frame that is no library's; None if all are."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    libraries = {sysconfig.get_path(each) for each in ("stdlib", "platstdlib", "purelib")}
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    inside = ("<", *(f"{each}{os.sep}" for each in libraries))
    parts = (os.path.join(ours, part) + os.sep for part in ("actors", "transports", "supervision"))
    outside = (*inside, *parts)
    frames = traceback.extract_tb(error.__traceback__)
    users = [each for each in frames if not each.filename.startswith(outside)]
    return _line(users[-1]) if users else None


def place_of(error: BaseException) -> str:
    """Return the same; where all frames are libraries', the innermost of these."""
    return users_place(error) or _line(traceback.extract_tb(error.__traceback__)[-1])


def _line(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno}"
