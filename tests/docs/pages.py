"""The pages of the documentation, taken apart: their blocks of code, their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A block of Python, and what the page says that it prints."""

    line: int
    code: str
    printed: str | None


def pages(root: Path = ROOT) -> list[Path]:
    """The pages, by path."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def snippets(text: str) -> Iterator[Snippet]:
    """The blocks of Python of a page, in order."""
    blocks = list(FENCE.finditer(text))
    for number, block in enumerate(blocks):
        if block[1] != "python":
            continue
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        printed = None
        if (
            after is not None
            and after[1] == "text"
            and not text[block.end() : after.start()].strip()
        ):
            printed = after[2]
        yield Snippet(text.count("\n", 0, block.start()) + 2, block[2], printed)


def links(text: str) -> list[str]:
    """The targets of the links of a page, those in blocks of code left out."""
    return LINK.findall(FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The names by which a page's headings can be linked to."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(FENCE.sub("", text))
    }
