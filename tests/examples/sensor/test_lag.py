"""The simulated temperature: exact without noise, within limits with it."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.sensor.lag import FirstOrderLag

degrees = st.floats(0, 100)
rates = st.floats(0.001, 1)


@pytest.mark.check("M160")
@given(readings=st.integers(1, 500))
def test_after_n_readings_what_is_left_has_shrunk_n_times(readings: int) -> None:
    lag = FirstOrderLag(20, 30, 0.1)
    shown = [lag.step() for _ in range(readings)]
    assert shown[-1] == pytest.approx(30 - 10 * 0.9**readings, rel=1e-12)


@pytest.mark.check("M160")
@given(seed=st.integers(), noise=st.floats(0.01, 5))
def test_noise_at_a_settled_target_has_the_target_as_its_mean(seed: int, noise: float) -> None:
    lag = FirstOrderLag(21, 21, 0.1, noise, random.Random(seed))
    mean = math.fsum(lag.step() for _ in range(10_000)) / 10_000
    assert abs(mean - 21) < 0.05 * noise
    assert lag.temperature == 21  # the noise is of the sensor, not of the thing


@pytest.mark.check("M160")
@given(start=degrees, changes=st.lists(st.tuples(degrees, rates), min_size=1, max_size=20))
def test_target_and_rate_can_be_changed_between_any_two_readings(
    start: float, changes: list[tuple[float, float]]
) -> None:
    lag = FirstOrderLag(start)
    for target, rate in changes:
        before = lag.temperature
        lag.aim(target)
        lag.respond(rate)
        reading = lag.step()
        assert reading == pytest.approx(before + rate * (target - before))
        low, high = sorted((before, target))
        assert low - 1e-9 <= reading <= high + 1e-9  # it never overshoots


@given(start=degrees, target=degrees, rate=rates, left=st.floats(0.01, 0.99))
def test_the_time_that_is_told_is_the_time_that_it_takes(
    start: float, target: float, rate: float, left: float
) -> None:
    lag = FirstOrderLag(start, target, rate)
    for _ in range(math.ceil(lag.steps_to(left))):
        lag.step()
    assert abs(lag.temperature - target) <= left * abs(start - target) + 1e-9


def test_the_same_chance_gives_the_same_readings() -> None:
    one, other = (FirstOrderLag(noise=1, chance=random.Random(7)) for _ in range(2))
    assert [one.step() for _ in range(9)] == [other.step() for _ in range(9)]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"target": math.nan}, "target"),
        ({"target": 101.0}, "target"),
        ({"rate": 0.0}, "rate"),
        ({"rate": 1.1}, "rate"),
        ({"noise": -1.0}, "noise"),
        ({"noise": math.inf}, "noise"),
        ({"temperature": math.inf}, "temperature"),
    ],
)
def test_what_is_impossible_is_refused_and_named(fields: dict[str, float], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        FirstOrderLag(**fields)  # type: ignore[arg-type]


def test_a_refused_target_changes_nothing() -> None:
    lag = FirstOrderLag()
    with pytest.raises(ValueError, match="target"):
        lag.aim(-1)
    assert lag.target == 21
