"""Example: what a conversational example is made of, besides the code of its workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from callboard import Child, Supervisor, Transport
from callboard.actors.frames.pipelined import PipelineWorker
from callboard.examples.talking.events import CardShown, SessionEvent
from callboard.examples.talking.page_frames import SnapshotFrame

__all__ = ["Example", "Notes", "Show"]

Show: TypeAlias = "Callable[[SessionEvent], None]"
"""Takes what happens in a session."""


@dataclass
class Notes:
    """What a session knows that outlives a crash of its main worker."""

    show: Show
    wanted: str
    """Who has the floor, or is to have it."""
    missing: set[str] = field(default_factory=set[str])
    """Workers that have to be activated when they are ready."""
    last: str | None = None
    """Who was heard last."""
    cards: dict[str, CardShown] = field(default_factory=dict[str, CardShown])
    """The cards of what runs, by name."""
    owners: dict[str, str] = field(default_factory=dict[str, str])
    """The workers that keep some of them; empty where nobody can cancel it."""
    snapshot: SnapshotFrame | None = None
    """What the page looked like last."""


@dataclass(frozen=True)
class Example:
    """What each session has; several may run at once, each on a node of its own."""

    title: str
    first: str
    """The worker that is activated first, as soon as it is ready."""
    workers: Sequence[Child] = ()
    """Those of this process. Each session builds its own by the factories."""
    opening: Any = None
    """What the first worker is activated with."""
    about: str = ""
    """A sentence or two for who begins to talk."""
    script: Sequence[str] = ()
    """A short conversation: what the user says. The page offers its lines too."""
    others: Sequence[str] = ()
    """Workers on other nodes that the session tells about when they are lost."""
    transports: Callable[[], Sequence[Transport]] = tuple
    """Makes those of one session's node."""
    main: Callable[[Example, Notes], PipelineWorker] | None = None
    """Makes the main worker, a subclass of `MainWorker`; without it, that itself."""
    tree: Callable[[Sequence[Child]], Supervisor] = Supervisor
    """Makes the tree of all workers; the main worker is the last of them."""
    app: str = ""
    """HTML of the area of the page that workers see and act on; see `ui.py`."""
    node: str | None = None
    """The name of a session's node; None: another one each time. A node that starts under the name
    of one that was killed takes its place at once: for examples with workers on other nodes."""
    at_once: int = 100
    """Sessions that may run at once: 1 where they would share workers of other nodes."""

    @property
    def watched(self) -> tuple[str, ...]:
        """The workers whose loss and return the user is told of."""
        names = [self.first, *(child.name for child in self.workers), *self.others]
        return tuple(dict.fromkeys(names))
