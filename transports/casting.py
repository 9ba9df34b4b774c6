"""Casting: one message to all other nodes, for each worker there that handles its type."""

from __future__ import annotations

from collections.abc import Iterable
from threading import get_ident

from ..actors.delivery import Entry
from ..actors.errors import CallboardError
from ..actors.message import lane_for
from ..actors.ref import WorkerRef
from ..actors.runtime import Runtime
from .parcels import Op, fold
from .peer import Peer

__all__ = ["cast_to"]


def cast_to(
    peers: Iterable[Peer], runtime: Runtime, message: object, source: WorkerRef | None
) -> None:
    """Send a message to these nodes, from any thread.

    For a node to which the way is full, or that goes down before it has it, it is a dead letter.

    Raises:
        NotCarried: it cannot cross; then it was sent to nobody.

    """
    entry: Entry = (message, source, lane_for(message, None), None, None, None)
    name = source.name if source is not None else None
    made: dict[int, bytes] = {}
    sent: list[tuple[Peer, bytes]] = []
    for peer in peers:
        codec = peer.codec
        if id(codec) not in made:
            made[id(codec)] = fold([Op.CAST, name, entry[2]], codec.encode(message))
        sent.append((peer, made[id(codec)]))
    if get_ident() == runtime.thread:
        _post(sent, runtime, entry)
    elif sent:
        runtime.call_from_thread(_post, sent, runtime, entry)


def _post(sent: list[tuple[Peer, bytes]], runtime: Runtime, entry: Entry) -> None:
    for peer, body in sent:
        everybody = WorkerRef(peer.node, runtime)
        try:
            peer.must_have_room(peer.node)
            peer.post(body, (everybody, entry))
        except CallboardError as full:
            runtime.dead(everybody, entry, full)
