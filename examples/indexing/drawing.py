"""Drawing the bar and the live tree: pure functions from values to lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from callboard.examples.indexing.columns import ELLIPSIS, columns, fit, pad

BAR = 26
STATE = 11

_COLOURS = {
    "running": 32,
    "idle": 32,
    "starting": 33,
    "restarting": 33,
    "waiting": 33,
    "stopping": 33,
    "failed": 31,
    "killed": 31,
    "abandoned": 31,
    "stopped": 2,
}


class Row(NamedTuple):
    """One line of the live tree. `depth` is zero at the root and rises by one per level."""

    depth: int
    name: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is to show at one moment. `total` is None while it is not known."""

    done: int
    total: int | None
    restarts: int = 0
    rows: Sequence[Row] = ()


class Glyphs(NamedTuple):
    """The characters of a drawing; `ASCII` is for streams that cannot write `UNICODE`."""

    full: str
    empty: str
    middle: str
    last: str
    through: str


UNICODE = Glyphs("█", "░", "├─ ", "└─ ", "│  ")
ASCII = Glyphs("#", ".", "|- ", "`- ", "|  ")


def plain_line(snapshot: Snapshot, seconds: float) -> str:
    """Writes the counts as one line: `412 of 1,745 files, 23 %, 410 files/s, 3 restarts`.

    `seconds` is the time since the start. A share is given only where the total is known, and is
    100 % only when all is done.
    """
    parts = [f"{snapshot.done:,} files"]
    if snapshot.total is not None:
        share = 100 * snapshot.done // snapshot.total if snapshot.total else 100
        parts = [f"{snapshot.done:,} of {snapshot.total:,} files", f"{share} %"]
    if seconds > 0:
        parts.append(f"{snapshot.done / seconds:,.0f} files/s")
    parts.append(f"{snapshot.restarts:,} restart{'' if snapshot.restarts == 1 else 's'}")
    return ", ".join(parts)


def bar_line(snapshot: Snapshot, seconds: float, glyphs: Glyphs, width: int) -> str:
    """Draws the bar with the counts behind it, in `width` columns at most."""
    full = 0
    if snapshot.total is not None:
        full = BAR * min(snapshot.done, snapshot.total) // snapshot.total if snapshot.total else BAR
    bar = glyphs.full * full + glyphs.empty * (BAR - full)
    return fit(f"{bar} {plain_line(snapshot, seconds)}", width)


def tree_lines(
    rows: Sequence[Row], glyphs: Glyphs, width: int, height: int, *, colour: bool
) -> list[str]:
    """Draws the tree in at most `height` lines of `width` columns, colour codes not counted.

    Where it does not fit, the last line says how many rows are left out.
    """
    if height < 1:
        return []
    branches = _branches(rows, glyphs)
    if len(rows) > height:
        rows = rows[: height - 1]
    names = [branch + row.name for branch, row in zip(branches, rows, strict=False)]
    widest = min(max(map(columns, names), default=0), width // 2)
    state_room = min(STATE, max(0, width - widest - 2))
    room = max(0, width - widest - state_room - 4)
    lines: list[str] = []
    for name, row in zip(names, rows, strict=True):
        state = fit(row.state, state_room)
        gap = " " * (state_room - columns(state))
        if colour and row.state in _COLOURS:
            state = f"\x1b[{_COLOURS[row.state]}m{state}\x1b[0m"
        line = f"{pad(fit(name, widest), widest)}  {state}{gap}  {fit(row.note, room)}"
        lines.append(line.rstrip())
    if len(branches) > len(rows):
        lines.append(fit(f"{ELLIPSIS} and {len(branches) - len(rows):,} more", width))
    return lines


def _branches(rows: Sequence[Row], glyphs: Glyphs) -> list[str]:
    """Gives the lines before each name. Read from the end: what comes below is then known."""
    branches: list[str] = []
    open_depths: set[int] = set()  # the depths at which a sibling follows further down
    for row in reversed(rows):
        lines = [glyphs.through if depth in open_depths else "   " for depth in range(1, row.depth)]
        if row.depth > 0:
            lines.append(glyphs.middle if row.depth in open_depths else glyphs.last)
        branches.append("".join(lines))
        open_depths = {depth for depth in open_depths if depth < row.depth} | {row.depth}
    branches.reverse()
    return branches
