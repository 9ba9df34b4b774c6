"""Waiting for the worker of a job: until it is ready, or gone, or was never known in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..errors import CallboardError, NoActor
from ..message import SystemMessage
from ..monitor import Monitor, WorkerDown, monitored, monitors_of
from ..registry import Registration, WorkerReady
from ..runtime import Runtime

__all__ = ["READY_WITHIN", "Readiness"]

READY_WITHIN = 30.0
"""Seconds that a job without a timeout waits for its worker to be known."""


class Waiting(Protocol):
    """What waits: a job."""

    worker: str
    deadline: float | None

    def settle(self, value: object, error: CallboardError, /) -> bool:
        """End: the worker is gone for good."""
        ...


class Readiness:
    """One wait; it ends by the job's `send`, `give_up` or `settle`, or by `stop`."""

    __slots__ = ("_give_up", "_job", "_monitor", "_runtime", "_send", "_timer")

    def __init__(
        self,
        job: Waiting,
        runtime: Runtime,
        send: Callable[[Registration | None], None],
        give_up: Callable[[], None],
    ) -> None:
        """Wait for the job's worker, which is not ready now."""
        self._job = job
        self._runtime = runtime
        self._send = send
        self._give_up = give_up
        self._timer: asyncio.TimerHandle | None = None
        self._monitor: Monitor | None = None
        runtime.registry.watch(job.worker, self, self._ready)
        if not self._follow() and job.deadline is None:
            self._timer = runtime.loop.call_later(READY_WITHIN, self._late)

    def stop(self) -> None:
        """Wait no longer: nothing is left behind."""
        self._runtime.registry.unwatch(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._monitor is not None:
            self._monitor.cancel()

    def _follow(self) -> bool:
        """Watch the end of a worker that is known, starting or restarting; whether there is one."""
        known = self._runtime.registry.find(self._job.worker)
        place = monitored(known.target) if known is not None else None
        if place is None:
            return False
        monitors = monitors_of(place)
        self._monitor = Monitor(place.ref, self._ended, monitors.remove)
        monitors.add(self._monitor)
        return True

    def _late(self) -> None:
        self._timer = None
        if not self._follow():
            self._give_up()

    def _ready(self, fact: WorkerReady) -> None:
        self.stop()
        self._send(self._runtime.registry.find(fact.worker))

    def _ended(self, message: SystemMessage) -> None:
        if isinstance(message, WorkerDown):
            self.stop()
            name = self._job.worker
            self._job.settle(None, NoActor(f"{name!r} ended before it was ready", name))
