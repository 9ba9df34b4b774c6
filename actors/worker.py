"""Worker: an actor with jobs, activation and children."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar, Literal, cast

from . import lifecycle
from .activation import Activate, Activation, Deactivate, Reserve
from .actor import Actor
from .asking import Asking
from .delivery import Entry
from .dispatch import directive_for, fail
from .errors import NoActor, NotStarted
from .family import Family, NodeView, WorkerFailed
from .handlers import default_hook, runtime_handler
from .jobs.messages import JobStart
from .jobs.server import CURRENT_JOB, JobEntry, JobRequest, JobServer
from .reason import Reason
from .ref import WorkerRef
from .registry import WorkerReady
from .scheduler import Step

__all__ = ["Worker"]


class Worker(Actor, Asking):
    """An actor with jobs, activation and children; what users subclass.

        class Greeter(Worker):
            @on(Greet)
            async def greet(self, message: Greet) -> str:
                return f"Hello, {message.name}!"

    Class attributes: `active` is whether it starts active; `job_errors = "crash"` has the worker
    fail when a job handler raises; `directives` map exception classes to what then happens.
    """

    active: bool = True
    """Whether the worker is active now; on the class, whether it starts so."""

    job_errors: ClassVar[Literal["job", "crash"]] = "job"

    _serving: JobServer | None = None
    _family: Family | None = None
    _activation_state: Activation | None = None
    _left: bool = False
    """Whether this life has let go of its jobs."""

    # -- refs, broadcast, activation ----

    @property
    def current_job(self) -> JobRequest:
        """The job whose handler is at work: how the handler of a typed job reports, or defers.

        Raises:
            NotStarted: no job handler of this worker calls.

        """
        request = CURRENT_JOB.get()
        if request is None or request.worker != self.name:
            raise NotStarted(f"{self.name!r} does no job here: read it in a @job handler")
        return request

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name, whether anybody has it yet or not."""
        return self._place.runtime.ref(name)

    def broadcast(self, message: Any) -> int:
        """Send the message to each running worker that handles its type; return how many."""
        return self.node.broadcast(message)

    @property
    def activation_args(self) -> Any:
        """The arguments of the present activation; None while inactive."""
        state = self._place.activation
        return state[1] if state is not None and state[0] else None

    async def activate(self, name: str, args: Any = None, *, deactivate_self: bool = False) -> None:
        """Activate a worker; with `deactivate_self` in place of this one, as one step.

        An activation of a worker that has not started yet is kept until it has.

        Raises:
            NoActor: nobody has that name.
            ActorFailed: its `on_activated` raised.
            AskTimeout: it did not take over within `HANDOVER_WITHIN`; this one stays active.

        """
        other = self._runtime.ref(name)
        if deactivate_self:
            await self._activation.hand_over(other, args)
        elif other == self._place.ref:
            await self._activation.activate(args)
        else:
            known = self._activation_state.known if self._activation_state is not None else 0
            await other.ask(Activate(args, known), block=False)

    async def deactivate(self, name: str | None = None) -> None:
        """Deactivate a worker, or this one.

        Raises:
            NoActor: nobody has that name.

        """
        if name is None or name == self.name:
            await self._activation.deactivate()
        else:
            await self._runtime.ref(name).ask(Deactivate(), block=False)

    # -- children and watches ----

    async def spawn(self, child: Any, *, watch: bool = True) -> WorkerRef:
        """Start a private child: it ends with this worker, and its failures come here.

        `on_worker_ready` gets its name once it is ready, unless `watch` is false.

        Raises:
            StartFailed, NameTaken, AlreadyRunning: see `Supervisor.start_child`.

        """
        if self._family is None:
            if self._runtime.family is None:
                raise NotStarted(f"{self.name!r} stands on no node: it can have no children")
            self._family = self._runtime.family(self._place)
        if watch:
            self._watch(child.name)
        return await self._family.spawn(child)

    @property
    def children(self) -> list[WorkerRef]:
        """The children of this worker, in start order."""
        return self._family.refs() if self._family is not None else []

    def watch_workers(self, *names: str) -> None:
        """Have `on_worker_ready` called as each of these workers becomes ready, or at once."""
        for name in names:
            self._watch(name)

    @property
    def node(self) -> NodeView:
        """The node the worker stands on.

        Raises `NotStarted` if it stands on none.
        """
        if self._runtime.node is None:
            raise NotStarted(f"{self.name!r} stands on no node")
        return cast("NodeView", self._runtime.node)

    # -- hooks ----

    @default_hook
    def on_activated(self, args: Any) -> Any:
        """Begin to be the active one, with these arguments."""

    @default_hook
    def on_deactivated(self) -> Any:
        """Cease to be the active one."""

    @default_hook
    def on_worker_ready(self, data: WorkerReady) -> Any:
        """Take note that a watched worker, or a child, is ready."""

    @default_hook
    def on_worker_failed(self, data: WorkerFailed) -> Any:
        """Take note that a child failed; its restart policy has been applied already."""

    @default_hook
    def on_job_cancelled(self, job: JobRequest, reason: str) -> Any:
        """Take note that a deferred job was cancelled, or passed its deadline."""

    @default_hook
    def on_job_progress(self, job: JobRequest) -> Any:
        """Report on a running job, with `job.update`: its caller asks for it."""

    # -- the runtime's side ----

    @property
    def _server(self) -> JobServer:
        if self._serving is None:
            self._serving = JobServer(self._place, self)
        return self._serving

    @property
    def _activation(self) -> Activation:
        if self._activation_state is None:
            self._activation_state = Activation(self._place, self)
        return self._activation_state

    def start_hooks(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to run before the worker is ready, or None; for the runtime."""
        first = self._before_activation()
        activation = self._place.activation
        if "on_activated" not in self.table.hooks:
            # Nothing to run: only note it, without a task.
            self.active = activation[0] if activation is not None else self.active
            return first
        return self._start_and_activate(first)

    def _before_activation(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to run before the worker may be active, or None."""
        return super().start_hooks()

    async def _start_and_activate(self, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        await self._activation.begin()

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for; for the runtime."""
        return self._family is None and (self._serving is None or not self._serving.open)

    def stop_children(self, reason: Reason, budget: float | None) -> Any:
        """Return a coroutine that stops the children, or None without any; for the runtime."""
        return self._family.stop(reason, budget) if self._family is not None else None

    def kill_children(self) -> None:
        """Hurry the end of the children; for the runtime."""
        if self._family is not None:
            self._family.kill()

    def release(self) -> None:
        """Let go of the children, and of what the last hook asked for; for the runtime."""
        self._family = None
        if self._serving is not None:
            self._serving.worker = None  # who asked for a job may remember it for long
        if self._asked is not None:
            self._asked.leave(f"its caller {self.name!r} has ended")

    def leave(self, reason: Reason) -> list[Step]:
        """Let go of watches, monitors and jobs; for the runtime."""
        steps = super().leave(reason)
        self._left = True
        if self._serving is not None:
            steps = steps + self._serving.leave(reason)
        if self._asked is not None:
            self._asked.leave(f"its caller {self.name!r} ended ({reason})")
        return steps

    def begin_job_beside(self, entry: Entry) -> None:
        """Start a job that a suspended handler of this worker waits for; for the runtime."""
        reply = entry[3]
        if not self._left:
            self._server.begin_beside(cast("JobEntry", entry))
        elif reply is not None:
            reply.settle(None, NoActor(f"{self.name!r} is ending: it takes no job", self.name))

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook, if the class overrides it; for the runtime."""
        if hook in self.table.hooks:
            await self._call(hook, *arguments)

    def job_raised(self, error: BaseException) -> None:
        """Fail of a job handler's error, where the class or the spec says so; for the runtime."""
        ends = isinstance(error, KeyboardInterrupt | SystemExit)
        if ends or self.job_errors == "crash" or directive_for(self._place, error) is not None:
            fail(self._place, error)

    def job_cancelled(self, job: JobRequest, reason: str) -> None:
        """Run `on_job_cancelled` for a deferred job; for the runtime."""
        self._run_hook("on_job_cancelled", job, reason)

    def job_progress(self, job: JobRequest) -> None:
        """Run `on_job_progress`; for the runtime."""
        self._run_hook("on_job_progress", job)

    def _run_hook(self, hook: str, *arguments: Any) -> None:
        """Run a hook of a job beside the mailbox, as the job itself runs."""
        if hook not in self.table.hooks:
            return
        cell = self._place

        async def run() -> None:
            try:
                await self._call(hook, *arguments)
            except Exception as error:
                fail(cell, error)

        lifecycle.beside(cell, run())

    @runtime_handler(JobStart, answers_itself=True)
    def _job_start(self, start: JobStart) -> Step | None:
        cell: Any = self._cell  # its entry is this start's own: a cast would cost as much as a call
        return (self._serving or self._server).begin(cell.entry)

    @runtime_handler(Reserve)
    def _reserve(self, message: Reserve) -> bool:
        return True

    @runtime_handler(Activate)
    async def _activate(self, message: Activate) -> None:
        entry = self._place.entry
        deadline = entry[4] if entry is not None else None
        before = message.before
        after = (message.after, before) if before is not None else None
        self._activation.note(message.known)
        await self._activation.activate(message.args, deadline, after)

    @runtime_handler(Deactivate)
    async def _deactivate(self, message: Deactivate) -> None:
        await self._activation.deactivate()

    @runtime_handler(WorkerFailed)
    async def _worker_failed(self, fact: WorkerFailed) -> None:
        await self.call_hook("on_worker_failed", fact)
