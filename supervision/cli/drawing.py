"""Drawing what runs, as a tree or a table: at any width, in a pipe, without colour or Unicode."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import click

__all__ = ["Look", "clean", "draw_table", "draw_tree", "short_number", "short_time"]

Worker = Mapping[str, Any]
"""One worker of a snapshot, as it comes over the control socket."""

# A word and a symbol, never colour alone.
STATES = {
    "running": ("●", "*", "green"),
    "up": ("●", "*", "green"),
    "known": ("·", ".", "green"),
    "declared": ("·", ".", "cyan"),
    "starting": ("◌", "+", "cyan"),
    "stopping": ("◍", "-", "cyan"),
    "draining": ("◍", "-", "cyan"),
    "waiting": ("↻", "~", "yellow"),
    "stopped": ("○", "x", "red"),
    "silent": ("?", "?", "red"),
}

TREE_HEADS = ("NAME", "STATE", "INC", "RST", "MBOX", "HANDLED", "JOBS", "NOW")
TO_THE_RIGHT = frozenset(
    {
        *("PID", "INC", "RST", "MBOX", "HANDLED", "JOBS", "UP"),
        *("WORKERS", "HEARD", "WAITING", "ASKS"),
    }
)
NARROWEST = 8
"""Characters that a column of texts keeps when the screen is narrow."""


@dataclass(frozen=True)
class Look:
    """What the place that is written to can show."""

    width: int | None = None
    """Columns; None where lines may be of any length, as in a pipe."""
    color: bool = False
    unicode: bool = False

    @classmethod
    def at(cls, stream: TextIO, *, ascii_only: bool = False) -> Look:
        """Look at where a stream leads; COLUMNS and NO_COLOR are obeyed."""
        tty = stream.isatty()
        sized = tty or os.environ.get("COLUMNS", "").isdigit()
        width = shutil.get_terminal_size((80, 24)).columns if sized else None
        try:
            "".join(symbol for symbol, _, _ in STATES.values()).encode(stream.encoding or "ascii")
            "├─└│…".encode(stream.encoding or "ascii")
            unicode = not ascii_only
        except (UnicodeEncodeError, LookupError):
            unicode = False
        return cls(width, tty and not os.environ.get("NO_COLOR"), unicode)

    def cut(self, text: str, width: int) -> str:
        """Cut a text to this many characters, and show that it was."""
        if len(text) <= width:
            return text
        mark = "…" if self.unicode else "~"
        return text[: max(0, width - 1)] + mark

    def state(self, word: str) -> str:
        """Return the symbol and the word of a state."""
        symbol = STATES.get(word, ("?", "?", ""))[0 if self.unicode else 1]
        return f"{symbol} {word}"

    def paint(self, cell: str, head: str) -> str:
        """Give a state its colour."""
        words = cell.split() if self.color and head == "STATE" else []
        color = STATES.get(words[-1], ("", "", ""))[2] if words else ""
        return click.style(cell, fg=color) if color else cell


def draw_tree(workers: Sequence[Worker], look: Look) -> list[str]:
    """Draw workers in the order of their tree, each with what it is doing.

    What does not fit beside a worker stands on a line of its own, below it.
    """
    stems = _stems([int(worker["depth"]) for worker in workers], look)
    rows = [
        (
            f"{stem}{clean(worker['name'])}",
            look.state(clean(worker["state"])),
            str(worker["incarnation"]),
            str(worker["restarts"]),
            f"{short_number(worker['waiting'])}/{short_number(worker['bound'])}",
            short_number(worker["handled"]),
            str(worker["jobs"]),
        )
        for (stem, _), worker in zip(stems, workers, strict=True)
    ]
    heads = TREE_HEADS[:-1]
    narrow = None if look.width is None else look.width - len("  NOW")
    widths = _widths(heads, rows, narrow)
    lines = [_line(heads, heads, widths, look) + "  NOW"]
    room = None if look.width is None else look.width - sum(widths) - 2 * len(widths)
    for row, (_, below), worker in zip(rows, stems, workers, strict=True):
        line = _line(row, heads, widths, look)
        now = _now(worker)
        if not now or room is None or len(now) <= room:
            lines.append(f"{line}  {now}".rstrip())
        else:
            lines += [line.rstrip(), look.cut(f"{below}  {now}", look.width or 0)]
    return lines


def draw_table(heads: Sequence[str], rows: Sequence[Sequence[str]], look: Look) -> list[str]:
    """Draw a table; on a narrow screen its widest columns of text are cut."""
    cleaned = [tuple(clean(cell) for cell in row) for row in rows]
    widths = _widths(heads, cleaned, look.width)
    return [_line(row, heads, widths, look).rstrip() for row in [tuple(heads), *cleaned]]


def clean(value: object) -> str:
    """Return a text on one line, without what a terminal would take for a command."""
    text = " ".join(str(value).split())
    return "".join(each if each.isprintable() else "?" for each in text)


def short_number(number: int) -> str:
    """Return `950`, `1.2k`, `10k`, `3.4M`."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            shown = number / size
            return f"{shown:.1f}".removesuffix(".0") + unit if shown < 10 else f"{shown:.0f}{unit}"
    return str(number)


def short_time(seconds: float | None) -> str:
    """Return `12s`, `4m`, `3h`, `9d`; `-` for None."""
    if seconds is None:
        return "-"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def _now(worker: Worker) -> str:
    """Say what a worker is doing, or what is to be done with it."""
    parts = [clean(worker["note"])] if worker["note"] else []
    if worker["handling"]:
        parts.append(f"on {clean(worker['handling'])}")
    if worker["active"] is False:
        parts.append("inactive")
    return ", ".join(parts)


def _stems(depths: Sequence[int], look: Look) -> list[tuple[str, str]]:
    """Return what stands before each name, and what before a line below it."""
    tee, last, bar = ("├─ ", "└─ ", "│  ") if look.unicode else ("|- ", "`- ", "|  ")
    later: set[int] = set()
    followed: list[bool] = []
    """Whether each one has a later sibling; found from the end."""
    for depth in reversed(depths):
        followed.append(depth in later)
        later = {each for each in later if each < depth} | {depth}
    stems: list[tuple[str, str]] = []
    above: list[str] = []
    for depth, more in zip(depths, reversed(followed), strict=True):
        del above[max(0, depth - 1) :]
        before = "".join(above)
        stem = "" if depth == 0 else tee if more else last
        here = "" if depth == 0 else bar if more else "   "
        stems.append((before + stem, before + here))
        if depth:
            above.append(here)
    return stems


def _widths(heads: Sequence[str], rows: Iterable[Sequence[str]], total: int | None) -> list[int]:
    """Return a width for each column; columns of text give way, the widest first."""
    widths = [len(head) for head in heads]
    for row in rows:
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
    texts = [number for number, head in enumerate(heads) if head not in TO_THE_RIGHT | {"STATE"}]
    while total is not None and sum(widths) + 2 * (len(widths) - 1) > total:
        widest = max(texts, key=lambda number: widths[number])
        if widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _line(row: Sequence[str], heads: Sequence[str], widths: Sequence[int], look: Look) -> str:
    cells: list[str] = []
    for cell, head, width in zip(row, heads, widths, strict=True):
        fitted = look.cut(cell, width)
        fitted = fitted.rjust(width) if head in TO_THE_RIGHT else fitted.ljust(width)
        cells.append(look.paint(fitted, head))
    return "  ".join(cells)
