"""Cancelling what may not want to end: again and again, up to the grace, then *abandoned*.

Cancelled by a timer, not at every turn of the loop, so that code which swallows its cancellation
costs no CPU. What is abandoned is kept in sight: no new life begins while it still runs.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

from .cell import Cell
from .clock import wait_done
from .scheduler import Step

__all__ = ["cancel_steps", "cancel_tasks", "end_of", "force_out", "strip"]

SUSPENDABLE = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


async def cancel_tasks(cell: Cell, tasks: Iterable[asyncio.Task[Any]], what: str) -> None:
    """Cancel tasks until they are done; after the grace, declare what is left abandoned."""
    left = [task for task in tasks if not task.done()]
    grace = cell.runtime.budget(cell.options.grace)
    while left:
        for task in left:
            task.cancel()
        await wait_done(left, cell.runtime.budget(cell.options.recancel))
        left = [task for task in left if not task.done()]
        if left and grace.spent:
            for task in left:
                task.add_done_callback(_forget)
                _abandon(cell, task, task.get_coro(), what)
            return


async def cancel_steps(cell: Cell, steps: Iterable[Step]) -> None:
    """Cancel steps until they have ended; after the grace, declare what is left abandoned."""
    left = [step for step in steps if not step.ended]
    grace = cell.runtime.budget(cell.options.grace)
    while left:
        waiters = [end_of(cell, step) for step in left]
        for step in left:
            step.cancel()
        await wait_done(waiters, cell.runtime.budget(cell.options.recancel))
        left = [step for step in left if not step.ended]
        if left and grace.spent:
            for step in left:
                _abandon(cell, end_of(cell, step), step.coroutine, "a handler")
            return


def end_of(cell: Cell, step: Step) -> asyncio.Future[None]:
    """Return a future that is done once the step has ended."""
    if step.waiter is None:
        step.waiter = cell.runtime.loop.create_future()
    return step.waiter


def _abandon(cell: Cell, end: asyncio.Future[Any], coroutine: object, what: str) -> None:
    """Declare, visibly, that something cannot be stopped; nobody waits for it any more."""
    if cell.stuck is None:
        cell.stuck = []
    cell.stuck.append(end)
    cell.emit(
        "abandoned", text=f"{what} does not end though cancelled, now at:\n{_stack(coroutine)}"
    )


def force_out(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """End tasks that no cancellation ends, at the end of a node: else its loop could not end.

    Their coroutines are closed where they stand, without another `await`; what swallows that too
    stays.
    """
    for task in tasks:
        task.add_done_callback(_forget)
        coroutine: Any = task.get_coro()
        with suppress(RuntimeError, ValueError):  # it went on all the same, or it runs just now
            coroutine.close()
        task.cancel()  # it wakes, and finds that it has ended


def _forget(task: asyncio.Task[Any]) -> None:
    """Take an outcome that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _stack(coroutine: Any) -> str:
    """Return the whole stack of a suspended coroutine; a task's own `print_stack` stops early."""
    frames: list[tuple[FrameType, int]] = []
    while coroutine is not None:
        for kind in ("cr_frame", "gi_frame", "ag_frame"):
            frame: FrameType | None = getattr(coroutine, kind, None)
            if frame is not None:
                frames.append((frame, frame.f_lineno))
        coroutine = (
            getattr(coroutine, "cr_await", None)
            or getattr(coroutine, "gi_yieldfrom", None)
            or getattr(coroutine, "ag_await", None)
        )
    return "".join(traceback.StackSummary.extract(iter(frames)).format())


def strip(error: BaseException, actor: object) -> None:
    """Have a reported error, and those behind it, keep no hold of the life that failed of it.

    The lines of its traceback stay. A frame of a coroutine is emptied only if the failed worker
    itself is in it: an error may have passed through another worker too, and to clear a frame that
    is suspended would end that one's coroutine.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
        if isinstance(each, AttributeError) and each.obj is actor:
            BaseException.__setattr__(each, "obj", None)
        trace = each.__traceback__
        # Those that called the first frame are held by it: up to what drives them.
        caller = trace.tb_frame.f_back if trace is not None else None
        while caller is not None and not caller.f_code.co_flags & SUSPENDABLE:
            _clear(caller, actor)
            caller = caller.f_back
        while trace is not None:
            _clear(trace.tb_frame, actor)
            trace = trace.tb_next


def _clear(frame: FrameType, actor: object) -> None:
    if frame.f_code.co_flags & SUSPENDABLE and all(
        value is not actor for value in frame.f_locals.values()
    ):
        return
    try:
        frame.clear()
    except RuntimeError:
        return  # it is still executing
    _ = frame.f_locals  # before Python 3.13 this is a copy; looking again makes it an empty one
