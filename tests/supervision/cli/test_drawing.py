"""Drawing: any width, any text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.supervision.cli.drawing import (
    Look,
    clean,
    draw_table,
    draw_tree,
    short_number,
    short_time,
)


def worker(depth: int, **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "depth": depth, "name": "actor", "state": "running", "incarnation": 1, "restarts": 0,
        "waiting": 0, "bound": 10_000, "handled": 0, "jobs": 0, "note": "", "handling": None,
        "active": True,
    }  # fmt: skip
    return facts | more


@given(
    steps=st.lists(st.integers(0, 3), max_size=20),
    notes=st.lists(st.text(max_size=200), min_size=21, max_size=21),
    unicode=st.booleans(),
)
def test_no_line_of_a_tree_is_wider_than_80_columns(
    steps: list[int], notes: list[str], unicode: bool
) -> None:
    depths = [0]
    for step in steps:
        depths.append(min(step + 1, depths[-1] + 1))
    workers = [
        worker(depth, note=note, name=f"actor-{note[:5]}" * 4)
        for depth, note in zip(depths, notes, strict=False)
    ]
    lines = draw_tree(workers, Look(width=80, unicode=unicode))
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("unicode", "stems"),
    [
        (True, ["", "├─ ", "│  └─ ", "│     └─ ", "└─ ", "   ├─ ", "   └─ "]),
        (False, ["", "|- ", "|  `- ", "|     `- ", "`- ", "   |- ", "   `- "]),
    ],
)
def test_the_lines_of_a_tree_lead_from_parent_to_child(unicode: bool, stems: list[str]) -> None:
    workers = [worker(depth) for depth in (0, 1, 2, 3, 1, 2, 2)]
    _, *rows = draw_tree(workers, Look(unicode=unicode))
    assert [row.partition("actor")[0] for row in rows] == stems


def test_what_does_not_fit_beside_a_worker_stands_below_it() -> None:
    note = "restart 3 in 2.0 s: failed: ValueError: a long story"
    lines = draw_tree([worker(0), worker(1, note=note), worker(1)], Look(width=80, unicode=True))
    assert lines[3] == f"│    {note}"
    wide = draw_tree([worker(0), worker(1, note=note), worker(1)], Look(unicode=True))
    assert wide[2].endswith(f"  {note}") and len(wide) == 4


def test_a_table_gives_up_width_in_its_widest_text_and_never_in_numbers() -> None:
    rows = [("house", "12345", "root/" + "x" * 90, "running")]
    _, row = draw_table(("NODE", "PID", "WORKER", "STATE"), rows, Look(width=60))
    assert len(row) <= 60
    assert row.startswith("house  12345  root/xxx") and row.endswith("~  running")


def test_a_text_cannot_command_the_terminal() -> None:
    assert clean("red \x1b[31m\nand\ttwo  lines\x07") == "red ?[31m and two lines?"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (10_000, "10k"), (3_400_000, "3.4M")],
)
def test_numbers_are_short(number: int, shown: str) -> None:
    assert short_number(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0.4, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (86_400 * 9, "9d")],
)
def test_times_are_short(seconds: float | None, shown: str) -> None:
    assert short_time(seconds) == shown
