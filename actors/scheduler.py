"""The run queue of one node: workers with mail take turns, a batch each.

The idea is the run queue of Erlang's schedulers, fitted to asyncio. One task, the *runner*, goes
through the ready workers and calls their handlers. A handler that never waits costs no task. A
handler that does wait takes the runner's task along as its own, and another runner goes on with
the rest; when the handler has ended, its task becomes a runner again, or rests.

So `asyncio.current_task()`, `asyncio.timeout()` and cancellation work in every handler as they do
in any coroutine, while an idle worker owns nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, cast

__all__ = ["Ready", "Scheduler", "Step"]

TURN = 256
"""Messages handled before the runner lets the event loop look at everything else."""

SHORT_TURN = 32
"""The same once something waits for the loop, as what is ready for another node does."""

BATCH = 32
"""Messages of one worker handled before the next ready worker has its turn."""

RESTING = 16
"""Runners that are kept for the next handler that waits."""


class Step:
    """A coroutine of a worker that was begun and has to wait.

    Every step of it runs in `context`, its worker's own; `done` is called once with its outcome.
    """

    __slots__ = (
        "awaited",
        "cancelled",
        "context",
        "coroutine",
        "done",
        "ended",
        "overrun",
        "owner",
        "task",
        "timer",
        "waiter",
    )

    def __init__(
        self,
        owner: object,
        coroutine: Coroutine[Any, Any, Any],
        awaited: object,
        context: contextvars.Context,
        done: Callable[[Step, Any, BaseException | None], None],
    ) -> None:
        """Keep a coroutine that gave `awaited` when it was begun."""
        self.owner = owner
        self.coroutine = coroutine
        self.awaited = awaited
        self.context = context
        self.done = done
        self.task: asyncio.Task[None] | None = None
        self.cancelled = False
        self.ended = False
        self.overrun = False
        """Whether it was cancelled because it ran longer than its worker allows."""
        self.timer: asyncio.TimerHandle | None = None
        self.waiter: asyncio.Future[None] | None = None

    def cancel(self) -> None:
        """Interrupt the coroutine at its `await`; may be called again if it does not end."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()

    def close(self) -> None:
        """End a coroutine that will not be carried on; nothing if it has ended."""
        if not self.ended:
            self.context.run(self.coroutine.close)
            self.finish(None, asyncio.CancelledError())

    def finish(self, value: Any, error: BaseException | None) -> None:
        """Report the outcome, and wake who waits for the end."""
        self.ended = True
        # A step may be remembered, by an error's frames too; its worker must not be.
        done, self.done = self.done, _over
        try:
            done(self, value, error)
        finally:
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_result(None)


def _over(_step: Step, _value: Any, _error: BaseException | None) -> None:
    """Stand in for what was called at the end of a step."""


class Ready(Protocol):
    """What stands in the run queue: a worker's place."""

    def turn(self, limit: int) -> Step | int:
        """Handle up to `limit` messages.

        Return how many, or the step that has to wait; then it is the caller's to carry on.
        """
        ...


