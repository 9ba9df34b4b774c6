"""Hearing: what is said on a channel of Pipecat, and what follows from it here."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from ...actors.activation import Deactivate
from ...actors.delivery import STOP
from ...actors.errors import CallboardError, Draining, JobCrashed
from ...actors.jobs.messages import JobStart
from ...actors.message import NORMAL, lane_for
from ...actors.registry import Registration
from ..errors import Undecodable
from . import messages as said
from .bridging import Bridging
from .messages import Listing, Said
from .outlet import Outlet, Serving
from .runners import Runners
from .served import Served

__all__ = ["Hearing"]

REMEMBERED = 1000
"""Jobs that have ended, whose late answers are counted as such."""


class Hearer(Outlet, Protocol):
    """What is needed of the gateway."""

    runners: Runners
    obey_end: bool

    @property
    def crossing(self) -> Bridging:
        """What has to do with bridges."""
        ...

    def listed(self, listing: Listing, /) -> None:
        """Take in what a runner tells of its workers."""
        ...

    def reject(self, kind: str, text: str, source: str, /) -> None:
        """Count what cannot be taken."""
        ...

    def is_ours(self, source: str, /) -> bool:
        """Whether it is what this node has said itself."""
        ...

    def ours(self, name: str | None, /) -> Registration | None:
        """Return the public worker of this node that has the name."""
        ...


class Hearing:
    """Does what is said on the channel."""

    def __init__(self, gateway: Hearer) -> None:
        """Do it for this gateway."""
        self._gateway = gateway
        self._lately: deque[str] = deque(maxlen=REMEMBERED)

    def take(self, message: Said) -> None:
        """Do what a message says."""
        match message:
            case Listing():
                self._gateway.listed(message)
                return
            case said.Ready():
                self._gateway.runners.ready(message)
            case said.JobSaid():
                self._job(message)
            case said.FrameSaid():
                if not self._gateway.is_ours(message.source):
                    self._gateway.crossing.said(message)
            case said.Activate() | said.Deactivate():
                self._activation(message)
            case said.EndWorker() | said.CancelWorker():
                self._end_worker(message)
            case said.End() | said.Cancel():
                self._end(message)
            case said.WorkerError():
                self._gateway.runtime.events.count("errors_of_guests")
            case _:
                pass
        runner = self._gateway.runners.of(message.source)
        if runner is not None:
            self._gateway.runners.sign(runner)

    def _activation(self, message: said.Activate | said.Deactivate) -> None:
        gateway, target = self._gateway, message.target
        if target is None:  # it is for all workers of all processes, who would speak at once
            gateway.runtime.events.count("activations_of_all")
            return
        active, echo = isinstance(message, said.Activate), gateway.is_ours(message.source)
        guest = gateway.runners.guest(target)
        if guest is not None and (not echo or guest.active != active):
            gateway.crossing.activation(guest, active=active)
        if echo or gateway.ours(target) is None:
            return
        if isinstance(message, said.Deactivate):
            self._tell_ours(message, Deactivate())
        elif message.problem:
            gateway.reject("arguments", message.problem, message.source)
        else:
            self._tell_ours(message, gateway.crossing.handed_over(message))

    def _end_worker(self, message: said.EndWorker | said.CancelWorker) -> None:
        gateway, target = self._gateway, message.target
        if target is not None:
            gateway.runners.ending(target)
            if gateway.ours(target) is not None and not gateway.is_ours(message.source):
                self._tell_ours(message, STOP())

    def _end(self, message: said.End | said.Cancel) -> None:
        if not self._gateway.obey_end:
            self._gateway.runtime.events.count("ends_not_obeyed")
            return
        reason = f"{message.source!r} has ended the session: {message.reason or 'no reason given'}"
        node = self._gateway.runtime.node
        ending = node.drain(reason) if isinstance(message, said.End) else node.stop(reason)
        self._gateway.runtime.spawn(ending)

    def _tell_ours(self, message: Said, what: Any) -> None:
        """Give a worker of ours a message; nothing of theirs answers whether it has arrived."""
        ref = self._gateway.runtime.ref(message.source)
        known = self._gateway.ours(message.target)
        if known is not None:
            lane = NORMAL if what.__class__ is STOP else lane_for(what, None)
            entry = (what, ref, lane, None, None, None)
            try:
                known.target.deliver(entry)
            except CallboardError as error:
                self._gateway.runtime.dead(known.ref, entry, error)

    # -- jobs ----

    def _job(self, message: said.JobSaid) -> None:
        match message:
            case said.JobRequest():
                if message.job_id not in self._gateway.asked:
                    self._serve(message)
            case said.JobCancel():
                serving = self._serving(message)
                if serving is not None:
                    serving.withdraw(message.reason or f"{message.source!r} has cancelled it")
            case said.JobUpdateRequest():
                serving = self._serving(message)
                if serving is not None:
                    serving.report()
            case _:
                asked = self._gateway.asked.get(message.job_id)
                if asked is not None:
                    asked.heard(message)
                    if message.job_id not in self._gateway.asked:
                        self._lately.append(message.job_id)
                elif message.job_id in self._lately:
                    self._gateway.runtime.events.count("late_job_answers")

    def _serving(self, message: said.JobSaid) -> Serving | None:
        """Return the job that its own requester speaks of."""
        serving = self._gateway.served.get((message.job_id, message.target or ""))
        if serving is None or serving.requester != message.source:
            return None
        return serving

    def _serve(self, request: said.JobRequest) -> None:
        """Have a worker of ours do a job; what cannot be done is answered with an error."""
        known = self._gateway.ours(request.target)
        if known is None or request.target is None:
            return  # somebody else's
        served = Served(self._gateway, request)
        key = (request.job_id, request.target)
        if key in self._gateway.served:
            served.settle(None, JobCrashed(f"a second job has the id {request.job_id!r}"))
            return
        self._gateway.served[key] = served
        runtime = self._gateway.runtime
        try:
            if request.problem:
                raise Undecodable(request.problem, "payload")
            if runtime.draining:
                raise Draining(f"the node {runtime.name!r} is ending", request.target)
            # Their ids are theirs: a worker keeps its jobs by ids that are this node's own.
            start = JobStart(runtime.new_job_id(), request.job_name, request.payload, ())
            source = runtime.ref(request.source)
            known.target.deliver((start, source, NORMAL, served, None, None))
        except CallboardError as error:
            served.settle(None, error)
