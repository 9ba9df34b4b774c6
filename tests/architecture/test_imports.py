"""Imports run one way, and never in a circle. Imports that only type checkers see count as well."""

from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import FOLDERS, PARTS, ROOT, Tree, plant


def against_the_arrows(tree: Tree) -> list[str]:
    """Imports of what stands above: actors <- transports <- supervision <- everything else."""
    return [
        f"{source.path}:{found.line} imports {found.module}"
        for source in tree.files.values()
        if source.folder
        for found in source.imports()
        if _rank(tree.target(found)) > FOLDERS.index(source.folder)
    ]


def through_a_face(tree: Tree) -> list[str]:
    """Imports, inside the parts, from the root face or from a package the file itself stands in."""
    return [
        f"{source.path}:{found.line} imports from the face {target}"
        for source in tree.files.values()
        if source.folder in PARTS
        for found in source.imports()
        for target in [tree.target(found)]
        if target == "callboard" or f"{source.module}.".startswith(f"{target}.")
    ]


def circles(tree: Tree) -> list[str]:
    """Groups of files each of which reaches the others by imports."""
    edges = {
        source.module: {tree.target(found) for found in source.imports()} & tree.files.keys()
        for source in tree.files.values()
    }
    reached = {module: _reach(module, edges) for module in edges}
    loops = {
        frozenset(other for other in reach if module in reached[other])
        for module, reach in reached.items()
        if module in reach
    }
    return sorted("circle: " + ", ".join(sorted(loop)) for loop in loops)


def test_imports_run_one_way() -> None:
    assert against_the_arrows(Tree(ROOT)) == []


def test_no_file_imports_from_a_face_above_it() -> None:
    assert through_a_face(Tree(ROOT)) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(Tree(ROOT)) == []


def test_an_import_against_the_arrows_is_found_in_every_spelling(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "actors/a.py": "def late():\n    from ..transports import link\n",
            "actors/b.py": "import typing\nif typing.TYPE_CHECKING:\n    import supervision.node\n",
            "transports/c.py": "from callboard.supervision.node import Node\n",
            "transports/d.py": "from ..actors.a import late\n",
            "transports/link.py": "from .. import supervision\n",
            "supervision/__init__.py": "",
            "supervision/node.py": "import callboard.examples\nimport tests.architecture\n",
            "examples/__init__.py": "import callboard.actors.a\nimport benchmarks.works\n",
            "tests/test_a.py": "import benchmarks.works, callboard.examples, callboard\n",
        },
    )
    assert against_the_arrows(tree) == [
        "actors/a.py:2 imports callboard.transports",
        "actors/b.py:3 imports callboard.supervision.node",
        "transports/c.py:1 imports callboard.supervision.node",
        "transports/link.py:1 imports callboard",
        "supervision/node.py:1 imports callboard.examples",
        "supervision/node.py:2 imports tests.architecture",
        "examples/__init__.py:2 imports benchmarks.works",
    ]


def test_an_import_from_a_face_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "__init__.py": "from callboard.actors import late\n",
            "actors/__init__.py": "from .a import late\n",
            "actors/a.py": "from .jobs import Job\nfrom . import b\n",
            "actors/b.py": "from . import late\n",
            "actors/jobs/__init__.py": "from .caller import Job\n",
            "actors/jobs/caller.py": "from ...actors import late\nfrom . import Job\n",
            "supervision/c.py": "from ..actors import late\nfrom callboard import late\n",
            "examples/d.py": "from callboard import late\n",
        },
    )
    assert through_a_face(tree) == [
        "actors/b.py:1 imports from the face callboard.actors",
        "actors/jobs/caller.py:1 imports from the face callboard.actors",
        "actors/jobs/caller.py:2 imports from the face callboard.actors.jobs",
        "supervision/c.py:2 imports from the face callboard",
    ]


def test_a_circle_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "actors/a.py": "from .b import B\n",
            "actors/b.py": "from . import c\n",
            "actors/c.py": "import typing\nif typing.TYPE_CHECKING:\n    from .a import A\n",
            "actors/d.py": "from .a import A\n",
            "actors/e.py": "import callboard.actors.e\n",
        },
    )
    assert circles(tree) == [
        "circle: callboard.actors.a, callboard.actors.b, callboard.actors.c",
        "circle: callboard.actors.e",
    ]


def _rank(module: str) -> int:
    """How high a module stands; what is not ours stands below everything."""
    first, _, rest = module.partition(".")
    if first == "callboard":
        first = rest.partition(".")[0]
        if not first:
            return FOLDERS.index("supervision")
    return FOLDERS.index(first) if first in FOLDERS else -1


def _reach(start: str, edges: dict[str, set[str]]) -> set[str]:
    """Everything that the imports of a module lead to, itself only through a circle."""
    return set(_walk(start, edges, set()))


def _walk(module: str, edges: dict[str, set[str]], seen: set[str]) -> Iterator[str]:
    for target in edges[module] - seen:
        seen.add(target)
        yield target
        yield from _walk(target, edges, seen)
