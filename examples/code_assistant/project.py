"""A project: the files under one folder, and nothing else, whatever path is asked for.

A path is walked name by name from the folder, which is held open, and no link is followed on the
way: there is no moment between a check and the opening in which one could be put in its place.
Links are refused also where they lead back into the project. What no path can show: a hard link, or
something mounted, is a file of the project like any other.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

__all__ = ["Hit", "Project", "ProjectError"]

LARGEST = 1_000_000
"""Bytes of a file that is read."""

MOST_FILES = 20_000
"""Files that are looked at; the rest of a larger project is left out, and that is told."""

DEEPEST = 40
"""Folders in each other."""

MOST_HITS = 200
"""Lines that a search finds."""

LONGEST_LINE = 200
"""Characters of such a line that are shown."""

PASSED_OVER = frozenset(
    {"node_modules", "__pycache__", "venv", "env", "build", "dist", "target", "site-packages"}
)
"""Folders that hold what others wrote or a program made."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ProjectError(Exception):
    """A file is not there to be read; the text says why, and names no place outside."""


@dataclass(frozen=True)
class Hit:
    """A line that was searched for."""

    path: str
    line: int
    """The first one is 1."""
    text: str

    def __str__(self) -> str:
        """Return it as it is shown."""
        return f"{self.path}:{self.line}: {self.text}"


class Project:
    """The files under a folder: to be found, read and searched.

    Paths are relative to it, with `/` between names. Hidden files and folders are not part of it:
    that is where keys are kept. Everything here blocks; call it in a thread.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder itself, which may be reached by a link.

        Raises:
            ProjectError: it is no folder that can be read.

        """
        self.folder = folder.resolve()
        self.complete = True
        """Whether the last look at all files has seen all of them."""
        try:
            self._root = os.open(self.folder, FOLDER)
        except OSError as error:
            raise ProjectError(f"{folder} is no folder to read: {error.strerror}") from None

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name or "/"

    def close(self) -> None:
        """Let go of the folder."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def __del__(self) -> None:
        """Close it, where that was forgotten."""
        with suppress(AttributeError):
            self.close()

    # -- one file ----

    def read(self, path: str) -> str:
        """Return the text of a file.

        Raises:
            ProjectError: it is not there, or is none of the project's; a link, too large, no text.

        """
        names = _names_of(path)
        with self._folder_of(path, names[:-1]) as folder:
            return _read(folder, names[-1], path)

    @contextmanager
    def _folder_of(self, path: str, names: list[str]) -> Generator[int]:
        """Give the folder of these names, held open."""
        folder = os.dup(self._root)
        try:
            for name in names:
                try:
                    below = os.open(name, FOLDER, dir_fd=folder)
                except OSError as error:
                    raise ProjectError(_refusal(path, error)) from None
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

    # -- all of them ----

    def files(self) -> list[str]:
        """Return the paths of all files, sorted; of a very large project the first ones."""
        found: list[str] = []
        self.complete = True
        root = os.dup(self._root)
        try:
            self._gather(root, "", found, 0)
        finally:
            os.close(root)
        return sorted(found)

    def find(self, pattern: str) -> list[str]:
        """Return the files that a pattern names, as `*.py`, `tests/**/test_*.py` or `README*`.

        `*` stands for anything, folders too; a pattern without `/` is for the name alone. Case is
        of no account.
        """
        pattern = pattern.strip().removeprefix("./").lower()
        forms = {pattern, pattern.replace("**/", "")}
        return [
            path
            for path in self.files()
            if any(
                fnmatchcase(path.lower() if "/" in form else path.lower().rpartition("/")[2], form)
                for form in forms
            )
        ]

    def search(self, text: str, pattern: str = "*") -> list[Hit]:
        """Return the lines that contain a text, in the files that a pattern names.

        It is no regular expression: one that is built for it keeps a machine busy for ever. Case is
        of no account.
        """
        wanted = text.lower()
        hits: list[Hit] = []
        if not wanted.strip():
            return hits
        for path in self.find(pattern):
            try:
                lines = self.read(path).splitlines()
            except ProjectError:
                continue  # a picture, or something that has just gone
            for number, line in enumerate(lines, 1):
                if wanted in line.lower():
                    hits.append(Hit(path, number, line.strip()[:LONGEST_LINE]))
                    if len(hits) >= MOST_HITS:
                        return hits
        return hits

    def _gather(self, folder: int, prefix: str, found: list[str], depth: int) -> None:
        below: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not _is_printable(entry.name):
                        continue
                    if entry.is_file(follow_symlinks=False):
                        if len(found) >= MOST_FILES:
                            self.complete = False
                            return
                        found.append(prefix + entry.name)
                    elif entry.is_dir(follow_symlinks=False) and not _is_passed_over(entry.name):
                        below.append(entry.name)
        except OSError:
            return  # it may not be read, or has just gone
        for name in sorted(below):
            if depth >= DEEPEST:
                self.complete = False
                return
            try:
                inner = os.open(name, FOLDER, dir_fd=folder)
            except OSError:
                continue
            try:
                self._gather(inner, f"{prefix}{name}/", found, depth + 1)
            finally:
                os.close(inner)


def _names_of(path: str) -> list[str]:
    """Return the names on the way to a file.

    Raises:
        ProjectError: the path leads out, or to what is hidden.

    """
    if path.startswith(("/", "~")) or "\0" in path or "\\" in path:
        raise ProjectError(f"{path!r} is no path within the project: write it from its folder on")
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names:
        raise ProjectError(f"{path!r} leads out of the project")
    if not names:
        raise ProjectError(f"{path!r} is no file")
    if any(name.startswith(".") for name in names):
        raise ProjectError(f"{path!r} is hidden: what is hidden is not read")
    return names


def _read(folder: int, name: str, path: str) -> str:
    try:
        # Looked at before it is opened, since opening a device may do something; what counts is
        # the second look, at what was opened.
        _must_be_plain(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
        descriptor = os.open(name, FILE, dir_fd=folder)
    except OSError as error:
        raise ProjectError(_refusal(path, error)) from None
    with os.fdopen(descriptor, "rb") as file:
        _must_be_plain(os.fstat(descriptor), path)
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ProjectError(f"{path!r} is larger than {LARGEST:,} bytes")
    if b"\0" in data:
        raise ProjectError(f"{path!r} is no text")
    return data.decode("utf-8", "replace")


def _must_be_plain(facts: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise ProjectError(f"{path!r} is a link: links are not followed")
    if stat.S_ISDIR(facts.st_mode):
        raise ProjectError(f"{path!r} is a folder")
    if not stat.S_ISREG(facts.st_mode):
        raise ProjectError(f"{path!r} is no plain file")
    if facts.st_size > LARGEST:
        raise ProjectError(f"{path!r} is larger than {LARGEST:,} bytes")


def _refusal(path: str, error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return f"{path!r} leads over a link or a file: neither is followed"
    return f"{path!r} cannot be read: {error.strerror}"


def _is_passed_over(name: str) -> bool:
    return name in PASSED_OVER or name.endswith(".egg-info")


def _is_printable(name: str) -> bool:
    return name.isprintable()
