"""Showing snapshots as they come: redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TextIO

from callboard.examples.indexing.columns import WIDTH, fit, printable
from callboard.examples.indexing.drawing import (
    ASCII,
    UNICODE,
    Snapshot,
    bar_line,
    plain_line,
    tree_lines,
)

REDRAW_EVERY = 0.05
"""Seconds between two drawings on a terminal, at least."""
PRINT_EVERY = 1.0
"""Seconds between two plain lines, at least."""


class Progress:
    """Shows snapshots on a stream, as the stream allows.

    On a terminal the bar and the tree are redrawn in place, within its height and 80 columns, in
    colour unless `NO_COLOR` is set. Elsewhere (a pipe, a log, `TERM=dumb`) a changed count gives
    one plain line, at most one a second. `now` is in seconds, of any clock that never runs back.
    `size` gives the columns and lines of the terminal; it is asked before each drawing.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        environ: Mapping[str, str] | None = None,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._stream = stream
        self._size = size or (lambda: _size_of(stream))
        self._live = stream.isatty() and environ.get("TERM") != "dumb"
        self._colour = self._live and not environ.get("NO_COLOR")
        self._glyphs = UNICODE if _can_write(stream, "".join(UNICODE)) else ASCII
        self._started: float | None = None
        self._shown_at = float("-inf")
        self._counts: tuple[int, int | None, int] | None = None
        self._drawn: list[str] = []  # what stands on the terminal now and will be drawn over

    def update(self, snapshot: Snapshot, now: float) -> None:
        """Shows the snapshot, unless the last one was shown only a moment ago."""
        if now - self._shown_at >= (REDRAW_EVERY if self._live else PRINT_EVERY):
            self._show(snapshot, now)

    def finish(self, snapshot: Snapshot, now: float) -> None:
        """Shows the last snapshot in any case; what is written next stands below it."""
        self._show(snapshot, now)
        self._drawn = []

    def say(self, line: str) -> None:
        """Writes a line that stays, on a terminal above the bar and the tree."""
        if self._live:
            self._redraw([fit(line, self._width()), *self._drawn], lasting=1)
        else:
            self._write(printable(line) + "\n")

    def _show(self, snapshot: Snapshot, now: float) -> None:
        if self._started is None:
            self._started = now
        seconds = now - self._started
        if self._live:
            self._shown_at = now
            self._redraw(self._lines(snapshot, seconds))
            return
        counts = (snapshot.done, snapshot.total, snapshot.restarts)
        if counts != self._counts:
            self._shown_at, self._counts = now, counts
            self._write(plain_line(snapshot, seconds) + "\n")

    def _lines(self, snapshot: Snapshot, seconds: float) -> list[str]:
        # The bar goes last, where the eye rests. One line stays free: the cursor waits on it, and
        # a drawing as high as the terminal would scroll, so that the next could not go over it.
        width, height = self._width(), self._size()[1]
        bar = bar_line(snapshot, seconds, self._glyphs, width)
        rows = tree_lines(snapshot.rows, self._glyphs, width, height - 2, colour=self._colour)
        return [*rows, bar]

    def _redraw(self, lines: list[str], lasting: int = 0) -> None:
        """Draws lines over those that stand; the first `lasting` of them stay for good."""
        up = f"\x1b[{len(self._drawn)}F" if self._drawn else ""
        self._write(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        self._drawn = lines[lasting:]

    def _width(self) -> int:
        return min(WIDTH, self._size()[0])

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        # A name from a file may be more than the terminal's encoding knows.
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


def _size_of(stream: TextIO) -> tuple[int, int]:
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):  # no terminal, or a stream without a file
        return WIDTH, 24
    return columns or WIDTH, lines or 24  # some terminals answer with zeros


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
