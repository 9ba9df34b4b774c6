"""Every error that Callboard raises, as one tree.

CallboardError
  SpecError              a class, a child spec or a tree is declared wrongly
    HandlerClash         two handlers for one message type, job name or worker name
  NotStarted             a worker was used before it stood on a node
  WouldBlock             a blocking call on the event loop's own thread
  LaneReserved           a send asked for the SYSTEM lane
  NameTaken              a second worker of a name on one node
  DeliveryError          a message did not reach a handler
    NoActor              nobody has that name, or the worker is gone for good
      Stopped            the worker stopped before it came to the message
    MailboxFull          the mailbox is at its bound
    Unavailable          the worker is not running now, and the sender would not wait
    Draining             the node takes no new work
    Dropped              the mailbox dropped the message by its overflow policy
    Expired              the deadline passed before the handler began
    Unhandled            the worker has no handler for the message
    LocalOnly            a local message was sent to another node
  ReplyError             the worker took the message and did not answer it
    ActorFailed          its handler raised; the cause is chained
    ActorRestarted       it was restarted, and its mailbox dropped
    AskTimeout           no answer in time
  MessageTimeout         a handler ran longer than its worker allows
  JobError               a job ended in any way but completed
    JobFailed            status failed: the handler said so
    JobCrashed           status error: the handler raised, or its worker is gone
    JobCancelled         status cancelled
    JobTimeout           the one deadline of the job passed
    NotReady             the worker was not known in time; nothing was sent
    GroupFailed          a member of a job group did not complete
  SupervisionError       a supervisor refuses, or gives up
    StartFailed          a child's start raised or took too long
    StartDeclined        raised by `on_start` to decline: no failure, and no start
    Exceeded             the restart budget is spent
    AlreadyRunning, AlreadyPresent, ChildNotFound, ChildRunning, Restarting,
    MaxChildren          what an admin call found
    Deadlock             the call would wait for its own caller
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pykka

__all__ = [
    "ActorFailed",
    "ActorRestarted",
    "AlreadyPresent",
    "AlreadyRunning",
    "AskTimeout",
    "CallboardError",
    "ChildNotFound",
    "ChildRunning",
    "Deadlock",
    "DeliveryError",
    "Draining",
    "Dropped",
    "Exceeded",
    "Expired",
    "GroupFailed",
    "HandlerClash",
    "JobCancelled",
    "JobCrashed",
    "JobError",
    "JobFailed",
    "JobTimeout",
    "LaneReserved",
    "LocalOnly",
    "MailboxFull",
    "MaxChildren",
    "MessageTimeout",
    "NameTaken",
    "NoActor",
    "NotReady",
    "NotStarted",
    "ReplyError",
    "Restarting",
    "SpecError",
    "StartDeclined",
    "StartFailed",
    "Stopped",
    "SupervisionError",
    "Unavailable",
    "Unhandled",
    "WouldBlock",
]


class CallboardError(Exception):
    """The base of every error that Callboard raises."""


class SpecError(CallboardError, ValueError):
    """A class, a child spec or a tree is declared wrongly; nothing was built.

    `subject` names what is wrong (a child, a class), `field` the part of it.
    """

    def __init__(self, subject: str, field: str, problem: str) -> None:
        """Say that `field` of `subject` has a `problem`."""
        super().__init__(f"{subject}: {field}: {problem}")
        self.subject = subject
        self.field = field
        self.problem = problem


class HandlerClash(SpecError):
    """Two handlers of one class claim the same thing; the text names both."""


class NotStarted(CallboardError, RuntimeError):
    """A worker was asked for its node, name or ref before it stood on a node."""


class WouldBlock(CallboardError, RuntimeError):
    """A blocking call on the event loop's own thread, which would wait for itself."""


class LaneReserved(CallboardError, ValueError):
    """A send asked for the SYSTEM lane, which only system messages use."""


class NameTaken(CallboardError):
    """A second worker of a name was refused; both paths are named."""

    def __init__(self, name: str, owner: str, refused: str) -> None:
        """Say that `owner` has `name`, so `refused` cannot have it."""
        super().__init__(
            f"the name {name!r} belongs to {owner}; {refused} is refused: "
            "names are unique on a node, so give one of them another"
        )
        self.name = name
        self.owner = owner
        self.refused = refused


class DeliveryError(CallboardError):
    """A message did not reach a handler."""

    def __init__(self, text: str, worker: str = "") -> None:
        """Say what happened to a message for `worker`."""
        super().__init__(text)
        self.worker = worker


class NoActor(DeliveryError, pykka.ActorDeadError):
    """Nobody has that name, or the worker is gone for good."""


class Stopped(NoActor):
    """The worker stopped before it came to the message."""


class MailboxFull(DeliveryError):
    """The mailbox is at its bound; `await send()` would wait, where its policy is `wait`."""

    def __init__(self, worker: str, bound: int) -> None:
        """Say which mailbox is full, and its bound."""
        super().__init__(
            f"the mailbox of {worker!r} is full: it holds {bound} messages; "
            "wait with 'await ref.send(...)' (overflow='wait'), send less, or raise the bound",
            worker,
        )
        self.bound = bound


class Unavailable(DeliveryError):
    """The worker is not running now, and the sender said not to wait for it."""


class Draining(DeliveryError):
    """The node is ending and takes no new work."""


class Dropped(DeliveryError):
    """The mailbox dropped the message by its overflow policy."""


class Expired(DeliveryError):
    """The deadline of the message passed before its handler began."""


class Unhandled(DeliveryError):
    """The worker has no handler for the message, and no `on_receive` of its own."""


