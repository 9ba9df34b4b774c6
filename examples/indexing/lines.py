"""An entry as one line of JSON, the same for equal entries: for digests, journals and pipes."""

from __future__ import annotations

import json
from typing import Any

from callboard.examples.indexing.facts import (
    Definition,
    Entry,
    FileFacts,
    FileProblem,
    Kind,
    ProblemKind,
)


def line_of(entry: Entry) -> bytes:
    """Writes an entry in its canonical form, with the newline at its end."""
    line = json.dumps(_values_of(entry), ensure_ascii=True, separators=(",", ":"))
    return line.encode("ascii") + b"\n"


def entry_of(line: bytes) -> Entry:
    """Reads the entry that `line_of` has written."""
    values: list[Any] = json.loads(line)
    what, path, *values = values
    if what == "problem":
        kind, message, number = values
        return FileProblem(path, ProblemKind(kind), message, number)
    size_bytes, lines, todos, found, imports = values
    definitions = tuple(
        Definition(name, qualname, Kind(kind), number, length)
        for name, qualname, kind, number, length in found
    )
    return FileFacts(path, size_bytes, lines, definitions, tuple(imports), todos)


def _values_of(entry: Entry) -> list[object]:
    # Written out: `dataclasses.astuple` copies deeply and takes ten times as long.
    if isinstance(entry, FileProblem):
        return ["problem", entry.path, entry.kind, entry.message, entry.line]
    definitions = [(d.name, d.qualname, d.kind, d.line, d.lines) for d in entry.definitions]
    sizes = [entry.size_bytes, entry.lines, entry.todos]
    return ["facts", entry.path, *sizes, definitions, entry.imports]
