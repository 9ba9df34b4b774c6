from __future__ import annotations

import gc
import json
import threading
import time
import warnings
from pathlib import Path

import pytest

from callboard.examples.indexing.facts import (
    Definition,
    Entry,
    FileFacts,
    FileProblem,
    Kind,
    ProblemKind,
)
from callboard.examples.indexing.source import parse, read_entry

SAMPLE = b'''\
"""Docstring with # TODO that is no comment."""

import os, sys
import os.path as path
from . import sibling
from ..above import thing

LIMIT = 10
A, (B, c) = 1, (2, 3)
DECLARED: int
TYPED: int = 3

class Parser:
    SIZE = 2

    def feed(self, data):
        LOCAL = 1
        def inner():
            return data
        return inner

    @property
    async def later(self):  # TODO: soon
        pass

if LIMIT:
    def maybe():
        pass
else:
    try:
        pass
    except OSError:
        def rescue(): pass
match LIMIT:
    case 1:
        def matched(): pass
'''


def facts(raw: bytes) -> FileFacts:
    entry = parse("a.py", raw)
    assert isinstance(entry, FileFacts), entry
    return entry


def problem(raw: bytes) -> FileProblem:
    entry = parse("a.py", raw)
    assert isinstance(entry, FileProblem), entry
    return entry


def test_names_come_in_the_order_of_the_file_with_kind_line_and_length() -> None:
    assert facts(SAMPLE).definitions == (
        Definition("LIMIT", "LIMIT", Kind.CONSTANT, 8, 1),
        Definition("A", "A", Kind.CONSTANT, 9, 1),
        Definition("B", "B", Kind.CONSTANT, 9, 1),
        Definition("TYPED", "TYPED", Kind.CONSTANT, 11, 1),
        Definition("Parser", "Parser", Kind.CLASS, 13, 12),
        Definition("SIZE", "Parser.SIZE", Kind.CONSTANT, 14, 1),
        Definition("feed", "Parser.feed", Kind.FUNCTION, 16, 5),
        Definition("inner", "Parser.feed.inner", Kind.FUNCTION, 18, 2),
        Definition("later", "Parser.later", Kind.ASYNC_FUNCTION, 23, 2),
        Definition("maybe", "maybe", Kind.FUNCTION, 27, 2),
        Definition("rescue", "rescue", Kind.FUNCTION, 33, 1),
        Definition("matched", "matched", Kind.FUNCTION, 36, 1),
    )


def test_imports_lines_size_and_todo_comments_are_counted() -> None:
    found = facts(SAMPLE)

    assert found.imports == (".", "..above", "os", "os.path", "sys")
    assert found.lines == 36
    assert found.size_bytes == len(SAMPLE)
    assert found.todos == 1


def test_the_longest_function_is_the_first_of_equals() -> None:
    found = facts(b"def a():\n  pass\ndef b():\n  pass\nclass C:\n  x = 1\n  y = 1\n")

    assert found.longest_function == Definition("a", "a", Kind.FUNCTION, 1, 2)
    assert facts(b"x = 1\n").longest_function is None


@pytest.mark.parametrize(
    ("raw", "lines"),
    [(b"", 0), (b"x", 1), (b"x\n", 1), (b"x\r\ny\r\n", 2), (b"x\ry", 2), (b"x\n\x0cy\n", 2)],
)
def test_lines_are_counted_as_an_editor_counts_them(raw: bytes, lines: int) -> None:
    assert facts(raw).lines == lines


@pytest.mark.parametrize(
    ("raw", "todos"),
    [
        (b"x = 1  # TODO one\n# FIXME two\n# XXX three\n", 3),
        (b"x = '# TODO'\ny = \"it's # TODO\"\nz = b'\\'# TODO'\n", 0),
        (b"x = '''\n# TODO\n'' \\''' # TODO\n'''  # TODO\n", 1),
        (b"x = 'a\\\n# TODO'  # TODO\n", 1),
        (b"x = '' # TODO\ny = f'{x}#TODO'\n", 1),
        (b"# TODOS and XXXL are words of their own\n", 0),
    ],
)
def test_only_comments_hold_todos(raw: bytes, todos: int) -> None:
    assert facts(raw).todos == todos


