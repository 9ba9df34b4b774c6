"""What the workers of one node share: loop, run queue, registry, events, dead letters."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .clock import Budget, Lag
from .deadletters import DeadLetter, DeadLetters
from .delivery import Delivery, Entry
from .envelope import Envelope
from .errors import CallboardError, NoActor
from .family import Family
from .observe import Event, Events
from .reason import Reason, in_words
from .ref import CURRENT, WorkerRef
from .registry import Registry
from .scheduler import Scheduler

if TYPE_CHECKING:
    import pykka

__all__ = ["Runtime"]

T = TypeVar("T")


class Runtime:
    """What the workers of one node share. A node makes one; so does a bare `Actor.start()`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, incarnation: int = 1) -> None:
        """Prepare for the loop, which must be that of the calling thread."""
        self.loop = loop
        self.name = name
        self.incarnation = incarnation
        self.thread = threading.get_ident()
        self.draining = False
        self.lag = Lag()
        self.scheduler = Scheduler(loop)
        self.events = Events()
        self.dead_letters = DeadLetters()
        self.registry = Registry(name, self._watcher_raised)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.threads: set[threading.Thread] = set()
        self.interrupt: Callable[[BaseException], None] = self._interrupted
        """Called with a KeyboardInterrupt or SystemExit that a worker raised."""
        self.family: Callable[[Any], Family] | None = None
        """Makes the family of a worker's cell; `None` where there is no supervision."""
        self.node: Any = None
        """The node that this is the runtime of, where there is one."""
        self._context = contextvars.Context()
        self._job_numbers = itertools.count(1)
        self._job_prefix = f"{name}.{incarnation}."

    # -- what refs need ----

    def resolve(self, name: str, /) -> Delivery | None:
        """Return the way to the worker that has the name now, or None."""
        known = self.registry.find(name)
        return known.target if known is not None else None

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of the name, whether anybody has it or not."""
        known = self.registry.find(name)
        return known.ref if known is not None else WorkerRef(name, self)

    def lost(self, target: pykka.ActorRef[Any], entry: Entry, /) -> None:
        """Keep a message as a dead letter whose target nobody knows; an asker hears `NoActor`."""
        ref = cast("WorkerRef", target)
        self.dead(ref, entry, NoActor(f"no worker is called {ref.name!r}", ref.name))

    def dead(
        self,
        target: WorkerRef,
        entry: Entry,
        reason: CallboardError,
        causes: tuple[BaseException, ...] = (),
    ) -> None:
        """Make a dead letter of the entry; who asked gets the reason as an error."""
        reply = entry[3]
        envelope = Envelope.of(entry, target)
        self.dead_letters.add(DeadLetter(envelope, reason, self.loop.time(), causes))
        if reply is not None and not reply.done:  # an expired one is no late answer
            reply.settle(None, reason)

    def late(self) -> None:
        """Count an answer that came too late."""
        self.events.count("late_answers")

    def call_from_thread(self, function: Callable[..., object], /, *arguments: object) -> None:
        """Call the function on the loop, soon; from any thread."""
        try:
            self.loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError as error:
            raise NoActor(f"the node {self.name!r} has ended") from error

    # -- what workers need ----

    def new_context(self, ref: WorkerRef) -> contextvars.Context:
        """Return a context in which this worker is the source of what is sent."""
        context = self._context.copy()
        context.run(CURRENT.set, ref)
        return context

    def spawn(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> asyncio.Task[T]:
        """Run a coroutine of the runtime's own in a task that somebody keeps."""
        task = self.loop.create_task(coroutine, context=context or self._context.copy())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def renumber(self, incarnation: int) -> None:
        """Take a higher incarnation: another node knows a later life of this node's name."""
        self.incarnation = incarnation
        self._job_prefix = f"{self.name}.{incarnation}."

    def budget(self, seconds: float | None) -> Budget:
        """Return a time allowed from now on."""
        return Budget(self.loop, self.lag, seconds)

    def new_job_id(self) -> str:
        """Return an id that no other job of any node has."""
        return f"{self._job_prefix}{next(self._job_numbers)}"

    def emit(
        self,
        kind: str,
        path: str,
        incarnation: int = 0,
        reason: Reason | None = None,
        text: str = "",
    ) -> None:
        """Raise an event."""
        self.events.emit(Event(kind, path, incarnation, self.loop.time(), reason, text))

    async def close(self) -> None:
        """End what the runtime itself runs; its workers have ended before."""
        await self.scheduler.close()
        tasks = [task for task in self.tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        for thread in list(self.threads):
            thread.join(timeout=1)

    def _interrupted(self, error: BaseException) -> None:
        self.emit("interrupted", self.name, text=f"{type(error).__name__} raised in a worker")

    def _watcher_raised(self, text: str, error: BaseException) -> None:
        self.emit("hook_failed", self.name, text=f"{text}: {in_words(error)}")
