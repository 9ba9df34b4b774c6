"""The pure policy: how many restarts within a period, and how long each of them waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard import Backoff, Restarts, SpecError
from callboard.supervision.restarts import RestartBudget

seconds = st.floats(min_value=0.001, max_value=1e6)
factors = st.floats(min_value=1.0, max_value=1e3)
attempts = st.integers(min_value=1, max_value=10**9)
chances = st.floats(min_value=0.0, max_value=1.0, exclude_max=True)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    least, more = draw(seconds), draw(st.floats(min_value=0.0, max_value=1e6))
    jitter = draw(st.floats(min_value=0.0, max_value=10.0))
    return Backoff(min=least, factor=draw(factors), max=least + more, jitter=jitter)


def plain(backoff: Backoff) -> Backoff:
    """The same without jitter."""
    return Backoff(min=backoff.min, factor=backoff.factor, max=backoff.max, jitter=0)


@pytest.mark.check("S42")
def test_the_delays_double_up_to_the_maximum_and_stay_there() -> None:
    backoff = Backoff(min=0.1, factor=2, max=3, jitter=0)
    delays = [backoff.delay(attempt, 0.5) for attempt in range(1, 9)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3, 3, 3])
    assert backoff.delay(10**6, 0.5) == 3
    assert backoff.delay(10**12, 0.5) == 3


@pytest.mark.check("S42")
@given(backoffs(), attempts)
def test_no_delay_overflows_or_shrinks_or_leaves_its_bounds(backoff: Backoff, attempt: int) -> None:
    bare = plain(backoff)
    delay, following = bare.delay(attempt, 0.0), bare.delay(attempt + 1, 0.0)
    assert bare.min <= delay <= following <= bare.max


@pytest.mark.check("S42")
@given(backoffs(), st.integers(min_value=1, max_value=40))
def test_each_delay_is_the_factor_times_the_one_before_up_to_the_maximum(
    backoff: Backoff, attempt: int
) -> None:
    bare = plain(backoff)
    delay, following = bare.delay(attempt, 0.0), bare.delay(attempt + 1, 0.0)
    assert following == pytest.approx(min(delay * bare.factor, bare.max))


@pytest.mark.check("S43")
@given(backoffs(), attempts, chances)
def test_jitter_only_adds_at_most_its_share_and_never_beyond_the_maximum(
    backoff: Backoff, attempt: int, chance: float
) -> None:
    delay = plain(backoff).delay(attempt, 0.0)
    jittered = backoff.delay(attempt, chance)
    assert delay <= jittered <= delay * (1 + backoff.jitter)
    assert jittered <= backoff.max


@pytest.mark.check("S43")
def test_jitter_is_spread_over_its_whole_share() -> None:
    backoff = Backoff(min=1, max=100, jitter=0.5)
    delays = [backoff.delay(1, chance) for chance in (0.0, 0.5, 0.999_999)]
    assert delays == pytest.approx([1.0, 1.25, 1.5], abs=1e-5)


@given(attempts, chances)
def test_a_minimum_of_zero_is_no_delay_ever(attempt: int, chance: float) -> None:
    assert Backoff(min=0).delay(attempt, chance) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("min", -1), ("factor", 0.5), ("max", 0.01), ("jitter", -0.1), ("reset_after", -1)],
)
@pytest.mark.parametrize("broken", [False, True])
def test_a_backoff_that_makes_no_sense_is_refused_by_field(
    field: str, value: float, broken: bool
) -> None:
    with pytest.raises(SpecError) as refusal:
        Backoff(**{field: float("nan") if broken else value})
    assert refusal.value.field == field


def times(gaps: list[float]) -> list[float]:
    now, at = 1000.0, list[float]()
    for gap in gaps:
        now += gap
        at.append(now)
    return at


@pytest.mark.check("S34")
@given(
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=1, max_value=20),
    st.lists(st.integers(min_value=0, max_value=12), max_size=60),
)
def test_the_budget_is_spent_by_one_more_than_the_intensity_within_the_period(
    intensity: int, period: int, gaps: list[int]
) -> None:
    budget = RestartBudget(Restarts(intensity=intensity, period=period))
    at = times([float(gap) for gap in gaps])
    for number, now in enumerate(at, 1):
        within = sum(1 for each in at[:number] if each > now - period)
        assert budget.spend(now) == (within <= intensity)
        assert budget.used(now) == within


@pytest.mark.check("S37")
@given(st.floats(min_value=0, max_value=1e9))
def test_an_intensity_of_zero_allows_none(now: float) -> None:
    assert not RestartBudget(Restarts(intensity=0)).spend(now)


@pytest.mark.check("S49")
@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=200))
def test_without_an_intensity_there_is_no_limit_and_nothing_is_kept(gaps: list[float]) -> None:
    budget = RestartBudget(Restarts(intensity=None))
    for now in times(gaps):
        assert budget.spend(now)
        assert budget.used(now) == 0
