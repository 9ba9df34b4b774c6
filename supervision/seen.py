"""What a node shows of itself: its registry, its events, a snapshot, the admin calls."""

from __future__ import annotations

from ..actors.cell import Cell
from ..actors.deadletters import DeadLetters
from ..actors.errors import NotStarted
from ..actors.observe import Events
from ..actors.ref import WorkerRef
from ..actors.registry import Registry
from ..actors.runtime import Runtime
from .admin import Admin
from .network import Network
from .snapshot import NodeSnapshot, snapshot

__all__ = ["Seen"]


class Seen:
    """The part of a node that is looked at, from its start on."""

    name: str
    state: str = "new"
    _runtime: Runtime | None = None
    _root: Cell | None = None
    _network: Network | None = None

    @property
    def runtime(self) -> Runtime:
        """What the node's workers share.

        Raises:
            NotStarted: the node was not started.

        """
        if self._runtime is None:
            raise NotStarted(f"the Node {self.name!r} was not started: use 'async with', or run()")
        return self._runtime

    @property
    def root(self) -> WorkerRef:
        """The ref of the root supervisor."""
        _ = self.runtime
        assert self._root is not None
        return self._root.ref

    @property
    def registry(self) -> Registry:
        """Who is known here."""
        return self.runtime.registry

    @property
    def events(self) -> Events:
        """What happens here: `node.events.subscribe()`."""
        return self.runtime.events

    @property
    def dead_letters(self) -> DeadLetters:
        """What could not be delivered."""
        return self.runtime.dead_letters

    def snapshot(self) -> NodeSnapshot:
        """Return what the node looks like now."""
        network = self._network
        cell, peers = (network.cell, network.peers) if network is not None else (None, ())
        return snapshot(self.runtime, self._root, self.state, cell, peers)

    def ref(self, name: str) -> WorkerRef | None:
        """Return the ref of a known worker, or None."""
        known = self.runtime.registry.find(name)
        return known.ref if known is not None else None

    def admin(self, supervisor: str = "root") -> Admin:
        """Return the admin calls of a supervisor of this node.

        Raises:
            NotStarted: no supervisor of that name is known here.

        """
        ref = self.ref(supervisor)
        if ref is None:
            raise NotStarted(f"no supervisor {supervisor!r} is known on {self.name!r}")
        return Admin(ref)
