"""The demonstration on several nodes: the parsers are elsewhere, and one of the nodes is killed.

    $ callboard demo --nodes 3 --transport websocket

This process is the first node. It holds the index, the walker and whoever tells of them, and has
the other nodes run below it, as processes; nobody in the company knows the difference.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from callboard import CallboardError, Child, Node
from callboard.examples.indexing.brokers import Broker
from callboard.examples.indexing.chaos import Chaos
from callboard.examples.indexing.company import STRIKES, Company, Plan
from callboard.examples.indexing.keeper import Keeper
from callboard.examples.indexing.nodes import NodeProcess
from callboard.examples.indexing.outpost import PARSERS, ROOT
from callboard.examples.indexing.report import Result, counted
from callboard.examples.indexing.reporter import Reporter, Unproven
from callboard.examples.indexing.trouble import Trouble
from callboard.examples.indexing.walker import Walker
from callboard.examples.indexing.witness import Witness
from callboard.examples.servers.programs import ServerMissing
from callboard.examples.servers.server import ServerFailed
from callboard.supervision.signals import Signals
from callboard.transports.urls import transport_from_url

URL = "CALLBOARD_BUS_URL"
"""How `callboard run` learns where the others are: it may hold a password, so it is no argument."""


@dataclass(frozen=True)
class FleetPlan(Plan):
    """A plan with so many nodes; `workers` are the parsers of each node but the first."""

    strike_every: float | None = 1.0
    nodes: int = 3
    transport: str = "websocket"

    @property
    def outposts(self) -> dict[str, list[str]]:
        """The other nodes, each with its parsers."""
        return {
            f"node-{node}": [f"parser-{node}-{number}" for number in range(1, self.workers + 1)]
            for node in range(2, self.nodes + 1)
        }

    @property
    def parsers(self) -> list[str]:
        # The first of each node, then the second of each: so whoever goes from one to the next
        # comes to another node.
        return [name for names in zip(*self.outposts.values(), strict=True) for name in names]

    @property
    def headline(self) -> str:
        where = f"{counted(len(self.parsers), 'parser')} on {counted(self.nodes - 1, 'other node')}"
        joined = f"{where}, joined by {self.transport}"
        if self.seed is None:
            return f"{joined}, and nobody is killed"
        return f"{joined}; nodes and workers are killed (seed {self.seed})"

    @property
    def victims(self) -> list[str]:
        return ["index", "walker"]


class Fleet(Company):
    """The tree of the first node: the company, with processes where its parsers would stand."""

    def __init__(
        self,
        plan: FleetPlan,
        broker: Broker,
        stream: TextIO | None = None,
        on_result: Callable[[Result], object] | None = None,
    ) -> None:
        super().__init__(plan, stream, on_result)
        self._fleet = plan
        self._broker = broker

    def children(self) -> list[Child]:
        plan, broker, seed = self._fleet, self._broker, self._fleet.seed
        stream = self._stream or sys.stdout
        say = {ROOT: str(plan.root), URL: broker.url}
        reporter = partial(
            Reporter, plan.root, plan.headline, seed, stream, self._on_result,
            trouble=seed is not None,
        )  # fmt: skip
        children = [
            Child("index", partial(Keeper, self._journal)),
            *(
                Child(name, partial(NodeProcess, name, say | {PARSERS: " ".join(parsers)}))
                for name, parsers in plan.outposts.items()
            ),
            Child(
                "walker", partial(Walker, plan.root, plan.skip, plan.parsers), restart="transient"
            ),
            Child("witness", partial(Witness, plan.root, plan.skip), restart="transient"),
        ]
        if seed is not None:
            trouble = partial(Trouble, seed, list(plan.outposts), broker)
            children.append(Child("trouble", trouble, restart="transient"))
        children.append(Child("reporter", reporter, restart="transient", significant=True))
        if seed is not None:
            chaos = partial(Chaos, seed, plan.victims, plan.strike_every, STRIKES)
            children.append(Child("chaos", chaos, restart="transient"))
        return children


def main(plan: FleetPlan) -> int:
    """Runs the demonstration; 0 only if the index is proven to be right, 130 after a Ctrl-C."""
    try:
        with Broker(plan.transport) as broker:
            return asyncio.run(_run(plan, broker))
    except (ImportError, ServerMissing) as error:
        print(f"callboard demo: {error}", file=sys.stderr)
        return 2
    except (ServerFailed, CallboardError, OSError) as error:
        print(f"callboard demo: {error}", file=sys.stderr)
        return 1


async def _run(plan: FleetPlan, broker: Broker) -> int:
    results: list[Result] = []
    node = Node(
        Fleet(plan, broker, on_result=results.append),
        name="node-1",
        transports=[transport_from_url(broker.url)],
        handle_signals=False,
    )
    with Signals(node) as signals:
        try:
            await node.run()
        except Unproven:
            return 1  # the report has said so already
    if signals.received is not None:
        return 128 + signals.received
    return 0 if results and results[0].proof.equal else 1


def fleet_plan(plan: Plan, nodes: int, transport: str) -> FleetPlan:
    """Gives the same plan, with so many nodes."""
    return FleetPlan(
        plan.root, plan.skip, plan.workers, plan.seed, nodes=nodes, transport=transport
    )
