"""Waiting for the transports of a node that is to run connected, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ...actors.cell import Cell
from ...transports.transport import Transport
from ..node import Node
from ..snapshot import walk

__all__ = ["not_connected"]

SUPERVISOR = "transports"
"""The name of the supervisor that the transports of a node stand under."""


async def not_connected(node: Node, within: float) -> list[str]:
    """Wait until every transport is connected; return those that are not so many seconds later.

    Each is its name, with the reason of its last failure.
    """
    subscription = node.events.subscribe()
    try:
        async with asyncio.timeout(within):
            if not any(_apart(node)):
                return []
            async for event in subscription:
                if event.kind == "connected" and not any(_apart(node)):
                    break
    except TimeoutError:
        pass
    finally:
        subscription.close()
    apart = set(_apart(node))
    return [
        f"{worker.name} ({worker.note or worker.state})"
        for worker in node.snapshot().workers
        if worker.name in apart
    ]


def _apart(node: Node) -> Iterator[str]:
    """Give the names of the transports that are not connected."""
    known = node.registry.find(SUPERVISOR)
    if known is None or not isinstance(known.target, Cell):
        return
    for _, cell, info in walk(known.target):
        up = isinstance(cell.actor, Transport) and cell.actor.is_up
        if info is not None and not up:  # without it, it is the supervisor itself
            yield cell.name
