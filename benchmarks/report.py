"""The results for people: text for the terminal, a Markdown table for the README."""

from .contestants import CONTESTANTS, OURS
from .goals import judge
from .machine import Machine
from .number import number
from .rounds import Results, Spread, Standing, ratio
from .works import WORKS, Metric


def as_text(results: Results, machine: Machine) -> str:
    """Shows each work: the medians, in brackets lowest to highest, and ours over the peer's."""
    lines = [str(machine)]
    for work, standings in results.items():
        lines += ["", f"{work}  {WORKS[work].title}"]
        width = max(len(name) for name in standings)
        for name, standing in standings.items():
            if standing.absent is not None:
                lines.append(f"  {name:{width}}  {standing.absent}")
                continue
            for metric in WORKS[work].metrics:
                beside = ratio(results, (work, metric.name), (name, work, metric.name))
                line = f"  {name:{width}}  {metric.name:14} {_shown(standing, metric)}"
                if name != OURS and beside:
                    line += _compared(beside, metric)
                lines.append(line.rstrip())
    goals = _goals(results)
    if goals:
        lines += ["", "Goals", *(f"  {line}" for line in goals)]
    return "\n".join(lines)


def as_markdown(results: Results, machine: Machine) -> str:
    """Shows one table, a row for each metric and a column for each contestant; then the goals."""
    names = [name for name in CONTESTANTS if _took_part(results, name)]
    lines = [
        f"{machine}. Medians; in brackets ours over theirs.",
        "",
        f"| work | metric | {' | '.join(names)} |",
        f"| --- | --- |{' ---: |' * len(names)}",
    ]
    for work in results:
        for metric in WORKS[work].metrics:
            cells = [_cell(results, work, metric, name) for name in names]
            title = f"{work} {WORKS[work].title}"
            lines.append(f"| {title} | {metric.name}, {metric.unit} | {' | '.join(cells)} |")
    missing = [name for name in CONTESTANTS if name not in names]
    if missing:
        lines += ["", f"Not in this run: {', '.join(missing)}."]
    goals = _goals(results)
    if goals:
        lines += ["", *(f"- {line}" for line in goals)]
    return "\n".join(lines)


def _shown(standing: Standing, metric: Metric) -> str:
    spread = standing.spread(metric.name)
    if spread is None:
        return "-"
    extent = f"({number(spread.low)} to {number(spread.high)})"
    return f"{number(spread.value):>8} {metric.unit:15} {extent:20}"


def _compared(beside: Spread, metric: Metric) -> str:
    side = "" if metric.more_is_better else ", less is better"
    extent = f"{beside.low:.2f} to {beside.high:.2f}"
    return f"  ours is {beside.value:.2f} × this ({extent}{side})"


def _cell(results: Results, work: str, metric: Metric, name: str) -> str:
    standing = results[work][name]
    spread = standing.spread(metric.name)
    if spread is None:
        return standing.absent or "-"
    beside = ratio(results, (work, metric.name), (name, work, metric.name))
    shown = number(spread.value)
    return shown if name == OURS or beside is None else f"{shown} ({beside.value:.2f} ×)"


def _took_part(results: Results, name: str) -> bool:
    standings = [work[name] for work in results.values() if name in work]
    return any(standing.absent is None for standing in standings)


def _goals(results: Results) -> list[str]:
    """Says of each goal whether it is met; of none if we took no part."""
    return [str(each) for each in judge(results)] if _took_part(results, OURS) else []
