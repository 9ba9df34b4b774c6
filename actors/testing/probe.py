"""Probe: a worker that shows a test what it was sent."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

from ..cell import Cell
from ..delivery import Answer, Entry
from ..envelope import Envelope
from ..errors import ActorFailed
from ..family import WorkerFailed
from ..handlers import job
from ..jobs.server import JobRequest
from ..loops import runtime_for_bare_actors
from ..message import lane_for
from ..monitor import Monitor, WorkerDown, monitored, monitors_of
from ..ref import WorkerRef
from ..registry import WorkerReady
from ..runtime import Runtime
from ..worker import Worker

__all__ = ["Probe", "ProbeWorker"]

T = TypeVar("T")

WITHIN = 3.0
"""Seconds that a probe waits for a message unless told otherwise."""

_numbers = itertools.count(1)


class Probe:
    """Records what a worker is sent, and lets a test wait for it.

    As a child or as another worker it is given in place of a class: `Child("listener", probe)`;
    what all incarnations of that worker are sent comes to the one probe. Without a supervisor
    `probe.ref` is a ref to send to. It records messages, jobs (as `JobRequest`), and the facts
    that a worker is told: `WorkerReady`, `WorkerFailed`, `WorkerDown`, `WorkerRestarted`.
    """

    def __init__(self, answer: Callable[[Any], Any] | None = None) -> None:
        """Make a probe; `answer` gives the answer to each message and job, otherwise it is None.

        It may be `def` or `async def`. If it raises, the worker fails, as any worker would.
        """
        self.envelopes: list[Envelope] = []
        """Everything received so far, with source, lane and deadline."""
        self.answer = answer
        self._read = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._worker: ProbeWorker | None = None
        self._bare: WorkerRef | None = None

    def __call__(self) -> Worker:
        """Return the next incarnation; this makes a probe the factory of a child."""
        return ProbeWorker(self)

    def __repr__(self) -> str:
        """Show how much came and how much of it was looked at."""
        return f"<Probe received {len(self.envelopes)}, unread {len(self.unread)}>"

    # -- what came ----

    @property
    def received(self) -> list[Any]:
        """Every message so far, in order, whether it was waited for or not."""
        return [envelope.message for envelope in self.envelopes]

    @property
    def unread(self) -> list[Any]:
        """The messages that no call has looked at yet."""
        return self.received[self._read :]

    async def expect(self, kind: type[T], timeout: float = WITHIN) -> T:
        """Return the next message, which must be of this type; wait up to `timeout` seconds.

        Raises:
            AssertionError: nothing came in time, or the next message is of another type.

        """
        if not await self._come(timeout):
            raise AssertionError(f"expected {kind.__name__}: nothing came within {timeout:g} s")
        message = self._take()
        if not isinstance(message, kind):
            raise AssertionError(f"expected {kind.__name__}, received {message!r}")
        return message

    async def expect_none(self, for_seconds: float = 1.0) -> None:
        """Wait `for_seconds`, in which nothing may come.

        Raises:
            AssertionError: something came, or was there already and not looked at.

        """
        if await self._come(for_seconds):
            raise AssertionError(f"expected nothing, received {self._take()!r}")

    async def fish(self, predicate: Callable[[Any], object], timeout: float = WITHIN) -> Any:
        """Return the next message for which `predicate` is true, passing over all others.

        Raises:
            AssertionError: none came within `timeout` seconds in all; lists what was passed over.

        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        passed: list[Any] = []
        while await self._come(deadline - loop.time()):
            message = self._take()
            if predicate(message):
                return message
            passed.append(message)
        raise AssertionError(f"no such message came within {timeout:g} s; passed over: {passed!r}")

    # -- as a worker ----

    @property
    def ref(self) -> WorkerRef:
        """The ref of the worker that last stood for the probe; a bare one where none did.

        A bare one is made on the event loop that runs, and belongs to no node.
        """
        if self._worker is not None:
            return self._worker.actor_ref
        if self._bare is None:
            post = runtime_for_bare_actors()
            self._bare = WorkerRef(f"probe-{next(_numbers)}", post, _Direct(self, post))
        return self._bare

    def monitor(self, worker: WorkerRef) -> Monitor:
        """Watch another worker's end: the probe receives its `WorkerDown`, as an actor would."""
        place = monitored(worker.target)

        def cancel(monitor: Monitor) -> None:
            if place is not None:
                monitors_of(place).remove(monitor)

        monitor = Monitor(
            worker, lambda fact: self.take_in(_envelope(fact, None, self.ref)), cancel
        )
        if place is None:
            monitor.notify(WorkerDown(worker, None))
        else:
            monitors_of(place).add(monitor)
        return monitor

    # -- inside ----

    def take_in(self, envelope: Envelope) -> None:
        """Record a message; for the worker."""
        self.envelopes.append(envelope)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def give(self, message: Any) -> Any:
        """Return the answer to a message; for the worker."""
        if self.answer is None:
            return None
        value = self.answer(message)
        return await value if inspect.isawaitable(value) else value

    def stand(self, worker: ProbeWorker) -> None:
        """Take note of the worker that stands for the probe from now on; for the worker."""
        self._worker = worker

    def _take(self) -> Any:
        self._read += 1
        return self.envelopes[self._read - 1].message

    async def _come(self, timeout: float) -> bool:
        """Wait until there is an unread message; False if none came in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self._read == len(self.envelopes):
            left = deadline - loop.time()
            if left <= 0:
                return False
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            await asyncio.wait([waiter], timeout=left)
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return True


class ProbeWorker(Worker):
    """One incarnation of a probe's worker."""

    def __init__(self, probe: Probe) -> None:
        """Report to this probe."""
        super().__init__()
        self._probe = probe

    def attach(self, cell: Cell) -> None:
        """Take note of the cell; for the runtime."""
        super().attach(cell)
        self._probe.stand(self)

    async def on_receive(self, message: Any) -> Any:
        """Record a message, and answer it."""
        self._probe.take_in(self.envelope)
        return await self._answer(message)

    @job()
    async def do(self, request: JobRequest) -> Any:
        """Record a job, and answer it."""
        self._record(request, request.caller)
        return await self._answer(request)

    def on_worker_ready(self, data: WorkerReady) -> None:
        """Record that a worker is ready."""
        self._record(data, None)

    def on_worker_failed(self, data: WorkerFailed) -> None:
        """Record that a child failed."""
        self._record(data, None)

    def _record(self, message: object, source: WorkerRef | None) -> None:
        self._probe.take_in(_envelope(message, source, self.actor_ref))

    async def _answer(self, message: Any) -> Any:
        return await self._probe.give(message)


