"""A fleet per column: the same nodes and the same faults, over each way to carry messages.

The node `caller` is in the test's own process; the others are stations, each behind a chaos proxy
of its own. So is the caller, where there is a broker.
"""

import math
import os
import threading
from collections.abc import Sequence
from typing import Any, Self

from callboard import Node
from callboard.actors.testing import eventually
from callboard.transports.transport import Transport
from callboard.transports.urls import transport_from_url
from tests.faults.stations import WITHIN, Far, Near, Station
from tests.servers.chaos import ChaosProxy, Way

__all__ = ["BEAT", "DOWN_AFTER", "FULL", "Fleet", "open_with_others"]

FULL = os.environ.get("CALLBOARD_FAULTS") == "full"
"""Whether times and numbers are those of real life (`make failures`), or smaller ones."""

BEAT, DOWN_AFTER = (2.0, 6.0) if FULL else (0.5, 2.0)


class Fleet:
    """The nodes of one test."""

    lasts = math.inf
    """Seconds without a connection after which a node is down, whatever is between them."""

    def __init__(self) -> None:
        self.stations: list[Station] = []
        self.proxies: dict[str, ChaosProxy] = {}
        self.times = {"beat": BEAT, "down_after": DOWN_AFTER}
        self.secrets: dict[str, str] | None = None
        self._caller: Near | None = None

    # -- what a column says ----

    async def open(self) -> None:
        """Start what stands between the nodes."""

    async def close(self) -> None:
        """Stop it."""

    async def transport(self, name: str) -> Transport:
        """Return a transport for a node of this process."""
        return transport_from_url(await self.url(name))

    async def url(self, name: str) -> str:
        """Return the URL of the transport of a node, through its own proxy."""
        raise NotImplementedError

    async def break_down(self) -> None:
        """Have what is between the nodes be gone, at once."""
        raise NotImplementedError

    async def come_back(self) -> None:
        """Have it be there again, and empty."""
        raise NotImplementedError

    async def left(self, name: str) -> list[str]:
        """Return what a node has at the broker: its queue, its channel, its connection."""
        return []

    # -- what a test uses ----

    @property
    def settings(self) -> dict[str, Any]:
        """What every node of the fleet is told."""
        return {**self.times, "secrets": self.secrets}

    @property
    def near(self) -> Near:
        """The test's own node, as a station."""
        assert self._caller is not None
        return self._caller

    @property
    def caller(self) -> Node:
        """The test's own node."""
        return self.near.node

    async def __aenter__(self) -> Self:
        """Start the caller's node, which is `A` and has the player `a`."""
        try:
            await self.open()
            self._caller = Near("A", ["a"], [await self.transport("A")], **self.settings)
            await self._caller.post.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def station(self, name: str = "B", *names: str) -> Station:
        """Start another node with these players (`b` without any), and wait until it is known."""
        names = names or ("b",)
        station = await self.start(name, names)
        self.stations.append(station)
        for each in names:
            await self.know(each)
        return station

    async def start(self, name: str, names: Sequence[str]) -> Station:
        """Start another node, in a process of its own."""
        station = Far(name)
        await station.start(names=list(names), urls=[await self.url(name)], **self.settings)
        return station

    async def guest(self, name: str, *names: str, **settings: Any) -> Near:
        """Start another node in this process, as a member of its own."""
        transport = await self.joining(name)
        station = Near(name, names, [transport], **(self.settings | settings))
        self.stations.append(station)
        await station.post.start()
        return station

    async def joining(self, name: str) -> Transport:
        """Return a transport by which one more node of this process joins."""
        return transport_from_url(await self.url(name))

    async def know(self, name: str) -> None:
        """Wait until the caller knows a worker, and that it is ready."""
        await self.near.meets(lambda found: found is not None, "knows", name)

    async def forget(self, name: str) -> None:
        """Wait until the caller knows no worker of that name."""
        await eventually(lambda: self.caller.ref(name) is None, within=WITHIN)

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        try:
            for station in reversed(self.stations):
                await station.end()
            for proxy in self.proxies.values():
                proxy.clear()
            if self._caller is not None:
                await self._caller.end()
        finally:
            for proxy in self.proxies.values():
                await proxy.refuse()
            await self.close()
            # One that is just vouching for its node is not waited for where that stops.
            await eventually(lambda: not _pulses(), within=WITHIN)

    def way_to(self, name: str) -> Way:
        """Return the way that what the caller sends takes through the proxy of a station."""
        return self.proxies[name].to_client

    async def proxy(self, name: str, port: int) -> ChaosProxy:
        """Return the proxy of a node, before this port; those of many nodes share one."""
        name = name.rstrip("0123456789")
        if name not in self.proxies:
            self.proxies[name] = ChaosProxy(port)
            await self.proxies[name].listen()
        return self.proxies[name]

    @property
    def counts(self) -> dict[str, int]:
        """What the caller's node has counted."""
        return dict(self.caller.events.counts)


def open_with_others(snapshot: dict[str, Any]) -> int:
    """How much is open between a node and all others: asks, jobs, what is on the way."""
    return sum(peer["asks"] + peer["jobs"] + peer["waiting"] for peer in snapshot["peers"])


def _pulses() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "callboard-pulse"]
