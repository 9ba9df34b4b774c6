"""The hand-over in several processes: the programs of an example, and one broker for all."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field

from tests.examples.remote_assistant.processes import Program
from tests.examples.talking.running import command

__all__ = ["Company"]


@dataclass
class Company:
    """Starts the programs of one example; all of them are killed when the block is left."""

    module: str
    """As `callboard.examples.handoff_redis`."""
    broker: tuple[str, ...] = ()
    """The options that say where the broker is."""
    variables: dict[str, str] = field(default_factory=dict[str, str])
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @contextlib.contextmanager
    def running(self) -> Generator[Company]:
        with self._stack:
            yield self

    def main(self, *arguments: str) -> Program:
        """The main worker's process; what is said to it goes by a pipe."""
        return self._start("main", *arguments)

    def llm(self, name: str, *arguments: str) -> Program:
        """The process of a worker that talks."""
        return self._start("llm", name, *arguments)

    def _start(self, program: str, *arguments: str) -> Program:
        line = [*command(f"{self.module}.{program}"), *self.broker, *arguments]
        return self._stack.enter_context(Program(line, **self.variables))
