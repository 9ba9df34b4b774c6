"""The life of one incarnation: start, an end of its own, a stop from outside.

Every path to an end goes through `_end`, once, and gives the true reason. Tasks of the old life
are finished, or declared abandoned, before anything is reported.
"""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import Coroutine, Iterable
from typing import Any

from .cell import Cell, Directive, Incarnation, State
from .clock import Budget, wait_done
from .errors import ActorRestarted, StartDeclined, StartFailed, Stopped
from .reason import Failed, Killed, Reason, Shutdown
from .scheduler import Step

__all__ = ["cancel_tasks", "end", "rest", "start", "stop"]


async def start(cell: Cell, timeout: float | None = None) -> None:
    """Build a new incarnation and run its start hooks; `timeout` is in seconds.

    When it returns, the worker is running and known as ready. When it raises, nothing is left.

    Raises:
        StartFailed: the factory or a hook raised, or took too long; the cause is chained.
        StartDeclined: `on_start` declined.

    """
    actor = _build(cell)
    hooks = actor.start_hooks()
    if hooks is not None:
        await _run_start(cell, actor, hooks, timeout)
    cell.state = State.RUNNING
    cell.started_at = cell.runtime.loop.time()
    cell.open = not cell.suspended
    runtime = cell.runtime
    runtime.registry.ready(cell.name, cell.incarnation)
    if runtime.events.watched:
        cell.emit("started")
    if cell.incarnation > 1 and cell.monitors is not None:
        cell.monitors.restarted(cell.ref, cell.incarnation)
    if len(cell.mailbox):
        cell.wake()


async def stop(cell: Cell, reason: Reason, budget: float | None) -> Reason:
    """Stop the present incarnation, and return the reason it ended for.

    The handler in progress and the stop hook share the `budget` in seconds (`None`: no limit);
    then they are cancelled, and the reason is `Killed`. A budget of 0 kills at once, without the
    stop hook. If the incarnation is ending by itself already, that end is waited for.
    """
    if cell.ending is None:
        actor = cell.actor
        if actor is None or cell.state is not State.RUNNING:
            return reason
        cell.state = State.STOPPING
        cell.open = False
        if budget == 0:
            reason = Killed(ordered=True)
        if actor.idle and cell.step is None and actor.end_hook_name(reason) is None:
            actor.leave(reason)
            _let_go(cell)
            return reason
        # In a task of its own: whoever asked for the stop may be cancelled, the stop may not.
        cell.ending = cell.runtime.spawn(_end_for_owner(cell, reason, budget))
        return await asyncio.shield(cell.ending)
    ending = cell.ending
    if await wait_done([ending], cell.runtime.budget(budget)):
        await cancel_tasks(cell, [ending], "its end")
        _let_go(cell)
        return Killed("its own end took too long", ordered=True)
    return Killed() if ending.cancelled() else ending.result()


async def _end_for_owner(cell: Cell, reason: Reason, budget: float | None) -> Reason:
    try:
        return await _end(cell, reason, budget)
    finally:
        cell.ending = None


def end(cell: Cell, reason: Reason, directive: Directive | None = None) -> None:
    """End the present incarnation for a reason of its own; its owner is told when it has ended.

    Nothing happens if it is ending already: the first reason stands.
    """
    if cell.state is not State.RUNNING:
        return
    cell.state = State.STOPPING
    cell.open = False
    if isinstance(reason, Failed):
        cell.emit("failed", reason)
    cell.ending = cell.runtime.spawn(_end_by_itself(cell, reason, directive))


async def _end_by_itself(cell: Cell, reason: Reason, directive: Directive | None) -> Reason:
    try:
        final = await _end(cell, reason, None)
    finally:
        cell.ending = None
    if isinstance(final, Failed):
        # What failed must not keep the old life's state alive: the log has the trace.
        traceback.clear_frames(final.cause.__traceback__)
    if cell.owner is not None:
        cell.owner.ended(cell, final, directive)
    else:
        cell.close(final)
    return final


def _build(cell: Cell) -> Incarnation:
    cell.state = State.STARTING
    cell.incarnation += 1
    cell.context = None
    try:
        actor: Any = cell.factory()
        if not hasattr(actor, "start_hooks"):
            raise TypeError(
                f"the factory made a {type(actor).__name__}; it must return a new worker"
            )
        actor.attach(cell)
    except Exception as error:
        cell.state = State.STOPPED
        raise StartFailed(cell.name, f"{type(error).__name__}: {error}") from error
    cell.actor = actor
    return actor  # type: ignore[no-any-return]


async def _run_start(
    cell: Cell, actor: Incarnation, hooks: Coroutine[Any, Any, None], timeout: float | None
) -> None:
    """Run the start hooks in a task of their own; leave nothing behind if they do not end well."""
    task = cell.runtime.spawn(_guarded(cell, hooks), cell.runtime.new_context(cell.ref))
    problem = ""
    cause: BaseException | None = None
    try:
        if await wait_done([task], cell.runtime.budget(timeout)):
            problem = f"on_start took longer than {timeout:g} s"
            cause = TimeoutError(problem)
        elif task.cancelled() or task.exception() is not None:
            cause = asyncio.CancelledError() if task.cancelled() else task.exception()
            problem = f"{type(cause).__name__}: {cause}"
        elif cell.state is not State.STARTING:
            problem = "it was stopped while it started"
            cause = Stopped(problem, cell.name)
    except asyncio.CancelledError:
        await _undo_start(cell, actor, task)
        raise
    if cause is None:
        return
    await _undo_start(cell, actor, task)
    if isinstance(cause, StartDeclined):
        raise cause
    raise StartFailed(cell.name, problem) from cause


