"""What a question is about: its topic and its subject, as far as words tell; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Question", "Topic", "subject_of", "understand"]

Topic = str
"""One of the names below."""

TOPICS: tuple[tuple[Topic, str], ...] = (
    ("notes", r"\b(?:todo|fixme|xxx|hack)s?\b"),
    ("dependencies", r"dependenc|requirement|depends? on|third.party|librar"),
    ("errors", r"\berrors?\b|exception|\braises?\b|\bfail(?:s|ures?)?\b|go(?:es)? wrong"),
    ("imports", r"\bimports?\b"),
    ("definition", r"\bwhere\b|\bdefined?\b|\bfind\b|\bdefinition\b"),
    ("tests", r"\btests?\b|\btested\b"),
    ("size", r"how (?:big|long|large|many)|\bsize\b"),
    ("purpose", r"what(?:'s| is| does| do| are)\b|explain|describe|purpose|\babout\b|summar"
                r"|overview|structure|how does .* work"),
)  # fmt: skip

OUTSIDE = re.compile(
    r"(?<![\w.])(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w./\\~-]+|(?<![\w/])\w[\w.-]*/[\w./-]+"
)
"""What is written as a path, whether anything is there or not."""

LONGEST = 1000
"""Characters of a question that are looked at; the patterns would be slow on a very long word."""

GOES_ON = re.compile(r"^\W*(?:and|what about|how about|the same)\b", re.IGNORECASE)
PRONOUN = re.compile(
    r"\b(?:it|its|there|that (?:module|file|one)|this (?:module|file|one))\b", re.I
)
WHOLE = re.compile(r"\b(?:project|code ?base|repository|altogether|everywhere)\b", re.I)

QUOTED = re.compile(r"[`'\"]([\w./-]+(?:\(\))?)[`'\"]")
PATH = re.compile(r"(?<![\w./])\w[\w-]*(?:[./][\w-]+)+/?|\b\w+_\w+\b|\b[A-Z]\w*[a-z]\w*[A-Z]\w*\b")
NAMED = re.compile(
    r"(\w+) (?:module|file|package|folder|class|function)\b"
    r"|(?:module|file|package|folder|class|function|\bin|\bof|\babout|\bdoes|\bdo|\bis|\bare|explain"
    r"|describe|find|import) (?:the )?(\w+)",
    re.IGNORECASE,
)
COMMON = """
a an all any are code comments defined dependencies do does error errors everything exceptions file
files find for handled has here how in is it its me module modules of one package project raised
tests that the them there these this those to todo todos used what where which why you your
"""
NO_NAMES = frozenset(COMMON.split())
"""Words that stand where a name may stand, and are none."""


@dataclass(frozen=True)
class Question:
    """A question, as far as its words tell what it is about."""

    text: str
    topic: Topic | None
    """None: no words of a topic are in it."""
    names: Sequence[str]
    """What may be the name of its subject, the likeliest first."""
    paths: Sequence[str]
    """What is written as a path."""
    goes_on: bool
    """Whether it goes on from the question before: "and in x.py?", "what does it import?"."""
    whole: bool
    """Whether it is about the project as a whole, and says so."""


def understand(text: str) -> Question:
    """Return what a question is about, by its first thousand characters."""
    text = text[:LONGEST]
    topic = next((name for name, words in TOPICS if re.search(words, text, re.I)), None)
    going_on = bool(GOES_ON.search(text))
    if going_on and topic == "purpose" and re.match(r"\W*(?:what|how) about", text, re.I):
        topic = None  # "what about x.py" asks the same of another
    names = [match.removesuffix("()") for match in QUOTED.findall(text)]
    names += [match.rstrip("/") for match in PATH.findall(text)]
    for before, after in reversed(NAMED.findall(text)):
        names += [name for name in (before, after) if name.lower() not in NO_NAMES and name]
    asked = tuple(dict.fromkeys(names))
    return Question(
        text,
        topic,
        asked,
        tuple(path.rstrip(".") for path in OUTSIDE.findall(text)),
        going_on or bool(PRONOUN.search(text)),
        bool(WHOLE.search(text)),
    )


def subject_of(names: Sequence[str], files: Sequence[str]) -> str | None:
    """Return the file, or the folder (with `/` at its end), that one of the names is for.

    Where several have the name it is the one nearest to the top that is no test.
    """
    for name in names:
        wanted = name.lower().strip("/")
        dotted = wanted.replace(".", "/")
        best: list[tuple[bool, int, int, str]] = []
        for path in files:
            low = path.lower()
            stem = low.rpartition(".")[0]
            forms = (low, stem, stem.removesuffix("/__init__"))
            if any(_is_at_end(form, word) for form in forms for word in (wanted, dotted)):
                best.append(_rank(path, path))
            elif f"/{dotted}/" in f"/{low}":
                folder = path[: f"/{low}".index(f"/{dotted}/") + len(dotted) + 1]
                best.append(_rank(path, folder))
        if best:
            return min(best)[-1]
    return None


def _is_at_end(path: str, name: str) -> bool:
    return path == name or path.endswith(f"/{name}")


def _rank(path: str, subject: str) -> tuple[bool, int, int, str]:
    in_tests = path.startswith("test") or "/test" in path
    return (in_tests, subject.rstrip("/").count("/"), subject.endswith("/"), subject)
