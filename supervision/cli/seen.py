"""`callboard tree` and `callboard ps`: what runs on this machine, and what it knows elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
import orjson

from ..control import ControlError, NotAnswering, ask, serving
from .drawing import Look, clean, draw_table, draw_tree, short_number, short_time
from .exits import FAILED, Refusal

__all__ = ["ps", "tree"]

Seen = Mapping[str, Any]
"""What is known of one node: its answer, or its name and why there is none."""

PEER_HEADS = ("PEER", "BY", "WORKERS", "HEARD", "WAITING", "ASKS", "JOBS")
PS_HEADS = ("NODE", "PID", "WORKER", "KIND", "STATE", "RST", "MBOX", "JOBS", "UP")

ascii_option = click.option("--ascii", "ascii_only", is_flag=True, help="Draw without Unicode.")


@click.command()
@click.argument("name", required=False)
@ascii_option
def tree(name: str | None, ascii_only: bool) -> None:
    """Draw the live tree of a node of this machine, or of all of them."""
    names = serving()
    if name is not None:
        if name not in names:
            running = f"running: {', '.join(names)}" if names else "none is running"
            raise Refusal(f"no node called {name!r} runs here; {running}", FAILED)
        names = [name, *(each for each in names if each.startswith(f"{name}-"))]
    if not names:
        raise Refusal("no node runs here; start one with 'callboard run MODULE:TREE'", FAILED)
    nodes = _look_at(names)
    members = {each for node in nodes.values() for each in node.get("processes", ())}
    look = Look.at(sys.stdout, ascii_only=ascii_only)
    shown = [name] if name is not None else [each for each in nodes if each not in members]
    for number, each in enumerate(shown):
        if number:
            click.echo()
        for line in _tree_lines(nodes[each], nodes, look):
            click.echo(line, color=look.color)
    if all(nodes[each]["state"] == "silent" for each in shown):
        raise Refusal(f"{nodes[shown[0]]['error']}", FAILED)


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(["table", "json", "name"]), default="table",
    help="A table, JSON for programs, or names alone.",
)  # fmt: skip
@ascii_option
def ps(output: str, ascii_only: bool) -> None:
    """List the nodes of this machine and their workers, and those elsewhere that they know."""
    nodes = list(_look_at(serving()).values())
    elsewhere = _elsewhere(nodes)
    if output == "json":
        found = {"nodes": nodes, "elsewhere": elsewhere}
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if output == "name":
        for node in [*nodes, *elsewhere]:
            click.echo(clean(node["name"]))
            for worker in node["workers"]:
                path = worker if isinstance(worker, str) else worker["path"]
                click.echo(clean(f"{node['name']}/{path}"))
        return
    rows = [row for node in nodes for row in _rows(node)]
    rows += [row for peer in elsewhere for row in _peer_rows(peer)]
    look = Look.at(sys.stdout, ascii_only=ascii_only)
    stated = [(*row[:4], look.state(row[4]), *row[5:]) for row in rows]
    for line in draw_table(PS_HEADS, stated, look):
        click.echo(line, color=look.color)


def _look_at(names: Sequence[str]) -> dict[str, Seen]:
    """Ask the nodes, all at one time: one that is blocked costs its timeout only once."""
    if not names:
        return {}
    with ThreadPoolExecutor(max_workers=min(16, len(names))) as pool:
        answers = zip(names, pool.map(_snapshot, names), strict=True)
        return {name: seen for name, seen in answers if seen is not None}


def _snapshot(name: str) -> Seen | None:
    """Ask one node; None if it has ended meanwhile."""
    try:
        answer = ask(name, "snapshot")
    except NotAnswering as error:
        silent: dict[str, Any] = {"name": name, "state": "silent", "error": str(error)}
        return silent | {"pid": error.pid, "workers": []}
    except ControlError:
        return None
    node: dict[str, Any] = answer.pop("node")
    answer.pop("ok")
    return node | answer


def _tree_lines(node: Seen, nodes: Mapping[str, Seen], look: Look) -> list[str]:
    facts = [clean(node["name"]), look.state(node["state"])]
    if node["pid"]:
        facts.append(f"pid {node['pid']}")
    if node["state"] == "silent":
        return [look.cut("  ".join(facts), look.width or 10_000), clean(node["error"])]
    if node["workers"]:
        facts.append(f"up {short_time(node['workers'][0]['up_s'])}")
    if node["dead_letters"]:
        facts.append(f"{short_number(node['dead_letters'])} dead letters")
    if node.get("omitted"):
        facts.append(f"{short_number(node['omitted'])} workers more")
    lines = ["  ".join(facts), *draw_tree(_with_processes(node, nodes), look)]
    # A parent of processes knows nobody itself: shown is whom they know besides each other.
    below = [nodes[each] for each in node.get("processes", ()) if each in nodes]
    peers = [_peer_row(each) for each in _elsewhere(below) or node.get("peers", ())]
    return [*lines, *draw_table(PEER_HEADS, peers, look)] if peers else lines


def _with_processes(node: Seen, nodes: Mapping[str, Seen]) -> list[Seen]:
    """Return the workers of a node; below each that stands for a process, those of its node."""
    workers: list[Seen] = []
    processes = frozenset(node.get("processes", ()))
    for worker in node["workers"]:
        workers.append(worker)
        if worker["name"] in processes and worker["name"] in nodes:
            below = nodes[worker["name"]]["workers"]
            workers += [each | {"depth": each["depth"] + worker["depth"] + 1} for each in below]
    return workers


def _elsewhere(nodes: Sequence[Seen]) -> list[Seen]:
    """Return the nodes that do not run here and are known to one that does, each once."""
    here = {node["name"] for node in nodes}
    peers: dict[str, Seen] = {}
    for node in nodes:
        for peer in node.get("peers", ()):
            if peer["name"] not in here:
                peers.setdefault(peer["name"], peer)
    return [peers[name] for name in sorted(peers)]


def _peer_row(peer: Seen) -> tuple[str, ...]:
    heard = f"{short_time(peer['heard_s'])} ago"
    counts = (peer["waiting"], peer["asks"], peer["jobs"])
    numbers = (str(len(peer["workers"])), heard, *map(short_number, counts))
    return (peer["name"], peer["transport"], *numbers)


def _peer_rows(peer: Seen) -> list[tuple[str, ...]]:
    name = peer["name"]
    rows: list[tuple[str, ...]] = [(name, "-", "", "peer", "up", "", "", str(peer["jobs"]), "-")]
    rows += [(name, "-", worker, "-", "known", "", "", "", "-") for worker in peer["workers"]]
    return rows


def _rows(node: Seen) -> list[tuple[str, ...]]:
    name, pid = node["name"], str(node["pid"] or "-")
    up = short_time(node["workers"][0]["up_s"]) if node["workers"] else "-"
    rows: list[tuple[str, ...]] = [(name, pid, "", "node", node["state"], "", "", "", up)]
    for worker in node["workers"]:
        mailbox = f"{short_number(worker['waiting'])}/{short_number(worker['bound'])}"
        facts = (worker["state"], str(worker["restarts"]), mailbox, str(worker["jobs"]))
        up = short_time(worker["up_s"])
        rows.append((name, pid, worker["path"], worker["kind"], *facts, up))
    return rows
