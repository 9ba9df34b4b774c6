"""Discovery: who is known, in which life, and who is down. Pure: facts and times in, actions out.

See docs/design/between-nodes.md for the packets. Each node is watched by its neighbours in the
ring of names and by whoever waits for it; what is said of others only makes a node look for itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from .known import (
    Action,
    Down,
    Fact,
    Gone,
    Known,
    Late,
    Learned,
    Outdated,
    Say,
    Superseded,
    Up,
    Via,
)
from .packet import Header, Kind
from .ring import Ring

__all__ = ["BEAT", "DOWN_AFTER", "Discovery"]

BEAT = 2.0
"""Seconds between two heartbeats."""

DOWN_AFTER = 6.0
"""Seconds without a sign of life after which a node is down: three missed beats."""

NEIGHBOURS = 2
"""Nodes behind it in the ring that a node sends its heartbeats to."""

OWN_DELAY = 1.0
"""Seconds that a step may be late before the others' silence is blamed on this node."""

SETTLED_AFTER = 10.0
"""Seconds after which a node is sure of its incarnation."""

MOST_NODES = 10_000
"""Other nodes that one node takes in."""

MISMATCHES = 4
"""Heartbeats that tell of another number of nodes before this one announces itself again."""


class Discovery:
    """What one node knows of the others."""

    def __init__(
        self,
        name: str,
        incarnation: int,
        now: float,
        *,
        beat: float = BEAT,
        down_after: float = DOWN_AFTER,
        busy: Callable[[str], bool] = lambda node: False,
        seed: int | None = None,
    ) -> None:
        """Know nobody yet; `busy` tells whether this node waits for another one."""
        self.name = name
        self.incarnation = incarnation
        self.beat = beat
        self.down_after = down_after
        self.nodes: dict[str, Known] = {}
        self.workers: dict[str, Fact] = {}
        """The public workers of this node that may be told."""
        self.version = 0
        self.superseded = False
        self._busy = busy
        self._ring = Ring(name, NEIGHBOURS, random.Random(seed))
        # Higher than those of any earlier life: what was sent to one of these is never taken.
        self._sessions = incarnation << 12
        self._begun = now
        self._last_step = now
        self._next_beat = now + beat
        self._patience: dict[Via, float] = {}
        self._limits: dict[Via, float] = {}
        self._outages: dict[Via, float] = {}
        self._last_alive = float("-inf")
        self._mismatched = 0

    # -- this node ----

    def connected(self, via: Via, patience: float, limit: float | None, now: float) -> list[Action]:
        """Begin to announce over a transport that has connected; `limit`: its own `down_after`."""
        self._patience[via] = patience
        self._limits[via] = self.down_after if limit is None else limit
        self._outages.pop(via, None)
        for known in self.nodes.values():
            if known.via is via:
                self._sign(known, now)
        return [] if self.superseded else [Say(Kind.HELLO, via=via, body=self._whole())]

    def disconnected(self, via: Via, now: float) -> None:
        """Hold the silence behind a lost connection against nobody, for as long as is said."""
        self._outages.setdefault(via, now)

    def changed(self, facts: Iterable[Fact], gone: Iterable[Gone]) -> list[Action]:
        """Announce workers of this node that became ready, unready or gone."""
        changed, ended = list(facts), [each for each in gone if each[0] in self.workers]
        for name, _, _ in ended:
            del self.workers[name]
        for fact in changed:
            self.workers[fact[0]] = fact
        if not changed and not ended:
            return []
        before, self.version = self.version, self.version + 1
        if self.superseded:
            return []
        body = {"before": before, "version": self.version, "workers": changed, "gone": ended}
        return [Say(Kind.CHANGE, body=body)]

    def leave(self) -> list[Action]:
        """Say goodbye."""
        return [] if self.superseded else [Say(Kind.BYE)]

    def renumbered(self, incarnation: int) -> list[Action]:
        """Take a higher incarnation, and announce it."""
        self.incarnation = incarnation
        return [Say(Kind.HELLO, body=self._whole())]

    def _whole(self) -> dict[str, Any]:
        return {"version": self.version, "workers": list(self.workers.values())}

    # -- packets ----

    def take(self, header: Header, body: dict[str, Any], via: Via, now: float) -> list[Action]:
        """Take in a packet of discovery's own, or the header of a DATA packet.

        For a DATA packet the bodies may be delivered only if `accepts` says so afterwards.
        """
        if header.node == self.name:
            return self._own_name(header)
        if self.superseded:
            return []
        actions: list[Action] = []
        known = self.nodes.get(header.node)
        if known is not None and header.incarnation != known.incarnation:
            if header.incarnation < known.incarnation:
                actions.append(Late(header.node))
                if header.kind in (Kind.HELLO, Kind.SNAPSHOT, Kind.BEAT):
                    later = {"known": known.incarnation}
                    actions.append(Say(Kind.OUTDATED, header.node, via=via, body=later))
                return actions
            actions += self._end(known, "it was started again")
            known = None
        if header.session and known is not None and known.theirs:
            if header.session < known.theirs:
                return [*actions, Late(header.node)]
            if header.session > known.theirs:
                actions += self._end(known, "it has begun anew")
                known = None
        if header.kind == Kind.BYE:
            return actions + (self._end(known, "it has stopped") if known is not None else [])
        fresh = known is None
        if known is None:
            if len(self.nodes) >= MOST_NODES:
                return actions
            known = self._begin(header, via, now)
        if header.session:
            known.theirs = header.session
        known.via = via if known.via in self._outages else known.via
        self._sign(known, now)
        stale = header.to_session not in (0, known.session)
        if stale and not fresh:
            actions.append(Late(header.node))
        answers = self._of_kind(header, body, known, fresh, now)
        if stale and not any(isinstance(each, Say) for each in answers):
            # It was sent to an earlier session of this side: the sender has to hear of this one.
            answers.append(Say(Kind.BEAT, known.name, known, body=self._beat_body()))
        return actions + answers

    def accepts(self, header: Header) -> Known | None:
        """Return the node of a DATA packet, if it belongs to the present session of both sides."""
        known = self.nodes.get(header.node)
        if known is None or header.incarnation != known.incarnation:
            return None
        if header.session != known.theirs or header.to_session != known.session:
            return None
        return known

    def _of_kind(
        self, header: Header, body: dict[str, Any], known: Known, fresh: bool, now: float
    ) -> list[Action]:
        match header.kind:
            case Kind.HELLO:
                actions = self._learn(known, body)
                kind = Kind.SNAPSHOT if fresh else Kind.BEAT
                told = self._whole() if fresh else self._beat_body()
                return [*actions, Say(kind, known.name, known, body=told)]
            case Kind.SNAPSHOT:
                news = not known.told
                actions = self._learn(known, body)
                if news:  # it has to learn this side's session
                    actions.append(Say(Kind.BEAT, known.name, known, body=self._beat_body()))
                return actions
            case Kind.CHANGE:
                return self._change(known, body)
            case Kind.BEAT:
                return self._beaten(known, body)
            case Kind.WANT:
                said: Action = Say(Kind.SNAPSHOT, known.name, known, body=self._whole())
                return [said] if known.told else [said, *self._want(known)]
            case Kind.SUSPECT:
                wanted = [] if known.told else self._want(known)
                return wanted + self._suspicion(body, now)
            case Kind.OUTDATED:
                later = int(body["known"])
                if later < self.incarnation or now - self._begun > SETTLED_AFTER:
                    return []
                return [Outdated(later + 1)]
            case _:
                return [] if known.told else self._want(known)

    def _own_name(self, header: Header) -> list[Action]:
        """Ignore what comes back; step aside for a later node of this name."""
        if header.kind not in (Kind.HELLO, Kind.BEAT) or header.incarnation <= self.incarnation:
            return []
        if self.superseded:
            return []
        self.superseded = True
        actions: list[Action] = [Superseded(header.incarnation)]
        for known in list(self.nodes.values()):
            actions += self._end(known, "another node has taken this one's name")
        return actions

    def _learn(self, known: Known, body: dict[str, Any]) -> list[Action]:
        workers = tuple(_fact(each) for each in body["workers"])
        news = not known.told
        known.version = int(body["version"])
        learned = Learned(known, workers, whole=True)
        return [Up(known), learned] if news else [learned]

    def _change(self, known: Known, body: dict[str, Any]) -> list[Action]:
        if not known.told or int(body["before"]) > known.version:
            return self._want(known)
        if int(body["version"]) <= known.version:
            return []
        workers = tuple(_fact(each) for each in body["workers"])
        gone = tuple((str(name), int(since), [*map(str, why)]) for name, since, why in body["gone"])
        known.version = int(body["version"])
        return [Learned(known, workers, gone)]

    def _beaten(self, known: Known, body: dict[str, Any]) -> list[Action]:
        if body.get("echo") is True:
            return [Say(Kind.BEAT, known.name, known, body=self._beat_body())]
        if int(body["version"]) != known.version:
            return self._want(known)
        if int(body["nodes"]) == len(self.nodes):
            self._mismatched = 0
            return []
        self._mismatched += 1
        if self._mismatched < MISMATCHES:
            return []
        self._mismatched = 0
        return [Say(Kind.HELLO, via=known.via, body=self._whole())]

    def _suspicion(self, body: dict[str, Any], now: float) -> list[Action]:
        name, silent = str(body["node"]), float(body["silent"])
        if name == self.name:
            mine = int(body["incarnation"]) == self.incarnation
            if not mine or now - self._last_alive < self.beat / 4:
                return []
            self._last_alive = now
            return [Say(Kind.ALIVE)]
        known = self.nodes.get(name)
        if known is not None and known.incarnation == int(body["incarnation"]):
            if known.watched is None:
                known.watched = max(known.heard, now - max(0.0, silent))
                known.doubted = now
                known.suspected = True  # it has been asked for: look only
        return []

    def _want(self, known: Known) -> list[Action]:
        return [Say(Kind.WANT, known.name, known)]

    def _beat_body(self) -> dict[str, Any]:
        return {"version": self.version, "nodes": len(self.nodes)}

    # -- time ----

    def due(self) -> float:
        """Return when `step` is to be called next."""
        due = self._next_beat
        for known in self.nodes.values():
            if known.watched is not None:
                due = min(due, self._deadline(known) if known.suspected else self._doubt(known))
        return due

    def step(self, now: float) -> list[Action]:
        """Send the heartbeats that are due, ask for who is silent, declare down who stays so."""
        late = now - min(self._last_step + self.beat, self._next_beat)
        if late > OWN_DELAY:
            # This node itself has stood still: what came meanwhile has not been read yet.
            for known in self.nodes.values():
                known.heard = min(now, known.heard + late)
                if known.watched is not None:
                    known.watched = min(now, known.watched + late)
        self._last_step = now
        if self.superseded:
            self._next_beat = now + self.beat
            return []
        actions: list[Action] = []
        self._look_at_neighbours(now)
        for known in list(self.nodes.values()):
            if known.watched is None:
                continue
            if now >= self._deadline(known):
                silent = now - max(known.heard, known.watched)
                actions += self._end(known, f"nothing was heard of it for {silent:.1f} s")
            elif not known.suspected and now >= self._doubt(known):
                known.suspected = True
                silent = now - max(known.heard, known.watched)
                body = {"node": known.name, "incarnation": known.incarnation, "silent": silent}
                actions.append(Say(Kind.SUSPECT, via=known.via, body=body))
        if now >= self._next_beat:
            self._next_beat = now + self.beat
            actions += self._beats(now)
            if not self.nodes:
                actions.append(Say(Kind.HELLO, body=self._whole()))
        return actions

    def _beats(self, now: float) -> list[Action]:
        """Return a round of heartbeats, and the questions to those that this node waits for."""
        body = self._beat_body()
        to = self._ring.after()
        anybody = self._ring.anybody()
        if anybody is not None:
            to.add(anybody)
        beats: list[Action] = [
            Say(Kind.BEAT, name, self.nodes[name], body=body) for name in sorted(to)
        ]
        asked = {name for name, known in self.nodes.items() if known.watched is not None}
        for name in sorted(asked - self._ring.before()):
            known = self.nodes[name]
            if now - known.heard > self.beat / 2:
                beats.append(Say(Kind.BEAT, name, known, body={**body, "echo": True}))
        return beats

    def _look_at_neighbours(self, now: float) -> None:
        before = self._ring.before()
        for name, known in self.nodes.items():
            if name in before or not known.told or self._busy(name):
                if known.watched is None:
                    known.watched = known.doubted = now
                    known.suspected = False
            elif known.watched is not None and known.heard > known.doubted:
                known.watched = None

    def _doubt(self, known: Known) -> float:
        return self._deadline(known) - self._limit(known) / 3

    def _deadline(self, known: Known) -> float:
        last = max(known.heard, known.watched if known.watched is not None else known.heard)
        deadline = last + self._limit(known)
        outage = self._outages.get(known.via)
        if outage is None:
            return deadline
        return max(deadline, outage + self._patience.get(known.via, 0.0))

    def _limit(self, known: Known) -> float:
        return self._limits.get(known.via, self.down_after)

    # -- the table ----

    def _begin(self, header: Header, via: Via, now: float) -> Known:
        self._sessions += 1
        known = Known(header.node, header.incarnation, self._sessions, via, now)
        self.nodes[known.name] = known
        self._ring.add(known.name)
        return known

    def _end(self, known: Known, why: str) -> list[Action]:
        del self.nodes[known.name]
        self._ring.remove(known.name)
        return [Down(known, why)]

    @staticmethod
    def _sign(known: Known, now: float) -> None:
        known.heard = now
        known.suspected = False


def _fact(each: Any) -> Fact:
    name, incarnation, since, ready = each
    return str(name), int(incarnation), int(since), bool(ready)
