"""What discovery knows of another node, and what it has others do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .packet import Header, Kind

__all__ = [
    "Action",
    "Down",
    "Fact",
    "Gone",
    "Known",
    "Late",
    "Learned",
    "Outdated",
    "Say",
    "Superseded",
    "Up",
    "Via",
]

Fact: TypeAlias = "tuple[str, int, int, bool, tuple[str, ...] | None]"
"""A public worker: name, incarnation, since when it has the name, whether it is ready, and the
names of the bridges that it is on (none named: of all; None: it is on no bridge)."""

Gone: TypeAlias = "tuple[str, int, list[str]]"
"""A public worker that ended for good: name, since when it had the name, and the reason's facts."""

Via: TypeAlias = "object"
"""The transport that a packet came over; only compared."""


@dataclass(eq=False)
class Known:
    """Another node, as this one knows it."""

    name: str
    incarnation: int
    session: int
    """This side's session with it."""
    via: Via
    heard: float
    """When a sign of life came last."""
    ways: list[Via] = field(default_factory=lambda: list[Via]())
    """The transports by which anything came from it."""
    theirs: int = 0
    """Its session with this node, the latest that is known; 0: none."""
    agreed: bool = False
    """Whether the other side has named this side's session: before that nothing is carried. Only
    a session that was agreed on ends when the other side begins a new one, so both come to rest."""
    version: int = -1
    """The version of its workers that is known; -1: it has told nothing yet."""
    watched: float | None = None
    """From when on its silence counts, where this node watches it; None: others do."""
    doubted: float = 0.0
    """When it began to be watched: a later sign of life ends that, where it is no neighbour."""
    wanted: float = float("-inf")
    """When its snapshot was asked for last."""
    suspected: bool = False
    """Whether this node has asked for a sign of life since the last one."""
    parts: list[Fact] = field(default_factory=lambda: list[Fact]())
    """What has come of a snapshot of several packets."""
    next_part: tuple[int, int] = (0, 0)
    """Which part of that is to follow, of which version."""

    @property
    def told(self) -> bool:
        """Whether it has told who its workers are."""
        return self.version >= 0

    def may_send(self, header: Header) -> bool:
        """Whether a packet of this header is from the life and the session that are known."""
        same = header.session in (0, self.theirs) or not self.theirs
        return same and header.incarnation == self.incarnation

    def collect(
        self, version: int, part: int, parts: int, workers: tuple[Fact, ...]
    ) -> tuple[Fact, ...] | None:
        """Take in one part of a snapshot; return the whole where it was the last one.

        Where one was lost nothing comes of it: a heartbeat tells that something is missing.
        """
        if parts == 1:
            return workers
        if part == 0:
            self.parts, self.next_part = [], (0, version)
        if (part, version) != self.next_part:
            return None
        self.parts += workers
        self.next_part = (part + 1, version)
        if part + 1 < parts:
            return None
        whole, self.parts = tuple(self.parts), []
        return whole


@dataclass(frozen=True)
class Say:
    """Send a packet: to one node, or to all (`to` is None) over one transport or over each."""

    kind: Kind
    to: str | None = None
    known: Known | None = None
    via: Via | None = None
    body: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())


@dataclass(frozen=True)
class Up:
    """A node is known from now on."""

    known: Known


@dataclass(frozen=True)
class Learned:
    """What a node has told of its workers; `whole`: those that it does not name are gone."""

    known: Known
    workers: tuple[Fact, ...]
    gone: tuple[Gone, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class Down:
    """A node is not known any more; everything that is open with it ends."""

    known: Known
    why: str


@dataclass(frozen=True)
class Late:
    """A packet of an earlier life or session was refused."""

    node: str


@dataclass(frozen=True)
class Outdated:
    """Another node knows a later life of this name: take this incarnation."""

    incarnation: int


@dataclass(frozen=True)
class Superseded:
    """A later node has taken this one's name."""

    incarnation: int


Action: TypeAlias = "Say | Up | Learned | Down | Late | Outdated | Superseded"