class _Direct:
    """The way to a probe that is no worker: what is delivered is received at once."""

    def __init__(self, probe: Probe, runtime: Runtime) -> None:
        self._probe = probe
        self._runtime = runtime

    def deliver(self, entry: Entry, /) -> None:
        """Have the probe receive the entry, from any thread."""
        if get_ident() != self._runtime.thread:
            self._runtime.call_from_thread(self.deliver, entry)
            return
        self._probe.take_in(Envelope.of(entry, self._probe.ref))
        if entry[3] is not None:
            self._runtime.spawn(self._settle(entry[0], entry[3]))

    async def deliver_waiting(self, entry: Entry, /) -> None:
        """Have the probe receive the entry: it has room always."""
        self.deliver(entry)

    async def _settle(self, message: object, reply: Answer) -> None:
        try:
            value = await self._probe.give(message)
        except Exception as error:
            failure = ActorFailed(f"the answer of {self._probe!r} raised: {error}")
            failure.__cause__ = error
            reply.settle(None, failure)
        else:
            reply.settle(value)


def _envelope(message: object, source: WorkerRef | None, target: WorkerRef) -> Envelope:
    """Return an envelope for what came otherwise than as a plain message."""
    lane = lane_for(message, None)
    return Envelope.of((message, source, lane, None, None, None), target)
