"""Announcer: what this node tells the others of its own public workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..actors.cell import Cell
from ..actors.reason import Normal
from ..actors.registry import Registration
from ..actors.runtime import Runtime
from .announcement import MOST_NAME, is_announceable
from .carried_errors import reason_in_facts
from .discovery import Discovery
from .known import Action, Gone

__all__ = ["Announcer"]


class Announcer:
    """Hears of changes in the registry, and has those of one turn of the loop announced as one."""

    def __init__(
        self, runtime: Runtime, discovery: Discovery, do: Callable[[Iterable[Action]], None]
    ) -> None:
        """Begin to listen; `do` carries out what discovery makes of it."""
        self._runtime = runtime
        self._discovery = discovery
        self._do = do
        self._changed: dict[str, Registration] = {}
        self._gone: dict[str, Registration] = {}
        self._telling = False
        self._kept: set[str] = set()
        """Names that no other node can know, and that this was said of."""
        self._drained = False
        self.listeners: list[Callable[[], object]] = []
        """Called after a turn of the loop in which public workers of this node have changed."""
        runtime.registry.changed = self._told
        runtime.registry.clashed = self._clashed
        for claim in runtime.registry.local():  # where a node that runs already is joined to others
            self._told(claim)

    def close(self) -> None:
        """Hear of no more changes."""
        registry = self._runtime.registry
        registry.changed = registry.clashed = None

    def drain(self) -> list[Action]:
        """Announce that all workers are gone, and none from now on: they take no new work."""
        why = ["shutdown", "", "its node is ending"]
        gone: list[Gone] = [
            (name, since, why) for name, _, since, _, _ in self._discovery.workers.values()
        ]
        self._drained = True
        return self._discovery.changed([], gone)

    def _told(self, claim: Registration) -> None:
        target = claim.target
        if not isinstance(target, Cell) or not target.public:
            return
        if target.actor is not None and not target.actor.announced:
            return
        name = claim.ref.name
        if not is_announceable(name):
            self._keep(name)
            return
        if claim.reason is not None:
            self._changed.pop(name, None)
            self._gone[name] = claim
        else:
            self._changed[name] = claim
        if not self._telling:
            self._telling = True
            self._runtime.loop.call_soon(self._tell)

    def _keep(self, name: str) -> None:
        """Say once that a worker stays unknown to other nodes."""
        if name not in self._kept:
            self._kept.add(name)
            text = (
                f"other nodes cannot know the worker {name[:MOST_NAME]!r}: a name that crosses is "
                f"printable and has 1 to {MOST_NAME} characters"
            )
            self._runtime.emit("not_announced", self._runtime.name, text=text)

    def _tell(self) -> None:
        self._telling = False
        changed, self._changed = self._changed, {}
        gone, self._gone = self._gone, {}
        for listener in list(self.listeners):
            listener()
        if self._drained:
            return
        facts = [
            (name, claim.incarnation, claim.since, claim.ready, claim.bridges)
            for name, claim in changed.items()
            if claim.ready or name in self._discovery.workers
        ]
        ends = [
            (name, claim.since, reason_in_facts(claim.reason or Normal()))
            for name, claim in gone.items()
        ]
        self._do(self._discovery.changed(facts, ends))

    def _clashed(self, owner: Registration, rival: Registration) -> None:
        text = (
            f"the worker {owner.ref.name!r} is on {owner.node!r} and on {rival.node!r}: messages "
            f"go to {owner.node!r}, which had the name first; give one of them another name"
        )
        self._runtime.emit("name_clash", owner.ref.name, owner.incarnation, text=text)