class LocalOnly(DeliveryError):
    """A local message was sent to a worker of another node."""


class ReplyError(CallboardError):
    """The worker took the message and did not answer it."""

    def __init__(self, text: str, worker: str = "") -> None:
        """Say why `worker` gave no answer."""
        super().__init__(text)
        self.worker = worker


class ActorFailed(ReplyError):
    """The handler raised; `__cause__` is what it raised."""


class ActorRestarted(ReplyError):
    """The worker was restarted and its mailbox dropped, the message with it."""


class AskTimeout(ReplyError, pykka.Timeout, TimeoutError):
    """No answer came in time; a later one is counted and dropped."""


class MessageTimeout(CallboardError, TimeoutError):
    """A handler ran longer than `message_timeout` of its child spec allows."""


class JobError(CallboardError):
    """A job ended in any way but completed; `status` says which.

    `worker` is who was to do it, `job` the job's name, `response` what the server gave along.
    """

    status = "error"

    def __init__(
        self, text: str = "", *, worker: str = "", job: str = "", response: object = None
    ) -> None:
        """Say what became of the `job` of `worker`."""
        super().__init__(text or (type(self).__doc__ or "").splitlines()[0])
        self.worker = worker
        self.job = job
        self.response = response


class JobFailed(JobError):
    """The job failed, and its handler said so.

    A handler raises it to fail its job on purpose; what it carries reaches the caller.
    """

    status = "failed"


class JobCrashed(JobError):
    """The job's handler raised, or its worker or node is gone.

    `kind` is the name of the error's type at the server, `None` where there was none.
    """

    def __init__(
        self,
        text: str = "",
        *,
        worker: str = "",
        job: str = "",
        response: object = None,
        kind: str | None = None,
    ) -> None:
        """Say what became of the `job` of `worker`."""
        super().__init__(text, worker=worker, job=job, response=response)
        self.kind = kind


class JobCancelled(JobError):
    """The job was cancelled; the text holds the reason."""

    status = "cancelled"


class JobTimeout(JobError, TimeoutError):
    """The one deadline of the job passed before its answer."""

    status = "cancelled"


class NotReady(JobTimeout):
    """The worker was not ready in time; the job was never sent."""


class GroupFailed(JobError):
    """A member of a job group did not complete.

    `responses` holds what was answered before, `errors` the error of each other member.
    """

    def __init__(
        self,
        text: str,
        *,
        worker: str,
        job: str,
        responses: Mapping[str, object],
        errors: Mapping[str, JobError],
    ) -> None:
        """Say which member of the group ended it."""
        super().__init__(text, worker=worker, job=job)
        self.responses = responses
        self.errors = errors
        first = errors.get(worker)
        self.status = first.status if first is not None else "cancelled"


class SupervisionError(CallboardError):
    """A supervisor refuses, or gives up."""


class StartFailed(SupervisionError):
    """A child's start raised or took too long; the cause is chained."""

    def __init__(self, child: str, problem: str) -> None:
        """Say which `child` did not start, and why."""
        super().__init__(f"the child {child!r} did not start: {problem}")
        self.child = child
        self.problem = problem


class StartDeclined(SupervisionError):
    """Raised by `on_start` to decline the start, as OTP's `ignore`: no failure, and no worker."""


class Exceeded(SupervisionError):
    """A supervisor spent its restart budget; `path` names it, the last failure is chained."""

    def __init__(self, path: str, child: str, intensity: int, period: float) -> None:
        """Say which supervisor gave up, and over which child."""
        super().__init__(
            f"the supervisor {path} gave up: more than {intensity} restarts in {period:g} s, "
            f"the last one for {child!r}"
        )
        self.path = path
        self.child = child
        self.intensity = intensity
        self.period = period


class AlreadyRunning(SupervisionError):
    """The child is running; `ref` is its ref."""

    def __init__(self, child: str, ref: pykka.ActorRef[Any]) -> None:
        """Say that `child` runs as `ref`."""
        super().__init__(f"the child {child!r} is already running")
        self.child = child
        self.ref = ref


class AlreadyPresent(SupervisionError):
    """The child's spec is there, and it is not running: restart or delete it."""

    def __init__(self, child: str) -> None:
        """Say that the spec of `child` is there."""
        super().__init__(f"the child {child!r} is present and not running: restart or delete it")
        self.child = child


class ChildNotFound(SupervisionError):
    """The supervisor has no child of that name; `known` are those that it has."""

    def __init__(self, child: str, known: tuple[str, ...] = ()) -> None:
        """Say that there is no `child`."""
        listed = ", ".join(known[:20]) or "none"
        super().__init__(f"no child is called {child!r}; known: {listed}")
        self.child = child
        self.known = known


class ChildRunning(SupervisionError):
    """The child must be stopped first."""

    def __init__(self, child: str) -> None:
        """Say that `child` is running or about to."""
        super().__init__(f"the child {child!r} is running: terminate it first")
        self.child = child


class Restarting(SupervisionError):
    """The child waits for its restart."""

    def __init__(self, child: str) -> None:
        """Say that `child` is waiting."""
        super().__init__(f"the child {child!r} is waiting for its restart")
        self.child = child


class MaxChildren(SupervisionError):
    """The supervisor has as many children as it may have."""

    def __init__(self, path: str, limit: int) -> None:
        """Say which supervisor is full, and its limit."""
        super().__init__(f"the supervisor {path} has its {limit} children, and takes no more")
        self.path = path
        self.limit = limit


class Deadlock(SupervisionError):
    """The call would wait for its own caller."""
