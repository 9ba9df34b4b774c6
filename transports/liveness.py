"""Liveness: who is silent, for how long that is allowed, and who is to be told that we live. Pure.

Each node is watched by its neighbours in the ring of the nodes behind one transport, and by
whoever waits for it. So the heartbeats of a fleet grow as it does, and not as its square.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from .known import Known, Via
from .ring import Ring

__all__ = ["BEAT", "DOWN_AFTER", "Liveness"]

BEAT = 2.0
"""Seconds between two heartbeats."""

DOWN_AFTER = 6.0
"""Seconds without a sign of life after which a node is down: three missed beats."""

NEIGHBOURS = 2
"""Nodes behind it in the ring that a node sends its heartbeats to."""

OWN_DELAY = 1.0
"""Seconds that a look may be late before the others' silence is blamed on this node."""


class Liveness:
    """The signs of life of the nodes that one node knows."""

    def __init__(
        self,
        name: str,
        nodes: Mapping[str, Known],
        now: float,
        *,
        beat: float,
        down_after: float,
        busy: Callable[[str], bool],
        seed: int | None,
    ) -> None:
        """Look after `nodes`, which others fill; `busy` tells whether this node waits for one."""
        self.beat = beat
        self.next_beat = now + beat
        self._name = name
        self._nodes = nodes
        self._down_after = down_after
        self._busy = busy
        self._chance = random.Random(seed)
        self._rings: dict[Via, Ring] = {}
        self._patience: dict[Via, float] = {}
        self._limits: dict[Via, float] = {}
        self._outages: dict[Via, float] = {}
        self._leads_to: dict[Via, str | None] = {}
        self._last_look = now

    # -- the ways there ----

    def connected(
        self, via: Via, patience: float, limit: float | None, now: float, leads_to: str | None
    ) -> None:
        """Take note that a transport has connected: all behind it have the full time again.

        An outage of its own is an excuse for all of them but the node that it leads to.
        """
        self._leads_to[via] = leads_to
        self._patience[via] = patience
        self._limits[via] = self._down_after if limit is None else limit
        self._outages.pop(via, None)
        for known in self._nodes.values():
            if known.via == via:
                self.sign(known, now)

    def disconnected(self, via: Via, now: float) -> None:
        """Hold the silence behind a lost connection against nobody, for as long as is said."""
        self._outages.setdefault(via, now)

    def is_out(self, via: Via) -> bool:
        """Whether the connection of the transport is lost."""
        return via in self._outages

    # -- the nodes ----

    def add(self, known: Known) -> None:
        """Take in a newcomer."""
        self._ring(known.via).add(known.name)

    def remove(self, known: Known) -> None:
        """Leave out a node that is gone."""
        self._ring(known.via).remove(known.name)

    def move(self, known: Known, via: Via) -> None:
        """Have a node be behind another transport."""
        self.remove(known)
        known.via = via
        self.add(known)

    @staticmethod
    def sign(known: Known, now: float) -> None:
        """Take note of a sign of life."""
        known.heard = now
        known.suspected = False

    def doubted(self, known: Known, silent: float, now: float) -> None:
        """Look after a node of which another one has not heard for `silent` seconds.

        What that one says is no evidence: this side's own last sign of life counts as well, and
        however long it says, the node has the time to answer that it lives.
        """
        if known.watched is None:
            silent = min(max(0.0, silent), self._limit(known) * 2 / 3)
            known.watched, known.doubted = max(known.heard, now - silent), now
            known.suspected = True  # it has been asked for: look only

    def doubt_all(self, now: float) -> None:
        """Look after every node for once: one may be gone whose end was never heard of."""
        for known in self._nodes.values():
            if known.watched is None:
                known.watched = known.doubted = now

    # -- time ----

    def due(self) -> float:
        """Return when the next look is to be."""
        due = self.next_beat
        for known in self._nodes.values():
            if known.watched is not None:
                due = min(due, self._deadline(known) if known.suspected else self._doubt(known))
        return due

    def look(self, now: float) -> tuple[list[tuple[Known, float]], list[tuple[Known, float]]]:
        """Return who is to be asked for, and who is down, each with the seconds of its silence."""
        self._excuse(now)
        self._choose(now)
        asked: list[tuple[Known, float]] = []
        down: list[tuple[Known, float]] = []
        for known in self._nodes.values():
            if known.watched is None:
                continue
            silent = now - max(known.heard, known.watched)
            if now >= self._deadline(known):
                down.append((known, silent))
            elif not known.suspected and now >= self._doubt(known):
                known.suspected = True
                asked.append((known, silent))
        return asked, down

    def beats(self, now: float) -> tuple[list[Known], list[Known]]:
        """Return who is to be told that this node lives, and who is to say so itself."""
        self.next_beat = now + self.beat
        told: set[str] = set()
        before = self._before()
        for ring in self._rings.values():
            told |= ring.after()
            anybody = ring.anybody()
            if anybody is not None:
                told.add(anybody)
        asked = [
            known
            for known in self._nodes.values()
            if known.watched is not None
            and known.name not in before
            and now - known.heard > self.beat / 2
        ]
        return [self._nodes[name] for name in sorted(told)], asked

    def _excuse(self, now: float) -> None:
        """Where this node itself has stood still: what came meanwhile has not been read yet."""
        late = now - min(self._last_look + self.beat, self.next_beat)
        self._last_look = now
        if late <= OWN_DELAY:
            return
        for known in self._nodes.values():
            known.heard = min(now, known.heard + late)
            if known.watched is not None:
                known.watched = min(now, known.watched + late)

    def _choose(self, now: float) -> None:
        """Watch the neighbours, the newcomers and those who are waited for; and no others."""
        before = self._before()
        for name, known in self._nodes.items():
            if name in before or not known.told or self._busy(name):
                if known.watched is None:
                    # From the last sign of life on, where that was meant for this node as well.
                    recent = now - known.heard <= self.beat
                    known.watched, known.doubted = known.heard if recent else now, now
                    known.suspected = False
            elif known.watched is not None and known.heard > known.doubted:
                known.watched = None

    def _before(self) -> set[str]:
        """Return the neighbours that this node watches, behind all transports."""
        return {name for ring in self._rings.values() for name in ring.before()}

    def _doubt(self, known: Known) -> float:
        return self._deadline(known) - self._limit(known) / 3

    def _deadline(self, known: Known) -> float:
        last = max(known.heard, known.watched if known.watched is not None else known.heard)
        deadline = last + self._limit(known)
        outage = self._outages.get(known.via)
        if outage is None or known.name == self._leads_to.get(known.via):
            return deadline
        return max(deadline, outage + self._patience.get(known.via, 0.0))

    def _limit(self, known: Known) -> float:
        return self._limits.get(known.via, self._down_after)

    def _ring(self, via: Via) -> Ring:
        ring = self._rings.get(via)
        if ring is None:
            ring = self._rings[via] = Ring(self._name, NEIGHBOURS, self._chance)
        return ring
