"""The company: who works for whom, and what happens when one of them dies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TextIO

from callboard import Backoff, Child, DynamicSupervisor, Restarts, Supervisor
from callboard.examples.indexing.chaos import Chaos
from callboard.examples.indexing.keeper import Journal, Keeper
from callboard.examples.indexing.parser import Parser
from callboard.examples.indexing.report import Result, counted
from callboard.examples.indexing.reporter import Reporter
from callboard.examples.indexing.walker import Walker
from callboard.examples.indexing.witness import Witness

STRIKE_EVERY = 0.3
"""Seconds between two kills, about."""

STRIKES = 60
"""Kills after which it is enough."""

# A supervisor gives up when restarts come so fast that repairing is no cure. The chaos makes at
# most 67 in ten seconds, so what goes beyond is a real fault: then the company ends and says so.
POLICY = Restarts(
    intensity=80,
    period=10.0,
    backoff=Backoff(min=0.05, factor=1.5, max=0.25, reset_after=0.5),
)


@dataclass(frozen=True)
class Plan:
    """What is to be indexed, and how. Without a seed there is no chaos."""

    root: Path
    skip: frozenset[str] = frozenset()
    workers: int = 4
    seed: int | None = None
    strike_every: float | None = STRIKE_EVERY

    @property
    def parsers(self) -> list[str]:
        """The names of the parsers."""
        return [f"parser-{number}" for number in range(1, self.workers + 1)]

    @property
    def headline(self) -> str:
        """What the reporter says first, after the name of the folder."""
        parsers = counted(self.workers, "parser")
        if self.seed is None:
            return f"{parsers}, and nobody is killed"
        return f"{parsers}, and a chaos that kills at random (seed {self.seed})"

    @property
    def victims(self) -> list[str]:
        """Whom the chaos may kill: two times out of three a parser."""
        share = max(1, self.workers // 4)
        return [*self.parsers, *["index", "walker"] * share]


class Company(Supervisor):
    """The root of the tree; it ends when the reporter does.

    Started from below, so that everybody finds the ones he works with, and stopped from above: the
    chaos first, then who shows, who asks, who works, and the index last.
    """

    auto_shutdown = "any_significant"
    restarts = POLICY

    def __init__(
        self,
        plan: Plan,
        stream: TextIO | None = None,
        on_result: Callable[[Result], object] | None = None,
    ) -> None:
        super().__init__()
        self._plan = plan
        self._stream = stream
        self._on_result = on_result
        self._journal = Journal()

    def children(self) -> list[Child]:
        plan = self._plan
        stream = self._stream or sys.stdout
        reporter = partial(Reporter, plan.root, plan.headline, plan.seed, stream, self._on_result)
        children = [
            *crew(plan, self._journal),
            Child("witness", partial(Witness, plan.root, plan.skip), restart="transient"),
            Child("reporter", reporter, restart="transient", significant=True),
        ]
        if plan.seed is not None:
            chaos = partial(Chaos, plan.seed, plan.victims, plan.strike_every, STRIKES)
            children.append(Child("chaos", chaos, restart="transient"))
        return children

    def on_stop(self) -> None:
        self._journal.close()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._journal.close()


def crew(plan: Plan, journal: Journal) -> list[Child]:
    """Gives those who do the work: the index, the pool of parsers, the walker."""
    parsers = [Child(name, partial(Parser, plan.root)) for name in plan.parsers]
    walker = partial(Walker, plan.root, plan.skip, plan.parsers)
    return [
        Child("index", partial(Keeper, journal)),
        Child("pool", partial(DynamicSupervisor, parsers, restarts=POLICY)),
        Child("walker", walker, restart="transient"),
    ]
