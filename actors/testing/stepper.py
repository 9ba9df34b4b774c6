"""Stepper: virtual time moved by hand, for tests that are not coroutines (hypothesis machines)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from .leaks import LeakCheck
from .loop import VirtualTimeLoop
from .waiting import settle

__all__ = ["Stepper"]

T = TypeVar("T")


class Stepper:
    """A loop on virtual time that stands still between two calls; the same calls, the same run.

    A hypothesis state machine is no coroutine, but each of its rules may run one:

        stepper = Stepper()
        stepper.run(node.start())
        stepper.pass_time(5)
        stepper.close()

    Between the calls nothing runs; what was begun goes on in the next one.
    """

    def __init__(self, *, patience: float | None = 60.0) -> None:
        """Make a loop; `patience` is in real seconds, for everything that runs on it."""
        self._runner = asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(patience))
        self._check = self._begin()

    @property
    def now(self) -> float:
        """The virtual time in seconds."""
        return self._runner.get_loop().time()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, then everything else that can run at that moment."""

        async def run() -> T:
            value = await main
            await settle()
            return value

        return self._runner.run(run())

    def settle(self) -> None:
        """Run everything that can run now; the clock stands still."""
        self._runner.run(settle())

    def pass_time(self, seconds: float) -> None:
        """Let virtual time pass, and everything run that becomes due."""
        self.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """End the loop.

        Raises:
            Leaked: something is left on it; it is ended all the same.

        """
        try:
            self._runner.run(self._check.verify())
        finally:
            self._runner.close()

    def __enter__(self) -> Self:
        """Return the stepper."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the loop, with a look for what is left unless the block failed already."""
        if error is None:
            self.close()
        else:
            self._runner.close()

    def _begin(self) -> LeakCheck:
        async def begin() -> LeakCheck:
            return LeakCheck()

        return self._runner.run(begin())
