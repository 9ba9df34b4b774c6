"""The pure decisions: who goes with a child that ended, and whether it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard import Directive, Failed, Killed, Normal, Reason, Restart, Shutdown, Strategy
from callboard.supervision.strategy import RESTARTS, STRATEGIES, affected, calls_for_restart

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=12, unique=True)
REASONS: list[Reason] = [
    Normal(),
    Shutdown("asked"),
    Failed(ValueError("x")),
    Killed("somebody"),
    Killed("its supervisor", ordered=True),
]
reasons = st.sampled_from(REASONS)
directives: st.SearchStrategy[Directive | None] = st.sampled_from([None, "restart", "stop"])
restarts: st.SearchStrategy[Restart] = st.sampled_from(["permanent", "transient", "temporary"])
strategies: st.SearchStrategy[Strategy] = st.sampled_from(
    ["one_for_one", "one_for_all", "rest_for_one"]
)


@st.composite
def companies(draw: st.DrawFn) -> tuple[list[str], str]:
    names = draw(NAMES)
    return names, draw(st.sampled_from(names))


@pytest.mark.check("S26", "S27", "S28")
@given(companies(), strategies)
def test_the_failed_one_is_affected_and_all_are_in_start_order(
    company: tuple[list[str], str], strategy: Strategy
) -> None:
    names, failed = company
    group = affected(strategy, names, failed)
    assert failed in group
    assert group == [name for name in names if name in group]


@pytest.mark.check("S26")
@given(companies())
def test_one_for_one_affects_nobody_else(company: tuple[list[str], str]) -> None:
    names, failed = company
    assert affected("one_for_one", names, failed) == [failed]


@pytest.mark.check("S27")
@given(companies())
def test_one_for_all_affects_everybody(company: tuple[list[str], str]) -> None:
    names, failed = company
    assert affected("one_for_all", names, failed) == names


@pytest.mark.check("S28")
@given(companies())
def test_rest_for_one_affects_exactly_those_that_started_later(
    company: tuple[list[str], str],
) -> None:
    names, failed = company
    group = affected("rest_for_one", names, failed)
    before = names[: len(names) - len(group)]
    assert group[0] == failed
    assert before + group == names


@pytest.mark.check("S23")
@given(reasons, directives)
def test_a_temporary_child_never_comes_back(reason: Reason, directive: Directive | None) -> None:
    assert not calls_for_restart("temporary", reason, directive)


@pytest.mark.check("S21", "S22")
@given(reasons)
def test_a_transient_child_comes_back_where_a_permanent_one_does_and_the_end_was_abnormal(
    reason: Reason,
) -> None:
    permanent = calls_for_restart("permanent", reason, None)
    assert calls_for_restart("transient", reason, None) == (permanent and reason.abnormal)


@pytest.mark.check("S21")
@given(reasons)
def test_a_permanent_child_comes_back_unless_its_supervisor_had_it_killed(reason: Reason) -> None:
    ordered = isinstance(reason, Killed) and reason.ordered
    assert calls_for_restart("permanent", reason, None) == (not ordered)


@given(restarts, reasons)
def test_the_directive_stop_calls_for_no_restart_of_anybody(
    restart: Restart, reason: Reason
) -> None:
    assert not calls_for_restart(restart, reason, "stop")


def test_the_listed_values_are_those_of_the_types() -> None:
    assert set(STRATEGIES) == {"one_for_one", "one_for_all", "rest_for_one"}
    assert set(RESTARTS) == {"permanent", "transient", "temporary"}
