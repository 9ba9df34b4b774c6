"""The registry of a node: who is known, where, in which incarnation, and who waits for whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .delivery import Delivery
from .errors import NameTaken
from .message import SystemMessage
from .reason import Reason
from .ref import WorkerRef

__all__ = ["Registration", "Registry", "WorkerReady"]


class WorkerReady(SystemMessage):
    """A watched worker became ready, or was ready when the watch was set."""

    worker: str
    node: str
    incarnation: int


class Place(Delivery, Protocol):
    """The way to a worker of this node, which knows where it stands."""

    @property
    def path(self) -> str:
        """Where it stands in the tree, from the root."""
        ...


@dataclass(slots=True)
class Registration:
    """One known worker."""

    ref: WorkerRef
    target: Delivery
    node: str
    incarnation: int = 0
    ready: bool = False
    since: int = 0
    """When the name was taken: of two nodes that have it the earlier one keeps it."""
    reason: Reason | None = None
    """Why the worker ended for good."""

    @property
    def order(self) -> tuple[int, str]:
        """Who goes first where two claim one name; all nodes come to the same end."""
        return (self.since, self.node)

    @property
    def path(self) -> str:
        """Where it stands: in the tree of this node, or on which other one."""
        return str(getattr(self.target, "path", f"{self.node}:{self.ref.name}"))

    @property
    def public(self) -> bool:
        """Whether other nodes may know it."""
        return bool(getattr(self.target, "public", True))

    @property
    def bridges(self) -> tuple[str, ...] | None:
        """The names of the bridges that it takes frames from; none named: all. None: of none."""
        return getattr(self.target, "bridges", None)


Watcher: TypeAlias = "Callable[[WorkerReady], None]"


class Registry:
    """Name to registration, and the watches on names; one for each node.

    Looking up, declaring, watching and announcing cost the same whatever the number of workers.
    Where several nodes have one name, the earliest owns it and the others stand behind it: the
    next one takes over when the owner has gone.
    """

    def __init__(self, node: str, report: Callable[[str, BaseException], None]) -> None:
        """Begin empty; `report` hears of watchers that raise."""
        self.node = node
        self._report = report
        self.changed: Callable[[Registration], None] | None = None
        """Called with a registration of this node that became ready, unready or gone."""
        self.clashed: Callable[[Registration, Registration], None] | None = None
        """Called once with owner and rival where another node has a name of this one."""
        self._known: dict[str, Registration] = {}
        self._rivals: dict[str, list[Registration]] = {}
        """Those who claim a name that an earlier one owns, in order; nearly always empty."""
        self._stamp = 0
        self._watches: dict[str, dict[object, Watcher]] = {}
        self._watching: dict[object, set[str]] = {}
        self._bridged: dict[str, Registration] = {}
        """The ready ones that are on a bridge."""
        self._bridge_watches: dict[object, Watcher] = {}

    def __len__(self) -> int:
        """Workers that are known."""
        return len(self._known)

    @property
    def watches(self) -> int:
        """Watches that are set."""
        named = sum(len(watchers) for watchers in self._watches.values())
        return named + len(self._bridge_watches)

    def watched(self) -> dict[str, int]:
        """Return how many watches are set on each name that has any."""
        return {name: len(watchers) for name, watchers in self._watches.items()}

    @property
    def names_known(self) -> Mapping[str, Registration]:
        """The table itself, for those who look into it at every send."""
        return self._known

    def find(self, name: str) -> Registration | None:
        """Return the registration of the name, or None."""
        return self._known.get(name)

    def names(self, *, local: bool | None = None) -> list[str]:
        """Return the known names, in order of declaration: all, local ones, or remote ones."""
        return [
            name
            for name, known in self._known.items()
            if local is None or (known.node == self.node) == local
        ]

    def here(self, name: str) -> Registration | None:
        """Return the registration of this node's own worker of that name, owner or not."""
        return self._claim_of(name, self.node)

    def local(self) -> list[Registration]:
        """Return the registrations of this node's own workers, also where another owns the name."""
        behind = [each for rivals in self._rivals.values() for each in rivals]
        return [each for each in (*self._known.values(), *behind) if each.node == self.node]

    def declare(self, ref: WorkerRef, target: Place) -> Registration:
        """Take a name for a worker of this node that is going to start.

        Raises:
            NameTaken: another worker of this node has it.

        """
        mine = self.here(ref.name)
        if mine is not None and mine.target is not target:
            raise NameTaken(ref.name, mine.path, target.path)
        if mine is not None:
            self._remove(mine)
        known = self._known.get(ref.name)
        # Later than whatever is known, so that clocks that differ change nothing.
        after = known.since if known is not None else 0
        self._stamp = max(time.time_ns() // 1_000_000, self._stamp + 1, after + 1)
        registration = Registration(ref, target, self.node, since=self._stamp)
        self._add(registration)
        return registration

    def learn(self, registration: Registration) -> None:
        """Take in a worker of another node; `ready` says more of it later."""
        self._add(registration)

    def ready(self, name: str, incarnation: int, node: str | None = None) -> None:
        """Note that the worker of this node, or of `node`, is ready, and call who watches for it.

        The same incarnation again changes nothing.
        """
        claim = self._claim_of(name, node or self.node)
        if claim is None or (claim.ready and claim.incarnation >= incarnation):
            return
        claim.ready = True
        claim.incarnation = incarnation
        if claim.node == self.node and self.changed is not None:
            self.changed(claim)
        if self._known.get(name) is claim:
            self._tell_ready(claim)

    def unready(self, name: str, node: str | None = None) -> None:
        """Note that the worker waits for its restart."""
        claim = self._claim_of(name, node or self.node)
        if claim is not None and claim.ready:
            claim.ready = False
            if claim.node == self.node and self.changed is not None:
                self.changed(claim)

    def gone(self, name: str, target: Delivery, reason: Reason | None = None) -> None:
        """Free the name, if it belongs to this worker; who stood behind it takes over."""
        known = self._known.get(name)
        if known is None:
            return
        owned = known.target is target
        claim = known if owned else self._behind(name, target)
        if claim is None:
            return
        self._remove(claim)
        claim.ready = False
        claim.reason = reason
        if claim.node == self.node and self.changed is not None:
            self.changed(claim)
        heir = self._known.get(name)
        if owned and heir is not None and heir.ready:
            self._tell_ready(heir)

    def _behind(self, name: str, target: Delivery) -> Registration | None:
        rivals = self._rivals.get(name, ())
        return next((each for each in rivals if each.target is target), None)

    def _claim_of(self, name: str, node: str) -> Registration | None:
        known = self._known.get(name)
        if known is None or known.node == node:
            return known
        return next((each for each in self._rivals.get(name, ()) if each.node == node), None)

    def _add(self, claim: Registration) -> None:
        name = claim.ref.name
        known = self._known.get(name)
        if known is None:
            self._known[name] = claim
            return
        owner, rival = (known, claim) if known.order < claim.order else (claim, known)
        self._known[name] = owner
        rivals = self._rivals.setdefault(name, [])
        rivals.append(rival)
        rivals.sort(key=lambda each: each.order)
        if self.clashed is not None and self.node in (known.node, claim.node):
            self.clashed(owner, rival)

    def _remove(self, claim: Registration) -> None:
        name = claim.ref.name
        if self._bridged.get(name) is claim:
            del self._bridged[name]
        rivals = self._rivals.get(name)
        if self._known.get(name) is claim:
            if rivals:
                self._known[name] = rivals.pop(0)
            else:
                del self._known[name]
        elif rivals:
            rivals.remove(claim)
        if rivals is not None and not rivals:
            del self._rivals[name]

    def _tell_ready(self, known: Registration) -> None:
        name = known.ref.name
        watchers = self._watches.get(name)
        if watchers:
            self._tell(watchers, known)
        if known.bridges is not None:
            self._bridged[name] = known
            self._tell(self._bridge_watches, known)

    def _tell(self, watchers: dict[object, Watcher], known: Registration) -> None:
        fact = WorkerReady(known.ref.name, known.node, known.incarnation)
        for key, watcher in list(watchers.items()):
            if key in watchers:  # a watcher before it may have taken it back
                self._call(watcher, fact)

    def watch(self, name: str, key: object, watcher: Watcher) -> None:
        """Call `watcher` each time the worker becomes ready, at once if it is ready now.

        The same key on the same name again changes nothing: one call per event.
        """
        watchers = self._watches.setdefault(name, {})
        if key in watchers:
            return
        watchers[key] = watcher
        self._watching.setdefault(key, set()).add(name)
        known = self._known.get(name)
        if known is not None and known.ready:
            self._call(watcher, WorkerReady(name, known.node, known.incarnation))

    def watch_bridged(self, key: object, watcher: Watcher) -> None:
        """Call `watcher` each time a worker that is on a bridge becomes ready, at once if it is."""
        self._bridge_watches[key] = watcher
        for name, known in list(self._bridged.items()):
            if known.ready and self._known.get(name) is known:
                self._call(watcher, WorkerReady(name, known.node, known.incarnation))

    def unwatch(self, key: object, name: str | None = None) -> None:
        """Take back the watches of this key: on one name, or all of them."""
        if name is None:
            self._bridge_watches.pop(key, None)
        names = self._watching.get(key)
        if names is None:
            return
        for each in [name] if name is not None else list(names):
            names.discard(each)
            watchers = self._watches.get(each)
            if watchers is not None:
                watchers.pop(key, None)
                if not watchers:
                    del self._watches[each]
        if not names:
            del self._watching[key]

    def _call(self, watcher: Watcher, fact: WorkerReady) -> None:
        try:
            watcher(fact)
        except Exception as error:
            self._report(f"a watcher of {fact.worker!r} raised", error)
