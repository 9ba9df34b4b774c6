"""Sums: what they come to, and what is none."""

import pytest

from callboard.examples.remote_assistant.arithmetic import Incalculable, calculate


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("6 * 7", 42),
        ("2 * (3 + 4)", 14),
        ("-3 - -5", 2),
        ("1 / 4", 0.25),
        (" 0.5 + 0.25 ", 0.75),
        ("1000000 * 1000000000", 10**15),
    ],
)
def test_a_sum_has_its_result(text: str, result: float) -> None:
    assert calculate(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two and two",
        "2 +",
        "1 / 0",
        "2 ** 9",
        "9 % 4",
        "__import__('os')",
        "(1).real",
        "True + 1",
        "'a' * 3",
        "1j",
        "1e400",
        "1000000 * 10000000000",
        "(" * 150 + "1" + ")" * 49,
        "1+" * 100 + "1",
        "1\0",
    ],
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(Incalculable):
        calculate(text)
