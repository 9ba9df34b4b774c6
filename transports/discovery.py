"""Discovery: who is known, in which life, and who is down. Pure: facts and times in, actions out.

See docs/design/between-nodes.md for the packets. Each node is watched by its neighbours in the
ring of names and by whoever waits for it; what is said of others only makes a node look for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .announcement import Announcement, in_parts, read
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
from .liveness import BEAT, DOWN_AFTER, Liveness
from .packet import Header, Kind

__all__ = ["Discovery"]

SETTLED_AFTER = 10.0
"""Seconds after which a node is sure of its incarnation."""

MOST_NODES = 10_000
"""Other nodes that one node takes in."""

QUIET = 60.0
"""Seconds between two announcements for that reason."""

MISMATCHES = 4
"""Heartbeats, and rounds since the last newcomer, that tell of another number of nodes before this
one announces itself again."""


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
        alike: Callable[[Via, Via], bool] = lambda one, other: True,
        seed: int | None = None,
    ) -> None:
        """Know nobody yet; `busy` tells whether this node waits for another one.

        `alike` tells whether one transport may carry in the place of another.
        """
        self.name = name
        self.incarnation = incarnation
        self.nodes: dict[str, Known] = {}
        self.workers: dict[str, Fact] = {}
        """The public workers of this node that may be told."""
        self.version = 0
        self.superseded = False
        self.liveness = Liveness(
            name, self.nodes, now, beat=beat, down_after=down_after, busy=busy, seed=seed
        )
        # Higher than those of any earlier life: what was sent to one of these is never taken.
        self._sessions = incarnation << 12
        self._begun = now
        self._alike = alike
        self._last_alive = float("-inf")
        self._mismatched = 0
        self._unrest = now

    # -- this node ----

    def connected(
        self,
        via: Via,
        patience: float,
        limit: float | None,
        now: float,
        leads_to: str | None = None,
    ) -> list[Action]:
        """Begin to announce over a transport that has connected; `limit`: its own `down_after`."""
        self.liveness.connected(via, patience, limit, now, leads_to)
        return [] if self.superseded else [Say(Kind.HELLO, via=via, body=self._hello())]

    def disconnected(self, via: Via, now: float) -> list[Action]:
        """Take another way to those of whom one is known, and tell them to do so as well.

        The silence of the others is held against nobody, for as long as was said.
        """
        self.liveness.disconnected(via, now)
        body = {**self._hello(), "here": True}
        ways = self._leave_way(via)[0]
        return [] if self.superseded else [Say(Kind.HELLO, via=way, body=body) for way in ways]

    def parted(self, via: Via) -> list[Action]:
        """Say goodbye over a transport that is stopped, and leave who is only behind that."""
        ended = self._leave_way(via)[1]
        actions: list[Action] = []
        if not self.superseded:
            actions.append(Say(Kind.BYE, via=via, body={"way": True}))
        for known in ended:
            actions += self.end(known, "the transport that leads there was stopped")
        return actions

    def _leave_way(self, via: Via) -> tuple[list[Via], list[Known]]:
        """Return the other ways that were taken in its place, and those to whom there is none."""
        ways: list[Via] = []
        rest: list[Known] = []
        for known in self.nodes.values():
            if self._lost_way(known, via):
                rest.append(known)
            elif known.via not in ways:
                ways.append(known.via)
        return [way for way in ways if way != via], rest

    def _lost_way(self, known: Known, via: Via) -> bool:
        """Reach a node by another way than this; return whether there is none."""
        if via in known.ways:
            known.ways.remove(via)
        if known.via != via:
            return False
        for way in known.ways:
            if self._alike(via, way) and not self.liveness.is_out(way):
                self.liveness.move(known, way)
                return False
        return True

    def changed(self, facts: Iterable[Fact], gone: Iterable[Gone]) -> list[Action]:
        """Announce workers of this node that became ready, unready or gone."""
        changed, ended = list(facts), [each for each in gone if each[0] in self.workers]
        for name, _, _ in ended:
            del self.workers[name]
        for fact in changed:
            self.workers[fact[0]] = fact
        if not changed and not ended:
            return []
        actions: list[Action] = []
        for workers, those in in_parts(changed, ended):
            before, self.version = self.version, self.version + 1
            body = {"before": before, "version": self.version, "workers": workers, "gone": those}
            actions.append(Say(Kind.CHANGE, body=body))
        return [] if self.superseded else actions

    def leave(self) -> list[Action]:
        """Say goodbye."""
        return [] if self.superseded else [Say(Kind.BYE)]

    def renumbered(self, incarnation: int) -> list[Action]:
        """Take a higher incarnation, and announce it; also after another node had the name."""
        self.incarnation, self.superseded = incarnation, False
        return [Say(Kind.HELLO, body=self._hello())]

    def _hello(self) -> dict[str, Any]:
        """Say who is here; where they are too many for one packet, who does not know asks."""
        parts = in_parts(self.workers.values(), [])
        workers = {"workers": parts[0][0]} if len(parts) == 1 else {}
        return {"version": self.version, **workers}

    def _snapshot(self, known: Known) -> list[Action]:
        parts = in_parts(self.workers.values(), [])
        said: list[Action] = []
        for part, (workers, _) in enumerate(parts):
            place = {"part": part, "parts": len(parts)} if len(parts) > 1 else {}
            body = {"version": self.version, "workers": workers, **place}
            said.append(Say(Kind.SNAPSHOT, known.name, known, body=body))
        return said

    # -- packets ----

    def take(self, header: Header, body: dict[str, Any], via: Via, now: float) -> list[Action]:
        """Take in a packet of discovery's own, or the header of a DATA packet.

        Raises:
            KeyError, TypeError, ValueError: its body cannot be read; then nothing has changed.

        """
        told = read(header, body)
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
            actions += self.end(known, "it was started again")
            known = None
        if header.session and known is not None:
            if header.session < known.theirs:
                return [*actions, Late(header.node)]
            if header.session > known.theirs and known.agreed:
                actions += self.end(known, "it has begun anew")
                known = None
        if header.kind == Kind.BYE:
            if told.way_only and known is not None and not self._lost_way(known, via):
                return actions
            return actions + (self.end(known, "it has stopped") if known is not None else [])
        fresh = known is None
        if known is None:
            if len(self.nodes) == MOST_NODES:
                return actions
            known = self._begin(header, via, now)
        known.theirs = header.session or known.theirs
        if via not in known.ways:
            known.ways.append(via)
        lost = known.via != via and (told.here or self.liveness.is_out(known.via))
        if lost and self._alike(known.via, via):
            self.liveness.move(known, via)
        self.liveness.sign(known, now)
        mine = header.to_session == known.session
        stale = header.to_session != 0 and not mine
        if stale and not fresh:
            actions.append(Late(header.node))
        tell = stale or (mine and not known.agreed)
        known.agreed = known.agreed or mine
        answers = self._of_kind(header, told, known, fresh, via, now)
        if tell and not any(isinstance(each, Say) for each in answers):
            # The other side may not know this side's session yet, or only an earlier one.
            answers.append(self._beat(known))
        return actions + answers

    def accepts(self, header: Header) -> Known | None:
        """Return the node of a DATA packet, if it belongs to the present session of both sides."""
        known = self.nodes.get(header.node)
        if known is None or header.incarnation != known.incarnation:
            return None
        if header.session != known.theirs or header.to_session != known.session:
            return None
        known.agreed = True
        return known

    def _of_kind(
        self, header: Header, told: Announcement, known: Known, fresh: bool, via: Via, now: float
    ) -> list[Action]:
        match header.kind:
            case Kind.HELLO:
                actions = self._learn(known, told, now)
                if fresh:
                    return actions + self._snapshot(known)
                # By the way that it came, so that both know of each.
                body = self._beat_body(known.via)
                return [*actions, Say(Kind.BEAT, known.name, known, via, body)]
            case Kind.SNAPSHOT:
                news = not known.told
                actions = self._learn(known, told, now)
                last = told.part == told.parts - 1
                if last and (news or not header.to_session):  # it has to learn this session
                    actions.append(self._beat(known))
                return actions
            case Kind.CHANGE:
                return self._change(known, told, now)
            case Kind.BEAT:
                return self._beaten(known, told, now)
            case Kind.WANT:
                said = self._snapshot(known)
                return said if known.told else [*said, *self._want(known, now)]
            case Kind.SUSPECT:
                wanted = [] if known.told else self._want(known, now)
                return wanted + self._suspicion(told, now)
            case Kind.OUTDATED:
                # One that names this very life was meant for an earlier one at the same address.
                if told.known <= self.incarnation or now - self._begun > SETTLED_AFTER:
                    return []
                return [Outdated(told.known + 1)]
            case _:
                return [] if known.told else self._want(known, now)

    def _own_name(self, header: Header) -> list[Action]:
        """Ignore what comes back; step aside for a later node of this name."""
        later = header.kind in (Kind.HELLO, Kind.BEAT) and header.incarnation > self.incarnation
        if self.superseded or not later:
            return []
        self.superseded = True
        actions: list[Action] = [Superseded(header.incarnation)]
        for known in list(self.nodes.values()):
            actions += self.end(known, "another node has taken this one's name")
        return actions

    def _learn(self, known: Known, told: Announcement, now: float) -> list[Action]:
        """Take in who is there, once all parts of it have come; what is older has come late."""
        if told.version < known.version:
            return []
        if told.workers is None:
            return [] if told.version == known.version else self._want(known, now)
        workers = known.collect(told.version, told.part, told.parts, told.workers)
        if workers is None:
            return []
        news = not known.told
        known.version = told.version
        learned = Learned(known, workers, whole=True)
        return [Up(known), learned] if news else [learned]

    def _change(self, known: Known, told: Announcement, now: float) -> list[Action]:
        if not known.told or told.before > known.version:
            return self._want(known, now)
        if told.version <= known.version:
            return []
        known.version = told.version
        return [Learned(known, told.workers or (), told.gone)]

    def _beaten(self, known: Known, told: Announcement, now: float) -> list[Action]:
        if told.echo:
            return [self._beat(known)]
        if told.version != known.version:
            return self._want(known, now)
        if told.nodes == self._behind(known.via):
            self._mismatched = 0
            return []
        self._mismatched += 1
        if self._mismatched < MISMATCHES or now - self._unrest < MISMATCHES * self.liveness.beat:
            return []
        self._mismatched, self._unrest = 0, now + QUIET
        self.liveness.doubt_all(now)
        return [Say(Kind.HELLO, via=known.via, body=self._hello())]

    def _suspicion(self, told: Announcement, now: float) -> list[Action]:
        if told.node == self.name:
            mine = told.incarnation == self.incarnation
            if not mine or now - self._last_alive < self.liveness.beat / 4:
                return []
            self._last_alive = now
            return [Say(Kind.ALIVE)]
        known = self.nodes.get(told.node)
        if known is not None and known.incarnation == told.incarnation:
            self.liveness.doubted(known, told.silent, now)
        return []

    def _want(self, known: Known, now: float) -> list[Action]:
        """Ask for its snapshot, unless that was asked a moment ago."""
        if now - known.wanted < self.liveness.beat / 4:
            return []
        known.wanted = now
        return [Say(Kind.WANT, known.name, known)]

    def _beat_body(self, via: Via) -> dict[str, Any]:
        return {"version": self.version, "nodes": self._behind(via)}

    def _behind(self, via: Via) -> int:
        """Return how many nodes are known over this transport."""
        return sum(1 for known in self.nodes.values() if known.via == via)

    # -- time ----

    def due(self) -> float:
        """Return when `step` is to be called next."""
        return self.liveness.due()

    def step(self, now: float) -> list[Action]:
        """Send the heartbeats that are due, ask for who is silent, declare down who stays so."""
        asked, down = self.liveness.look(now)
        actions: list[Action] = []
        for known, silent in asked:
            body = {"node": known.name, "incarnation": known.incarnation, "silent": silent}
            actions.append(Say(Kind.SUSPECT, via=known.via, body=body))
        for known, silent in down:
            actions += self.end(known, f"nothing was heard of it for {silent:.1f} s")
        if now >= self.liveness.next_beat:
            told, questions = self.liveness.beats(now)
            actions += [self._beat(known) for known in told]
            actions += [self._beat(known, echo=True) for known in questions]
            if not self.nodes:
                actions.append(Say(Kind.HELLO, body=self._hello()))
        return [] if self.superseded else actions

    def _beat(self, known: Known, *, echo: bool = False) -> Say:
        body = self._beat_body(known.via)
        return Say(Kind.BEAT, known.name, known, body={**body, "echo": True} if echo else body)

    # -- the table ----

    def _begin(self, header: Header, via: Via, now: float) -> Known:
        self._sessions += 1
        known = Known(header.node, header.incarnation, self._sessions, via, now)
        self.nodes[known.name] = known
        self.liveness.add(known)
        self._unrest = now
        return known

    def end(self, known: Known, why: str) -> list[Action]:
        """End the session with a node; whoever is there afterwards is a newcomer."""
        del self.nodes[known.name]
        self.liveness.remove(known)
        return [Down(known, why)]
