"""What a work and a metric are; the works themselves are in `works.py` and `between.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from typing import ClassVar

Figures = dict[str, float]


@dataclass(frozen=True)
class Metric:
    """One figure of a work: its name, its unit, and which way is better."""

    name: str
    unit: str
    more_is_better: bool = True


@dataclass(frozen=True)
class Work:
    """Something that every contestant does to the same definition; an instance is its size."""

    key: ClassVar[str]
    title: ClassVar[str]
    task: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]


def rate(marks: Sequence[int]) -> float:
    """How many a second there were between the times (ns)."""
    return (len(marks) - 1) / (marks[-1] - marks[0]) * 1e9


def p50_us(marks: Sequence[int]) -> float:
    """The median (µs) of the times between the times (ns)."""
    return median(after - before for before, after in pairwise(marks)) / 1e3


def p99_us(marks: Sequence[int]) -> float:
    """What 99 of 100 of them stay below (µs)."""
    steps = [after - before for before, after in pairwise(marks)]
    return quantiles(steps, n=100)[-1] / 1e3 if len(steps) > 1 else steps[0] / 1e3
