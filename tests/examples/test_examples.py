"""Each example prints what it says in its docstring, on virtual time and as a script."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from callboard import Node, examples
from callboard.supervision.tree import supervisor_of

FOLDER = Path(examples.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def load(name: str) -> ModuleType:
    return importlib.import_module(f"callboard.examples.{name}")


def promised(name: str) -> str:
    """What the docstring says that the example prints: the lines under its command."""
    block = inspect.getdoc(load(name)) or ""
    _, _, rest = block.partition(f"    $ python -m callboard.examples.{name}\n")
    lines = rest.partition("\n\n")[0].splitlines()
    assert lines, f"{name} does not say what it prints"
    return "".join(f"{line.removeprefix('    ')}\n" for line in lines)


@pytest.mark.parametrize("name", NAMES)
async def test_an_example_prints_what_it_promises(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await load(name).main()
    assert capsys.readouterr().out == promised(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_as_a_script(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"callboard.examples.{name}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.stdout, done.returncode) == ("", promised(name), 0)


@pytest.mark.parametrize("name", NAMES)
async def test_the_tree_of_an_example_runs_by_itself(name: str) -> None:
    tree = load(name).Tree
    assert [spec.name for spec in supervisor_of(tree)().specs()]
    async with Node(tree) as node:
        assert node.snapshot().state == "running"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_imports_only_the_face(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    imported = {
        node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and "callboard" in node.module
    }
    assert imported == {"callboard"}
