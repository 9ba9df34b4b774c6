"""A face is one alphabetic list, equal to what it imports, and every name on it is documented."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.architecture.documented import undocumented
from tests.architecture.source import PARTS, ROOT, Source, Tree, plant


def faces(tree: Tree) -> list[Source]:
    """The root face and one for each part."""
    names = ["callboard", *(f"callboard.{part}" for part in PARTS)]
    return [tree.files[name] for name in names if name in tree.files]


def uneven(tree: Tree) -> list[str]:
    """Faces whose list is out of order, or other than what they import."""
    found: list[str] = []
    for face in faces(tree):
        listed = face.exported or []
        imported = {alias for alias in _imported(face) if not alias.startswith("_")}
        if listed != sorted(set(listed)):
            found.append(f"{face.path}: __all__ should be {sorted(set(listed))}")
        found += [
            f"{face.path} lists {name} without importing it"
            for name in listed
            if name not in imported
        ]
        found += [
            f"{face.path} imports {name} without listing it"
            for name in sorted(imported - set(listed))
        ]
    return found


def relative_in_the_root(tree: Tree) -> list[str]:
    """Relative imports of the root face, which pytest also loads under the checkout's name."""
    face = tree.files.get("callboard")
    return [
        f"{face.path}:{node.lineno} imports relatively"
        for node in (ast.walk(face.tree) if face else ())
        if face and isinstance(node, ast.ImportFrom) and node.level
    ]


def test_every_face_is_sorted_and_equals_what_it_imports() -> None:
    assert uneven(Tree(ROOT)) == []


def test_the_root_face_imports_absolutely() -> None:
    assert relative_in_the_root(Tree(ROOT)) == []


def test_every_public_name_is_documented() -> None:
    tree = Tree(ROOT)
    assert sorted({line for face in faces(tree) for line in undocumented(face, tree)}) == []


LATER = """
import sys
import callboard

later = ("callboard.actors.frames", "callboard.actors.llm")
print([part for part in later if part in sys.modules])
print(set(callboard.__all__) - set(dir(callboard)))
from callboard import DataMessage, tool, TextFrame
print([part for part in later if part not in sys.modules], TextFrame is callboard.TextFrame)
from callboard import *
print([name for name in callboard.__all__ if name not in globals()])
print(hasattr(callboard, "Usage"))
"""

JOINING = """
import asyncio, sys
from callboard import Child, LocalBus, LocalTransport, Node, Supervisor, Worker
from callboard.actors.wire import WIRE_TYPES

tree = Supervisor([Child("worker", Worker)])

async def main(*transports):
    async with Node(tree, transports=transports):
        print("callboard.text" in WIRE_TYPES, "callboard.llm-recall" in WIRE_TYPES)

asyncio.run(main())
asyncio.run(main(LocalTransport(LocalBus())))
"""


def test_frames_and_language_models_are_loaded_when_they_are_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "set()", "[] True", "[]", "False"]


def test_a_node_with_a_transport_knows_what_may_come_from_others() -> None:
    command = [sys.executable, "-c", JOINING]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", "True True"]


def test_an_uneven_face_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "__init__.py": "from callboard.actors import *\n__all__ = []\n",
            "actors/__init__.py": 'from .a import A, C, B as _B\n__all__ = ["C", "A", "D"]\n',
            "transports/__init__.py": "from .b import B as Bee\n__all__: list[str] = ['Bee']\n",
            "supervision/cli/__init__.py": "from .c import C\n",
        },
    )
    assert uneven(tree) == [
        "__init__.py imports * without listing it",
        "actors/__init__.py: __all__ should be ['A', 'C', 'D']",
        "actors/__init__.py lists D without importing it",
    ]
    assert uneven(plant(tmp_path, {"__init__.py": "import os\n__all__ = []\n"}))[:1] == [
        "__init__.py imports os without listing it"
    ]


def test_a_relative_import_of_the_root_face_is_found(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"__init__.py": "import os\nfrom .actors import A\n"})
    assert relative_in_the_root(tree) == ["__init__.py:2 imports relatively"]


def test_an_undocumented_public_name_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "actors/__init__.py": (
                "from .a import LIMIT, TOLD, A, B, plain\n"
                "from .jobs import Job\n"
                '__all__ = ["A", "B", "Job", "LIMIT", "TOLD", "plain"]\n'
            ),
            "actors/jobs/__init__.py": "from .caller import Job\n",
            "actors/jobs/caller.py": _JOB,
            "actors/a.py": _UNDOCUMENTED,
        },
    )
    assert undocumented(tree.files["callboard.actors"], tree) == [
        "actors/a.py: A.size has no docstring",
        "actors/a.py: A.Inner has no docstring",
        "actors/a.py: A.late has no docstring",
        "actors/a.py: B has no docstring",
        "actors/jobs/caller.py: Job has no docstring",
        "actors/jobs/caller.py: Job.run has no docstring",
        "actors/a.py: LIMIT has no docstring",
        "actors/a.py: plain has no docstring",
    ]


def _imported(face: Source) -> list[str]:
    """What it imports, but for what it needs to load a part later."""
    return [
        alias.asname or alias.name
        for node in ast.walk(face.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", None) not in ("importlib", "typing")
        for alias in node.names
    ]


_JOB = """
from ..a import A

class Job(A):
    def go(self): ...

    def run(self): ...
"""

_UNDOCUMENTED = '''
from typing import overload, override

LIMIT = 3

TOLD: int = 4
"""How many."""

class A:
    """An A."""

    field: int

    def __init__(self): ...

    def go(self):
        """Goes."""

    @property
    def size(self): ...

    @size.setter
    def size(self, value): ...

    class Inner: ...

    def _hidden(self): ...

    @overload
    def found(self): ...

    def found(self):
        """Is found."""

    @override
    def known(self): ...

    if True:
        async def late(self): ...

class B(A):
    def go(self): ...

def plain(): ...
'''
