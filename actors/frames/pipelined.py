"""PipelineWorker: a worker with a pipeline of its own."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from ..dispatch import fail
from ..errors import ActorFailed, NotStarted
from ..reason import Failed, Reason, in_words
from .bridge import Bridge
from .frame import (
    CancelFrame,
    Direction,
    EndFrame,
    ErrorFrame,
    Frame,
    LifecycleFrame,
    StartFrame,
)
from .pipeline import Pipeline, Stage
from .worker import FrameWorker

__all__ = ["PipelineWorker"]


class PipelineWorker(FrameWorker):
    """A worker with a pipeline of its own, built anew in each incarnation.

    It is ready once the start frame has reached the end of the pipeline. An orderly stop lets the
    end frame through first. If it is on a bridge, what comes from there enters its pipeline, at the
    start or, upwards, at the end; and what leaves it goes to the bridge.
    """

    _pipeline: Pipeline | None = None
    _passed: dict[type[Frame], Future[None]] | None = None
    """The lifecycle frames that are waited for at the end of the pipeline."""

    def build_pipeline(self) -> Pipeline | Sequence[Stage]:
        """Return the stages, new ones each time; called after `on_start`. Without any: none."""
        return ()

    async def queue_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame into the pipeline, and return once it is through.

        It enters at the start or, upwards, at the end.

        Raises:
            ActorFailed: a stage raised, which has failed the worker; the cause is chained.
            NotStarted: the worker has no pipeline yet.

        """
        try:
            await self._enter(frame, direction)
        except NotStarted:
            raise
        except Exception as error:
            fail(self._place, error)
            text = f"{self.name!r} failed: {in_words(error)}"
            raise ActorFailed(text, self.name) from error

    async def push_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame of the worker's own through its pipeline, and out to its bridges."""
        await self.queue_frame(frame, direction)

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        """Let a frame that comes from a bridge into the pipeline."""
        await self._enter(frame, direction)

    async def _enter(self, frame: Frame, direction: Direction) -> None:
        if self._pipeline is None:
            raise NotStarted(f"{self.name!r} has no pipeline yet: one is built when it starts")
        await self._pipeline.enter(frame, direction)

    # -- the runtime's side ----

    def _before_activation(self) -> Coroutine[Any, Any, None] | None:
        return self._begin_pipeline(super()._before_activation())

    async def _begin_pipeline(self, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        built = self.build_pipeline()
        self._pipeline = pipeline = built if isinstance(built, Pipeline) else Pipeline(built)
        pipeline.belong(self, self._left_pipeline)
        await self._pass(pipeline, StartFrame())
        for stage in pipeline.stages:
            if isinstance(stage, Bridge):
                self.open_bridge(stage.end, stage.push)

    def end_hook_name(self, reason: Reason) -> str | None:
        """Return the name of the hook for this end; for the runtime."""
        hook = super().end_hook_name(reason)
        if hook is None and self._pipeline is not None:
            hook = "on_failure" if isinstance(reason, Failed) else "on_stop"
        return hook

    def end_hook(self, reason: Reason) -> Coroutine[Any, Any, None]:
        """Return the end of the pipeline and the hook, to be run; for the runtime."""
        return self._end_pipeline(reason)

    async def _end_pipeline(self, reason: Reason) -> None:
        pipeline = self._pipeline
        if pipeline is not None and isinstance(reason, Failed):
            with suppress(Exception):  # it may be what has failed
                await pipeline.enter(CancelFrame(str(reason)))
        elif pipeline is not None:
            try:
                await self._pass(pipeline, EndFrame(str(reason)))
            except Exception:
                await self._run_end_hook(reason)
                raise
        await self._run_end_hook(reason)

    async def _run_end_hook(self, reason: Reason) -> None:
        if super().end_hook_name(reason) is not None:
            await super().end_hook(reason)

    async def _pass(self, pipeline: Pipeline, frame: LifecycleFrame) -> None:
        """Let a lifecycle frame in; return once it has reached the end."""
        passed = self._passed = {} if self._passed is None else self._passed
        reached = passed[type(frame)] = self._runtime.loop.create_future()
        try:
            await pipeline.enter(frame)
            await reached
        finally:
            passed.pop(type(frame), None)

    async def _left_pipeline(self, frame: Frame, direction: Direction) -> None:
        """Take what leaves the pipeline, at either end."""
        if isinstance(frame, ErrorFrame) and self.bridged is None:
            # Nobody is above to hear of it: a conversation that has fallen silent has a reason.
            self._place.emit("frame_error", text=frame.error)
        elif not isinstance(frame, LifecycleFrame):
            await super().push_frame(frame, direction)
        elif self._passed is not None and direction is Direction.DOWN:
            reached = self._passed.get(type(frame))
            if reached is not None and not reached.done():
                reached.set_result(None)
