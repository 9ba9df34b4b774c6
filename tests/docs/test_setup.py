"""What the pages say to set up is there: targets of make, and extras of the package."""

import configparser
import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT, pages

TARGETS = set(
    re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def extras() -> set[str]:
    """The extras of the package."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return set(config["options.extras_require"])


def texts() -> Iterator[tuple[str, str]]:
    """All pages, those beside the examples and the file of variables included."""
    beside = [*sorted((ROOT / "examples").rglob("README.md")), ROOT / "examples" / "env.example"]
    for path in (*pages(), *beside):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def targets_of(text: str) -> set[str]:
    """The targets of make that a text names as commands."""
    found: set[str] = set()
    for command in re.findall(r"(?:^|`)make ((?:[a-z]+ ?)+)", text, re.MULTILINE):
        found |= set(command.split())
    return found


def extras_of(text: str) -> set[str]:
    """The extras of this package that a text names."""
    lists = re.findall(r"\bcallboard\[([\w,]+)\]", text)
    return {name for names in lists for name in names.split(",")}


@pytest.mark.check("M153")
def test_every_target_of_make_that_a_page_names_is_one() -> None:
    wrong = {name: more for name, text in texts() if (more := targets_of(text) - TARGETS)}
    assert wrong == {}
    named = set[str]().union(*(targets_of(text) for _, text in texts()))
    assert {"demo", "test", "dev", "docs"} <= named


@pytest.mark.check("M153")
def test_every_extra_that_a_page_names_is_one() -> None:
    wrong = {name: more for name, text in texts() if (more := extras_of(text) - extras())}
    assert wrong == {}
    named = set[str]().union(*(extras_of(text) for _, text in texts()))
    assert {"redis", "pgmq", "websocket", "pipecat"} <= named


def test_every_extra_that_an_example_asks_for_is_one() -> None:
    asked = {
        name
        for path in (ROOT / "examples").rglob("*.py")
        for name in re.findall(r'MissingExtra\([^()]+, "(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    assert {"claude", "openai"} <= asked <= extras()


def test_a_target_and_an_extra_that_are_none_are_found() -> None:
    assert targets_of("`make dev nothing ARGS=1` and\nmake test    # the tests") == {
        *("dev", "nothing", "test"),
    }
    assert extras_of("pip install 'callboard[redis,nothing]' 'other[x]'") == {"redis", "nothing"}
