"""Rolling statistics: what the last readings say, exact whatever they are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Rolling", "Summary"]


@dataclass(frozen=True)
class Summary:
    """What the readings of a window say, in degrees."""

    readings: int
    minimum: float
    maximum: float
    average: float
    trend: float
    """Degrees per step: the slope of the line with the least squares; 0 for a single reading."""


class Rolling:
    """The last readings, at most `size` of them, taken at equal steps.

    Average and trend are computed as fractions and rounded once, at the end: no error adds up,
    neither over a long run nor where large readings differ by little.
    """

    def __init__(self, size: int = 60) -> None:
        """Keep this many readings.

        Raises:
            ValueError: that is none.

        """
        if size < 1:
            raise ValueError(f"a window has at least one reading, not {size}")
        self._kept: deque[float] = deque(maxlen=size)
        self.count = 0
        """Readings so far, those that have left the window too."""
        self.highest: float | None = None
        """The highest of all of them."""
        self.lowest: float | None = None
        """The lowest of all of them."""

    @property
    def latest(self) -> float | None:
        """The last reading; None before the first."""
        return self._kept[-1] if self._kept else None

    def add(self, reading: float) -> None:
        """Take a reading; the oldest one leaves where the window is full."""
        self._kept.append(reading)
        self.count += 1
        self.highest = reading if self.highest is None else max(self.highest, reading)
        self.lowest = reading if self.lowest is None else min(self.lowest, reading)

    def summary(self) -> Summary | None:
        """Return what the window says now; None before the first reading."""
        if not self._kept:
            return None
        values = [Fraction(reading) for reading in self._kept]
        count = len(values)
        average = sum(values, Fraction()) / count
        return Summary(
            count, min(self._kept), max(self._kept), float(average), float(_slope(values))
        )


def _slope(values: list[Fraction]) -> Fraction:
    """Return the slope of the line with the least squares through values at equal steps."""
    count = len(values)
    if count < 2:
        return Fraction()
    # Twice the distance from the middle of the steps is a whole number.
    weighted = sum(((2 * n - count + 1) * value for n, value in enumerate(values)), Fraction())
    return weighted * 6 / (count * (count * count - 1))