async def _undo_start(cell: Cell, actor: Incarnation, task: asyncio.Task[None]) -> None:
    await cancel_tasks(cell, [task], "on_start")
    reason = Shutdown("its start did not end well")
    children = actor.stop_children(reason, None)
    if children is not None:
        await children
    await _finish_steps(cell, actor.leave(reason))
    actor.release()
    cell.actor = None
    cell.state = State.STOPPED


async def _end(cell: Cell, reason: Reason, allowed: float | None) -> Reason:
    """End the incarnation: the handler in progress, its jobs, its children, its hook."""
    actor = cell.actor
    if actor is None:
        return reason
    budget = cell.runtime.budget(allowed)
    killed = isinstance(reason, Killed)
    forced = False
    step = cell.step
    if step is not None and not step.ended:
        graceful = not (killed or isinstance(reason, Failed) or actor.interruptible)
        forced = not await _finish_handler(cell, step, budget if graceful else None)
    steps = actor.leave(reason)
    if steps:
        await _finish_steps(cell, steps)
    children = actor.stop_children(reason, budget.left)
    if children is not None:
        await children
    if not killed and not forced and actor.end_hook_name(reason) is not None:
        forced = not await _run_hook(cell, actor.end_hook(reason), budget)
    _let_go(cell)
    if forced and not killed:
        return Killed(f"not done within {allowed:g} s", ordered=True) if allowed else Killed()
    return reason


def _let_go(cell: Cell) -> None:
    if cell.actor is not None:
        cell.actor.release()
    cell.actor = None
    cell.context = None
    cell.entry = None
    cell.step = None
    cell.busy = False
    cell.queued = False
    cell.state = State.STOPPED
    if cell.runtime.events.watched:
        cell.emit("stopped")


async def _finish_handler(cell: Cell, step: Step, budget: Budget | None) -> bool:
    """Let the suspended handler end within the budget; cancel it if it does not, or without one.

    Return whether it ended by itself.
    """
    step.waiter = cell.runtime.loop.create_future()
    if budget is not None and not await wait_done([step.waiter], budget):
        return True
    await _finish_steps(cell, [step])
    return budget is None


async def _run_hook(cell: Cell, hook: Coroutine[Any, Any, None], budget: Budget) -> bool:
    """Run a stop or failure hook; an error in it is logged once and stops nothing."""
    task = cell.runtime.spawn(_guarded(cell, hook), cell.runtime.new_context(cell.ref))
    if await wait_done([task], budget):
        await cancel_tasks(cell, [task], "its stop hook")
        return False
    error = None if task.cancelled() else task.exception()
    if error is not None:
        cell.emit("hook_failed", Failed(error))
    return True


async def _guarded(cell: Cell, hook: Coroutine[Any, Any, None]) -> None:
    """Keep a KeyboardInterrupt or SystemExit of a hook from tearing down the loop."""
    try:
        await hook
    except (KeyboardInterrupt, SystemExit) as error:
        cell.runtime.interrupt(error)


async def cancel_tasks(cell: Cell, tasks: Iterable[asyncio.Task[Any]], what: str) -> None:
    """Cancel tasks until they are done; after the grace, declare what is left abandoned."""
    pending: set[asyncio.Future[Any]] = {task for task in tasks if not task.done()}
    grace = cell.runtime.budget(cell.options.grace)
    while pending:
        for task in pending:
            task.cancel()
        pending = await wait_done(pending, cell.runtime.budget(cell.options.recancel))
        if pending and grace.spent:
            for task in pending:
                _abandon(cell, task, what)
            return


async def _finish_steps(cell: Cell, steps: list[Step]) -> None:
    """Cancel steps until they have ended; after the grace, declare what is left abandoned."""
    loop = cell.runtime.loop
    grace = cell.runtime.budget(cell.options.grace)
    left = [step for step in steps if not step.ended]
    for step in left:
        if step.waiter is None:
            step.waiter = loop.create_future()
    while left:
        for step in left:
            step.cancel()
        waiters = [step.waiter for step in left if step.waiter is not None]
        await wait_done(waiters, cell.runtime.budget(cell.options.recancel))
        left = [step for step in left if not step.ended]
        if left and grace.spent:
            for step in left:
                _abandon(cell, step.task, "a handler")
            return


def _abandon(cell: Cell, task: asyncio.Future[Any] | None, what: str) -> None:
    """Declare, visibly, that a task cannot be stopped; nobody waits for it any more."""
    stack = io.StringIO()
    if isinstance(task, asyncio.Task):
        task.print_stack(file=stack)
    cell.emit("abandoned", text=f"{what} does not end though cancelled:\n{stack.getvalue()}")


def rest(cell: Cell) -> None:
    """Wait for the next incarnation: the mailbox is kept, or dropped, as its options say."""
    cell.state = State.WAITING
    cell.runtime.registry.unready(cell.name)
    if cell.stashed:
        cell.unstash()
    cell.answer_stops()
    if not cell.options.keep_mailbox:
        cell.clear(
            ActorRestarted(f"{cell.name!r} was restarted and its mailbox dropped", cell.name)
        )
