"""The project's own source as these tests see it: files, names and imports, read and never run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["FOLDERS", "PARTS", "ROOT", "Import", "Source", "Tree", "plant"]

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("actors", "transports", "supervision")

# Bottom first: each may import from those before it. The root face stands beside the parts.
FOLDERS = (*PARTS, "examples", "benchmarks", "tests")

# What installs under `callboard.`; the rest is imported by its folder's name.
_INSTALLED = (*PARTS, "examples")


@dataclass(frozen=True)
class Import:
    """One imported module, or one name imported from a module."""

    module: str
    name: str | None
    line: int


@dataclass(frozen=True)
class Source:
    """One source file. The path is relative to the checkout."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def docstring(self) -> str | None:
        return ast.get_docstring(self.tree)

    @property
    def folder(self) -> str:
        """The folder on top that it belongs to; empty for the root face."""
        return self.path.parts[0] if len(self.path.parts) > 1 else ""

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def module(self) -> str:
        """The name that it is imported by, e.g. `callboard.actors.mailbox`."""
        inner = self.path.parent.parts if self.is_package else self.path.with_suffix("").parts
        installed = not inner or inner[0] in _INSTALLED
        return ".".join(("callboard", *inner) if installed else inner)

    @cached_property
    def package(self) -> str:
        return self.module if self.is_package else self.module.rpartition(".")[0]

    @cached_property
    def exported(self) -> list[str] | None:
        """What `__all__` lists, in its order; None where there is none that can be read."""
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                    return _strings(value)
                case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                    return _strings(value)
                case _:
                    pass
        return None

    def imports(self) -> Iterator[Import]:
        """Every import, wherever it stands: in a function and under TYPE_CHECKING, too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(_full(alias.name), None, node.lineno)
            elif isinstance(node, ast.ImportFrom):
                origin = self.origin(node)
                for alias in node.names:
                    yield Import(origin, alias.name, node.lineno)

    def origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return _full(node.module or "")
        package = self.package.split(".")
        above = package[: len(package) - node.level + 1]
        return ".".join((*above, *filter(None, [node.module])))


class Tree:
    """A checkout: every source file by its module name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {source.module: source for source in _read(root)}

    def part(self, name: str) -> list[Source]:
        return [source for source in self.files.values() if source.folder == name]

    def target(self, found: Import) -> str:
        """The module that an import leads to: `from . import mailbox` leads to the file."""
        inner = f"{found.module}.{found.name}"
        return inner if found.name and inner in self.files else found.module


def plant(root: Path, files: dict[str, str]) -> Tree:
    """Writes a small checkout, for the tests that the rules below truly fail."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(root)


def _read(root: Path) -> Iterator[Source]:
    face = root / "__init__.py"
    for path in [face, *(p for folder in FOLDERS for p in sorted((root / folder).rglob("*.py")))]:
        if path.exists():
            yield Source(path.relative_to(root), path.read_text(encoding="utf-8"))


def _full(module: str) -> str:
    """The bare name of a part is the part, only written wrongly."""
    return f"callboard.{module}" if module.partition(".")[0] in _INSTALLED else module


def _strings(value: ast.expr) -> list[str] | None:
    if not isinstance(value, ast.List | ast.Tuple):
        return None
    return [str(item.value) for item in value.elts if isinstance(item, ast.Constant)]
