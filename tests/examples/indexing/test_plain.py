from __future__ import annotations

import json
from pathlib import Path

from callboard.examples.indexing.facts import FileProblem, ProblemKind
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.plain import index_plainly, prove


def test_every_file_gets_one_entry_and_the_progress_is_told(tree: Path) -> None:
    told: list[int] = []
    index = index_plainly(tree, on_entry=told.append)

    assert told == list(range(1, 10))
    assert len(index) == 9
    assert len(index.facts) == 4


def test_the_same_tree_gives_the_same_index_wherever_it_lies(tree: Path) -> None:
    moved = tree.rename(tree.parent / "elsewhere")
    first = index_plainly(moved)

    assert index_plainly(moved.rename(tree)).digest() == first.digest()


def test_a_real_package_is_indexed() -> None:
    index = index_plainly(Path(json.__file__).parent)

    names = {found.qualname for facts in index.facts for found in facts.definitions}
    assert {"JSONDecoder.decode", "JSONEncoder.iterencode", "dumps"} <= names
    assert index.problems == []


def test_equal_indexes_are_proved_equal(tree: Path) -> None:
    plain = index_plainly(tree)
    proof = prove(Index(reversed(plain.entries)), plain)

    assert proof.equal
    assert proof.digest == proof.plain_digest == plain.digest()
    assert (proof.entries, proof.differing) == (9, ())


def test_a_lost_a_strange_and_a_wrong_entry_are_all_named(tree: Path) -> None:
    plain = index_plainly(tree)
    strange = FileProblem("strange.py", ProblemKind.SYNTAX, "invalid syntax")
    wrong = FileProblem("main.py", ProblemKind.SYNTAX, "invalid syntax")
    kept = [e for e in plain.entries if e.path not in ("main.py", "bad/null.py")]
    proof = prove(Index([*kept, strange, wrong]), plain)

    assert not proof.equal
    assert proof.digest != proof.plain_digest
    assert proof.differing == ("bad/null.py", "main.py", "strange.py")
