"""The results for programs: one JSON document in which every figure is an object with its unit."""

from dataclasses import asdict
from inspect import getdoc

from .contestants import OURS, PEERS
from .goals import judge
from .machine import Machine
from .rounds import Results, Spread, Standing, ratio
from .works import WORKS

Json = dict[str, object]


def as_document(results: Results, machine: Machine) -> Json:
    """Builds the document.

    `work` says what was measured, `ours` and `peers` hold the figures by work and metric, or a
    `status` for who did not take part; `ratios` are ours over the peer's. A figure is
    `{value, unit}`; one that sums rounds up also has `low` and `high`.
    """
    peers = [name for name in PEERS if any(name in standings for standings in results.values())]
    return {
        "work": {key: _work(key) for key in results},
        "ours": _standings(results, OURS),
        "peers": {name: _standings(results, name) for name in peers},
        "ratios": {key: _ratios(results, key, peers) for key in results},
        "goals": [
            {
                "goal": str(judgement.goal),
                "work": judgement.goal.work,
                "metric": judgement.goal.metric,
                "bound": _figure(judgement.goal.bound, judgement.goal.unit),
                "reached": _figure(judgement.value, judgement.goal.unit),
                "met": judgement.met,
            }
            for judgement in judge(results)
        ],
        "machine": {
            "system": machine.system,
            "python": machine.python,
            "cpus": _figure(machine.cpus, "cpus"),
        },
    }


def _work(key: str) -> Json:
    work = WORKS[key]
    metrics = {
        metric.name: {"unit": metric.unit, "more_is_better": metric.more_is_better}
        for metric in work.metrics
    }
    return {"title": work.title, "definition": getdoc(work), "metrics": metrics}


def _standings(results: Results, name: str) -> Json:
    return {
        key: _standing(key, standings[name])
        for key, standings in results.items()
        if name in standings
    }


def _standing(key: str, standing: Standing) -> Json:
    if standing.absent is not None:
        return {"status": standing.absent}
    return {
        metric.name: _spread(standing.spread(metric.name), metric.unit)
        for metric in WORKS[key].metrics
    }


def _ratios(results: Results, key: str, peers: list[str]) -> Json:
    return {
        metric.name: {
            peer: _spread(ratio(results, (key, metric.name), (peer, key, metric.name)), "×")
            for peer in peers
        }
        for metric in WORKS[key].metrics
    }


def _spread(spread: Spread | None, unit: str) -> Json | None:
    return None if spread is None else {**asdict(spread), "unit": unit}


def _figure(value: float | None, unit: str) -> Json | None:
    return None if value is None else {"value": value, "unit": unit}
