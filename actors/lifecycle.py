"""The life of one incarnation: start, an end of its own, a stop from outside, a kill.

Every path to an end goes through `_end`, once, and gives the true reason. Tasks of the old life
are finished, or declared abandoned, before anything is reported. What is under way is known by the
cell (`Cell.ending`): whoever comes second joins it, and may hurry it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from .cancelling import cancel_steps, cancel_tasks, end_of, strip
from .cell import Cell, Directive, Incarnation, State
from .clock import Budget, wait_done
from .ending import Ending
from .errors import ActorRestarted, StartDeclined, StartFailed, Stopped
from .reason import Failed, Killed, Normal, Reason, Shutdown, in_words, note_context

__all__ = ["beside", "end", "kill", "rest", "start", "stop", "stop_now"]


async def start(cell: Cell, timeout: float | None = None) -> None:
    """Build a new incarnation and run its start hooks; `timeout` is in seconds.

    When it returns, the worker is running and known as ready. When it raises, nothing is left; only
    after a cancellation what had begun may still be ending: a stop of the worker waits for it.

    Raises:
        StartFailed: the factory or a hook raised, or took too long; the cause is chained.
        StartDeclined: `on_start` declined.

    """
    _refuse_overlap(cell)
    actor = _build(cell)
    hooks = actor.start_hooks()
    if hooks is not None:
        failure = await _run_start(cell, actor, hooks, timeout)
        if failure is not None:
            del actor, hooks  # the error keeps this frame
            raise failure
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

    The handler in progress, the children and the stop hook share the `budget` in seconds (`None`:
    no limit); then they are cancelled, and the reason is `Killed`. A budget of 0 kills at once,
    without the stop hook. An end that is under way already is waited for, within the budget; a
    start that is under way is given up.
    """
    ending = cell.ending
    if ending is None:
        stopped = stop_now(cell, reason, budget)
        if stopped is not None:
            return stopped
        if budget == 0:
            reason = Killed(ordered=True)
        ending = _begin(cell)
        # In a task of its own: whoever asked for the stop may be cancelled, the stop may not.
        cell.runtime.spawn(_finish(cell, ending, reason, budget, asked=True))
    else:
        ending.ask()
        if await wait_done([ending.over], cell.runtime.budget(budget)):
            ending.force()
    return await asyncio.shield(ending.over)


def stop_now(cell: Cell, reason: Reason, budget: float | None) -> Reason | None:
    """Stop an incarnation that has nothing to wait for, as most idle ones have not.

    Return the reason it ended for, or None if it takes `stop` to end it.
    """
    actor = cell.actor
    if cell.ending is not None:
        return None
    if actor is None or cell.state is not State.RUNNING:
        return cell.ended or reason
    if budget == 0:
        reason = Killed(ordered=True)
    if not actor.idle or cell.beside or cell.step is not None:
        return None
    if budget != 0 and actor.end_hook_name(reason) is not None:
        return None
    cell.open = False
    actor.leave(reason)
    _let_go(cell, reason)
    return reason


def kill(cell: Cell, text: str = "") -> None:
    """End the worker and all below it now, without stop hooks; who waits for its end goes on."""
    if cell.ending is not None:
        cell.ending.ask()
        cell.ending.force()
    elif cell.actor is not None and cell.state is State.RUNNING:
        ending = _begin(cell)
        reason = Killed(text, ordered=True)
        cell.runtime.spawn(_finish(cell, ending, reason, 0.0, asked=True))


def end(cell: Cell, reason: Reason, directive: Directive | None = None) -> None:
    """End the present incarnation for a reason of its own; its owner is told when it has ended.

    Nothing happens if it is ending already: the first reason stands.
    """
    if cell.state is not State.RUNNING:
        return
    ending = _begin(cell)
    if isinstance(reason, Failed):
        cell.emit("failed", reason)
    cell.runtime.spawn(_end_by_itself(cell, ending, reason, directive))


