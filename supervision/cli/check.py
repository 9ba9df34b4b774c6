"""`callboard check`: whether a tree is declared rightly, without starting anything."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from ...actors.errors import SpecError
from ..child import Child
from ..supervisor import Supervisor
from ..tree import supervisor_of
from .exits import BAD_CONFIGURATION, Refusal
from .loading import load

__all__ = ["Found", "check", "check_tree"]


@dataclass
class Found:
    """What a tree declares."""

    supervisors: int = 1
    workers: int = 0
    paths: dict[str, str] = field(default_factory=lambda: {"root": "root"})
    """Where each name stands: a name belongs to one worker of a node."""
    remarks: list[str] = field(default_factory=list[str])
    """What is right, and may be meant otherwise."""

    def __str__(self) -> str:
        """Say how much there is."""
        return f"{_counted(self.supervisors, 'supervisor')}, {_counted(self.workers, 'worker')}"


@click.command()
@click.argument("target", metavar="MODULE:TREE")
@click.option("--traceback", "trace", is_flag=True, help="Show all of an error in the module.")
def check(target: str, trace: bool) -> None:
    """Say whether a tree is declared rightly; nothing is started.

    Exits with 78 if it is not, naming the child and the field. What is named almost as a field is
    the supervisor's own, and is told.
    """
    found = check_tree(load(target, trace=trace), target)
    for remark in found.remarks:
        click.echo(f"callboard: {remark}", err=True)
    click.echo(f"{target} is fine: {found}")


def check_tree(tree: Any, target: str = "the tree") -> Found:
    """Check the specs of a tree and of all supervisors in it, and return what was found.

    Supervisors are built, since their specs may depend on it; no worker is, and nothing is started.

    Raises:
        Refusal: names the path, the child and the field.

    """
    found = Found()
    try:
        _walk(_built(supervisor_of(tree), "tree"), "root", found)
    except SpecError as error:
        raise Refusal(f"{target}: {error}", BAD_CONFIGURATION) from error
    return found


def _walk(supervisor: Supervisor, path: str, found: Found) -> None:
    try:
        specs = supervisor.specs()
    except SpecError as error:
        if path == "root":
            raise
        raise SpecError(f"{path}: {error.subject}", error.field, error.problem) from error
    except Exception as error:
        problem = f"raised {type(error).__name__}: {error}"
        raise SpecError(path, "children", problem) from error
    found.remarks += (f"{path}: {remark}" for remark in _misspelt(type(supervisor)))
    for spec in specs:
        _check_child(spec, f"{path}/{spec.name}", found)


def _misspelt(kind: type[Supervisor]) -> Iterator[str]:
    """Tell what a class of the user's names almost as a field of every supervisor."""
    fields = [name for name in vars(Supervisor) if name in Supervisor.__annotations__]
    for each in kind.__mro__[: kind.__mro__.index(Supervisor)]:
        for name in vars(each):
            near = difflib.get_close_matches(name, fields, 1, cutoff=0.8)
            if near and not hasattr(Supervisor, name):
                yield f"{each.__qualname__} has {name!r}: did you mean {near[0]!r}?"


def _check_child(spec: Child, path: str, found: Found) -> None:
    other = found.paths.setdefault(spec.name, path)
    if other != path:
        problem = f"is also that of {other}: names are unique on a node"
        raise SpecError(f"{path}: child {spec.name!r}", "name", problem)
    _check_arguments(spec, path)
    if not spec.supervisor:
        found.workers += 1
        return
    found.supervisors += 1
    made = _built(spec.factory, f"{path}: child {spec.name!r}")
    if isinstance(made, Supervisor):
        _walk(made, path, found)


def _check_arguments(spec: Child, path: str) -> None:
    """See whether the factory can be called without arguments; it is not called."""
    factory: object = spec.factory
    try:
        signature = inspect.signature(spec.factory)
    except (TypeError, ValueError):
        return  # one in C tells nothing
    try:
        signature.bind()
    except TypeError as error:
        while isinstance(factory, functools.partial):
            factory = factory.func
        name = getattr(factory, "__qualname__", repr(factory))
        problem = f"{name} cannot be called without arguments: {error}; use functools.partial"
        raise SpecError(f"{path}: child {spec.name!r}", "factory", problem) from error


def _built(factory: Any, label: str) -> Any:
    try:
        return factory()
    except SpecError:
        raise
    except Exception as error:
        raise SpecError(label, "factory", f"raised {type(error).__name__}: {error}") from error


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
