from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callboard.examples.indexing.columns import columns
from callboard.examples.indexing.facts import FileProblem, ProblemKind
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.plain import index_plainly, prove
from callboard.examples.indexing.report import Result, render, result_of
from callboard.examples.indexing.source import parse


@pytest.fixture
def result(tree: Path) -> Result:
    index = index_plainly(tree)
    return result_of(
        index,
        prove(index, index),
        root="/src/tree",
        seconds=2.0,
        plain_seconds=3.0,
        restarts={"parser-2": 2, "parser-1": 2, "index": 3, "walker": 0},
        kills=7,
        seed=42,
    )


def test_the_whole_report_reads_well(result: Result) -> None:
    text = render(result)

    assert text.startswith("The index of /src/tree\n  9 files, 12 lines, 0.0 MB, 3 functions")
    assert (
        "  run                                                                2         2" in text
    )
    assert "       3 lines  package/inner/deep.py:2  run\n" in text
    assert "Cannot be indexed: 5 of 9 files\n  syntax (1)\n    bad/py2.py:2\n      Missing" in text
    assert "  2.0 s: 4 files/s, 6 lines/s" in text
    assert "  3.0 s by the plain loop" in text
    assert "Restarts: 7, with 7 workers killed on purpose (seed 42)\n" in text
    assert "       3  index\n       2  parser-1\n       2  parser-2\n" in text
    assert "walker" not in text
    assert "the index equals the one computed by a plain loop without any actors" in text
    assert result.proof.digest in text


def test_a_difference_is_said_loudly_and_by_name(result: Result, tree: Path) -> None:
    plain = index_plainly(tree)
    proof = prove(Index(plain.entries[1:]), plain)
    text = render(replace(result, proof=proof))

    assert "THE INDEX DIFFERS" in text
    assert "1 of 9 entries" in text
    assert "    bad/coding.py\n" in text
    assert "equals" not in text
    assert proof.digest in text
    assert proof.plain_digest in text


def test_no_line_is_wider_than_the_terminal() -> None:
    long = "really_" * 30
    entries = [
        parse(f"{long}/{number}.py", f"def {long}{number}():\n  pass\n".encode())
        for number in range(12)
    ]
    wide = FileProblem("字" * 60 + ".py", ProblemKind.SYNTAX, "invalid character '字' " * 9, 3)
    index = Index([*entries, wide, FileProblem("x.py", ProblemKind.SYNTAX, "y" * 200)])
    lost = prove(Index(), index)
    result = result_of(index, lost, root="/" + long, seconds=1.0, restarts={long: 3}, kills=3)

    for width in (60, 80, 100):
        assert max(columns(line) for line in render(result, width).splitlines()) <= width


def test_an_empty_index_has_a_report() -> None:
    index = Index()
    text = render(result_of(index, prove(index, index), root="/src", seconds=0.0))

    assert "  0 files, 0 lines" in text
    assert "Cannot be indexed: none of 0 files\n" in text
    assert "Restarts: 0\n" in text


def test_problems_without_end_are_counted_and_not_listed() -> None:
    kinds = [ProblemKind.SYNTAX] * 15 + [ProblemKind.ENCODING] * 15
    index = Index(FileProblem(f"{n:02}.py", kind, "bad") for n, kind in enumerate(kinds))
    text = render(result_of(index, prove(index, index), root="/src", seconds=1.0))

    assert text.count("      bad\n") == 20
    assert "  encoding (15)\n" in text
    assert "    and 10 more\n" in text


def test_nothing_in_a_file_can_command_the_terminal() -> None:
    index = Index([FileProblem("\x1b[2J.py", ProblemKind.SYNTAX, "bad \x1b]0;title\x07\nline")])
    text = render(result_of(index, prove(index, index), root="/\x1b[1m", seconds=1.0))

    assert "\x1b" not in text
    assert "    \\x1b[2J.py\n" in text