class Scheduler:
    """The run queue of one node, on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make an empty run queue; nothing runs until the first worker is ready."""
        self._loop = loop
        self._ready: deque[Ready] = deque()
        self._floor = 0
        """The turn in progress ends once no more messages than this are left of it."""
        self._active = False
        self._resting: list[asyncio.Future[None]] = []
        self._keep = True
        """Whether a runner without work rests; otherwise it ends."""
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self, ready: Ready) -> None:
        """Give the worker a turn, after those that are ready already."""
        self._ready.append(ready)
        if not self._active:
            self._active = True
            self._engage()

    def hasten(self) -> None:
        """Have the turn that is in progress be a short one, because something waits for the loop.

        So another node is told the first answers while the next are being worked out, and is not
        idle meanwhile.
        """
        self._floor = TURN - SHORT_TURN

    def beside(self, begin: Callable[[], Step | None]) -> None:
        """Call `begin` in a task of its own, and carry on there what it began, if that has to wait.

        So a coroutine that asks for its task, as `asyncio.timeout` does, finds the right one.
        """
        self._start(self._begin(begin))

    def dismiss(self) -> None:
        """End the resting runners; the next ready worker has a new one started."""
        self._keep = False  # one that is at work, or not begun, must not rest afterwards
        resting, self._resting = self._resting, []
        for future in resting:
            future.cancel()

    async def close(self) -> None:
        """End the resting runners; call it when no worker is left."""
        self.dismiss()
        me = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not me]
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of the run queue, resting ones included."""
        return frozenset(self._tasks)

    def _engage(self) -> None:
        """Have a resting runner take over the queue, or a new one."""
        while self._resting:
            future = self._resting.pop()
            if not future.done():  # else its runner was cancelled, and has not heard of it yet
                future.set_result(None)
                return
        self._start_runner()

    def _hand_on(self) -> None:
        """Leave what is ready to another runner, because this one ends out of turn."""
        self._active = bool(self._ready)
        if self._active:
            self._engage()

    def _start_runner(self) -> None:
        self._keep = True
        self._start(self._run())

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # An empty context: what a sender has set must not be seen by the workers it wakes.
        task = self._loop.create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self) -> None:
        """Be a runner: take turns, carry what has to wait, rest, until there are enough."""
        ready = self._ready
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while True:
            try:
                step = self._take_turns(task)
            except BaseException:
                self._hand_on()  # one worker's trouble, which the loop reports, is not all workers'
                raise
            if step is None:
                # Stay awake for one turn of the loop more: who was just answered often asks
                # again, and then neither has to be woken (measured: a third of an ask).
                try:
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    self._hand_on()
                    raise
                if ready:
                    continue
                self._active = False
            else:
                await self._carry_on(step)
                if task.cancelling():
                    return  # it was cancelled on the step's behalf: not to be used again
                if not self._active and ready:
                    self._active = True
                    continue
            if not self._keep or len(self._resting) >= RESTING:
                return
            step = None  # while it rests it must not keep what it carried, payload and all
            # Rest until there is work; a cancellation ends this runner, wherever it is.
            future = self._loop.create_future()
            self._resting.append(future)
            try:
                await future
            except asyncio.CancelledError:
                if future in self._resting:
                    self._resting.remove(future)
                elif not future.cancelled():
                    self._hand_on()  # it had just been called to work
                return

    def _take_turns(self, task: asyncio.Task[None]) -> Step | None:
        """Go through the ready workers; return early with a step that has to wait.

        A handler that cancels its own task and does not wait leaves the cancellation to the
        runner: no other worker may get it, so this runner ends there.
        """
        ready = self._ready
        left = TURN
        self._floor = 0
        while ready and left > self._floor:
            outcome = ready.popleft().turn(BATCH)
            if not isinstance(outcome, int):
                return outcome
            if task.cancelling():
                return None
            left -= outcome + 1
        return None

    async def _carry_on(self, step: Step) -> None:
        """Be the task of this step until it ends; another runner takes over the queue."""
        step.task = asyncio.current_task()
        if self._ready:
            self._engage()
        else:
            self._active = False
        await _drive(step)

    async def _begin(self, begin: Callable[[], Step | None]) -> None:
        step = begin()
        if step is not None:
            step.task = asyncio.current_task()
            await _drive(step)


@types.coroutine
def _drive(step: Step) -> Generator[Any, Any, None]:
    """Carry a begun coroutine to its end, every step of it in its worker's context.

    The watchdog finds the worker behind a blocked loop by this function's frame.
    """
    run = step.context.run
    coroutine = step.coroutine
    awaited: Any = step.awaited
    while True:
        try:
            value = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as interruption:
            resume: Callable[[Any], Any] = coroutine.throw
            argument: Any = interruption
        else:
            resume = coroutine.send
            argument = value
        try:
            awaited = run(resume, argument)
        except StopIteration as stop:
            step.finish(stop.value, None)
            return
        except BaseException as error:
            step.finish(None, error)
            return
