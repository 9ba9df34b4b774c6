from __future__ import annotations

import pytest

from callboard.examples.indexing.columns import columns, fit, pad, printable


@pytest.mark.parametrize(
    ("text", "width", "start", "end"),
    [
        ("abcdef", 6, "abcdef", "abcdef"),
        ("abcdefg", 6, "abc...", "...efg"),
        ("abcdefg", 2, "..", ".."),
        ("abcdefg", 0, "", ""),
        ("字字字字", 6, "字...", "...字"),
        ("a\nb", 9, "a\\nb", "a\\nb"),
    ],
)
def test_text_is_cut_to_its_columns(text: str, width: int, start: str, end: str) -> None:
    assert fit(text, width) == start
    assert fit(text, width, keep="end") == end


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    assert columns("字a") == 3
    assert columns("e\u0301") == 1
    assert pad("字", 4) == "字  "
    assert pad("long", 2) == "long"


def test_what_a_terminal_obeys_or_cannot_show_is_escaped() -> None:
    assert printable("a\x1b[0m\t\udcff\u202e") == "a\\x1b[0m\\t\\udcff\\u202e"
