"""Trees of the matrix for `callboard run`."""

from callboard import Supervisor
from tests.faults.cast import tree

__all__ = ["first", "second"]


def first() -> Supervisor:
    """The players b and c."""
    return tree(["b", "c"])


def second() -> Supervisor:
    """The player d."""
    return tree(["d"])
