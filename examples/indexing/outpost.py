"""A node of parsers, in a process of its own.

    $ callboard run callboard.examples.indexing.outpost:tree

The node that has started it says by the environment what to parse, and who is to do it. When that
node is gone, which is the end of the standard input, this one ends too.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from callboard import Child, LocalMessage, Supervisor, Worker, on
from callboard.examples.indexing.company import POLICY
from callboard.examples.indexing.parser import Parser

ROOT = "INDEXING_ROOT"
PARSERS = "INDEXING_PARSERS"
"""The environment variables: a folder, and names with spaces between."""

STANDARD_INPUT = 0


class Abandoned(LocalMessage):
    """Whoever has started this process is gone."""


class Tether(Worker):
    """Ends with the process that has started this one; and with the tether, the node."""

    def on_start(self) -> None:
        asyncio.get_running_loop().add_reader(STANDARD_INPUT, self._look)

    def on_stop(self) -> None:
        asyncio.get_running_loop().remove_reader(STANDARD_INPUT)

    def _look(self) -> None:
        if not os.read(STANDARD_INPUT, 1):
            asyncio.get_running_loop().remove_reader(STANDARD_INPUT)
            self.actor_ref.tell(Abandoned())

    @on(Abandoned)
    def abandoned(self, _: Abandoned) -> None:
        self.stop()


def tree() -> Supervisor:
    """Gives the tree that the environment asks for. The parsers are public: all nodes know them."""
    root = Path(os.environ[ROOT])
    parsers = [Child(name, partial(Parser, root)) for name in os.environ[PARSERS].split()]
    tether = Child("tether", Tether, restart="transient", significant=True)
    return Supervisor([*parsers, tether], restarts=POLICY, auto_shutdown="any_significant")
