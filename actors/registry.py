"""The registry of a node: who is known, where, in which incarnation, and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .delivery import Delivery
from .errors import NameTaken
from .message import SystemMessage
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

    @property
    def path(self) -> str:
        """Where it stands: in the tree of this node, or on which other one."""
        return str(getattr(self.target, "path", f"{self.node}:{self.ref.name}"))

    @property
    def public(self) -> bool:
        """Whether other nodes may know it."""
        return bool(getattr(self.target, "public", True))


Watcher: TypeAlias = "Callable[[WorkerReady], None]"


class Registry:
    """Name to registration, and the watches on names; one for each node.

    Looking up, declaring, watching and announcing cost the same whatever the number of workers.
    """

    def __init__(self, node: str, report: Callable[[str, BaseException], None]) -> None:
        """Begin empty; `report` hears of watchers that raise."""
        self.node = node
        self._report = report
        self._known: dict[str, Registration] = {}
        self._watches: dict[str, dict[object, Watcher]] = {}
        self._watching: dict[object, set[str]] = {}

    def __len__(self) -> int:
        """Workers that are known."""
        return len(self._known)

    @property
    def watches(self) -> int:
        """Watches that are set."""
        return sum(len(watchers) for watchers in self._watches.values())

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

    def declare(self, ref: WorkerRef, target: Place) -> Registration:
        """Take a name for a worker of this node that is going to start.

        Raises:
            NameTaken: another worker of this node has it.

        """
        known = self._known.get(ref.name)
        if known is not None and known.node == self.node and known.target is not target:
            raise NameTaken(ref.name, known.path, target.path)
        registration = Registration(ref, target, self.node)
        self._known[ref.name] = registration
        return registration

    def ready(self, name: str, incarnation: int) -> None:
        """Note that the worker is ready, and call who watches for it.

        The same incarnation again changes nothing.
        """
        known = self._known.get(name)
        if known is None or (known.ready and known.incarnation >= incarnation):
            return
        known.ready = True
        known.incarnation = incarnation
        watchers = self._watches.get(name)
        if watchers:
            fact = WorkerReady(name, known.node, incarnation)
            for key, watcher in list(watchers.items()):
                if key in watchers:  # a watcher before it may have taken it back
                    self._call(watcher, fact)

    def unready(self, name: str) -> None:
        """Note that the worker waits for its restart."""
        known = self._known.get(name)
        if known is not None:
            known.ready = False

    def gone(self, name: str, target: Delivery) -> None:
        """Free the name, if it belongs to this worker."""
        known = self._known.get(name)
        if known is not None and known.target is target:
            del self._known[name]

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

    def unwatch(self, key: object, name: str | None = None) -> None:
        """Take back the watches of this key: on one name, or all of them."""
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
