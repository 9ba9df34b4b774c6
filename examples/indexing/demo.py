"""The demonstration: a company that indexes source code while its workers are killed at random.

    $ python -m callboard.examples.indexing.demo [--no-chaos] [--seed N] [--workers N] [FOLDER]
    $ python -m callboard.examples.indexing.demo --nodes 3 [--transport websocket|redis|pgmq]

`callboard demo` is the same; `callboard run callboard.examples.indexing.demo:tree` runs the same
tree like any other.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

from callboard import CallboardError, Node
from callboard.examples.indexing import fleet
from callboard.examples.indexing.company import Company, Plan
from callboard.examples.indexing.files import THIRD_PARTY, standard_library
from callboard.examples.indexing.report import Result
from callboard.examples.indexing.reporter import Unproven
from callboard.supervision.cli.verbs import main as command
from callboard.supervision.signals import Signals


def plan(
    path: str | None, *, chaos: bool = True, seed: int | None = None, workers: int = 4
) -> Plan:
    """Plans the work: the folder at `path`, or the standard library of this interpreter."""
    if seed is None:
        seed = secrets.randbelow(10_000)
    root = standard_library() if path is None else Path(path).resolve()
    skip = THIRD_PARTY if path is None else frozenset[str]()
    return Plan(root, skip, workers, seed if chaos else None)


def tree() -> Company:
    """Gives the tree that indexes the standard library, with chaos."""
    return Company(plan(None))


def main(
    path: str | None,
    *,
    chaos: bool,
    seed: int | None,
    workers: int,
    nodes: int = 1,
    transport: str = "websocket",
) -> int:
    """Runs the demonstration; 0 only if the index is proven to be right, 130 after a Ctrl-C."""
    if path is not None and not Path(path).is_dir():
        print(f"callboard demo: {path!r} is no folder", file=sys.stderr)
        return 2
    the_plan = plan(path, chaos=chaos, seed=seed, workers=workers)
    if nodes > 1:
        return fleet.main(fleet.fleet_plan(the_plan, nodes, transport))
    return asyncio.run(_run(the_plan))


async def _run(the_plan: Plan) -> int:
    results: list[Result] = []
    node = Node(Company(the_plan, on_result=results.append), handle_signals=False)
    with Signals(node) as signals:
        try:
            await node.run()
        except Unproven:
            return 1  # the report has said so already
        except (CallboardError, OSError) as error:
            print(f"callboard demo: {error}", file=sys.stderr)
            return 1
    if signals.received is not None:
        return 128 + signals.received
    return 0 if results and results[0].proof.equal else 1


if __name__ == "__main__":
    command(["demo", *sys.argv[1:]])
