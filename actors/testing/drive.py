"""Drive: one worker alone, without a tree, in the hands of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from .. import lifecycle
from ..actor import Actor
from ..cell import Cell, CellOptions, Directive, State
from ..deadletters import DeadLetter
from ..dispatch import fail
from ..errors import ActorFailed, NotStarted
from ..jobs.caller import Job
from ..mailbox import DEFAULT_BOUND, Overflow
from ..message import Lane
from ..observe import Events
from ..reason import Failed, Reason, Shutdown
from ..ref import WorkerRef
from ..runtime import Runtime
from ..worker import Worker
from .leaks import LeakCheck

__all__ = ["Crash", "Driver", "drive"]

W = TypeVar("W", bound=Actor)

START_WITHIN = 30.0
STOP_WITHIN = 5.0
"""Seconds that a start and a stop may take, as under a supervisor."""

LOOK_EVERY = 0.01


class Crash(Exception):
    """What a driven worker fails of when the test names no error of its own."""


def drive(
    factory: Callable[[], W],
    *,
    name: str = "worker",
    others: Mapping[str, Callable[[], Actor]] | None = None,
    bound: int = DEFAULT_BOUND,
    overflow: Overflow = "reject",
    redeliver: int = 0,
    message_timeout: float | None = None,
) -> Driver[W]:
    """Return a driver of one worker, to be entered with `async with`.

        async with drive(Greeter) as w:
            assert await w.ask(Greet("Ada")) == "Hello, Ada!"

    `factory` is what a child spec has: a class, or `functools.partial(Greeter, language="fr")`.
    `others` are started before it, by name, for it to talk to; probes are such factories. The
    rest is as in a child spec.
    """
    options = CellOptions(
        bound=bound, overflow=overflow, redeliver=redeliver, message_timeout=message_timeout
    )
    return Driver(factory, name, others or {}, options)


class Driver(Generic[W]):
    """Runs one worker alone: no tree, no restarts but those that the test asks for.

    Leaving the block stops the worker in order. It raises the error of a failure that the test
    has neither caused by `crash` nor looked at, so none is lost; and `Leaked` where the worker
    left names, watches or open jobs. Workers that need a node (`spawn`, `node`) are tested on one.
    """

    def __init__(
        self,
        factory: Callable[[], W],
        name: str,
        others: Mapping[str, Callable[[], Actor]],
        options: CellOptions,
    ) -> None:
        """Prepare; `drive` does it for a test."""
        self._factory = factory
        self._name = name
        self._others = others
        self._options = options
        self._runtime: Runtime | None = None
        self._front: Cell | None = None
        self._places: dict[str, _Place] = {}
        self._interruption: BaseException | None = None

    # -- its life ----

    async def __aenter__(self) -> Self:
        """Start the others, then the worker; its `on_start` has ended when the block begins.

        Raises:
            StartFailed, StartDeclined: it did not start; nothing is left.

        """
        runtime = self._runtime = Runtime(asyncio.get_running_loop(), "driver")
        runtime.interrupt = self._interrupted
        self._leaks = LeakCheck(self)
        front = self._front = Cell(runtime, "driver", Worker, public=False)
        await lifecycle.start(front)
        try:
            for name, factory in self._others.items():
                await self._start(name, factory, CellOptions())
            await self._start(self._name, self._factory, self._options)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the worker finish what it was sent, for as long as a stop may take; then stop all."""
        if error is not None:
            await self._close()
            return
        await self._finish()
        await self._close()
        if self._interruption is not None:
            raise self._interruption
        for place in self._places.values():
            if place.failure is not None:
                raise place.failure
        await self._leaks.verify()

    async def start(self, name: str, factory: Callable[[], Actor]) -> WorkerRef:
        """Start another worker beside it, later than `others`.

        Raises:
            NameTaken: there is a worker of that name.
            StartFailed: it did not start.

        """
        return (await self._start(name, factory, CellOptions())).cell.ref

    async def stop(self) -> Reason:
        """Stop the worker in order, as its supervisor would; return why it ended."""
        cell = self._place.cell
        reason = await lifecycle.stop(cell, Shutdown("stopped by the test"), STOP_WITHIN)
        self._place.end(reason)
        cell.close(reason)
        return reason

    async def crash(self, error: Exception | None = None) -> Reason | None:
        """Have the worker fail as if a handler had raised; return why it ended, once it has.

        What waits in its mailbox is kept for `restart`. `None` if a directive had it go on.

        Raises:
            NotStarted: it is not running.

        """
        place = self._place
        if place.cell.state is not State.RUNNING:
            raise NotStarted(f"{self._name!r} is not running: it cannot crash")
        fail(place.cell, error or Crash("crashed by the test"))
        if place.cell.state is State.RUNNING:
            return None
        return await self.wait_end()

    async def wait_end(self) -> Reason:
        """Wait until the worker has ended, however it ends, and return why."""
        place = self._place
        while place.reason is None:
            waiter: asyncio.Future[None] = self.runtime.loop.create_future()
            place.waiters.append(waiter)
            await waiter
        place.failure = None
        return place.reason

    async def restart(self) -> WorkerRef:
        """Start the next incarnation of a worker that has ended; its ref stays the same.

        Raises:
            NotStarted: it has not ended.
            StartFailed: it did not start.

        """
        place = self._place
        cell = place.cell
        if place.reason is None:
            raise NotStarted(f"{self._name!r} has not ended: crash or stop it first")
        if cell.closed:
            self.runtime.registry.declare(cell.ref, cell)
            cell.mailbox.reopen()
        await lifecycle.start(cell, START_WITHIN)
        place.reason = None
        return cell.ref

    # -- sending ----

    def tell(self, message: Any, *, lane: Lane | None = None) -> None:
        """Send the worker a message; see `WorkerRef.tell`."""
        self._sender.tell(self.ref, message, lane=lane)

    async def ask(self, message: Any, *, timeout: float | None = None) -> Any:
        """Ask the worker and return its answer; see `WorkerRef.ask`."""
        try:
            return await self._sender.ask(self.ref, message, timeout=timeout)
        except ActorFailed as failed:
            self._place.seen(failed.__cause__)
            raise

    async def request(
        self, job: Any = None, payload: Any = None, timeout: float | None = None
    ) -> Any:
        """Ask the worker for a job and return its answer; see `Worker.request`."""
        try:
            return await self._sender.request(self._name, job, payload, timeout=timeout)
        except Exception as error:
            self._place.seen(error.__cause__)
            raise

    def job(
        self, job: Any = None, payload: Any = None, *, timeout: float | None = None
    ) -> Job[Any]:
        """Return a job of the worker, to be asked for by `async with`; see `Worker.job`."""
        return self._sender.job(self._name, job, payload, timeout=timeout)

    async def activate(self, args: Any = None) -> None:
        """Activate the worker; see `Worker.activate`."""
        await self._sender.activate(self._name, args)

    async def deactivate(self) -> None:
        """Deactivate the worker."""
        await self._sender.deactivate(self._name)

    # -- seen ----

    @property
    def ref(self) -> WorkerRef:
        """The worker's ref, the same for all its incarnations."""
        return self._place.cell.ref

    @property
    def worker(self) -> W:
        """The present incarnation, to look at its state.

        Raises:
            NotStarted: it is not running.

        """
        actor = self._place.cell.actor
        if actor is None:
            raise NotStarted(f"{self._name!r} is not running")
        return cast("W", actor)

    @property
    def failure(self) -> BaseException | None:
        """What the worker failed of last, where the test has not seen it yet."""
        failure, self._place.failure = self._place.failure, None
        return failure

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """What could not be delivered, oldest first."""
        return self.runtime.dead_letters.last()

    @property
    def events(self) -> Events:
        """What happens: `w.events.subscribe()`."""
        return self.runtime.events

    @property
    def runtime(self) -> Runtime:
        """What the worker and the others share.

        Raises:
            NotStarted: the block was not entered.

        """
        if self._runtime is None:
            raise NotStarted("the driver was not entered: write 'async with drive(…) as w:'")
        return self._runtime

    # -- inside ----

    @property
    def _place(self) -> _Place:
        if self._name not in self._places:
            raise NotStarted("the driver was not entered: write 'async with drive(…) as w:'")
        return self._places[self._name]

    @property
    def _sender(self) -> Worker:
        """The worker in whose name the test sends and asks."""
        _ = self._place
        assert self._front is not None and self._front.actor is not None
        return cast("Worker", self._front.actor)

    @property
    def _asked(self) -> Any:
        """The jobs that the test has asked for; for the leak check."""
        return getattr(self._front.actor, "_asked", None) if self._front is not None else None

    async def _start(self, name: str, factory: Callable[[], Actor], options: CellOptions) -> _Place:
        place = _Place()
        cell = place.cell = Cell(self.runtime, name, factory, owner=place, options=options)
        self.runtime.registry.declare(cell.ref, cell)
        try:
            await lifecycle.start(cell, START_WITHIN)
        except BaseException as error:
            cell.close(Failed(error.__cause__ or error))
            raise
        self._places[name] = place
        return place

    async def _finish(self) -> None:
        """Wait until nobody has mail or a handler at work."""
        deadline = self.runtime.loop.time() + STOP_WITHIN
        while any(place.working for place in self._places.values()):
            if self.runtime.loop.time() >= deadline:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def _close(self) -> None:
        for place in reversed(self._places.values()):
            reason = await lifecycle.stop(place.cell, Shutdown("the test ended"), STOP_WITHIN)
            place.cell.close(reason)
        if self._front is not None:
            await lifecycle.stop(self._front, Shutdown("the test ended"), 0.0)
            self._front.close(Shutdown("the test ended"))
        await self.runtime.close()

    def _interrupted(self, error: BaseException) -> None:
        self._interruption = error


