"""PipecatWorker: a real Pipecat pipeline as a supervised worker.

Importing this imports Pipecat (`pip install 'callboard[pipecat]'`).
"""

from __future__ import annotations

import inspect
import logging
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias, cast

from ...actors import lifecycle
from ...actors.cell import State
from ...actors.clock import wait_done
from ...actors.dispatch import fail
from ...actors.errors import NotStarted, SpecError
from ...actors.frames.frame import Direction, Frame, InterruptionFrame
from ...actors.frames.worker import FrameWorker
from ...actors.reason import Failed, Killed, Normal, Reason
from .conversion import to_theirs
from .hosted import HostedWorker
from .library import DOWN, UP, BasePipeline, ErrorFrame, FrameProcessor, Pipeline, TheirFrame
from .processor import Edge, PipecatBridge, over_bridge, their_direction
from .run import PipelineFailed, Run, all_in, was_set_up
from .tasks import Tasks

__all__ = ["PipecatBridge", "PipecatWorker", "PipelineFailed"]

Built: TypeAlias = BasePipeline | Sequence[FrameProcessor]

logger = logging.getLogger("callboard.pipecat")

FLUSHED_WITHIN = 5.0
"""Seconds without progress for which a worker that is deactivated waits for its pipeline."""

INTERRUPTED_WITHIN = 1.0
"""Seconds that an interruption may take through a pipeline; then a processor has swallowed it."""

OWN = frozenset(
    {"active", "bridged", "check_dangling_tasks", "exclude_frames", "name", "task_manager"}
)
"""The keywords of Pipecat's worker that are decided here."""


