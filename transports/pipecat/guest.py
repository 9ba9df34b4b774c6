"""Guest: a worker of a Pipecat runner, as this node's refs and jobs see it."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from threading import get_ident
from typing import Any, cast

from ...actors.activation import Activate, Deactivate, Reserve
from ...actors.delivery import STOP, Entry
from ...actors.errors import CallboardError, LocalOnly, NoActor, Unavailable
from ...actors.frames.messages import BridgeOffer, BridgeYield, FrameMessage
from ...actors.jobs.messages import JobStart
from ...actors.jobs.server import JobSink
from ...actors.message import LocalMessage
from ...actors.monitor import Monitors, when_gone
from ...actors.reason import Reason
from ...actors.ref import WorkerRef
from ..errors import NotCarried
from . import messages as said
from .asked import Asked
from .outlet import Outlet, Runner

__all__ = ["Guest"]

RENAMED = {"run": "run_llm"}
"""What a field of arguments is called there."""


class Guest:
    """The way to a worker of a Pipecat runner."""

    __slots__ = (
        "_gone",
        "_outlet",
        "_timer",
        "_waiting",
        "active",
        "bridged",
        "incarnation",
        "monitors",
        "ref",
        "runner",
        "started_at",
    )

    public = True

    def __init__(self, outlet: Outlet, runner: Runner, entry: said.Entry, incarnation: int) -> None:
        """Stand for the worker of this entry."""
        self._outlet = outlet
        self.runner = runner
        self.ref = WorkerRef(entry.name, outlet.runtime, self)
        self.started_at = entry.started_at or 0.0
        self.incarnation = incarnation
        self.bridged = entry.bridged
        self.active = entry.active
        """Whether it is active, as far as that can be seen on the channel."""
        self.monitors: Monitors | None = None
        self._gone = False
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[bytes] = []

    def __repr__(self) -> str:
        """Show name and runner."""
        return f"<Guest {self.path}>"

    @property
    def name(self) -> str:
        """The worker's name."""
        return self.ref.name

    @property
    def node(self) -> str:
        """The name of its runner."""
        return self.runner.name

    @property
    def path(self) -> str:
        """Where it stands: at which runner."""
        return f"{self.node}:{self.name}"

    @property
    def bridges(self) -> tuple[str, ...] | None:
        """All bridges, or none: which ones is not told on the channel. See `Registration`."""
        return () if self.bridged else None

    @property
    def closed(self) -> bool:
        """Whether it is gone for good, as far as that is known."""
        return self._gone

    @property
    def running(self) -> bool:
        """Whether it was there when it was last heard of."""
        return not self._gone

    def deliver(self, entry: Entry, /) -> None:
        """Put the entry on the way, from any thread.

        Raises:
            NoActor: the worker is gone.
            LinkFull: too much is on the way already.
            NotCarried, LocalOnly: Pipecat's channel cannot carry the message.

        """
        if self._gone:
            raise NoActor(f"{self.name!r} has ended", self.name)
        act = self._act_of(entry)
        runtime = self._outlet.runtime
        if get_ident() != runtime.thread:
            runtime.call_from_thread(self._late, entry, act)
            return
        self._outlet.must_have_room(self.name)
        act()

    def send(self, data: bytes, /) -> None:
        """Put bytes on the way to it, once it takes them."""
        if self._timer is not None:
            self._waiting.append(data)
        else:
            self._outlet.send(data, self.runner)

    def awaken(self) -> None:
        """Have what is sent wait a moment: it is being activated.

        Over there what reaches a worker before its activation was handled is dropped, also where
        both were sent in the right order.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._outlet.runtime.loop.call_later(self._outlet.wakes, self._awake)

    async def deliver_waiting(self, entry: Entry, /) -> None:
        """Put the entry on the way: nothing is heard there of room in a mailbox."""
        self.deliver(entry)

    def when_gone(self, call: Callable[[], object]) -> None:
        """Have `call` called once the worker is gone for good, at once if it is."""
        when_gone(self, call)

    def started(self, entry: said.Entry) -> None:
        """Take note that it was started anew."""
        self.incarnation += 1
        self.started_at = entry.started_at or 0.0
        self.bridged, self.active = entry.bridged, entry.active
        if self.monitors is not None:
            self.monitors.restarted(self.ref, self.incarnation)

    def close(self, reason: Reason) -> None:
        """Be gone for good, and tell who monitors."""
        if self._gone:
            return
        self._gone = True
        self._awake()
        if self.monitors is not None:
            self.monitors.down(self.ref, reason)

    # -- inside ----

    def _awake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self._outlet.send(data, self.runner)

    def _late(self, entry: Entry, act: Callable[[], None]) -> None:
        """Do what another thread has asked for."""
        try:
            if self._gone:
                raise NoActor(f"{self.name!r} has ended", self.name)
            self._outlet.must_have_room(self.name)
            act()
        except CallboardError as error:
            self._outlet.runtime.dead(self.ref, entry, error)

    def _act_of(self, entry: Entry) -> Callable[[], None]:
        """Return what is to be done for an entry; whatever cannot cross is found out here."""
        message = entry[0]
        match message:
            case JobStart():
                return self._job(entry, message)
            case Activate():
                data = self._encoded(said.Activate, entry, args=_arguments(message.args))
                return functools.partial(self._say, entry, data)
            case Deactivate():
                data = self._encoded(said.Deactivate, entry)
                return functools.partial(self._say, entry, data)
            case Reserve():
                return functools.partial(self._reserve, entry)
            case FrameMessage() | BridgeOffer() | BridgeYield():
                return functools.partial(self._outlet.crossing.told, self, message)
            case LocalMessage():
                kind = type(message).__name__
                text = f"{kind} is a LocalMessage: it cannot go to {self.name!r} over Pipecat"
                raise LocalOnly(text, self.name)
            case _ if message.__class__ is STOP:
                data = self._encoded(said.EndWorker, entry)
                return functools.partial(self._say, entry, data)
            case _:
                raise NotCarried(
                    f"{self.name!r} is a worker of Pipecat, which takes jobs, activation and "
                    f"frames, but no {type(message).__name__}: ask it for a job",
                    self.name,
                )

    def _encoded(self, kind: Any, entry: Entry, **values: Any) -> bytes:
        return self._outlet.encode(kind(source=self._source(entry), target=self.name, **values))

    def _source(self, entry: Entry) -> str:
        source = cast("WorkerRef | None", entry[1])
        return source.name if source is not None else self._outlet.runner

    def _say(self, entry: Entry, data: bytes) -> None:
        """Send what is never answered there: it has been done when it is on its way."""
        self.send(data)
        message = entry[0]
        if isinstance(message, Activate):
            self._outlet.crossing.activation(self, active=True, by=message)
        elif isinstance(message, Deactivate):
            self._outlet.crossing.activation(self, active=False)
        if entry[3] is not None:
            entry[3].settle(None)

    def _reserve(self, entry: Entry) -> None:
        if not self.runner.confirmed:
            raise Unavailable(f"{self.name!r} cannot be reached now", self.name)
        if entry[3] is not None:
            entry[3].settle(True)

    def _job(self, entry: Entry, start: JobStart) -> Callable[[], None]:
        if isinstance(start.name, type):
            kind = start.name.__name__
            text = f"{self.name!r} is a worker of Pipecat, which knows no typed job {kind}"
            raise NotCarried(f"{text}: give a name and a dict", self.name)
        if start.payload is not None and start.payload.__class__ is not dict:
            kind = type(start.payload).__name__
            text = f"{self.name!r} is a worker of Pipecat: the payload of a job is a dict or None"
            raise NotCarried(f"{text}, not {kind}", self.name)
        id, name = str(uuid.uuid4()), cast("str | None", start.name)
        data = self._encoded(
            said.JobRequest, entry, job_id=id, job_name=name, payload=start.payload
        )
        job = cast("JobSink", entry[3])
        asked = Asked(self._outlet, self, id, self._source(entry), job, name)

        def ask() -> None:
            self.send(data)
            asked.begin(limited=entry[4] is not None)

        return ask


def _arguments(args: Any) -> dict[str, Any] | None:
    """Return the arguments of an activation as Pipecat has them: an object, or nothing.

    Raises:
        NotCarried: they are neither a dict nor a dataclass.

    """
    if args is None:
        return None
    if is_dataclass(args) and not isinstance(args, type):
        values = {each.name: getattr(args, each.name) for each in fields(args)}
    elif isinstance(args, Mapping):
        values = dict(cast("Mapping[str, Any]", args))
    else:
        kind = type(args).__name__
        text = f"a worker of Pipecat is activated with a dict or a dataclass, not {kind}"
        raise NotCarried(text)
    if "messages" in values:  # for one that has a model
        values = {RENAMED.get(name, name): value for name, value in values.items()}
    return values
