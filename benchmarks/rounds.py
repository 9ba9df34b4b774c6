"""Runs the contestants in turn, round after round, each measurement in a process of its own."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .contestants import CONTESTANTS
from .works import WORKS, Figures

PATIENCE_S = 180.0
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Spread:
    """A figure over all rounds: the median, and the lowest and highest there was."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Takes the figure of each round."""
        return cls(median(values), min(values), max(values))


@dataclass
class Standing:
    """What one contestant reached in one work, round by round, or why it did not take part."""

    figures: list[Figures] = field(default_factory=list[Figures])
    absent: str | None = None
    failed: bool = False

    def spread(self, metric: str) -> Spread | None:
        """Sums the rounds up; None for who did not take part."""
        if self.absent is not None:
            return None
        return Spread.of([figures[metric] for figures in self.figures])


Results = dict[str, dict[str, Standing]]
"""The standings by work, then by contestant."""


def run_rounds(
    works: Iterable[str],
    contestants: Iterable[str],
    rounds: int,
    scale: str,
    tell: Callable[[str], None],
) -> Results:
    """Measures everybody in every work once a round, so that a slow minute of the machine hits all.

    Who does not take part in a work is not asked again. `tell` hears of each measurement.
    """
    results: Results = {work: {name: Standing() for name in contestants} for work in works}
    for number in range(1, rounds + 1):
        for work, standings in results.items():
            for name, standing in standings.items():
                if standing.absent is None:
                    tell(f"round {number} of {rounds}: {work} {name}")
                    _measure(work, name, scale, standing)
    return results


def ratio(results: Results, metric: tuple[str, str], beside: tuple[str, str, str]) -> Spread | None:
    """Divides ours by the other's, round by round.

    `metric` is ours: (work, metric); `beside` is (contestant, work, metric). None if either is
    missing from the run.
    """
    work, name = metric
    contestant, other_work, other_name = beside
    ours = results.get(work, {}).get("ours")
    other = results.get(other_work, {}).get(contestant)
    if ours is None or other is None or ours.absent is not None or other.absent is not None:
        return None
    pairs = zip(ours.figures, other.figures, strict=True)
    return Spread.of([_over(mine[name], theirs[other_name]) for mine, theirs in pairs])


def _over(mine: float, theirs: float) -> float:
    """Divides; what nobody pays for is paid for alike."""
    if theirs:
        return mine / theirs
    return math.inf if mine else 1.0


def _measure(work: str, contestant: str, scale: str, standing: Standing) -> None:
    """Adds one round to the standing."""
    command = [sys.executable, "-m", "benchmarks.contest", work, contestant, "--scale", scale]
    try:
        done = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        standing.absent, standing.failed = f"failed: not done after {PATIENCE_S:.0f} s", True
        return
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        standing.absent, standing.failed = f"failed: {reason}", True
        return
    answer = json.loads(done.stdout.splitlines()[-1])
    if "absent" in answer:
        standing.absent = answer["absent"]
    else:
        standing.figures.append(answer["figures"])


def known_works(names: Sequence[str]) -> list[str]:
    """Orders the chosen works; `all`, or none, chooses every one."""
    return list(WORKS) if not names or "all" in names else [key for key in WORKS if key in names]


def known_contestants(peers: Sequence[str] | None) -> list[str]:
    """Orders the chosen contestants; ours always takes part if it is there."""
    return [name for name in CONTESTANTS if peers is None or name == "ours" or name in peers]
