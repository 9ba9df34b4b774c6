"""The result of an indexing run, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from callboard.examples.indexing.columns import WIDTH, columns, fit, pad, printable
from callboard.examples.indexing.facts import FileProblem, ProblemKind
from callboard.examples.indexing.index import FunctionLength, Index, NameCount, Totals
from callboard.examples.indexing.plain import Proof

SHOWN = 20
"""How many problems, and how many differing entries, are named one by one."""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything the report says, as plain values.

    `seconds` is the time of the company, `plain_seconds` that of the plain loop, where known.
    `restarts` counts by worker; `kills` and `seed` belong to the chaos, None where there was none.
    `troubles` says what was done to nodes, and to what joins them.
    """

    root: str
    totals: Totals
    most_defined: list[NameCount]
    longest: list[FunctionLength]
    problems: dict[ProblemKind, list[FileProblem]]
    proof: Proof
    seconds: float
    plain_seconds: float | None = None
    restarts: Mapping[str, int] = field(default_factory=dict[str, int])
    kills: int | None = None
    seed: int | None = None
    troubles: tuple[str, ...] = ()


def result_of(
    index: Index,
    proof: Proof,
    *,
    root: str,
    seconds: float,
    plain_seconds: float | None = None,
    restarts: Mapping[str, int] | None = None,
    kills: int | None = None,
    seed: int | None = None,
    troubles: tuple[str, ...] = (),
) -> Result:
    """Asks the index everything that the report says."""
    return Result(
        root=root,
        totals=index.totals(),
        most_defined=index.most_defined(10),
        longest=index.longest_functions(10),
        problems=index.problems_by_kind(),
        proof=proof,
        seconds=seconds,
        plain_seconds=plain_seconds,
        restarts=dict(restarts or {}),
        kills=kills,
        seed=seed,
        troubles=troubles,
    )


def render(result: Result, width: int = WIDTH) -> str:
    """Writes the result as text, no line wider than `width` columns, with a newline at its end."""
    sections = (
        _totals(result, width),
        _names(result, width),
        _functions(result, width),
        _problems(result, width),
        _throughput(result, width),
        _restarts(result, width),
        _proof(result.proof, width),
    )
    return "\n".join("\n".join(section) + "\n" for section in sections)


def counted(number: int, noun: str) -> str:
    """Writes a number with its noun: `1 file`, `1,745 files`, `2 classes`, `3 entries`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def _wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """Wraps text by words, every line indented; a word that is too long is broken."""
    space, text = " " * indent, printable(text)
    wide = max(0, columns(text) - len(text))  # textwrap counts characters, not columns
    return textwrap.wrap(
        text,
        max(width - wide, indent + 20),
        initial_indent=space,
        subsequent_indent=space,
        break_on_hyphens=False,
    )


def _totals(result: Result, width: int) -> Iterator[str]:
    totals = result.totals
    yield "The index of " + fit(result.root, width - len("The index of "), keep="end")
    megabytes = totals.size_bytes / 1_000_000
    facts = (
        counted(totals.files, "file"),
        counted(totals.lines, "line"),
        f"{megabytes:,.1f} MB",
        counted(totals.functions, "function"),
        counted(totals.classes, "class"),
        counted(totals.constants, "constant"),
        f"{counted(totals.modules_imported, 'module')} imported",
        counted(totals.todos, "TODO comment"),
    )
    yield from _wrapped(", ".join(facts), width)


def _names(result: Result, width: int) -> Iterator[str]:
    yield f"{'Most defined names':<{width - 20}}{'times':>10}{'files':>10}"
    for row in result.most_defined:
        name = pad(fit(row.name, width - 23), width - 22)
        yield f"  {name}{row.count:>10,}{row.files:>10,}"
    if not result.most_defined:
        yield "  none"


def _functions(result: Result, width: int) -> Iterator[str]:
    yield "Longest functions"
    places = [fit(f"{row.path}:{row.line}", width - 36, keep="end") for row in result.longest]
    widest = max(map(columns, places), default=0)
    for row, place in zip(result.longest, places, strict=True):
        name = fit(row.qualname, width - widest - 18, keep="end")
        yield f"{row.lines:>8,} lines  {pad(place, widest)}  {name}"
    if not places:
        yield "  none"


def _problems(result: Result, width: int) -> Iterator[str]:
    if not result.problems:
        yield f"Cannot be indexed: none of {counted(result.totals.files, 'file')}"
        return
    yield f"Cannot be indexed: {result.totals.problems:,} of {counted(result.totals.files, 'file')}"
    left = SHOWN
    for kind, problems in result.problems.items():
        yield f"  {kind} ({len(problems):,})"
        for problem in problems[:left]:
            line = "" if problem.line is None else f":{problem.line}"
            yield "    " + fit(problem.path + line, width - 4, keep="end")
            yield from _wrapped(problem.message, width, indent=6)
        if len(problems) > left:
            yield f"    and {len(problems) - left:,} more"
        left = max(0, left - len(problems))


def _throughput(result: Result, width: int) -> Iterator[str]:
    totals = result.totals
    seconds = max(result.seconds, 0.001)
    yield "Throughput"
    speed = (
        f"{result.seconds:,.1f} s: {totals.files / seconds:,.0f} files/s, "
        f"{totals.lines / seconds:,.0f} lines/s, {totals.size_bytes / seconds / 1e6:,.1f} MB/s"
    )
    yield from _wrapped(speed, width)
    if result.plain_seconds is not None:
        yield f"  {result.plain_seconds:,.1f} s by the plain loop, one file after the other"


def _restarts(result: Result, width: int) -> Iterator[str]:
    title = f"Restarts: {sum(result.restarts.values()):,}"
    if result.kills is not None:
        seed = "" if result.seed is None else f" (seed {result.seed})"
        title += f", with {counted(result.kills, 'worker')} killed on purpose{seed}"
    yield title
    restarted = {name: times for name, times in result.restarts.items() if times}
    for name, times in sorted(restarted.items(), key=lambda item: (-item[1], item[0])):
        yield f"{times:>8,}  {fit(name, width - 10)}"
    for trouble in result.troubles:
        yield from _wrapped(trouble, width)


def _proof(proof: Proof, width: int) -> Iterator[str]:
    other = "the one computed by a plain loop without any actors"
    yield "Proof"
    if proof.equal:
        yield from _wrapped(f"the index equals {other}:", width)
        yield from _wrapped(f"{counted(proof.entries, 'entry')}, all the same, sha256", width)
        yield from _wrapped(proof.digest, width)
        return
    yield from _wrapped(f"THE INDEX DIFFERS from {other}:", width)
    differing = f"{len(proof.differing):,} of {counted(proof.entries, 'entry')}"
    yield from _wrapped(differing, width)
    for path in proof.differing[:SHOWN]:
        yield "    " + fit(path, width - 4, keep="end")
    if len(proof.differing) > SHOWN:
        yield f"    and {len(proof.differing) - SHOWN:,} more"
    yield from _wrapped(f"sha256 here {proof.digest}", width)
    yield from _wrapped(f"sha256 there {proof.plain_digest}", width)
