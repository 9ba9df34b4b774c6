from __future__ import annotations

import re

from callboard.examples.indexing.columns import columns
from callboard.examples.indexing.drawing import (
    ASCII,
    UNICODE,
    Row,
    Snapshot,
    bar_line,
    plain_line,
    tree_lines,
)

ROWS = [
    Row(0, "root", "running"),
    Row(1, "walker", "stopped", "1,745 files"),
    Row(1, "parsers", "running"),
    Row(2, "parser-1", "running", "json/decoder.py"),
    Row(2, "parser-2", "restarting", "killed"),
    Row(1, "index", "running"),
]


def test_the_tree_is_drawn_with_its_branches() -> None:
    assert tree_lines(ROWS, UNICODE, 80, 20, colour=False) == [
        "root            running",
        "├─ walker       stopped      1,745 files",
        "├─ parsers      running",
        "│  ├─ parser-1  running      json/decoder.py",
        "│  └─ parser-2  restarting   killed",
        "└─ index        running",
    ]


def test_colour_is_put_around_the_state_alone() -> None:
    plain = tree_lines(ROWS, ASCII, 80, 20, colour=False)
    coloured = tree_lines(ROWS, ASCII, 80, 20, colour=True)

    assert "\x1b[32mrunning\x1b[0m" in coloured[2]
    assert [re.sub(r"\x1b\[\d+m", "", line).rstrip() for line in coloured] == plain


def test_a_tree_that_is_too_high_says_what_is_left_out() -> None:
    lines = tree_lines(ROWS, ASCII, 80, 4, colour=False)

    assert len(lines) == 4
    assert lines[-1] == "... and 3 more"
    assert tree_lines(ROWS, ASCII, 80, 0, colour=False) == []
    assert tree_lines([], ASCII, 80, 9, colour=False) == []


def test_no_line_is_wider_than_asked() -> None:
    rows = [Row(depth, "worker" * 9, "state" * 9, "note" * 30) for depth in range(12)]

    for width in (20, 40, 80):
        assert all(columns(x) <= width for x in tree_lines(rows, UNICODE, width, 30, colour=False))
        assert columns(bar_line(Snapshot(10**9, 10**9), 1.0, UNICODE, width)) <= width


def test_the_bar_is_full_only_when_all_is_done() -> None:
    def full(done: int, total: int | None) -> int:
        return bar_line(Snapshot(done, total), 1.0, ASCII, 80).count("#")

    assert [full(0, 1000), full(500, 1000), full(999, 1000), full(1000, 1000)] == [0, 13, 25, 26]
    assert [full(5, None), full(0, 0), full(9, 3)] == [0, 26, 26]


def test_the_counts_are_one_line() -> None:
    assert plain_line(Snapshot(412, 1745, 3), 2.0) == (
        "412 of 1,745 files, 23 %, 206 files/s, 3 restarts"
    )
    assert plain_line(Snapshot(1744, 1745, 1), 0.0) == "1,744 of 1,745 files, 99 %, 1 restart"
    assert plain_line(Snapshot(7, None), 0.0) == "7 files, 0 restarts"