def beside(cell: Cell, coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine of the worker's beside its handler; this life does not end before it."""
    if cell.beside is None:
        cell.beside = set()
    task = cell.runtime.spawn(coroutine, cell.runtime.new_context(cell.ref))
    cell.beside.add(task)
    task.add_done_callback(cell.beside.discard)


def rest(cell: Cell) -> None:
    """Wait for the next incarnation: the mailbox is kept, or dropped, as its options say."""
    cell.state = State.WAITING
    cell.ended = None
    cell.runtime.registry.unready(cell.name)
    if cell.stashed:
        cell.unstash()
    cell.answer_stops()
    if not cell.options.keep_mailbox:
        cell.clear(
            ActorRestarted(f"{cell.name!r} was restarted and its mailbox dropped", cell.name)
        )


# -- starting ----


def _refuse_overlap(cell: Cell) -> None:
    """Refuse a second life beside an abandoned one that still runs."""
    if cell.stuck is not None:
        cell.stuck = [each for each in cell.stuck if not each.done()] or None
    if cell.stuck is not None:
        raise StartFailed(cell.name, "its last life was abandoned, and still runs")


def _build(cell: Cell) -> Incarnation:
    cell.state = State.STARTING
    cell.incarnation += 1
    cell.started_at = None  # what is down does not run: its backoff must not begin anew
    cell.ended = None
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
        raise StartFailed(cell.name, in_words(error)) from error
    cell.actor = actor
    return actor  # type: ignore[no-any-return]


async def _run_start(
    cell: Cell, actor: Incarnation, hooks: Coroutine[Any, Any, None], timeout: float | None
) -> Exception | None:
    """Run the start hooks; if they do not end well, undo what they did and return the error."""
    ending = cell.ending = Ending(cell.runtime.loop)
    task = _begin_hook(cell, hooks)
    try:
        await wait_done([task], cell.runtime.budget(timeout), ending.unwanted)
    except asyncio.CancelledError:
        cell.runtime.spawn(_undo_start(cell, actor, task, ending))
        raise
    problem, cause = _start_problem(cell, task, ending, timeout)
    if cause is None:
        cell.ending = None
        ending.finish(Normal())
        return None
    cell.runtime.spawn(_undo_start(cell, actor, task, ending))
    await asyncio.shield(ending.over)
    strip(cause, actor)
    if isinstance(cause, StartDeclined):
        return cause
    failure = StartFailed(cell.name, problem)
    failure.__cause__ = cause
    return failure


def _start_problem(
    cell: Cell, task: asyncio.Task[BaseException | None], ending: Ending, timeout: float | None
) -> tuple[str, BaseException | None]:
    """Return why a start did not end well, in words and as an error; no error if it did."""
    if ending.unwanted.done() or cell.state is not State.STARTING:
        problem = "it was stopped while it started"
        return problem, Stopped(problem, cell.name)
    if not task.done():
        problem = f"on_start took longer than {timeout:g} s"
        return problem, TimeoutError(problem)
    cause = asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()
    return in_words(cause) if cause is not None else "", cause


async def _undo_start(
    cell: Cell, actor: Incarnation, task: asyncio.Task[Any], ending: Ending
) -> None:
    reason = Shutdown("its start did not end well")
    try:
        await cancel_tasks(cell, [task], "on_start")
        await _stop_children(cell, actor, reason, cell.runtime.budget(None), ending)
        await cancel_steps(cell, actor.leave(reason))
        await cancel_tasks(cell, cell.beside or (), "what runs beside on_start")
        done = task.done() and not (task.cancelled() or task.exception() or task.result())
        if done and actor.end_hook_name(reason) is not None:
            # It was told too late that it is unwanted: what it has set up, its stop hook cleans up.
            budget = cell.runtime.budget(cell.options.end_within)
            await _run_hook(cell, actor.end_hook(reason), reason, budget, ending)
    finally:
        actor.release()
        cell.actor = None
        cell.state = State.STOPPED
        cell.ending = None
        ending.finish(reason)


# -- ending ----


def _begin(cell: Cell) -> Ending:
    """Take no more messages, and let others join the end."""
    cell.state = State.STOPPING
    cell.open = False
    cell.ending = Ending(cell.runtime.loop)
    return cell.ending


async def _end_by_itself(
    cell: Cell, ending: Ending, reason: Reason, directive: Directive | None
) -> None:
    actor = cell.actor
    # A supervisor's children have a budget each; it has none itself.
    within = None if actor is not None and actor.interruptible else cell.options.end_within
    final = await _finish(cell, ending, reason, within, asked=False)
    if isinstance(final, Failed):
        strip(final.cause, actor)
    if cell.owner is not None:
        # Where its hook asked for the end of everything, nothing is begun anew.
        cell.owner.ended(cell, final, "stop" if ending.interrupted else directive)
    else:
        cell.close(final)


async def _finish(
    cell: Cell, ending: Ending, reason: Reason, allowed: float | None, *, asked: bool
) -> Reason:
    if asked:
        ending.ask()
    final = reason
    try:
        final = await _end(cell, ending, reason, allowed)
    finally:
        _let_go(cell, final)
        cell.ending = None
        ending.finish(final)
    return final


async def _end(cell: Cell, ending: Ending, reason: Reason, allowed: float | None) -> Reason:
    """End the incarnation: the handler in progress, its jobs, its children, its hook."""
    actor = cell.actor
    assert actor is not None, "what ends has a life"
    budget = cell.runtime.budget(allowed)
    if isinstance(reason, Killed):
        ending.force()
    working = cell.step is not None or bool(cell.beside)
    if working and not (isinstance(reason, Failed) or actor.interruptible):
        await _wait_for_handlers(cell, budget, ending)
    # Before anything is cancelled: who waits for a job here hears at once, however long a handler
    # takes to clean up; and a thread that waits for a job, and cannot be interrupted, goes on.
    steps = actor.leave(reason)
    if working:
        await _cancel_handlers(cell)
    if steps:
        await cancel_steps(cell, steps)
    await _stop_children(cell, actor, reason, budget, ending)
    if not ending.forced.done() and actor.end_hook_name(reason) is not None:
        await _run_hook(cell, actor.end_hook(reason), reason, budget, ending)
    if cell.stuck is not None:
        # No restart may be prepared while this runs; one who asked for the stop is not kept.
        await wait_done(cell.stuck, cell.runtime.budget(None), ending.unwanted)
    if ending.forced.done() and not isinstance(reason, Killed | Failed):
        text = f"not done within {allowed:g} s" if budget.spent and allowed else "told to hurry"
        return Killed(text, ordered=ending.unwanted.done())
    return reason


def _let_go(cell: Cell, reason: Reason) -> None:
    if cell.actor is not None:
        cell.actor.release()
    cell.actor = None
    cell.context = None
    cell.entry = None
    cell.step = None
    cell.busy = False
    cell.queued = False
    cell.state = State.STOPPED
    cell.ended = reason
    if cell.runtime.events.watched:
        cell.emit("stopped", reason)


async def _wait_for_handlers(cell: Cell, budget: Budget, ending: Ending) -> None:
    """Let the suspended handlers end within the budget."""
    running: list[asyncio.Future[Any]] = [*(cell.beside or ())]
    if cell.step is not None:
        running.append(end_of(cell, cell.step))
    if await wait_done(running, budget, ending.forced):
        ending.force()


async def _cancel_handlers(cell: Cell) -> None:
    """Cancel the handlers that are still suspended."""
    step = cell.step
    if step is not None and not step.ended:
        await cancel_steps(cell, [step])
        reply = cell.entry[3] if cell.entry is not None else None
        if not step.ended and reply is not None:
            text = f"{cell.name!r} was abandoned while it handled the message"
            reply.settle(None, Stopped(text, cell.name))
    await cancel_tasks(cell, list(cell.beside or ()), "a handler")


async def _stop_children(
    cell: Cell, actor: Incarnation, reason: Reason, budget: Budget, ending: Ending
) -> None:
    """Stop the children, each within its own budget; kill them once this one's is spent."""
    children = actor.stop_children(reason, 0.0 if ending.forced.done() else budget.left)
    if children is None:
        return
    task = cell.runtime.spawn(children)
    if await wait_done([task], budget, ending.forced):
        ending.force()
        actor.kill_children()
        await asyncio.wait([task])
    error = None if task.cancelled() else task.exception()
    if error is not None:
        cell.emit("hook_failed", Failed(error))


async def _run_hook(
    cell: Cell, hook: Coroutine[Any, Any, None], reason: Reason, budget: Budget, ending: Ending
) -> None:
    """Run a stop or failure hook; an error in it is logged once and stops nothing."""
    task = _begin_hook(cell, hook)
    if await wait_done([task], budget, ending.forced):
        ending.force()
        await cancel_tasks(cell, [task], "its stop hook")
    if not task.done() or task.cancelled():
        return
    error = task.exception()
    ending.interrupted = error is None and task.result() is not None
    if error is not None:
        note_context(error, reason.error)
        cell.emit("hook_failed", Failed(error))
        strip(error, cell.actor)


def _begin_hook(cell: Cell, hook: Coroutine[Any, Any, None]) -> asyncio.Task[BaseException | None]:
    task = cell.runtime.spawn(_guarded(cell, hook), cell.runtime.new_context(cell.ref))
    # A task that is cancelled before its first step never begins its hook.
    task.add_done_callback(lambda _: hook.close())
    return task


async def _guarded(cell: Cell, hook: Coroutine[Any, Any, None]) -> BaseException | None:
    """Keep a KeyboardInterrupt or SystemExit of a hook from tearing down the loop; return it."""
    try:
        await hook
    except (KeyboardInterrupt, SystemExit) as error:
        cell.runtime.interrupt(error)
        return error
    return None