class _Place:
    """The owner of one worker's place: what its supervisor would be."""

    cell: Cell

    def __init__(self) -> None:
        self.reason: Reason | None = None
        """Why it ended; None while it runs."""
        self.failure: BaseException | None = None
        """What it failed of, until somebody has seen it."""
        self.shown: list[BaseException] = []
        """What the test has seen of it before it had ended."""
        self.waiters: list[asyncio.Future[None]] = []

    def ended(self, cell: Cell, reason: Reason, directive: Directive | None) -> None:
        """Keep the mailbox of one that failed; close the place of one that is done."""
        if reason.abnormal:
            lifecycle.rest(cell)
            if not any(reason.error is error for error in self.shown):
                self.failure = reason.error
        else:
            cell.close(reason)
        self.shown.clear()
        self.end(reason)

    @property
    def working(self) -> bool:
        """Whether the worker has something to do that it has not finished."""
        cell = self.cell
        return cell.running and (cell.busy or cell.queued or (cell.open and len(cell.mailbox) > 0))

    def end(self, reason: Reason) -> None:
        """Note why it ended, and wake who waits for that."""
        self.reason = reason
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def seen(self, error: BaseException | None) -> None:
        """Take note that the test has seen an error, before or after the worker ends of it."""
        if error is None:
            return
        if self.failure is error:
            self.failure = None
        else:
            self.shown.append(error)
