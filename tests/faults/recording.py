"""What each cell of the matrix has shown, written down as the tests pass."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.faults.rows import CELLS, Cell

__all__ = ["RESULTS", "Record", "fault"]

RESULTS = "CALLBOARD_FAULTS_FILE"
"""The environment variable that names the file; without it nothing is written."""

T = TypeVar("T")
Test = TypeVar("Test", bound=Callable[..., Any])

PATIENCE = 240.0


class Record:
    """What one cell shows: a test fills it in."""

    def __init__(self, cell: Cell, test: str) -> None:
        self.cell = cell
        self.test = test
        self.seen: list[str] = []
        self.lost = ""
        self.within: float | None = None
        self.passed = False

    @property
    def column(self) -> str:
        return self.cell.column

    def saw(self, *what: str | BaseException) -> None:
        """What the caller sees: words, or an error, by its name."""
        for each in what:
            self.seen.append(
                f"`{type(each).__name__}`" if isinstance(each, Exception) else str(each)
            )

    def loses(self, what: str = "nothing") -> None:
        """What is lost, and where that is counted."""
        self.lost = what

    async def timed(self, what: Awaitable[T]) -> T:
        """Wait for what the caller waits for; the longest of these waits stands in the table."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await what
        finally:
            self.within = max(self.within or 0.0, loop.time() - began)

    async def raised(
        self, kind: type[BaseException], what: Awaitable[Any], match: str | None = None
    ) -> Any:
        """Wait for an error that the caller sees; return it."""
        with pytest.raises(kind, match=match) as caught:
            await self.timed(what)
        self.saw(caught.value)
        return caught.value

    def write(self) -> None:
        """Write it down, if there is a file for it."""
        assert self.seen and self.lost, f"{self.cell}: the test says what is seen, and what is lost"
        path = os.environ.get(RESULTS)
        if path:
            line = {**self.cell._asdict(), "test": self.test, "seen": self.seen}
            line |= {"lost": self.lost, "within": self.within}
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def fault(row: str) -> Callable[[Test], Test]:
    """Run a test once for each column that a row has a cell in."""
    cells = [cell for cell in CELLS if cell.row == row]

    def mark(test: Test) -> Test:
        each = pytest.mark.parametrize("cell", cells, ids=[cell.column for cell in cells])
        return pytest.mark.realtime(patience=PATIENCE)(each(test))  # type: ignore[no-any-return]

    return mark