@pytest.mark.parametrize(
    "raw",
    [
        "# coding: latin-1\nÉTÉ = 1\n".encode("latin-1"),
        "# coding: cp1252\nÉTÉ = 1\n".encode("cp1252"),
        b"\xef\xbb\xbf" + "ÉTÉ = 1\n".encode(),
        "ÉTÉ = 1\n".encode(),
    ],
)
def test_the_declared_encoding_is_used(raw: bytes) -> None:
    assert [found.name for found in facts(raw).definitions] == ["ÉTÉ"]


@pytest.mark.parametrize(
    ("raw", "kind", "line"),
    [
        (b"x = 1\nprint 'hello'\n", ProblemKind.SYNTAX, 2),
        (b"x = 1\n  y = 2\n", ProblemKind.SYNTAX, 2),
        (b"x = 1\n\ty = (\n", ProblemKind.SYNTAX, 2),
        (b"(" * 1000, ProblemKind.SYNTAX, 1),
        (b"x = " + b"9" * 5000, ProblemKind.SYNTAX, 1),
        (b"x = 1\ny = '\0'\n", ProblemKind.NULL_BYTES, 2),
        (b"# coding: uft-8\n", ProblemKind.ENCODING, None),
        (b"# coding: hex\n61\n", ProblemKind.ENCODING, None),
        (b"# coding: undefined\nx\n", ProblemKind.ENCODING, None),
        (b"\xef\xbb\xbf# coding: latin-1\n", ProblemKind.ENCODING, None),
        (b"\xff\xfe\n", ProblemKind.ENCODING, None),
        (b"x = 1\ny = 2\nz = '\xe9'\n", ProblemKind.ENCODING, 3),
        (b"# coding: unicode_escape\nx = '\\ud800'\n", ProblemKind.ENCODING, None),
        (b"-" * 100_000 + b"1", ProblemKind.TOO_COMPLEX, None),
        (b"a" + b".b" * 100_000, ProblemKind.TOO_COMPLEX, None),
    ],
)
def test_what_no_parser_accepts_is_a_problem_and_never_an_exception(
    raw: bytes, kind: ProblemKind, line: int | None
) -> None:
    found = problem(raw)

    assert (found.kind, found.line) == (kind, line)
    assert found.message


def test_an_empty_memory_is_a_problem_of_the_file(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bytes:
        raise MemoryError

    monkeypatch.setattr(Path, "read_bytes", refuse)

    entry = read_entry(tree, "main.py")
    assert isinstance(entry, FileProblem)
    assert entry.kind is ProblemKind.UNREADABLE


def test_a_file_that_is_gone_is_a_problem_that_names_no_machine_path(tmp_path: Path) -> None:
    message = "No such file or directory"

    assert read_entry(tmp_path, "a.py") == FileProblem("a.py", ProblemKind.UNREADABLE, message)


def test_deep_code_that_the_parser_takes_is_indexed() -> None:
    depth = 90
    code = "".join("    " * level + f"def f{level}():\n" for level in range(depth))

    assert len(facts((code + "    " * depth + "pass\n").encode()).definitions) == depth


def test_warnings_of_the_compiler_stay_in_and_those_of_others_do_not() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert facts(b"x = '\\d'\ny = 1if x else 2\n").lines == 2
        compile("x = '\\d'\n", "other.py", "exec")
        assert facts(b"z = '\\w'\n").lines == 1

    assert [warning.filename for warning in caught] == ["other.py"]


def test_warnings_that_are_errors_do_not_make_a_file_bad() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert facts(b"x = '\\d'\n").lines == 1


def test_parsers_on_several_threads_agree() -> None:
    here = Path(json.__file__).parent
    paths = sorted(path.name for path in here.glob("*.py"))
    alone = [read_entry(here, path) for path in paths] * 4
    answers: list[list[Entry]] = []

    def work() -> None:
        answers.append([read_entry(here, path) for path in paths * 4])

    def let_others_in(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)  # a switch of threads in the middle of a parse, as any finaliser may cause

    threshold = gc.get_threshold()
    gc.callbacks.append(let_others_in)
    gc.set_threshold(50)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(let_others_in)

    assert answers == [alone] * 4
