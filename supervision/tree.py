"""What a node hosts: a tree, given as a class, an instance or a factory."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from ..actors.errors import SpecError
from .supervisor import Supervisor

__all__ = ["Tree", "supervisor_of"]

Tree = Any
"""A supervisor: its class, an instance, or a factory without arguments."""


def supervisor_of(tree: Tree) -> Callable[[], Supervisor]:
    """Return a factory of the root supervisor, from a class, an instance or a factory.

    Raises:
        SpecError: the tree is none of these.

    """
    if isinstance(tree, Supervisor):
        return lambda: tree
    if not callable(tree):
        raise SpecError(
            "tree",
            type(cast("object", tree)).__name__,
            "must be a Supervisor class, an instance of one, or a function that returns one",
        )

    def make() -> Supervisor:
        made: Any = tree()
        if inspect.isclass(made) and issubclass(made, Supervisor):
            made = made()
        if not isinstance(made, Supervisor):
            raise SpecError("tree", "factory", f"returned {type(made).__name__}, not a Supervisor")
        return made

    return make
