"""The page and the tests show the same cells, so neither can rot."""

import ast
from pathlib import Path

from tests.faults.rows import CELLS, ROWS, Cell
from tests.faults.table import cells_of, page

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "failures.md"


def rows_with_tests() -> dict[str, str]:
    """Each row that a test is marked with, and the name of the test."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                match mark:
                    case ast.Call(func=ast.Name("fault"), args=[ast.Constant(value=str() as row)]):
                        assert row not in found, f"{row} has two tests"
                        found[row] = f"{path.name}::{node.name}"
                    case _:
                        pass
    return found


def test_every_row_has_one_test() -> None:
    assert sorted(rows_with_tests()) == sorted(ROWS)


def test_the_page_shows_every_cell_with_its_test() -> None:
    rows = rows_with_tests()
    shown = cells_of(PAGE.read_text(encoding="utf-8"))
    assert shown == {cell: rows[cell.row] for cell in CELLS}


def test_a_cell_without_a_result_is_said_to_have_none() -> None:
    result = {"row": "killed", "column": "redis", "test": "tests/faults/test_x.py::test_y[redis]"}
    text = page([result | {"seen": ["a", "b", "a"], "lost": "nothing", "within": 1.2}])
    assert cells_of(text) == {Cell("killed", "redis"): "test_x.py::test_y"}
    assert "| Redis | a, b | 2 s | nothing | `test_x.py::test_y` |" in text
    assert "| PGMQ direct | **no test has passed** | | | |" in text
    assert "| in one process | cannot happen: there is no other process | | | |" in text