class PipecatWorker(FrameWorker):
    """A worker with a pipeline of Pipecat's, built anew in each incarnation.

        class Voice(PipecatWorker):
            def build_pipeline(self) -> list[FrameProcessor]:
                return [Speech(), PipecatBridge("voice"), Speaker()]

    It is ready once Pipecat's start frame has reached the end of the pipeline. An orderly stop lets
    an end frame through first: what was queued before has then been handled. A kill cancels. A
    pipeline that ends by itself ends the worker: normally, or with the error that it died of, and
    its supervisor starts it again as the child spec says.

    If it is on a bridge (`bridged`), what comes from there enters its pipeline, at the start or,
    upwards, at the end; and what leaves it goes to the bridge.
    """

    _run: Run | None = None
    _starting: bool = True
    _interrupting: tuple[TheirFrame, Future[None]] | None = None
    """The last interruption that came over a bridge, and when it is through the pipeline."""

    def build_pipeline(self) -> Built | Awaitable[Built]:
        """Return the pipeline, or its processors in order; new ones each time.

        Called after `on_start`, in each incarnation; `def` or `async def`.
        """
        raise NotImplementedError(f"{type(self).__name__} has to override build_pipeline")

    def pipeline_options(self) -> Mapping[str, Any]:
        """Return keywords for Pipecat's `PipelineWorker`: `params`, `observers` and others.

        Called in each incarnation. Without an override they are Pipecat's own defaults, except that
        no pipeline is cancelled because it is idle, and that one on a bridge has no RTVI.
        """
        return {}

    async def on_pipeline_error(self, frame: ErrorFrame) -> None:
        """Take note of an error in the pipeline; raise, and the worker fails.

        It is called beside the mailbox, with each error frame that reaches the start. Without an
        override it raises `PipelineFailed` for one that is fatal, or whose processor cannot do its
        work any more; the pipeline survives the others, as Pipecat means it to. What any task of
        the pipeline raises fails the worker in any case.
        """
        if frame.fatal or (frame.processor is not None and not frame.processor.is_usable):
            raise PipelineFailed.of(frame)

    @property
    def pipeline(self) -> BasePipeline:
        """The pipeline of this life, with what Pipecat has put around it.

        Raises `NotStarted` before there is one.
        """
        return self._running.hosted.pipeline

    @classmethod
    def of(cls, processor: FrameProcessor) -> PipecatWorker:
        """Return the worker in whose pipeline a processor stands, once that has been set up.

        Raises:
            NotStarted: it stands in none.

        """
        hosted = processor.pipeline_worker
        host = hosted.host if isinstance(hosted, HostedWorker) else None
        if not isinstance(host, cls):
            raise NotStarted(f"{processor} stands in no pipeline of a {cls.__name__}")
        return host

    async def queue_frame(
        self, frame: Frame | TheirFrame, direction: Direction = Direction.DOWN
    ) -> None:
        """Let a frame into the pipeline, ours or Pipecat's: at the start or, upwards, at the end.

        It returns once the frame is queued: Pipecat's queues have no bound.

        Raises:
            NotStarted: the worker has no pipeline, or no longer.
            ValueError: a value in the frame is none that Pipecat's can have.

        """
        run = self._running
        if run.over:
            raise NotStarted(f"the pipeline of {self.name!r} has ended")
        made = to_theirs(frame) if isinstance(frame, Frame) else frame
        await run.hosted.queue_frame(made, their_direction(direction))

    async def push_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame of the worker's own through its pipeline, and out to its bridges."""
        await self.queue_frame(frame, direction)

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        """Let a frame that comes from a bridge into the pipeline."""
        made = over_bridge(frame)
        if made is None or self._running.over:
            self.count_lost()
            return
        if not isinstance(frame, InterruptionFrame):
            await self.queue_frame(made, direction)
            return
        # The owner hears this worker again once this returns: what was said before it is gone then.
        self._interrupting = (made, self._runtime.loop.create_future())
        await self.queue_frame(made, direction)
        await wait_done([self._interrupting[1]], self._runtime.budget(INTERRUPTED_WITHIN))

    # -- the runtime's side ----

    @property
    def _running(self) -> Run:
        if self._run is None:
            raise NotStarted(f"{self.name!r} has no pipeline yet: one is built when it starts")
        return self._run

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook; before its last word a worker on a bridge lets out what it has to say."""
        run = self._run
        if hook == "on_deactivated" and self.bridged is not None and run is not None:
            if not run.over and not await run.hosted.flush_pipeline(FLUSHED_WITHIN):
                logger.warning("%s: what is still in its pipeline will not be heard", self)
        await super().call_hook(hook, *arguments)

    @property
    def idle(self) -> bool:
        """Whether it holds nothing whose end has to be waited for; for the runtime."""
        return self._run is None and super().idle

    def start_hooks(self) -> Coroutine[Any, Any, None] | None:
        """Return what is to run before the worker is ready; for the runtime."""
        return self._start(super().start_hooks())

    async def _start(self, hooks: Coroutine[Any, Any, None] | None) -> None:
        self._meanwhile: list[Callable[[], None]] = []
        if hooks is not None:
            await hooks
        self._starting = False
        for then in self._meanwhile:
            self._once_it_runs(then)

    def _before_activation(self) -> Coroutine[Any, Any, None] | None:
        return self._begin_pipeline(super()._before_activation())

    async def _begin_pipeline(self, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        built = self.build_pipeline()
        pipeline = self._checked(await built if inspect.isawaitable(built) else built)
        self._run = run = Run(
            self._place,
            lambda tasks: self._host(pipeline, tasks),
            on_error=self.on_pipeline_error,
            raised=self._pipeline_raised,
            ended=self._pipeline_ended,
        )
        await run.begin()
        for each in all_in(pipeline):
            if isinstance(each, PipecatBridge):
                self.open_bridge(each.end, self._taking(each))

    def stop_children(self, reason: Reason, budget: float | None) -> Any:
        """Return a coroutine that ends the pipeline, then the children; for the runtime."""
        if self._run is None:
            return super().stop_children(reason, budget)
        return self._end_pipeline(self._run, reason, budget)

    def kill_children(self) -> None:
        """Hurry the end of the pipeline and of the children; for the runtime."""
        if self._run is not None:
            self._run.hurry()
        super().kill_children()

    async def _end_pipeline(self, run: Run, reason: Reason, budget: float | None) -> None:
        orderly = budget != 0 and not isinstance(reason, Failed | Killed)
        before = self._runtime.budget(budget)
        try:
            await run.end(orderly=orderly, reason=str(reason))
        finally:
            children = super().stop_children(reason, before.left)
            if children is not None:
                await children

    def _checked(self, built: object) -> BasePipeline:
        """Return what was built as a pipeline.

        Raises:
            SpecError: it is none, or has been used.

        """
        if isinstance(built, Sequence):
            built = Pipeline(cast("Sequence[FrameProcessor]", built))
        if not isinstance(built, BasePipeline):
            what = f"must return a Pipeline or processors, not {type(built).__name__}"
            raise SpecError(type(self).__name__, "build_pipeline", what)
        for each in all_in(built):
            if was_set_up(each):
                what = f"must make new processors in each life: {each} has been used"
                raise SpecError(type(self).__name__, "build_pipeline", what)
        return built

    def _host(self, pipeline: BasePipeline, tasks: Tasks) -> HostedWorker:
        options: dict[str, Any] = {"idle_timeout_secs": None, **self.pipeline_options()}
        taken = OWN & options.keys()
        if taken:
            what = f"{', '.join(sorted(taken))}: decided by the worker itself"
            raise SpecError(type(self).__name__, "pipeline_options", what)
        if self.bridged is not None:
            give, passed = super().push_frame, self._passed
            pipeline = Pipeline([Edge(UP, give, passed), pipeline, Edge(DOWN, give, passed)])
            options.setdefault("enable_rtvi", False)
        hosted = HostedWorker(
            pipeline, name=self.name, task_manager=tasks, check_dangling_tasks=False, **options
        )
        hosted.host = self
        return hosted

    def _passed(self, frame: TheirFrame) -> None:
        if self._interrupting is not None and self._interrupting[0] is frame:
            passed = self._interrupting[1]
            if not passed.done():
                passed.set_result(None)

    def _taking(self, bridge: PipecatBridge) -> Any:
        async def take(frame: Frame, direction: Direction) -> None:
            if not await bridge.take(frame, direction):
                self.count_lost()

        return take

    def _pipeline_raised(self, error: BaseException) -> None:
        self._once_it_runs(lambda: fail(self._place, error))

    def _pipeline_ended(self, error: BaseException | None) -> None:
        reason = Failed(error) if error is not None else Normal()
        self._once_it_runs(lambda: lifecycle.end(self._place, reason))

    def _once_it_runs(self, then: Callable[[], None]) -> None:
        """Call it now, or as soon as the worker runs: it is started by more than its pipeline."""
        cell = self._place
        if cell.state is not State.STARTING:
            then()
        elif self._starting:
            self._meanwhile.append(then)
        else:  # all its hooks are through, and it runs in a moment
            self._runtime.loop.call_soon(self._once_it_runs, then)
