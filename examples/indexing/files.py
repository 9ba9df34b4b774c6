"""Finding the Python files under a folder, always in the same order."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from callboard.examples.indexing.facts import FileProblem, ProblemKind

THIRD_PARTY = frozenset({"site-packages", "dist-packages"})
"""Folders inside the standard library's own folder that do not belong to it."""

_What = Literal["folder", "linked folder", "file", "neither"]


def standard_library() -> Path:
    """Gives the folder of the running interpreter's standard library. Skip `THIRD_PARTY` there."""
    return Path(sysconfig.get_path("stdlib"))


def find_files(root: Path, skip: frozenset[str] = frozenset()) -> Iterator[str | FileProblem]:
    """Finds every Python file under the folder `root`.

    Yields paths relative to `root`, with forward slashes, in one order for one tree: the files of a
    folder by name, then its subfolders by name. A folder that cannot be listed, and a `.py` that is
    no file (a broken link, a pipe that would block its reader), is yielded as a problem and the
    search goes on. Linked folders are not entered, so a loop of links cannot trap the search.
    Folders named in `skip` are left out. Blocks on the disk.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield FileProblem(folder or ".", ProblemKind.FOLDER, reason_of(error))
            continue
        subfolders: list[str] = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            what = _what_is(entry)
            if what == "folder":
                if entry.name not in skip:
                    subfolders.append(path)
            elif entry.name.endswith(".py") and what != "linked folder":
                yield path if what == "file" else _no_file(path)
        waiting.extend(reversed(subfolders))


def reason_of(error: OSError) -> str:
    """Says why the system refused, without the path, which differs from machine to machine."""
    return error.strerror or type(error).__name__


def _no_file(path: str) -> FileProblem:
    return FileProblem(path, ProblemKind.UNREADABLE, "not a regular file, or a broken link")


def _what_is(entry: os.DirEntry[str]) -> _What:
    try:
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        if entry.is_dir():
            return "linked folder"
        return "file" if entry.is_file() else "neither"
    except OSError:  # a link that leads to itself, or one into a folder closed to us
        return "neither"
