"""Learner: what other nodes tell of their public workers, taken into this node's registry."""

from __future__ import annotations

from ..actors.reason import Normal, Reason
from ..actors.registry import Registration, Registry
from .carried_errors import reason_of
from .known import Learned
from .peer import Peer
from .remote import RemoteWorker

__all__ = ["Learner"]


class Learner:
    """Keeps the workers of other nodes in the registry."""

    def __init__(self, registry: Registry) -> None:
        """Fill this registry."""
        self._registry = registry

    def learn(self, peer: Peer, learned: Learned) -> None:
        """Take in what a node tells: who ended, who is there, who is ready."""
        node = learned.known.name
        if learned.whole:
            named = {fact[0] for fact in learned.workers}
            for worker in list(peer.workers.values()):
                if worker.ref.name not in named:
                    self._gone(peer, worker, Normal())
        for name, since, facts in learned.gone:
            ended = peer.workers.get(name)
            if ended is not None and ended.since == since:
                self._gone(peer, ended, reason_of(facts, node))
        for name, incarnation, since, ready, bridges in learned.workers:
            worker = self._worker(peer, name, since)
            worker.bridges = bridges
            if ready:
                worker.started(incarnation)
                self._registry.ready(name, incarnation, node)
            else:
                worker.ready = False
                self._registry.unready(name, node)

    def ended(self, worker: RemoteWorker, reason: Reason) -> None:
        """Take note that a worker, or its node, is gone for good."""
        self._registry.gone(worker.ref.name, worker, reason)
        worker.close(reason)

    def _worker(self, peer: Peer, name: str, since: int) -> RemoteWorker:
        worker = peer.workers.get(name)
        if worker is not None and worker.since == since:
            return worker
        if worker is not None:  # another one took the name meanwhile
            self._gone(peer, worker, Normal())
        worker = peer.workers[name] = RemoteWorker(peer, name, since)
        self._registry.learn(Registration(worker.ref, worker, peer.node, since=since))
        return worker

    def _gone(self, peer: Peer, worker: RemoteWorker, reason: Reason) -> None:
        peer.workers.pop(worker.ref.name, None)
        self.ended(worker, reason)
