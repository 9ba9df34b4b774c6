"""The parsers: blocking work, each on a thread of its own."""

from __future__ import annotations

from pathlib import Path

from callboard import JobMessage, ThreadWorker, job
from callboard.examples.indexing.facts import FileFacts, FileProblem
from callboard.examples.indexing.source import read_entry


class Parse(JobMessage[FileFacts | FileProblem], wire="indexing.parse"):
    """Read and parse the file at this path, relative to the indexed folder."""

    path: str


class Parser(ThreadWorker):
    """Parses one file after the other, and keeps nothing: a dead parser costs one more try."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self.note = ""  # what the live tree shows

    @job(Parse)
    def parse(self, task: Parse) -> FileFacts | FileProblem:
        self.note = task.path
        try:
            return read_entry(self._root, task.path)
        finally:
            self.note = ""
