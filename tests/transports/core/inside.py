"""What the tests of the core look at and do inside a node."""

from __future__ import annotations

from callboard import Node
from callboard.transports.discovery import Discovery
from callboard.transports.peer import Peer
from callboard.transports.router import Router
from callboard.transports.transport import Transport

__all__ = ["discovery_of", "line", "router_of", "way_out"]


def router_of(node: Node) -> Router:
    """The router of a node that is joined to others."""
    network = node._network  # pyright: ignore[reportPrivateUsage]
    assert network is not None
    return network.router


def discovery_of(node: Node) -> Discovery:
    """What the node knows of others."""
    return router_of(node).discovery


def way_out(node: Node) -> Transport:
    """The one transport of a node that is connected: what is posted there goes out as it is."""
    (transport,) = router_of(node)._transports.values()  # pyright: ignore[reportPrivateUsage]
    return transport


def line(node: Node, other: str) -> Peer:
    """The node's way to another one: what is posted there goes out as it is."""
    return router_of(node).peers[other]
