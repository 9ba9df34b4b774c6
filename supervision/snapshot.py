"""What a node looks like at one moment: the one state model that everything outside reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..actors.cell import Cell, State
from ..actors.runtime import Runtime
from ..transports.peer import Peer
from .supervisor import Supervisor

__all__ = ["NodeSnapshot", "PeerSnapshot", "WorkerSnapshot", "snapshot", "walk"]


@dataclass(frozen=True)
class WorkerSnapshot:
    """One worker, as seen from outside."""

    name: str
    path: str
    depth: int
    """How far below the root; 0 is the root."""
    kind: str
    """`supervisor` or the name of the worker's class."""
    state: str
    incarnation: int
    restarts: int
    up_s: float | None
    """Seconds since it was started; None while it is not running."""
    waiting: int
    """Messages in its mailbox."""
    bound: int
    handled: int
    handling: str | None
    """The message that its suspended handler is handling."""
    jobs: int
    """Jobs that it is doing."""
    active: bool | None
    note: str = ""


@dataclass(frozen=True)
class PeerSnapshot:
    """Another node, as seen from this one."""

    name: str
    incarnation: int
    transport: str
    """The worker here that carries to it."""
    heard_s: float
    """Seconds since a sign of life."""
    workers: tuple[str, ...]
    """Its public workers that are known."""
    waiting: int
    """Parcels on the way there that are not acknowledged."""
    asks: int
    """Asks and jobs that it has not answered."""
    jobs: int
    """Jobs that are done here for it."""


@dataclass(frozen=True)
class NodeSnapshot:
    """One node, its tree in order."""

    name: str
    incarnation: int
    state: str
    workers: tuple[WorkerSnapshot, ...]
    dead_letters: int
    counts: dict[str, int]
    """Events and things that are only counted, by kind."""
    peers: tuple[PeerSnapshot, ...] = ()
    """The other nodes that it knows."""

    def plain(self) -> dict[str, Any]:
        """Return it as dictionaries, lists and plain values, for JSON."""
        return asdict(self)


def walk(cell: Cell, depth: int = 0) -> Iterator[tuple[int, Cell, Any]]:
    """Go over a worker and all below it: depth, place, and what its supervisor says of it."""
    yield from _walk(cell, depth, None)


def _walk(cell: Cell, depth: int, info: Any) -> Iterator[tuple[int, Cell, Any]]:
    yield depth, cell, info
    supervisor: Any = cell.actor
    if not isinstance(supervisor, Supervisor):
        family = getattr(cell.actor, "_family", None)
        supervisor = family.cell.actor if family is not None else None
    if isinstance(supervisor, Supervisor):
        infos = {each.name: each for each in supervisor.child_infos()}
        for child in supervisor.child_cells():
            yield from _walk(child, depth + 1, infos.get(child.name))


def snapshot(
    runtime: Runtime, root: Cell | None, state: str, transports: Cell | None, peers: Iterable[Peer]
) -> NodeSnapshot:
    """Look at a node."""
    now = runtime.loop.time()
    trees = [cell for cell in (root, transports) if cell is not None]
    return NodeSnapshot(
        runtime.name,
        runtime.incarnation,
        state,
        tuple(_worker(*each, now) for cell in trees for each in walk(cell)),
        runtime.dead_letters.count,
        dict(sorted(runtime.events.counts.items())),
        tuple(_peer(each, now) for each in peers),
    )


def _peer(peer: Peer, now: float) -> PeerSnapshot:
    return PeerSnapshot(
        name=peer.node,
        incarnation=peer.known.incarnation,
        transport=str(peer.known.via),
        heard_s=now - peer.known.heard,
        workers=tuple(peer.workers),
        waiting=peer.link.open,
        asks=len(peer.asks) + len(peer.jobs),
        jobs=len(peer.serving),
    )


def _worker(depth: int, cell: Cell, info: Any, now: float) -> WorkerSnapshot:
    actor: Any = cell.actor
    state = info.state if info is not None else cell.state
    note = ""
    if state is State.WAITING and info is not None:
        due = f"in {max(0.0, info.due - now):.1f} s" if info.due is not None else "with its group"
        note = f"restart {info.attempt} {due}: {info.reason}"
    elif cell.suspended:
        note = "suspended"
    elif state is State.STOPPED and info is not None and info.reason:
        note = info.reason
    serving = getattr(actor, "_serving", None)
    kind = "supervisor" if isinstance(actor, Supervisor) else type(actor).__name__
    return WorkerSnapshot(
        name=cell.name,
        path=cell.path,
        depth=depth,
        kind=kind if actor is not None else "-",
        state=state.value,
        incarnation=cell.incarnation,
        restarts=info.restarts if info is not None else 0,
        up_s=now - cell.started_at if cell.started_at is not None and cell.running else None,
        waiting=len(cell.mailbox),
        bound=cell.mailbox.bound,
        handled=cell.handled,
        handling=type(cell.entry[0]).__name__ if cell.busy and cell.entry is not None else None,
        jobs=len(serving.open) if serving is not None else 0,
        active=getattr(actor, "active", None),
        note=note,
    )
