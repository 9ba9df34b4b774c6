"""The index: what all files say together, the same in whatever order they came."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from callboard.examples.indexing.facts import Entry, FileFacts, FileProblem, Kind, ProblemKind
from callboard.examples.indexing.lines import entry_of, line_of


@dataclass(frozen=True, slots=True)
class NameCount:
    """How often a name is defined, and in how many files."""

    name: str
    count: int
    files: int


@dataclass(frozen=True, slots=True)
class FunctionLength:
    """Where a function stands and how many lines it has."""

    path: str
    line: int
    qualname: str
    lines: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over the whole index. `files` is `parsed` and the files with a problem."""

    files: int
    parsed: int
    problems: int
    lines: int
    size_bytes: int
    functions: int
    classes: int
    constants: int
    modules_imported: int
    todos: int


class Index:
    """What is known about a tree of files, one entry for each path.

    An entry for a path that is already known changes nothing, so work that is done twice, because
    a worker was killed between its answer and its end, counts once. Two indexes are equal when
    their entries are; the order in which these came is not part of it.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: object) -> bool:
        return path in self._entries

    def __eq__(self, other: object) -> bool:
        return self._entries == other._entries if isinstance(other, Index) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"<Index of {len(self)} entries>"

    def add(self, entry: Entry) -> bool:
        """Takes one entry; says whether its path was new."""
        if entry.path in self._entries:
            return False
        self._entries[entry.path] = entry
        return True

    def merge(self, other: Index) -> int:
        """Takes the entries of another index; says how many paths were new."""
        before = len(self)
        self._entries = other._entries | self._entries
        return len(self) - before

    @property
    def entries(self) -> list[Entry]:
        """Gives all entries, sorted by path. `Index(index.entries)` equals the index."""
        return [self._entries[path] for path in sorted(self._entries)]

    @property
    def facts(self) -> list[FileFacts]:
        """Gives the facts of the parsed files, sorted by path."""
        return [entry for entry in self.entries if isinstance(entry, FileFacts)]

    @property
    def problems(self) -> list[FileProblem]:
        """Gives the problems, sorted by path."""
        return [entry for entry in self.entries if isinstance(entry, FileProblem)]

    def lines(self) -> Iterator[bytes]:
        """Gives the entries as lines (see `lines.py`), sorted by path."""
        for entry in self.entries:
            yield line_of(entry)

    @classmethod
    def from_lines(cls, lines: Iterable[bytes]) -> Index:
        """Makes the index of which these are the `lines`."""
        return cls(map(entry_of, lines))

    def digest(self) -> str:
        """Gives the SHA-256 of the lines: equal for equal indexes."""
        digest = sha256()
        for line in self.lines():
            digest.update(line)
        return digest.hexdigest()

    def differences(self, other: Index) -> list[str]:
        """Gives the paths whose entries are not the same here and there, sorted."""
        paths = self._entries.keys() | other._entries.keys()
        return sorted(p for p in paths if self._entries.get(p) != other._entries.get(p))

    def most_defined(self, limit: int = 10) -> list[NameCount]:
        """Gives the names that are defined most often, of any kind; equals by name."""
        counts: Counter[str] = Counter()
        files: Counter[str] = Counter()
        for facts in self.facts:
            names = [found.name for found in facts.definitions]
            counts.update(names)
            files.update(set(names))
        first = heapq.nsmallest(limit, counts.items(), key=lambda item: (-item[1], item[0]))
        return [NameCount(name, count, files[name]) for name, count in first]

    def longest_functions(self, limit: int = 10) -> list[FunctionLength]:
        """Gives the functions with the most lines; equals by path and line."""
        functions = (
            FunctionLength(facts.path, found.line, found.qualname, found.lines)
            for facts in self.facts
            for found in facts.definitions
            if found.is_function
        )
        return heapq.nsmallest(limit, functions, key=lambda it: (-it.lines, it.path, it.line))

    def problems_by_kind(self) -> dict[ProblemKind, list[FileProblem]]:
        """Gives the problems of each kind that occurs, kinds in the order of `ProblemKind`."""
        problems = self.problems
        grouped = {kind: [p for p in problems if p.kind is kind] for kind in ProblemKind}
        return {kind: found for kind, found in grouped.items() if found}

    def totals(self) -> Totals:
        """Gives the sums. A folder that cannot be listed is a problem but no file."""
        facts, problems = self.facts, self.problems
        folders = sum(problem.kind is ProblemKind.FOLDER for problem in problems)
        kinds = Counter(found.kind for entry in facts for found in entry.definitions)
        return Totals(
            files=len(self) - folders,
            parsed=len(facts),
            problems=len(problems),
            lines=sum(entry.lines for entry in facts),
            size_bytes=sum(entry.size_bytes for entry in facts),
            functions=kinds[Kind.FUNCTION] + kinds[Kind.ASYNC_FUNCTION],
            classes=kinds[Kind.CLASS],
            constants=kinds[Kind.CONSTANT],
            modules_imported=len({name for entry in facts for name in entry.imports}),
            todos=sum(entry.todos for entry in facts),
        )
