"""What one file says, found without running it: its parts, its errors, its notes, its imports."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import warnings
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Definition", "Errors", "Note", "Source", "notes_of", "read_source"]

MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b[:\s]*(.*)")

COMMENT = re.compile(r"(?:#|//|/\*|<!--|--|;|%|^\s*\*)\s*(.*)")
"""Where a comment begins, in what is no Python."""


@dataclass(frozen=True)
class Note:
    """A comment that says what is still to be done."""

    line: int
    mark: str
    text: str


@dataclass(frozen=True)
class Definition:
    """A class or a function."""

    name: str
    kind: str
    """class, function or method."""
    line: int
    about: str = ""
    """The first line of its docstring."""


@dataclass
class Errors:
    """How a file treats errors: what it catches, raises, defines, and lets pass."""

    caught: Counter[str] = field(default_factory=Counter[str])
    raised: Counter[str] = field(default_factory=Counter[str])
    again: int = 0
    """Handlers that raise what they have caught once more, or another error in its place."""
    silent: list[int] = field(default_factory=list[int])
    """Lines of handlers that do nothing."""
    bare: list[int] = field(default_factory=list[int])
    """Lines of handlers that catch everything, without a name."""
    defined: list[str] = field(default_factory=list[str])
    """Classes of errors."""
    finals: int = 0
    """Blocks that clean up in any case."""

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.caught or self.raised or self.defined or self.finals)


@dataclass
class Source:
    """A Python file, taken apart."""

    about: str = ""
    """The first paragraph of its docstring."""
    lines: int = 0
    definitions: list[Definition] = field(default_factory=list[Definition])
    imports: set[str] = field(default_factory=set[str])
    """Modules, with their dots; relative ones begin with a dot."""
    errors: Errors = field(default_factory=Errors)
    broken: str = ""
    """Why it cannot be parsed; empty where it can."""

    @property
    def outside(self) -> set[str]:
        """The first names of what it imports from elsewhere than Python and its own package."""
        names = {name.partition(".")[0] for name in self.imports if not name.startswith(".")}
        return names - sys.stdlib_module_names

    @property
    def standard(self) -> set[str]:
        """The first names of what it imports from Python itself."""
        names = {name.partition(".")[0] for name in self.imports if not name.startswith(".")}
        return names & sys.stdlib_module_names - {"__future__"}


def read_source(text: str) -> Source:
    """Take a Python file apart; one that is broken has its reason and its length, and no more."""
    found = Source(lines=len(text.splitlines()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the style of somebody else's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        found.broken = str(error) or type(error).__name__
        return found
    found.about = _first_paragraph(ast.get_docstring(tree))
    for node in tree.body:
        _define(found, node)
    for each in ast.walk(tree):
        match each:
            case ast.Import(names=names):
                found.imports.update(name.name for name in names)
            case ast.ImportFrom(module=module, level=level):
                found.imports.add("." * level + (module or ""))
            case ast.Try() | ast.TryStar():
                _note_try(found.errors, each)
            case ast.Raise(exc=exc) if exc is not None:
                found.errors.raised[_name_of(exc)] += 1
            case ast.ClassDef(name=name, bases=bases):
                if any(_is_error(_name_of(base)) for base in bases):
                    found.errors.defined.append(name)
            case ast.With() | ast.AsyncWith():
                for item in each.items:
                    if _name_of(item.context_expr) == "suppress":
                        call = item.context_expr
                        kinds = call.args if isinstance(call, ast.Call) else []
                        found.errors.caught.update(_name_of(kind) for kind in kinds)
                        found.errors.silent.append(each.lineno)
            case _:
                pass
    return found


def notes_of(text: str, *, python: bool) -> list[Note]:
    """Return what comments say is still to be done; a string that says so is no comment."""
    if not python:
        return _notes_of_lines(text)
    found: list[Note] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found += _notes_in(token.start[0], token.string.lstrip("#"))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return _notes_of_lines(text)
    return found


def _notes_of_lines(text: str) -> list[Note]:
    found: list[Note] = []
    for number, line in enumerate(text.splitlines(), 1):
        comment = COMMENT.search(line)
        if comment is not None:
            found += _notes_in(number, comment[1])
    return found


def _notes_in(line: int, comment: str) -> list[Note]:
    marked = MARK.search(comment)
    if marked is None:
        return []
    text = marked[2].strip().removesuffix("*/").removesuffix("-->").strip()
    return [Note(line, marked[1], text)]


def _define(found: Source, node: ast.stmt) -> None:
    match node:
        case ast.ClassDef(name=name):
            found.definitions.append(_definition(node, name, "class"))
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.definitions.append(_definition(inner, f"{name}.{inner.name}", "method"))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            found.definitions.append(_definition(node, name, "function"))
        case _:
            pass


def _definition(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str, kind: str
) -> Definition:
    first = (ast.get_docstring(node) or "").partition("\n")[0]
    return Definition(name, kind, node.lineno, first)


def _note_try(errors: Errors, node: ast.Try | ast.TryStar) -> None:
    errors.finals += bool(node.finalbody)
    for handler in node.handlers:
        if handler.type is None:
            errors.bare.append(handler.lineno)
            errors.caught["everything"] += 1
        else:
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            errors.caught.update(_name_of(kind) for kind in kinds)
        if all(isinstance(each, ast.Pass) or _is_ellipsis(each) for each in handler.body):
            errors.silent.append(handler.lineno)
        errors.again += any(isinstance(each, ast.Raise) for each in ast.walk(handler))


def _is_ellipsis(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def _is_error(name: str) -> bool:
    return name.endswith(("Error", "Exception", "Warning"))


def _name_of(node: ast.expr) -> str:
    """Return the last name of what is named or called."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return _name_of(func)
        case _:
            return "something"


def _first_paragraph(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].split())
