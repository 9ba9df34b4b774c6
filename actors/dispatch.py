"""One message, one handler, one answer, also when the handler raises: the drain loop.

It runs in the worker's context on the node's loop, called by the run queue (`scheduler.py`).
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, cast

from . import lifecycle
from .cell import Cell, Directive, Incarnation, State
from .clock import Budget
from .delivery import Entry
from .errors import (
    ActorFailed,
    DeliveryError,
    Expired,
    MessageTimeout,
    Stopped,
    Unhandled,
)
from .handlers import Handler
from .reason import Failed, in_words
from .scheduler import Step

__all__ = ["BESIDE", "NotHandled", "RaisedInCall", "Stashed", "directive_for", "drain", "fail"]

BESIDE: ContextVar[Entry | None] = ContextVar("callboard_beside", default=None)
"""What is handled beside a suspended handler of the same worker, by a `preempt=True` handler."""


class RaisedInCall(Exception):
    """A proxied method raised: as in Pykka the error is the caller's, and the worker lives."""

    def __init__(self, error: BaseException) -> None:
        """Carry the error of the method."""
        super().__init__(type(error).__name__)
        self.error = error


class Stashed(BaseException):
    """The handler put its message aside: no outcome yet, and no failure."""


class NotHandled(BaseException):
    """The message came to the `on_receive` that handles nothing: as if there were none."""


def drain(cell: Cell, actor: Incarnation, limit: int) -> Step | int:
    """Handle up to `limit` messages, one after another.

    Return how many, or the step that has to wait. The watchdog finds the worker behind a blocked
    loop by this function's frame.
    """
    take = cell.mailbox.take
    table = actor.table
    found = table.found.get
    handled = 0
    while handled < limit:
        entry = take() if cell.open else None
        if entry is None:
            cell.queued = False
            cell.entry = None  # an idle worker keeps nobody's message alive
            cell.handled += handled
            return handled
        handled += 1
        message, _, _, reply, deadline, _ = entry
        if deadline is not None and deadline <= cell.runtime.loop.time():
            _expire(cell, entry)
            continue
        cell.entry = entry
        handler = found(message.__class__) or table.find(message.__class__)
        if handler is None:
            _unhandled(cell, entry)
            continue
        try:
            if handler.plain:
                value = handler.function(actor, message)
                if reply is not None and not handler.answers_itself:
                    reply.settle(value)
                elif value is not None and handler.answers_itself:
                    # A job that has to wait goes its own way; the worker's turn comes again.
                    cell.handled += handled
                    cell.runtime.scheduler.wake(cell)
                    return cast("Step", value)
                continue
            coroutine = handler.function(actor, message)
            try:
                awaited = coroutine.send(None)
            except StopIteration as stop:
                if reply is not None:
                    reply.settle(stop.value)
                continue
        except BaseException as error:
            _failed(cell, entry, error)
            continue
        cell.handled += handled
        return _suspend(cell, coroutine, awaited)
    cell.handled += handled
    cell.runtime.scheduler.wake(cell)
    return handled


def run_beside(cell: Cell, actor: Incarnation, entry: Entry, handler: Handler) -> None:
    """Handle a system message that was declared `preempt=True`, beside a suspended handler."""

    async def handle() -> Any:
        value = handler.function(actor, entry[0])
        return value if handler.plain else await value

    async def answer() -> None:
        BESIDE.set(entry)
        try:
            value = await handle()
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and not cell.running:
                _stopped(cell, entry)
                raise
            _failed(cell, entry, error)
        else:
            if entry[3] is not None:
                entry[3].settle(value)

    lifecycle.beside(cell, answer())


def fail(cell: Cell, error: BaseException) -> None:
    """Have the worker fail of this error, unless a directive says otherwise."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        cell.runtime.interrupt(error)
        return
    directive = directive_for(cell, error)
    if directive == "resume":
        cell.emit("resumed", Failed(error))
        return
    lifecycle.end(cell, Failed(error), directive)


def directive_for(cell: Cell, error: BaseException) -> Directive | None:
    """Return what the spec, else the class, says of this error; the nearest class decides."""
    for directives in (cell.options.directives, getattr(cell.actor, "directives", None)):
        for each in type(error).__mro__:
            if directives and each in directives:
                return cast("Directive", directives[each])
    return None


def _suspend(cell: Cell, coroutine: Any, awaited: object) -> Step:
    """Keep the handler's place in the run queue until it has ended."""
    cell.busy = True
    context = cell.context
    assert context is not None, "a handler runs in its worker's context"
    step = Step(cell, coroutine, awaited, context, _finished)
    cell.step = step
    limit = cell.options.message_timeout
    if limit is not None:
        _limit(cell, step, cell.runtime.budget(limit))
    if cell.actor is not None:
        cell.actor.preempt()
    return step


