"""Prints the matrix from what its tests have written down: `python -m tests.faults.table FILE`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.fleet import BEAT, DOWN_AFTER
from tests.faults.rows import CELLS, COLUMNS, ROWS, Cell

__all__ = ["HEADING", "cells_of", "page"]

HEADING = "# The failure matrix"

INTRODUCTION = f"""{HEADING}

What a caller sees when something breaks: which error or answer, within how long, and what is lost.
Each line is printed from a test that has just passed, with real processes, a real Redis and a real
PostgreSQL, and a proxy between them that cuts, delays and swallows. `make failures` runs them again
and prints this page.

The times are measured on one busy machine with a heartbeat of {BEAT:g} s; a node that is silent for
{DOWN_AFTER:g} s is down. A time is the longest wait of the caller in that test, rounded up.
WebSocket stands for nodes around a hub: there a connection is a node, so one that is away for
longer than the liveness interval is down.
"""

LADDER = (0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 120, 300)
"""Seconds that times are rounded up to: another run should print the same page."""


def page(results: list[dict[str, Any]]) -> str:
    """Return the page; a cell without a result says so."""
    found = {Cell(each["row"], each["column"]): each for each in results}
    return INTRODUCTION + "".join(_section(row, found) for row in ROWS)


def cells_of(text: str) -> dict[Cell, str]:
    """Return the cells of a page that have a test, each with its name."""
    titles = {_capital(row.title): key for key, row in ROWS.items()}
    columns = {title: key for key, title in COLUMNS.items()}
    found: dict[Cell, str] = {}
    row = ""
    for line in text.splitlines():
        if line.startswith("## "):
            row = titles[line.removeprefix("## ")]
        parts = [part.strip() for part in line.strip("|").split("|")]
        if line.startswith("|") and parts[0] in columns and parts[-1].startswith("`"):
            found[Cell(row, columns[parts[0]])] = parts[-1].strip("`")
    return found


def _section(key: str, found: Mapping[Cell, dict[str, Any]]) -> str:
    row = ROWS[key]
    lines = [f"\n## {_capital(row.title)}\n", f"{_capital(row.promise)}.\n"]
    lines += [
        "| over | the caller sees | within | lost | test |",
        "| --- | --- | --- | --- | --- |",
    ]
    for column, title in COLUMNS.items():
        if column in row.never:
            lines.append(f"| {title} | cannot happen: {row.never[column]} | | | |")
            continue
        result = found.get(Cell(key, column))
        if result is None:
            lines.append(f"| {title} | **no test has passed** | | | |")
            continue
        file, _, name = result["test"].rpartition("/")[2].partition("::")
        seen = ", ".join(dict.fromkeys(result["seen"]))
        test = f"`{file}::{name.partition('[')[0]}`"
        lines.append(
            f"| {title} | {seen} | {_within(result['within'])} | {result['lost']} | {test} |"
        )
    return "\n".join(lines) + "\n"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _within(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{next((step for step in LADDER if seconds <= step), seconds):g} s"


def main() -> None:
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    results = [json.loads(line) for line in lines]
    sys.stdout.write(page(results))
    missing = set(CELLS) - {Cell(each["row"], each["column"]) for each in results}
    if missing:
        sys.exit("no result for " + ", ".join(sorted(map(str, missing))))


if __name__ == "__main__":
    main()
