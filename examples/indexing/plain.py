"""The same index by a plain loop, without any actors: the other side of the proof.

    $ python -m callboard.examples.indexing.plain FOLDER [NAME_TO_SKIP ...] | sha256sum

writes it as lines, and their SHA-256 is the digest that the proof shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callboard.examples.indexing.facts import FileProblem
from callboard.examples.indexing.files import find_files
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.source import read_entry


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of comparing the company's index with the plain loop's.

    `differing` holds the paths whose entries are not the same; `entries` how many the plain loop
    found.
    """

    equal: bool
    entries: int
    digest: str
    plain_digest: str
    differing: tuple[str, ...] = ()


def index_plainly(
    root: Path,
    skip: frozenset[str] = frozenset(),
    on_entry: Callable[[int], None] | None = None,
) -> Index:
    """Indexes the tree under `root`, one file after the other. Blocks until done.

    `on_entry` is called with the number of entries after each one, for a progress bar.
    """
    index = Index()
    for found in find_files(root, skip):
        index.add(found if isinstance(found, FileProblem) else read_entry(root, found))
        if on_entry is not None:
            on_entry(len(index))
    return index


def prove(index: Index, plain: Index) -> Proof:
    """Compares the two indexes, entry by entry and by digest."""
    digest, plain_digest = index.digest(), plain.digest()
    return Proof(
        equal=index == plain and digest == plain_digest,
        entries=len(plain),
        digest=digest,
        plain_digest=plain_digest,
        differing=tuple(index.differences(plain)),
    )


if __name__ == "__main__":
    sys.stdout.buffer.writelines(index_plainly(Path(sys.argv[1]), frozenset(sys.argv[2:])).lines())
