"""What a README has a newcomer type, and what it says that comes of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from callboard import examples
from tests.docs.pages import FENCE

__all__ = ["EXAMPLES", "Command", "arguments", "commands", "files"]

EXAMPLES = Path(examples.__file__).parent


@dataclass(frozen=True)
class Command:
    """One line of a block of commands."""

    line: str
    printed: str | None = None
    """What the page says that the block prints; of the block's last line."""


def commands(page: Path) -> list[Command]:
    """All commands of a page, in order."""
    found: list[Command] = []
    blocks = list(FENCE.finditer(page.read_text(encoding="utf-8")))
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "sh":
            continue
        lines = [Command(line) for line in block[2].splitlines() if line.strip()]
        if after is not None and after[1] == "text":
            between = page.read_text(encoding="utf-8")[block.end() : after.start()]
            if not between.strip():
                lines[-1] = Command(lines[-1].line, after[2])
        found += lines
    return found


def arguments(line: str, module: str) -> list[str]:
    """The arguments of `python -m MODULE ...`, without comments."""
    words = shlex.split(line, comments=True)
    assert words[:3] == ["python", "-m", module], line
    return words[3:]


def files(folder: Path) -> set[str]:
    """The files of an example that its page has to tell of."""
    return {path.name for path in folder.glob("*.py")} - {"__init__.py", "__main__.py"}
