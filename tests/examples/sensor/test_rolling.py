"""The statistics of a window, held against the plain definitions, in fractions."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.sensor.rolling import Rolling, Summary

readings = st.floats(-1e6, 1e6)


def slope_by_pairs(values: list[float]) -> float:
    """The slope of the least squares as the mean of all slopes of two, by their distance."""
    pairs = list(combinations(range(len(values)), 2))
    weight = sum((b - a) ** 2 for a, b in pairs)
    rise = sum((b - a) * (Fraction(values[b]) - Fraction(values[a])) for a, b in pairs)
    return float(rise / weight) if weight else 0.0


@pytest.mark.check("M160")
@given(values=st.lists(readings, min_size=1, max_size=40), size=st.integers(1, 12))
def test_the_summary_is_that_of_the_last_readings_to_the_last_bit(
    values: list[float], size: int
) -> None:
    rolling = Rolling(size)
    for number, value in enumerate(values, 1):
        rolling.add(value)
        window = values[max(0, number - size) : number]
        average = float(sum(map(Fraction, window)) / len(window))
        assert rolling.summary() == Summary(
            len(window), min(window), max(window), average, slope_by_pairs(window)
        )
    assert rolling.latest == values[-1]
    assert (rolling.count, rolling.highest, rolling.lowest) == (
        len(values),
        max(values),
        min(values),
    )


@pytest.mark.check("M160")
@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(2, 100))
def test_the_trend_of_a_straight_line_is_its_slope(start: int, slope: int, count: int) -> None:
    rolling = Rolling(count)
    for step in range(count):
        rolling.add(start + slope * step)
    summary = rolling.summary()
    assert summary is not None and summary.trend == slope


@pytest.mark.check("M160")
def test_large_readings_that_differ_by_little_lose_nothing() -> None:
    rolling = Rolling(3)
    for value in (1e16, 1.0, -1e16, 2.0**60, 2.0**60 + 256, 2.0**60 + 512):
        rolling.add(value)
    assert rolling.summary() == Summary(3, 2.0**60, 2.0**60 + 512, 2.0**60 + 256, 256.0)


def test_without_readings_there_is_nothing_to_say() -> None:
    rolling = Rolling()
    assert (rolling.summary(), rolling.latest, rolling.highest) == (None, None, None)


def test_a_window_of_no_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rolling(0)
