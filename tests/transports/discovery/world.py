"""Several `Discovery` machines, a clock, and a way between them that loses and delays."""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any

from callboard.transports.discovery import Discovery
from callboard.transports.known import Action, Down, Late, Learned, Outdated, Say, Superseded, Up
from callboard.transports.packet import Header, Kind

VIA = "bus"


@dataclass
class Place:
    """One node: what it decides, and what its decisions have told."""

    discovery: Discovery
    seen: dict[str, dict[str, tuple[int, int]]] = field(default_factory=lambda: dict[str, Any]())
    """Workers by node, as name to incarnation and since."""
    up: list[str] = field(default_factory=lambda: list[str]())
    down: list[tuple[float, str, str]] = field(default_factory=lambda: list[Any]())
    late: int = 0
    superseded: bool = False
    deaf: bool = False
    mute: bool = False
    frozen: bool = False
    snapshots: list[str] = field(default_factory=lambda: list[str]())


class World:
    """What the nodes have between them."""

    def __init__(self) -> None:
        """Begin empty, at a time that is not zero."""
        self.now: float = 1000.0
        self.places: dict[str, Place] = {}
        self.delay = 0.001
        self.lose = 0
        """Lose each n-th packet; 0: none."""
        self.carried = 0
        self.announced = 0
        self._order = count()
        self._incarnations = count(1)
        self._wire: list[tuple[float, int, str, Header, dict[str, Any]]] = []

    def start(self, name: str, *workers: str, incarnation: int | None = None) -> Place:
        """Start a node; an earlier one of its name is gone without a word."""
        number = incarnation if incarnation is not None else next(self._incarnations)
        discovery = Discovery(name, number, self.now, seed=number)
        place = self.places[name] = Place(discovery)
        discovery.changed([(each, 1, number, True, None) for each in workers], [])
        self._do(name, discovery.connected(VIA, 60.0, None, self.now))
        return place

    def kill(self, name: str) -> None:
        """End a node without a word."""
        del self.places[name]

    def stop(self, name: str) -> None:
        """End a node with a goodbye."""
        self._do(name, self.places[name].discovery.leave())
        del self.places[name]

    def add(self, name: str, worker: str, incarnation: int = 1) -> None:
        """Have a worker of a running node become ready."""
        discovery = self.places[name].discovery
        had = discovery.workers.get(worker)
        since = had[2] if had is not None else next(self._order) + 10_000
        self._do(name, discovery.changed([(worker, incarnation, since, True, None)], []))

    def remove(self, name: str, worker: str) -> None:
        """Have a worker of a running node end."""
        discovery = self.places[name].discovery
        since = discovery.workers[worker][2]
        self._do(name, discovery.changed([], [(worker, since, ["normal", "", ""])]))

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that is due in it."""
        end: float = self.now + seconds
        while True:
            due = min(
                (place.discovery.due() for place in self.places.values() if not place.frozen),
                default=float("inf"),
            )
            if self._wire:
                due = min(due, self._wire[0][0])
            if due > end:
                break
            self.now = max(self.now, due)
            self._arrive()
            for name, place in list(self.places.items()):
                if not place.frozen and place.discovery.due() <= self.now:
                    self._do(name, place.discovery.step(self.now))
        self.now = end

    def knows(self, name: str) -> dict[str, set[str]]:
        """Return what a node knows: the workers by node."""
        return {node: set(workers) for node, workers in self.places[name].seen.items()}

    def truth(self, name: str) -> dict[str, set[str]]:
        """Return what it should know."""
        return {
            node: set(place.discovery.workers)
            for node, place in self.places.items()
            if node != name
        }

    def inject(self, to: str, header: Header, body: dict[str, Any]) -> None:
        """Have a packet arrive that nobody of these has sent now."""
        self._take(to, header, body)

    def _arrive(self) -> None:
        while self._wire and self._wire[0][0] <= self.now:
            _, _, to, header, body = heappop(self._wire)
            place = self.places.get(to)
            if place is not None and not place.deaf and not place.frozen:
                self._take(to, header, body)

    def _take(self, to: str, header: Header, body: dict[str, Any]) -> None:
        place = self.places[to]
        if header.kind == Kind.SNAPSHOT:
            place.snapshots.append(header.node)
        self._do(to, place.discovery.take(header, body, VIA, self.now))

    def _do(self, name: str, actions: list[Action]) -> None:
        place = self.places[name]
        for action in actions:
            match action:
                case Say():
                    self._say(name, action)
                case Up(known):
                    place.up.append(known.name)
                    place.seen[known.name] = {}
                case Learned(known, workers, gone, whole):
                    seen = place.seen[known.name]
                    if whole:
                        seen.clear()
                    for worker, since, _ in gone:
                        if worker in seen and seen[worker][1] == since:
                            del seen[worker]
                    seen.update({each[0]: (each[1], each[2]) for each in workers if each[3]})
                case Down(known, why):
                    place.seen.pop(known.name, None)
                    place.down.append((self.now, known.name, why))
                case Late():
                    place.late += 1
                case Outdated(incarnation):
                    self._do(name, place.discovery.renumbered(incarnation))
                case Superseded():
                    place.superseded = True

    def _say(self, name: str, say: Say) -> None:
        place = self.places[name]
        known = say.known
        header = Header(
            say.kind,
            name,
            place.discovery.incarnation,
            known.session if known is not None else 0,
            known.theirs if known is not None else 0,
        )
        self.announced += 1
        for to in [say.to] if say.to is not None else list(self.places):
            self.carried += 1
            if place.mute or (self.lose and self.carried % self.lose == 0):
                continue
            entry = (self.now + self.delay, next(self._order), to, header, dict(say.body))
            heappush(self._wire, entry)
