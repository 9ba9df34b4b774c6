"""What the workers of the company tell its reporter."""

from __future__ import annotations

from callboard import LocalMessage
from callboard.examples.indexing.index import Index


class Found(LocalMessage):
    """The walker has seen the whole tree of files."""

    total: int


class Indexed(LocalMessage):
    """The index has this many entries now."""

    done: int


class Complete(LocalMessage):
    """The index holds every file that was found; the walker has nothing left to do."""


class Progressed(LocalMessage):
    """So many files of so many are in the index."""

    done: int
    total: int


class Troubled(LocalMessage):
    """The trouble has done something to a node or to what joins the nodes."""

    what: str
    done: int
    """Files that were in the index by then."""


class Struck(LocalMessage):
    """The chaos has killed a worker."""

    worker: str
    kills: int


class Witnessed(LocalMessage):
    """The plain loop has come to its end; `index` is what it found, in so many seconds."""

    index: Index
    seconds: float
