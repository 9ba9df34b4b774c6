"""Each statement of the semantics names the checks behind it, and tests prove these."""

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")

NUMBER = re.compile(r"\b[A-Z]\d+\b")
NAMED = re.compile(r"\(((?:[SM]\d+)(?:, [SM]\d+)*)\)")
STATEMENT = re.compile(r"- |\d+\. |\| (?!---)")


def statements(text: str) -> list[str]:
    """List items, and the rows of tables below their head."""
    found: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        head = number + 1 < len(lines) and lines[number + 1].startswith("| ---")
        if STATEMENT.match(line) and not head:
            found.append(line)
    return found


def without_checks(text: str) -> list[str]:
    """Statements whose last word is not the number of a check."""
    return [line for line in statements(text) if not NAMED.search(line)]


def misnamed(text: str) -> set[str]:
    """Numbers that stand elsewhere than in parentheses, or are none of a check."""
    named = {number for group in NAMED.findall(text) for number in group.split(", ")}
    return set(NUMBER.findall(re.sub(r"`[^`]*`", "", text))) - named


def proven() -> set[str]:
    """The numbers in the marks of all tests."""
    marks = re.compile(r"mark\.check\(([^)]*)\)")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    return {
        number
        for text in texts
        for mark in marks.findall(text)
        for number in re.findall(r'"([SM]\d+)"', mark)
    }


def test_every_check_that_is_named_is_proven_by_a_test() -> None:
    named = {number for group in NAMED.findall(PAGE) for number in group.split(", ")}
    assert named - proven() == set()


def test_every_statement_names_its_checks() -> None:
    assert len(statements(PAGE)) > 100
    assert without_checks(PAGE) == []


def test_every_number_is_that_of_a_check() -> None:
    assert misnamed(PAGE) == set()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("- A rule without a number.", "without"),
        ("| a row | without |", "without"),
        ("7. A rule (s7).", "without"),
        ("- A rule (S7) and another X9 (S8).", "misnamed"),
        ("- A rule S7 (M7).", "misnamed"),
    ],
)
def test_a_statement_without_a_check_is_found(line: str, complaint: str) -> None:
    text = f"| head | row |\n| --- | --- |\n{line}\n- A rule (S1, M2).\n"
    assert without_checks(text) == ([line] if complaint == "without" else [])
    assert bool(misnamed(text)) == (complaint == "misnamed")
