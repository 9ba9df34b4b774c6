"""A file is one idea: named, described, short enough to read, and clear about what is public."""

from pathlib import Path

from tests.architecture.source import PARTS, ROOT, Tree, plant

LONGEST = 400
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers"}


def too_long(tree: Tree) -> list[str]:
    """Files of more lines than one sitting takes in."""
    return [
        f"{source.path} has {lines} lines"
        for source in tree.files.values()
        if (lines := len(source.text.splitlines())) > LONGEST
    ]


def named_for_nothing(tree: Tree) -> list[str]:
    """Files and folders whose name would fit any content."""
    return [
        f"{source.path} is named for nothing"
        for source in tree.files.values()
        if SAYS_NOTHING & {part.strip("_") for part in source.path.with_suffix("").parts}
    ]


def undescribed(tree: Tree) -> list[str]:
    """Files of the parts without a docstring, or without a list of what is public."""
    missing: list[str] = []
    for source in (source for part in PARTS for source in tree.part(part)):
        if not source.docstring:
            missing.append(f"{source.path} has no docstring")
        if source.exported is None and source.path.name != "__main__.py":
            missing.append(f"{source.path} has no __all__")
    return missing


def test_no_file_is_too_long() -> None:
    assert too_long(Tree(ROOT)) == []


def test_every_name_says_something() -> None:
    assert named_for_nothing(Tree(ROOT)) == []


def test_every_module_of_the_parts_says_what_it_is_and_what_is_public() -> None:
    assert undescribed(Tree(ROOT)) == []


def test_a_long_file_is_found_in_every_folder(tmp_path: Path) -> None:
    files = ["__init__.py", "actors/a.py", "examples/b.py", "benchmarks/c.py", "tests/deep/d.py"]
    tree = plant(tmp_path, {"actors/fits.py": "\n" * 400} | dict.fromkeys(files, "\n" * 401))
    assert too_long(tree) == [f"{name} has 401 lines" for name in files]


def test_an_empty_name_is_found(tmp_path: Path) -> None:
    names = ["actors/_utils.py", "supervision/manager.py", "tests/helpers/a.py"]
    tree = plant(tmp_path, dict.fromkeys([*names, "actors/baseline.py"], ""))
    assert named_for_nothing(tree) == [f"{name} is named for nothing" for name in names]


def test_a_module_without_docstring_or_list_is_found(tmp_path: Path) -> None:
    tree = plant(
        tmp_path,
        {
            "actors/a.py": "__all__ = []\n",
            "supervision/b.py": '"""B."""\n',
            "supervision/c.py": '"""C."""\n\n__all__: list[str] = ["C"]\n',
            "examples/d.py": "",
        },
    )
    assert undescribed(tree) == [
        "actors/a.py has no docstring",
        "supervision/b.py has no __all__",
    ]
