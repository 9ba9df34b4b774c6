"""A mark names the behaviours that a test proves, each by its number."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT, Tree, plant

NUMBER = re.compile(r"[SM]\d+")


def unreadable_marks(tree: Tree) -> list[str]:
    """Marks without a number, or with something else in a number's place."""
    return [
        f"{source.path}:{mark.lineno} {ast.unparse(mark)}"
        for source in tree.part("tests")
        for mark, numbers in _marks(source.tree)
        if not numbers or not all(_is_number(number) for number in numbers)
    ]


def test_every_mark_names_checks_by_their_numbers() -> None:
    assert unreadable_marks(Tree(ROOT)) == []


def test_an_unreadable_mark_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "tests/test_a.py": (
                "import pytest\n"
                "@pytest.mark.check('X1')\ndef test_a(): ...\n"
                "@pytest.mark.check\ndef test_b(): ...\n"
                "@pytest.mark.check()\ndef test_c(): ...\n"
                "pytestmark = pytest.mark.check(27)\n"
                "listed = pytest.mark.check(*['S' '1', 'M' '2'])\n"
            ),
            "tests/test_b.py": "import pytest\npytestmark = pytest.mark.check('S' '1')\n",
        },
    )
    assert unreadable_marks(tree) == [
        "tests/test_a.py:2 pytest.mark.check('X1')",
        "tests/test_a.py:4 pytest.mark.check",
        "tests/test_a.py:6 pytest.mark.check()",
        "tests/test_a.py:8 pytest.mark.check(27)",
        "tests/test_a.py:9 pytest.mark.check(*['S1', 'M2'])",
    ]


def _marks(tree: ast.Module) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """Every check mark with what it is called with; a mark that is not called has nothing."""
    called: set[ast.expr] = set()
    for node in ast.walk(tree):  # breadth first: a call comes before the mark it calls
        match node:
            case ast.Call(func=ast.Attribute(attr="check", value=ast.Attribute(attr="mark"))):
                called.add(node.func)
                yield node, node.args
            case ast.Attribute(attr="check", value=ast.Attribute(attr="mark")):
                if node not in called:
                    yield node, []
            case _:
                pass


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str() as text):
            return NUMBER.fullmatch(text) is not None
        case _:
            return False