def _limit(cell: Cell, step: Step, budget: Budget) -> None:
    """Cancel the step once its time is up; blocked by others, it has some left."""
    loop = cell.runtime.loop
    if not budget.spent:
        step.timer = loop.call_later(budget.left or 0.0, _limit, cell, step, budget)
    elif not step.overrun:
        step.overrun = True
        step.timer = loop.call_later(cell.options.recancel, _limit, cell, step, budget)
        step.cancel()
    else:
        # It swallowed that: fail now, and have the end cancel it again, up to its grace.
        step.timer = None
        fail(cell, _overran(cell, cast("Entry", cell.entry)))


def _overran(cell: Cell, entry: Entry) -> MessageTimeout:
    name = type(entry[0]).__name__
    limit = cell.options.message_timeout
    return MessageTimeout(f"the handler of {name} ran longer than {limit:g} s")


def _finished(step: Step, value: Any, error: BaseException | None) -> None:
    """Take the outcome of a handler that had to wait, and go on with the mailbox."""
    cell = cast("Cell", step.owner)
    if step.timer is not None:
        step.timer.cancel()
    if cell.step is not step:
        return  # abandoned: its worker has gone on without it
    entry = cast("Entry", cell.entry)
    cell.step = None
    cell.entry = None
    cell.busy = False
    cell.queued = False
    if step.overrun:  # its worker fails of that, whatever the handler made of it
        late, error = error, _overran(cell, entry)
        error.__context__ = late
    if error is None:
        if entry[3] is not None:
            entry[3].settle(value)
    elif step.cancelled and not step.overrun:
        _stopped(cell, entry)
    else:
        _failed(cell, entry, error)
    if len(cell.mailbox):
        cell.wake()


def _stopped(cell: Cell, entry: Entry) -> None:
    """Answer for a handler that its worker's end interrupted."""
    if entry[3] is not None:
        text = f"{cell.name!r} was stopped while it handled the message"
        entry[3].settle(None, Stopped(text, cell.name))


def _failed(cell: Cell, entry: Entry, error: BaseException) -> None:
    """Answer for a handler that raised, and have its worker fail of it."""
    reply = entry[3]
    if isinstance(error, Stashed):
        return
    if isinstance(error, NotHandled):
        _unhandled(cell, entry)
        return
    if isinstance(error, RaisedInCall):
        if reply is not None:
            reply.settle(None, error.error)
            return
        error = error.error
    if isinstance(error, KeyboardInterrupt | SystemExit):
        if reply is not None:
            reply.settle(None, Stopped(f"the node is ending: {type(error).__name__}", cell.name))
        fail(cell, error)
        return
    cell.repeated = False
    if cell.options.redeliver and cell.state is State.RUNNING and _try_again(cell, entry, error):
        fail(cell, error)
        return
    if reply is not None:
        failure = ActorFailed(f"{cell.name!r} failed: {in_words(error)}", cell.name)
        failure.__cause__ = error
        reply.settle(None, failure)
    fail(cell, error)


def _try_again(cell: Cell, entry: Entry, error: BaseException) -> bool:
    """Put the message back for the next incarnation, or quarantine it after its last try."""
    if cell.retried is None or cell.retried[0] is not entry:
        cell.retried = (entry, [])
    causes = cell.retried[1]
    causes.append(error)
    cell.repeated = len(causes) > 1
    if len(causes) <= cell.options.redeliver:
        cell.mailbox.put_back(entry)
        return True
    failure = ActorFailed(
        f"{type(entry[0]).__name__} failed {cell.name!r} {len(causes)} times: not tried again",
        cell.name,
    )
    failure.__cause__ = error
    cell.dead(entry, failure, tuple(causes))
    cell.emit("quarantined", text=str(failure))
    cell.retried = None
    return False


def _expire(cell: Cell, entry: Entry) -> None:
    kind = type(entry[0]).__name__
    cell.dead(entry, Expired(f"{kind} for {cell.name!r} passed its deadline", cell.name))


def _unhandled(cell: Cell, entry: Entry) -> None:
    kind = type(entry[0]).__name__
    actor = type(cell.actor).__qualname__
    text = f"{cell.name!r} ({actor}) has no handler for {kind}: declare one with @on({kind})"
    if isinstance(entry[0], type):
        text = f"{cell.name!r} was sent a class, not a message: write {entry[0].__name__}(...)"
    reason: DeliveryError = Unhandled(text, cell.name)
    cell.dead(entry, reason)
