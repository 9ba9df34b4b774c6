"""Pipeline: stages in a row, and frames that flow through them, down or up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from ..errors import NotStarted, SpecError
from .frame import CancelFrame, Direction, Frame, InterruptionFrame

if TYPE_CHECKING:
    from ..worker import Worker

__all__ = ["Pipeline", "Stage"]

Out: TypeAlias = "Callable[[Frame, Direction], Awaitable[None]]"
"""Takes what has left a pipeline: down at its end, up at its start."""

URGENT = (InterruptionFrame, CancelFrame)
"""What does not wait for the frame before it."""

INSIDE: ContextVar[object] = ContextVar("callboard_inside_pipeline", default=None)
"""The passage that is under way: what its stages push belongs to it."""


class Stage:
    """One step of a pipeline: it takes a frame, and pushes it on, or another, or none, or several.

    class Shout(Stage):
        async def process(self, frame: Frame, direction: Direction) -> None:
            if isinstance(frame, TextFrame):
                frame = TextFrame(frame.text.upper())
            await self.push(frame, direction)
    """

    _pipeline: Pipeline | None = None
    _index: int = 0

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Take a frame; without an override it goes on as it came.

        Lifecycle frames come too, and have to be pushed on.
        """
        await self.push(frame, direction)

    async def push(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Give a frame to the neighbour in this direction; it returns once that has taken it."""
        pipeline = self.pipeline
        step = 1 if direction is Direction.DOWN else -1
        await pipeline.enter(frame, direction, self._index + step)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that the stage stands in.

        Raises `NotStarted` if it stands in none.
        """
        if self._pipeline is None:
            raise NotStarted(f"this {type(self).__name__} stands in no pipeline yet")
        return self._pipeline

    @property
    def worker(self) -> Worker:
        """The worker whose pipeline it is.

        Raises `NotStarted` before that has been started.
        """
        worker = self.pipeline.worker
        if worker is None:
            raise NotStarted(f"the pipeline of this {type(self).__name__} belongs to no worker yet")
        return worker

    def place(self, pipeline: Pipeline, index: int) -> None:
        """Stand in a pipeline; for the pipeline.

        Raises:
            SpecError: it stands in one already.

        """
        if self._pipeline is not None:
            raise SpecError(
                type(self).__name__, "pipeline", "a stage stands in one pipeline: make a new one"
            )
        self._pipeline = pipeline
        self._index = index


class Pipeline:
    """Stages in a row. One frame at a time goes through, in order.

    What a stage pushes while it processes belongs to that frame, and goes before the next. Only an
    interruption and a cancel frame do not wait for the frame before them.
    """

    def __init__(self, stages: Sequence[Stage] = ()) -> None:
        """Put the stages in a row, the first one at the input.

        Raises:
            SpecError: one of them is no stage, or stands in a pipeline already.

        """
        self.stages = tuple(stages)
        self.worker: Worker | None = None
        """The worker whose pipeline it is."""
        self._out: Out | None = None
        self._turn = asyncio.Lock()
        self._passage: object = None
        """What stands for the frame that is going through, and what its stages push meanwhile."""
        for index, stage in enumerate(self.stages):
            if not isinstance(stage, Stage):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise SpecError("Pipeline", "stages", f"{stage!r} is no Stage")
            stage.place(self, index)

    def belong(self, worker: Worker, out: Out) -> None:
        """Belong to a worker; `out` takes what leaves at either end. For the worker."""
        self.worker = worker
        self._out = out

    async def enter(
        self, frame: Frame, direction: Direction = Direction.DOWN, at: int | None = None
    ) -> None:
        """Let a frame in and return once it is through: at the start, or, upwards, at the end.

        `at` is the number of the stage that takes it first. In a stage at work it goes at once;
        from elsewhere it waits for the frames before it.
        """
        if at is None:
            at = 0 if direction is Direction.DOWN else len(self.stages) - 1
        inside = self._passage is not None and INSIDE.get() is self._passage
        if inside or isinstance(frame, URGENT):
            await self._give(frame, direction, at)
            return
        async with self._turn:
            # A new one each time: a task that a stage has left behind is not inside for ever.
            self._passage = object()
            token = INSIDE.set(self._passage)
            try:
                await self._give(frame, direction, at)
            finally:
                INSIDE.reset(token)
                self._passage = None

    async def _give(self, frame: Frame, direction: Direction, at: int) -> None:
        if 0 <= at < len(self.stages):
            await self.stages[at].process(frame, direction)
        elif self._out is not None:
            await self._out(frame, direction)
