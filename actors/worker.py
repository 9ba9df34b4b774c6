"""Worker: an actor with jobs, activation and children."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar, Literal, TypeVar, cast, overload

from .activation import Activate, Activation, Deactivate, Reserve
from .actor import Actor
from .delivery import Entry
from .dispatch import directive_for, fail
from .errors import NotStarted
from .family import Family, NodeView, WorkerFailed
from .handlers import default_hook, runtime_handler
from .jobs.caller import Job, JobCaller
from .jobs.group import JobGroup
from .jobs.messages import JobMessage, JobStart
from .jobs.server import JobRequest, JobServer
from .message import Lane
from .reason import Reason
from .ref import WorkerRef
from .registry import WorkerReady
from .reply import Reply
from .scheduler import Step

__all__ = ["Worker"]

R = TypeVar("R")


class Worker(Actor):
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

    _asked: JobCaller | None = None
    _serving: JobServer | None = None
    _family: Family | None = None
    _activation_state: Activation | None = None

    # -- sending ----

    def ref(self, name: str) -> WorkerRef:
        """Return the ref of a name, whether anybody has it yet or not."""
        return self._runtime.ref(name)

    def tell(self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None) -> None:
        """Send a message to a worker, by ref or name; a name that nobody has is a dead letter.

        Raises:
            MailboxFull, LaneReserved: see `WorkerRef.tell`.

        """
        ref = self._runtime.ref(worker) if isinstance(worker, str) else worker
        if ref.target is None and not ref.is_alive():
            number = 2 if lane is None else int(lane)
            self._runtime.lost(ref, (message, self._place.ref, number, None, None, None))
            return
        ref.tell(message, lane=lane)

    async def send(
        self, worker: WorkerRef | str, message: Any, *, lane: Lane | None = None
    ) -> None:
        """Send a message, waiting for room where the worker's overflow policy is `wait`."""
        ref = self._runtime.ref(worker) if isinstance(worker, str) else worker
        await ref.send(message, lane=lane)

    def ask(
        self,
        worker: WorkerRef | str,
        message: Any,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
        wait: bool = True,
    ) -> Reply:
        """Ask a worker, by ref or name; await what is returned. See `WorkerRef.ask`."""
        ref = self._runtime.ref(worker) if isinstance(worker, str) else worker
        return cast("Reply", ref.ask(message, block=False, timeout=timeout, lane=lane, wait=wait))

    def broadcast(self, message: Any) -> int:
        """Send the message to each running worker that handles its type; return how many."""
        return self.node.broadcast(message)

    # -- jobs: asking ----

    @overload
    async def request(
        self, worker: str, job: JobMessage[R], *, timeout: float | None = None
    ) -> R: ...

    @overload
    async def request(
        self,
        worker: str,
        job: str | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> Any: ...

    async def request(
        self,
        worker: str,
        job: Any = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Ask for a job and return its answer; `timeout` (seconds) covers all of it.

        Raises:
            JobError: the job ended in any way but completed; the subclass says how.

        """
        name, payload = _job_of(job, payload)
        return await Job(self._caller, worker, name, payload, timeout, keep=False).begin()

    def job(
        self,
        worker: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job:
        """Return a job to be asked for by `async with`; see `Job`."""
        name, payload = _job_of(job, payload)
        return Job(self._caller, worker, name, payload, timeout, lane=lane)

    def start_job(
        self,
        worker: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        *,
        timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Job:
        """Ask for a job and return its handle at once, to be awaited, read or cancelled."""
        return self.job(worker, job, payload, timeout=timeout, lane=lane).begin()

    def job_group(
        self,
        *workers: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup:
        """Return a group of jobs to be asked for by `async with`; see `JobGroup`."""
        name, payload = _job_of(job, payload)
        caller = self._caller
        return JobGroup(caller, workers, name, payload, timeout, cancel_on_error=cancel_on_error)

    def start_job_group(
        self,
        *workers: str,
        job: str | JobMessage[Any] | None = None,
        payload: Any = None,
        timeout: float | None = None,
        cancel_on_error: bool = True,
    ) -> JobGroup:
        """Ask for a group of jobs and return its handle at once."""
        return self.job_group(
            *workers, job=job, payload=payload, timeout=timeout, cancel_on_error=cancel_on_error
        ).begin()

    # -- activation ----

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
            CallboardError: it did not answer within `HANDOVER_WITHIN`; this one stays active.

        """
        other = self._runtime.ref(name)
        if deactivate_self:
            await self._activation.hand_over(other, args)
        elif other == self._place.ref:
            await self._activation.activate(args)
        else:
            await other.ask(Activate(args), block=False)

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
    def _caller(self) -> JobCaller:
        if self._asked is None:
            self._asked = JobCaller(self._place)
        return self._asked

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
        first = super().start_hooks()
        activation = self._place.activation
        if "on_activated" not in self.table.hooks:
            # Nothing to run: only note it, without a task.
            self.active = activation[0] if activation is not None else self.active
            return first
        return self._start_and_activate(first)

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
        family, self._family = self._family, None
        return family.stop(reason, budget) if family is not None else None

    def leave(self, reason: Reason) -> list[Step]:
        """Let go of watches, monitors and jobs; for the runtime."""
        steps = super().leave(reason)
        if self._serving is not None:
            steps = steps + self._serving.leave(reason)
        if self._asked is not None:
            self._asked.leave(f"its caller {self.name!r} ended ({reason})")
        return steps

    def begin_job_beside(self, entry: Entry) -> None:
        """Start a job that a suspended handler of this worker waits for; for the runtime."""
        step = self._runtime.new_context(self._place.ref).run(self._server.begin, entry)
        if step is not None:
            self._runtime.scheduler.carry(step)

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

        cell.runtime.spawn(run(), cell.runtime.new_context(cell.ref))

    @runtime_handler(JobStart, starts_job=True)
    def _job_start(self, start: JobStart) -> Step | None:
        cell = self._cell
        assert cell is not None, "a job is started by the entry that the worker's place holds"
        assert cell.entry is not None, "a job is started by its entry"
        return (self._serving or self._server).begin(cell.entry)

    @runtime_handler(Reserve)
    def _reserve(self, message: Reserve) -> bool:
        return True

    @runtime_handler(Activate)
    async def _activate(self, message: Activate) -> None:
        await self._activation.activate(message.args)

    @runtime_handler(Deactivate)
    async def _deactivate(self, message: Deactivate) -> None:
        await self._activation.deactivate()

    @runtime_handler(WorkerFailed)
    async def _worker_failed(self, fact: WorkerFailed) -> None:
        await self.call_hook("on_worker_failed", fact)


def _job_of(job: Any, payload: Any) -> tuple[object, Any]:
    """Return name and payload of a job; a typed one is named by its class, and is its payload."""
    typed = isinstance(cast("object", job), JobMessage)
    return (job.__class__, job) if typed else (job, payload)
