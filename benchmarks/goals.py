"""What we are to reach, and whether a run did."""

from dataclasses import dataclass

from .contestants import OURS
from .number import number
from .rounds import Results, ratio
from .works import WORKS

FLAT = 1.25
"""A cost that has not grown by more than this is called flat: closer, and noise would decide."""

AS_FAST = 0.9
"""What the pair of W8 keeps among the others if these cost it nothing: again, but for noise."""

NOTHING = 1.0
"""Microseconds of a bystander for each job of the pair that cannot be told from none."""


@dataclass(frozen=True)
class Goal:
    """A bound on one figure of ours: on itself, or on its ratio to another's (`beside`)."""

    work: str
    metric: str
    bound: float
    beside: tuple[str, str, str] | None = None
    at_most: bool = False

    @property
    def unit(self) -> str:
        """The unit of the bound: × for a ratio."""
        if self.beside is not None:
            return "×"
        units = {metric.name: metric.unit for metric in WORKS[self.work].metrics}
        return units[self.metric]

    def __str__(self) -> str:
        side = "at most" if self.at_most else "at least"
        text = f"{self.work} {self.metric}: {side} {self.bound:,g} {self.unit}"
        if self.beside is None:
            return text
        contestant, work, metric = self.beside
        return f"{text} {f'our own {work} {metric}' if contestant == OURS else contestant}"


@dataclass(frozen=True)
class Judgement:
    """How a goal came out; `value` is None if the run did not measure what it needs."""

    goal: Goal
    value: float | None

    @property
    def met(self) -> bool | None:
        """True, False, or None if not measured."""
        if self.value is None:
            return None
        bound = self.goal.bound
        return self.value <= bound if self.goal.at_most else self.value >= bound

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.goal}: not measured"
        return f"{self.goal}, is {number(self.value)}: {'met' if self.met else 'MISSED'}"


def _beside(work: str, metric: str, **bounds: float) -> list[Goal]:
    return [Goal(work, metric, bound, (peer, work, metric)) for peer, bound in bounds.items()]


GOALS = (
    *_beside("W1", "rate", asyncio_queue=0.5, pykka=4, pipecat=12),
    *_beside("W2", "rate", asyncio_queue=0.8, pykka=4, pipecat=25),
    Goal("W3", "rate", 0.85, (OURS, "W1", "rate")),
    Goal("W4", "rate", 60_000),
    Goal("W4", "memory", 2.8, at_most=True),
    *_beside("W5", "rate", asyncio_queue=0.8),
    *_beside("W6", "sequential", asyncio_queue=0.6),
    *_beside("W6", "in_flight", asyncio_queue=0.5),
    Goal("W6", "drift", FLAT, at_most=True),
    Goal("W7-redis", "p50", 1.5, ("raw", "W7-redis", "p50"), at_most=True),
    *_beside("W7-redis", "in_flight", pipecat=15),
    Goal("W7-pgmq", "p50", 1.5, ("raw", "W7-pgmq", "p50"), at_most=True),
    *_beside("W7-pgmq", "in_flight", pipecat=60),
    Goal("W8", "kept", AS_FAST),
    Goal("W8", "bystander", NOTHING, at_most=True),
    Goal("restart", "p50", 200, at_most=True),
    Goal("restart", "growth", FLAT, at_most=True),
    Goal("scale", "message_growth", FLAT, at_most=True),
    Goal("scale", "job_growth", FLAT, at_most=True),
)


def judge(results: Results) -> list[Judgement]:
    """Judges the goals of all works that were run."""
    return [Judgement(goal, _reached(goal, results)) for goal in GOALS if goal.work in results]


def _reached(goal: Goal, results: Results) -> float | None:
    if goal.beside is not None:
        found = ratio(results, (goal.work, goal.metric), goal.beside)
    else:
        ours = results[goal.work].get(OURS)
        found = ours.spread(goal.metric) if ours else None
    return found.value if found else None
