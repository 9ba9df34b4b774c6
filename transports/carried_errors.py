"""Errors as they cross: by the name of their class in a fixed table, with their facts.

An error of any other class becomes a `RemoteError` with the name of its type and its text: nothing
is imported because another node names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..actors import errors
from ..actors.errors import CallboardError, DeliveryError, JobCrashed, JobError, ReplyError
from ..actors.reason import Failed, Killed, Normal, Reason, Shutdown, in_words
from .errors import NodeDown, NotCarried, RemoteError
from .parcels import Op, fold

__all__ = ["error_of", "facts_of", "fold_error", "reason_in_facts", "reason_of", "short"]

LONGEST = 4000
"""Characters of an error's text that cross."""

LONGEST_NAME = 500
"""Characters of the names that it bears."""


def _of_worker(
    kind: type[DeliveryError] | type[ReplyError],
) -> Callable[[str, str, str, Any], CallboardError]:
    return lambda text, worker, job, extra: kind(text, worker)


def _job(kind: type[JobError]) -> Callable[[str, str, str, Any], CallboardError]:
    return lambda text, worker, job, extra: kind(text, worker=worker, job=job)


def _mailbox_full(text: str, worker: str, job: str, extra: Any) -> CallboardError:
    return errors.MailboxFull(worker, extra if isinstance(extra, int) else 0)


def _crashed(text: str, worker: str, job: str, extra: Any) -> CallboardError:
    kind = extra if isinstance(extra, str) else None
    return JobCrashed(text, worker=worker, job=job, kind=kind)


MAKERS: dict[str, Callable[[str, str, str, Any], CallboardError]] = {
    **{
        kind.__name__: _of_worker(kind)
        for kind in (
            errors.DeliveryError,
            errors.NoActor,
            errors.Stopped,
            errors.Unavailable,
            errors.Draining,
            errors.Dropped,
            errors.Expired,
            errors.Unhandled,
            errors.LocalOnly,
            NotCarried,
            errors.ReplyError,
            errors.ActorFailed,
            errors.ActorRestarted,
            errors.AskTimeout,
        )
    },
    **{
        kind.__name__: _job(kind)
        for kind in (
            errors.JobError,
            errors.JobFailed,
            errors.JobCancelled,
            errors.JobTimeout,
            errors.NotReady,
        )
    },
    "MailboxFull": _mailbox_full,
    "JobCrashed": _crashed,
}


def facts_of(error: BaseException) -> list[Any]:
    """Return what crosses of an error: class, text, worker, job, one more fact, cause."""
    name = next((each.__name__ for each in type(error).__mro__ if each.__name__ in MAKERS), "")
    worker = job = ""
    extra: str | int | None = None
    if isinstance(error, CallboardError):  # the attributes of any other mean something else
        worker = short(str(getattr(error, "worker", "")), LONGEST_NAME)
        job = short(str(getattr(error, "job", "")), LONGEST_NAME)
    if isinstance(error, JobCrashed):
        extra = short(error.kind, LONGEST_NAME) if error.kind is not None else None
    elif isinstance(error, errors.MailboxFull):
        extra = error.bound
    cause = error.__cause__
    if not name:
        cause, name = error, "ReplyError"
    known = None
    if cause is not None:
        known = [short(type(cause).__name__, LONGEST_NAME), short(in_words(cause))]
    return [name, short(_text(error)), worker, job, extra, known]


def fold_error(op: Op, waiting: int | str, error: BaseException, payload: bytes = b"") -> bytes:
    """Return the parcel that tells who waits of an error; there is one, whatever the error is."""
    try:
        return fold([op, waiting, facts_of(error)], payload)
    except NotCarried as problem:
        return fold([op, waiting, facts_of(problem)])


def error_of(facts: list[Any], node: str) -> CallboardError:
    """Return the error that the other node's facts tell of; its cause is a `RemoteError`.

    Raises:
        ValueError, TypeError: these are no such facts.

    """
    name, text, worker, job, extra, cause = facts[:6]
    make = MAKERS.get(name, _of_worker(ReplyError))
    error = make(str(text), str(worker), str(job), extra)
    if cause is not None:
        kind, words = cause
        error.__cause__ = RemoteError(str(kind), str(words), node)
    return error


def reason_in_facts(reason: Reason) -> list[str]:
    """Return what crosses of the reason of an end."""
    if isinstance(reason, Failed):
        return ["failed", type(reason.cause).__name__, short(in_words(reason.cause))]
    if isinstance(reason, Shutdown):
        return ["shutdown", "", short(reason.text)]
    return ["killed" if isinstance(reason, Killed) else "normal", "", ""]


def reason_of(facts: list[str], node: str) -> Reason:
    """Return the reason that the other node's facts tell of."""
    word, kind, text = facts
    match word:
        case "failed":
            return Failed(RemoteError(kind, text, node))
        case "shutdown":
            return Shutdown(text)
        case "killed":
            return Killed()
        case _:
            return Normal()


def node_down(node: str, why: str) -> Failed:
    """Return the reason of the ends of all workers of a node that is down."""
    return Failed(NodeDown(node, why))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as worse:
        return f"<its text raises {type(worse).__name__}>"


def short(text: str, longest: int = LONGEST) -> str:
    """Return the text as it crosses: with a UTF-8 form, and not too long."""
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= longest else clean[:longest] + "…"
