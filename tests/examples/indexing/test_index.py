from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from callboard.examples.indexing.facts import FileFacts, FileProblem, ProblemKind
from callboard.examples.indexing.index import FunctionLength, Index, NameCount
from callboard.examples.indexing.plain import index_plainly
from callboard.examples.indexing.source import parse

BROKEN = FileProblem("broken.py", ProblemKind.SYNTAX, "invalid syntax", 3)


@pytest.fixture
def index(tree: Path) -> Index:
    return index_plainly(tree)


def test_a_path_added_twice_counts_once(index: Index) -> None:
    before = index.digest()

    assert [index.add(entry) for entry in index.entries] == [False] * 9
    assert index.digest() == before


def test_adding_says_whether_the_path_was_new() -> None:
    index = Index()

    assert index.add(BROKEN)
    assert not index.add(BROKEN)
    assert not index.add(parse("broken.py", b""))
    assert index.entries == [BROKEN]
    assert "broken.py" in index
    assert "other.py" not in index


def test_the_order_of_the_entries_is_no_part_of_an_index(index: Index) -> None:
    entries = index.entries
    random.Random(7).shuffle(entries)
    shuffled = Index(entries)

    assert shuffled == index
    assert shuffled.digest() == index.digest()
    assert shuffled.most_defined() == index.most_defined()
    assert shuffled.longest_functions() == index.longest_functions()


def test_merging_takes_what_is_new_and_keeps_what_is_known(index: Index) -> None:
    half = Index(index.entries[:5])

    assert half.merge(index) == 4
    assert half.merge(index) == 0
    assert half == index


def test_the_smallest_difference_shows_in_equality_digest_and_differences(index: Index) -> None:
    entries = index.entries
    assert isinstance(entries[-1], FileFacts)
    entries[-1] = parse(entries[-1].path, b"def walk():\n    x = 1\n    return x\n")
    other = Index([*entries[1:], BROKEN])

    assert other != index
    assert other.digest() != index.digest()
    differing = sorted([entries[0].path, "broken.py", entries[-1].path])
    assert other.differences(index) == index.differences(other) == differing


def test_the_digest_is_one_that_others_can_compute() -> None:
    index = Index([BROKEN, parse("a.py", b"import os\nX = 1\n")])
    lines = (
        b'["facts","a.py",16,2,0,[["X","X","constant",2,1]],["os"]]\n'
        b'["problem","broken.py","syntax","invalid syntax",3]\n'
    )

    assert index.digest() == hashlib.sha256(lines).hexdigest()


def test_a_name_that_is_no_unicode_has_a_digest() -> None:
    assert len(Index([FileProblem("\udcff.py", ProblemKind.SYNTAX, "no")]).digest()) == 64


def test_an_index_equals_nothing_else() -> None:
    assert Index() == Index()
    assert Index() != []
    with pytest.raises(TypeError):
        hash(Index())


def test_the_most_defined_names_come_first_and_equals_by_name(index: Index) -> None:
    assert index.most_defined(3) == [
        NameCount("run", 2, 2),
        NameCount("Wrong", 1, 1),
        NameCount("__init__", 1, 1),
    ]


def test_the_longest_functions_come_first_and_equals_by_place(index: Index) -> None:
    assert index.longest_functions(2) == [
        FunctionLength("package/inner/deep.py", 2, "run", 3),
        FunctionLength("main.py", 4, "run", 2),
    ]


def test_problems_are_grouped_by_kind(index: Index) -> None:
    grouped = index.problems_by_kind()

    assert {kind: [p.path for p in found] for kind, found in grouped.items()} == {
        ProblemKind.SYNTAX: ["bad/py2.py"],
        ProblemKind.ENCODING: ["bad/coding.py", "bad/latin.py"],
        ProblemKind.NULL_BYTES: ["bad/null.py"],
        ProblemKind.TOO_COMPLEX: ["bad/deep.py"],
    }


def test_totals_add_up(index: Index) -> None:
    index.add(FileProblem("closed", ProblemKind.FOLDER, "Permission denied"))
    totals = index.totals()

    assert (totals.files, totals.parsed, totals.problems) == (9, 4, 6)
    assert (totals.lines, totals.functions, totals.classes) == (12, 3, 1)
    assert (totals.constants, totals.modules_imported, totals.todos) == (0, 1, 1)
