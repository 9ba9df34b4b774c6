"""A node of ours and a peer that says what a test has it say, once they have met."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from callboard import Node
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.gateway import Gateway
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.transports.pipecat.cast import Log, is_ready, ours, tree, until
from tests.transports.pipecat.peer import Peer

__all__ = ["gateway_of", "meeting"]


@asynccontextmanager
async def meeting(
    url: str, channel: str, log: Log | None = None, **settings: Any
) -> AsyncGenerator[tuple[Node, Peer]]:
    """A node of ours with the worker `w`, and a peer with the worker `p`, once they have met."""
    transport = PipecatRedisTransport(url, channel=channel, **settings)
    node = Node(tree(ours("w", [] if log is None else log)), name="n", transports=[transport])
    async with Peer(url, channel) as peer, node:
        await peer.until(said.Listing, source=gateway_of(node).runner)
        await peer.tell_of("p")
        await until(lambda: is_ready(node, "p"))
        yield node, peer


def gateway_of(node: Node) -> Gateway:
    """What joins the node to its channel."""
    known = node.runtime.registry.here("transport-pipecatredis")
    assert known is not None
    place: Any = known.target
    gateway: Gateway = place.actor.gateway
    return gateway
