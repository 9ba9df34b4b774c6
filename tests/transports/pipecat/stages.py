"""Processors for pipelines of tests, and what makes a pipeline known from outside."""

from __future__ import annotations

import asyncio
from typing import Any

from pipecat.frames.frames import Frame, TextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup


class Broken(Exception):
    """What a broken processor raises."""


class Step(FrameProcessor):
    """A processor that lets everything pass: the base of those below."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        await super().setup(setup)
        await self.prepare(setup)

    async def prepare(self, setup: FrameProcessorSetup) -> None:
        """What is to be done before the start frame comes."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Log:
    """What the processors of all lives of a worker have seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.lives = 0

    def note(self, what: str) -> None:
        self.seen.append(what)


class Recorder(Step):
    """Notes each frame that it sees, by its class, texts by what they say."""

    def __init__(self, log: Log, name: str = "") -> None:
        super().__init__()
        self._log = log
        self._prefix = f"{name}:" if name else ""

    async def prepare(self, setup: FrameProcessorSetup) -> None:
        self._log.note(f"{self._prefix}setup")

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        self._log.note(f"{self._prefix}cleanup")

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        what = frame.text if isinstance(frame, TextFrame) else type(frame).__name__
        way = "" if direction is FrameDirection.DOWNSTREAM else "^"
        self._log.note(f"{self._prefix}{way}{what}")
        await super().process_frame(frame, direction)


class Gate(Step):
    """Holds the frames of one class until it is opened."""

    def __init__(self, kind: type[Frame]) -> None:
        super().__init__()
        self._kind = kind
        self.open = asyncio.Event()
        self.reached = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, self._kind):
            self.reached.set()
            await self.open.wait()
        await super().process_frame(frame, direction)


def texts(log: Log) -> list[str]:
    """What was noted, without the names of classes."""
    return [each for each in log.seen if not each.endswith("Frame")]


def doing(action: Any) -> type[Step]:
    """A processor that calls `action(processor, frame)` with each text that passes."""

    class Doing(Step):
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            if isinstance(frame, TextFrame):
                await action(self, frame)
            await super().process_frame(frame, direction)

    return Doing
