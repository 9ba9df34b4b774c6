"""What guests, jobs and bridges need of the gateway: the way out, and tables of what is open."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from ...actors.activation import Activate
from ...actors.ref import WorkerRef
from ...actors.runtime import Runtime
from .messages import Entry, JobSaid, Said

__all__ = ["Asking", "Crossing", "Member", "Outlet", "Runner", "Serving"]


class Runner:
    """A process of theirs, as far as it is known."""

    __slots__ = ("confirmed", "entries", "kept", "last", "name")

    def __init__(self, name: str, now: float) -> None:
        """Begin to know it."""
        self.name = name
        self.entries: dict[str, Entry] = {}
        """All workers that it has told of, children included, by name."""
        self.last = now
        """When something was heard of it last."""
        self.confirmed = True
        """Whether something was heard of it since the connection was there last."""
        self.kept: deque[bytes] = deque()
        """What is for its workers, and waits until something is heard of it."""

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Runner {self.name}>"


class Asking(Protocol):
    """A job of ours that one of their workers does."""

    @property
    def worker(self) -> str:
        """The name of who does it."""
        ...

    @property
    def runner(self) -> Runner:
        """The process in which that is."""
        ...

    def heard(self, message: JobSaid, /) -> None:
        """Take what was said of the job."""
        ...

    def end(self, value: Any, error: BaseException | None, /) -> None:
        """End it."""
        ...

    def leave(self, error: BaseException, /) -> None:
        """Cancel it there, and end it here."""
        ...


class Serving(Protocol):
    """A job of theirs that one of our workers does."""

    requester: str

    def withdraw(self, reason: str, /) -> None:
        """Cancel it."""
        ...

    def report(self) -> None:
        """Have the worker report on it."""
        ...

    def release(self) -> None:
        """Say what has waited for the requester to listen."""
        ...


class Member(Protocol):
    """A worker of theirs that may be on bridges."""

    ref: WorkerRef
    runner: Runner
    active: bool

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def send(self, data: bytes, /) -> None:
        """Put bytes on the way to it, once it takes them."""
        ...

    def awaken(self) -> None:
        """Have what is sent wait a moment: it is being activated."""
        ...


class Crossing(Protocol):
    """What has to do with bridges."""

    def told(self, guest: Member, message: object, /) -> None:
        """Take what was sent to a worker of theirs: a frame, or what is about a bridge."""
        ...

    def activation(self, guest: Member, /, *, active: bool, by: Activate | None = None) -> None:
        """Take note that a worker of theirs is told to be active, or not to be."""
        ...

    def listed(self, guest: Member, /, *, active: bool) -> None:
        """Take note of what its runner says of that; it may be older than what it was told."""
        ...


class Outlet(Protocol):
    """The gateway, as those see it that it consists of."""

    runtime: Runtime
    runner: str
    """The name under which this node is known on the channel."""
    asked: dict[str, Asking]
    """Jobs of ours, by id."""
    served: dict[tuple[str, str], Serving]
    """Jobs of theirs, by id and worker."""
    held: set[Serving]
    """Those whose requester may not listen yet."""
    job_within: float
    """Seconds after which a job without a deadline, of which nothing is heard, has failed."""

    @property
    def crossing(self) -> Crossing:
        """What has to do with bridges."""
        ...

    @property
    def gap(self) -> float:
        """Seconds that a requester of theirs may need, after its request, to hear of the job."""
        ...

    @property
    def wakes(self) -> float:
        """Seconds that a worker of theirs may need to be active, once it is told."""
        ...

    def encode(self, message: Said, /) -> bytes:
        """Return the bytes of a message.

        Raises:
            NotCarried: it cannot cross.

        """
        ...

    def send(self, data: bytes, runner: Runner | None, /) -> None:
        """Put bytes on the way, for a worker of this runner where that is known."""
        ...

    def room(self) -> asyncio.Future[None] | None:
        """Return a future to wait for, where the broker is behind with what was said."""
        ...

    def must_have_room(self, worker: str, /) -> None:
        """Raise `LinkFull` if too much is on the way."""
        ...

    def runner_of(self, worker: str, /) -> Runner | None:
        """Return the runner that has a worker of this name, children included."""
        ...
