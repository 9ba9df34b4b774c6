"""What is known about one file: its facts, or the problem that keeps us from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callboard import wire


@wire("indexing.kind")
class Kind(StrEnum):
    """What a defined name is."""

    FUNCTION = "function"
    ASYNC_FUNCTION = "async function"
    CLASS = "class"
    CONSTANT = "constant"


@wire("indexing.problem-kind")
class ProblemKind(StrEnum):
    """Why a file, or a folder, could not be indexed."""

    SYNTAX = "syntax"
    ENCODING = "encoding"
    NULL_BYTES = "null bytes"
    TOO_COMPLEX = "too complex"
    UNREADABLE = "unreadable"
    FOLDER = "unreadable folder"


@wire("indexing.definition")
@dataclass(frozen=True, slots=True)
class Definition:
    """A name that a file defines.

    `qualname` holds the classes and functions around it (`Parser.feed`). `line` counts from one and
    is where the `def` or `class` stands; `lines` is how many lines the definition covers.
    """

    name: str
    qualname: str
    kind: Kind
    line: int
    lines: int

    @property
    def is_function(self) -> bool:
        """Says whether this is a function, plain or async; methods are functions too."""
        return self.kind in (Kind.FUNCTION, Kind.ASYNC_FUNCTION)


@wire("indexing.facts")
@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one parsed file says about itself.

    `path` is relative to the indexed folder, with forward slashes. `definitions` stand in the order
    of the file; `imports` are the imported module names, sorted, each once, relative ones with
    their dots. `todos` counts the comments that hold TODO, FIXME or XXX.
    """

    path: str
    size_bytes: int
    lines: int
    definitions: tuple[Definition, ...]
    imports: tuple[str, ...]
    todos: int

    @property
    def longest_function(self) -> Definition | None:
        """Gives the function with the most lines, the first of equals; None without functions."""
        functions = (found for found in self.definitions if found.is_function)
        return max(functions, key=lambda found: found.lines, default=None)


@wire("indexing.problem")
@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why one file or folder is not in the index. A value like any other, never an exception.

    `line` counts from one; None where no line is to blame.
    """

    path: str
    kind: ProblemKind
    message: str
    line: int | None = None


Entry = FileFacts | FileProblem
