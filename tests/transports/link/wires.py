"""Two links and what is on its way between them, with a clock that stands until it is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from callboard.transports.link import Link, Segment

__all__ = ["Wires", "bodies", "filled"]

A, B = 0, 1


def bodies(count: int, size: int = 4, start: int = 0) -> list[bytes]:
    """Return bodies that differ from each other."""
    return [b"%0*d" % (size, number) for number in range(start, start + count)]


def filled(count: int, size: int = 4, **settings: Any) -> Link:
    """Return a link that was given so many."""
    link = Link(**settings)
    assert all(link.push(body) for body in bodies(count, size))
    return link


@dataclass
class Wires:
    """What side 0 sends comes to side 1, and the other way, when somebody says so."""

    links: tuple[Link, Link]
    now: float = 1000.0
    transit: list[tuple[int, Segment]] = field(default_factory=list[tuple[int, Segment]])
    """Segments on their way, each with the side that it goes to."""
    pushed: tuple[list[bytes], list[bytes]] = field(default_factory=lambda: ([], []))
    """What each side was given to send."""
    delivered: tuple[list[bytes], list[bytes]] = field(default_factory=lambda: ([], []))
    """What came out at each side."""

    def push(self, side: int, size: int = 4, *, force: bool = False) -> bool:
        """Push a body that no other equals."""
        body = len(self.pushed[side]).to_bytes(4).rjust(size, b".")
        taken = self.links[side].push(body, force=force)
        if taken:
            self.pushed[side].append(body)
        return taken

    def pump(self, side: int) -> list[Segment]:
        """Send what is to be sent now."""
        made = self.links[side].segments(self.now)
        self.transit.extend((1 - side, segment) for segment in made)
        due = self.links[side].due()
        assert due is None or due > self.now, "it would be asked again at once, for ever"
        return made

    def arrive(self, place: int = 0, *, again: bool = False) -> None:
        """Let a segment arrive; `again`: a copy of it is still on its way."""
        to, segment = self.transit[place]
        if not again:
            del self.transit[place]
        self.delivered[to].extend(self.links[to].receive(segment, self.now))

    def settle(self, most: int = 2_000) -> int:
        """Lose nothing more, let time pass, and return how many segments it took to be quiet."""
        for count in range(most):
            if not (self.pump(A) or self.pump(B) or self.transit):
                dues = [due for link in self.links if (due := link.due()) is not None]
                if not dues:
                    return count
                self.now = max(self.now, min(dues))
            while self.transit:
                self.arrive()
        raise AssertionError(f"after {most} rounds it is not quiet yet")

    def check(self) -> None:
        """Whatever happens between: everything once, in order, and nothing said that is not so."""
        for side, link in enumerate(self.links):
            got, given = self.delivered[1 - side], self.pushed[side]
            assert got == given[: len(got)]
            assert link.acknowledged <= len(got)
            assert link.open == len(given) - link.acknowledged
            assert link.open_bytes == sum(map(len, given[link.acknowledged :]))
            assert link.unacknowledged() <= link.open
            assert link.strange == 0

    def check_complete(self) -> None:
        """Everything is there, and nothing is left to do."""
        self.check()
        for side, link in enumerate(self.links):
            assert self.delivered[1 - side] == self.pushed[side]
            assert link.open == link.open_bytes == link.unacknowledged() == 0
            assert link.due() is None
            assert link.segments(self.now + 1_000) == []
