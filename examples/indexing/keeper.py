"""The keeper of the index, and the journal from which a dead keeper's successor learns it all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from callboard import LocalMessage, ThreadWorker, on
from callboard.examples.indexing.facts import Entry
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.lines import entry_of, line_of
from callboard.examples.indexing.news import Indexed


class Add(LocalMessage):
    """Take this entry. The answer means that it is in the journal, and will not be lost."""

    entry: Entry


class Known(LocalMessage):
    """Say which paths are in the index."""


class Whole(LocalMessage):
    """Hand over all entries, sorted by path."""


class Journal:
    """The entries so far, on disk, a line for each: what a keeper has written outlives it.

    The file has no name: whatever becomes of this process, the system takes it back. It is made
    with the first entry.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def write(self, entry: Entry) -> None:
        """Adds an entry at the end. Blocks on the disk."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (its life is not this call's)
        self._file.write(line_of(entry))
        self._file.flush()

    def read(self) -> Iterator[Entry]:
        """Gives the entries in the order in which they were written. Blocks on the disk."""
        if self._file is not None:
            self._file.seek(0)
            yield from map(entry_of, self._file)

    def close(self) -> None:
        """Gives up the file and all that is in it."""
        if self._file is not None:
            self._file.close()


class Keeper(ThreadWorker):
    """Keeps the index. It may die at any moment: the journal knows what it has answered for.

    An entry that comes twice, because its sender saw no answer, counts once.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._index = Index()
        self.note = ""

    def on_start(self) -> None:
        self._index = Index(self._journal.read())
        self._tell_of_it()

    @on(Add)
    def add(self, message: Add) -> None:
        if message.entry.path not in self._index:
            self._journal.write(message.entry)
            self._index.add(message.entry)
            self._tell_of_it()

    @on(Known)
    def known(self, _: Known) -> frozenset[str]:
        return frozenset(entry.path for entry in self._index.entries)

    @on(Whole)
    def whole(self, _: Whole) -> list[Entry]:
        return self._index.entries

    def _tell_of_it(self) -> None:
        self.note = f"{len(self._index):,} entries"
        self.tell("reporter", Indexed(len(self._index)))
