"""`MODULE:TREE`: importing what the user names, and saying in one line why it cannot be."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from types import ModuleType
from typing import Any

import click

from ...actors.errors import SpecError
from ..supervisor import Supervisor
from .exits import BAD_CONFIGURATION, USAGE, Refusal
from .places import place_of

__all__ = ["load"]


def load(target: str, *, trace: bool = False) -> Any:
    """Import the object that `module:object.attribute` names; the current folder is looked in.

    `trace` prints the whole traceback of a module that raises.

    Raises:
        Refusal: one line that says what is wrong, and where.

    """
    module_name, colon, path = target.partition(":")
    if not (module_name and colon and path):
        near = _as_module(module_name)
        raise Refusal(
            f"{target!r} names no tree: write MODULE:TREE, such as {near}:{path or 'Tree'}"
        )
    if "/" in module_name or module_name.endswith(".py"):
        near = _as_module(module_name)
        raise Refusal(f"{module_name!r} is a file: write the module's name, {near}:{path}")
    found: Any = _import(module_name, trace)
    owner: Any = found
    walked = module_name
    for attribute in path.split("."):
        owner = found
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise Refusal(_missing(walked, found, attribute)) from None
        except Exception as error:
            raise _raised(target, error, trace) from error
        walked = f"{walked}.{attribute}"
    if isinstance(found, type) and not issubclass(found, Supervisor):
        # Called like a factory it would fail only once its node starts, and of something else.
        raise Refusal(f"{path!r} is no Supervisor{_trees_of(owner)}")
    return found


def _import(name: str, trace: bool) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise Refusal(f"no module is called {error.name!r} (looked in {here} first)") from None
        raise _raised(name, error, trace) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _raised(name, error, trace) from error


def _raised(target: str, error: BaseException, trace: bool) -> Refusal:
    """Say where the user's own code raised; a wrong declaration is a wrong configuration."""
    if trace:
        click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    more = "" if trace else " (--traceback shows all of it)"
    problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SpecError):
        return Refusal(f"{place_of(error)}: {error}{more}", BAD_CONFIGURATION)
    one_line = " ".join(problem.split())
    return Refusal(f"{target!r} cannot be imported: {place_of(error)}: {one_line}{more}", USAGE)


def _missing(where: str, found: Any, attribute: str) -> str:
    text = f"{where!r} has no {attribute!r}"
    names = [name for name in dir(found) if not name.startswith("_")]
    near = difflib.get_close_matches(attribute, names, 1)
    if near:
        return f"{text}; did you mean {near[0]!r}?"
    return text + _trees_of(found)


def _trees_of(owner: Any) -> str:
    """Return what to say of the trees that there are, nothing without any."""
    names = [name for name in dir(owner) if not name.startswith("_")]
    trees = [name for name in names if _is_tree(owner, getattr(owner, name, None))]
    where = "the module" if isinstance(owner, ModuleType) else "it"
    return f"; {where} has the trees: {', '.join(trees)}" if trees else ""


def _is_tree(module: Any, value: Any) -> bool:
    if isinstance(value, Supervisor):
        return True
    made_here = getattr(value, "__module__", None) == getattr(module, "__name__", "")
    return isinstance(value, type) and issubclass(value, Supervisor) and made_here


def _as_module(name: str) -> str:
    plain = name.removesuffix(".py").removeprefix("./").strip("/")
    return plain.replace("/", ".") or "app"
