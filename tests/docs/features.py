"""The page of features, taken apart: its rows, the tests they name, the names they give as ours."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

import callboard
from callboard.examples.talking.environment import VARIABLES
from callboard.supervision.cli.verbs import callboard as callboard_command
from tests.docs.pages import ROOT

__all__ = ["Row", "missing", "rows", "untested"]

CODE = re.compile(r"`([^`]+)`")
EXTRA = re.compile(r"callboard\[(\w+)\]")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")


@dataclass(frozen=True)
class Row:
    """One line of a table: what it is known as, what it is here, what holds, which tests prove."""

    section: str
    known: str
    here: str
    holds: str
    proof: str

    @property
    def names(self) -> list[str]:
        """What it gives as ours."""
        return CODE.findall(self.here)

    @property
    def tests(self) -> list[str]:
        """The tests that it names."""
        return CODE.findall(self.proof)


def rows(text: str) -> Iterator[Row]:
    """The rows of all tables below their heads.

    Raises:
        ValueError: one has another number of cells than four.

    """
    section, lines = "", text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("## "):
            section = line.removeprefix("## ")
        head = number + 1 < len(lines) and lines[number + 1].startswith("| ---")
        if line.startswith("| ") and not head and not line.startswith("| ---"):
            known, here, holds, proof = line.strip("| ").split(" | ")
            yield Row(section, known, here, holds, proof)


# -- tests ----


@cache
def _tree(path: str) -> dict[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """What a file of tests defines, by its name and, in a class, that of the class before it."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found: dict[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = {}
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, kinds):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{each.name}": each for each in node.body if isinstance(each, kinds)
            }
    return found


@cache
def _bases() -> set[str]:
    """The names of all classes from which one of the tests derives."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    return {
        base.id
        for text in texts
        if "class " in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }


def untested(name: str) -> str | None:
    """Why this is not the name of a test that is run; None if it is."""
    path, _, test = name.partition("::")
    if not test or not path.startswith("tests/") or not (ROOT / path).is_file():
        return "no file of tests"
    if (node := _tree(path).get(test)) is None:
        return "the file has no such test"
    if isinstance(node, ast.ClassDef):
        return None if node.name.startswith("Test") else "no class of tests"
    if not node.name.startswith("test_"):
        return "no test"
    if Path(path).name.startswith("test_"):
        return None
    # One of a contract: it is run by the classes that derive from its own.
    return None if test.partition("::")[0] in _bases() else "nobody runs it"


# -- names ----


def missing(name: str) -> str | None:
    """Why there is nothing of this name; None if there is."""
    try:
        if extra := EXTRA.fullmatch(name):
            return None if extra[1] in _extras() else "no extra"
        if name.startswith("callboard "):
            return _command(callboard_command, name.split()[1:])
        if name.startswith("python -m "):
            module, *options = name.removeprefix("python -m ").split()
            return _program(module, options)
        if VARIABLE.fullmatch(name):
            return None if name in VARIABLES else "no variable of an example"
        if "(" not in name and ("/" in name or name[0].isupper()) and (ROOT / name).is_file():
            return None
        _resolve(ast.parse(name, mode="eval").body)
    except (AttributeError, ImportError, SyntaxError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


@cache
def _extras() -> set[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return set(config["options.extras_require"])


def _command(command: click.Command, words: list[str]) -> str | None:
    """Follow verbs down, then look for the options."""
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {option for param in command.params for option in param.opts}
    unknown = [word for word in words if word not in known]
    return f"no {unknown}" if unknown else None


def _program(module: str, options: list[str]) -> str | None:
    """Look for the module that runs, and for the options of its command."""
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations is not None:
        module += ".__main__"
    return _command(importlib.import_module(module).main, options)


def _resolve(node: ast.expr) -> Any:
    """Return what an expression names, a call's arguments held against the signature.

    Raises:
        AttributeError, ImportError, TypeError: it names nothing, or cannot be called like that.

    """
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            called = _resolve(func)
            signature = inspect.signature(called)
            if inspect.isfunction(called) and next(iter(signature.parameters), "") == "self":
                args = [ast.Constant(None), *args]
            # What is not given is not shown; what is given has to be one of its arguments.
            signature.bind_partial(*args, **{str(each.arg): each.value for each in keywords})
            return called
        case ast.Name(id="callboard"):
            return callboard
        case ast.Name(id=name):
            return getattr(callboard, name)
        case ast.Attribute(value=value, attr=name):
            return _attribute(_resolve(value), name)
        case _:
            raise TypeError(f"no name: {ast.unparse(node)}")


def _attribute(owner: Any, name: str) -> Any:
    if inspect.ismodule(owner):
        if not hasattr(owner, name):
            with warnings.catch_warnings():  # of a library that a module of ours imports
                warnings.simplefilter("ignore")
                return importlib.import_module(f"{owner.__name__}.{name}")
        return getattr(owner, name)
    if hasattr(owner, name):
        return getattr(owner, name)
    for each in getattr(owner, "__mro__", ()):
        # A field without a default is no attribute of its class; nor is one that __init__ sets.
        if name in inspect.get_annotations(each):
            return None
        if f"self.{name}" in _source_of_init(each):
            return None
    raise AttributeError(f"{owner.__name__} has no {name}")


def _source_of_init(cls: type) -> set[str]:
    """What the constructor of a class sets."""
    init = vars(cls).get("__init__")
    if not inspect.isfunction(init):
        return set()
    try:
        source = inspect.getsource(init)
    except (OSError, TypeError):  # made by a decorator
        return set()
    return set(re.findall(r"\bself\.\w+", source))
