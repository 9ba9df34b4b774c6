"""Pykka's actor as type checkers are to see it: a base without its hooks.

Pykka types its hooks as never asynchronous, and here they may be; if type checkers saw them, every
`async def on_start` of a user would be an error. When the program runs it is `pykka.Actor` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pykka

__all__ = ["PykkaActor"]

if TYPE_CHECKING:

    class PykkaActor:
        """What type checkers see of `pykka.Actor`."""

else:
    PykkaActor = pykka.Actor
