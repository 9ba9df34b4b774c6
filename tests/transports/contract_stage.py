"""The nodes of a conformance test: started on one network, stopped in reverse, nothing left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import pytest

from callboard import Backoff, Child, Node, Restarts, Supervisor
from callboard.actors.testing import LeakCheck, eventually
from callboard.transports.transport import Transport
from tests.transports.contract_cast import Log, player
from tests.transports.contract_network import Network

__all__ = ["QUICK", "Stage", "Staged"]

QUICK = Restarts(intensity=1000, backoff=Backoff(min=0))
"""Restarts without a delay."""


class Stage:
    """`async with stage:` opens the network; nodes are started by `await stage.node("A", …)`."""

    def __init__(self, network: Network, beside: Stage | None = None) -> None:
        """`beside`: a stage that ends after this one, and then looks for what is left."""
        self.network = network
        self.log = Log()
        self.nodes: list[Node] = []
        self._leaks: LeakCheck = beside._leaks if beside is not None else LeakCheck()
        self._last = beside is None

    async def __aenter__(self) -> Self:
        self._leaks.begin()
        await self.network.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            self.log.gate.set()
            for node in reversed(self.nodes):
                await node.stop()
        finally:
            await self.network.__aexit__()
        if self._last:
            await self._leaks.verify()

    async def node(
        self, name: str, *children: Child | str, watchful: bool = False, **settings: Any
    ) -> Node:
        """Start a node with these children; a name is that of a player.

        `watchful`: with the network's own times, so that a silent node is soon declared down.
        """
        network = self.network
        specs = [player(each, self.log) if isinstance(each, str) else each for each in children]
        if watchful:
            settings = {"beat": network.beat, "down_after": network.down_after, **settings}
        transports: list[Transport] = settings.pop("transports", None) or [network.transport(name)]
        node = Node(
            Supervisor(specs, restarts=QUICK),
            name=name,
            transports=transports,
            handle_signals=False,
            **settings,
        )
        self.nodes.append(node)
        self._leaks.add(node)
        await node.start()
        return node

    async def pair(self, *, watchful: bool = False) -> tuple[Node, Node]:
        """Start A with the player a and B with the player b, which know each other."""
        a = await self.node("A", "a", watchful=watchful)
        b = await self.node("B", "b", watchful=watchful)
        await self.know(a, "b")
        await self.know(b, "a")
        return a, b

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, as long as the network says."""
        await eventually(condition, within=self.network.within)

    async def know(self, node: Node, *names: str) -> None:
        """Wait until a node knows these workers, and that they are ready."""
        await self.until(lambda: all(is_ready(node, name) for name in names))

    async def forget(self, node: Node, *names: str) -> None:
        """Wait until a node knows none of these workers any more."""
        await self.until(lambda: not any(node.ref(name) for name in names))

    async def noted(self, player: str, *what: str, count: int = 1) -> list[Any]:
        """Wait until a player has written down so many of these things; return all of them."""
        await self.until(lambda: len(self.log.of(player, *what)) >= count)
        return self.log.of(player, *what)

    def counted(self, node: Node, what: str) -> int:
        """How often something was counted on a node."""
        return node.events.counts[what]

    def open_with_others(self, node: Node) -> int:
        """How much is open between a node and all others: asks, jobs, what is on the way."""
        return sum(peer.asks + peer.jobs + peer.waiting for peer in node.snapshot().peers)


class Staged:
    """A part of the contract: tests that are given a stage."""

    @pytest.fixture
    def network(self) -> Network:
        """The network of a test; who has a transport tested overrides this."""
        raise NotImplementedError(f"{type(self).__name__} says no network()")

    @pytest.fixture
    def stage(self, network: Network) -> Stage:
        """The stage of a test."""
        return Stage(network)


def is_ready(node: Node, name: str) -> bool:
    """Whether the node knows a worker of this name that is ready."""
    known = node.registry.find(name)
    return known is not None and known.ready
