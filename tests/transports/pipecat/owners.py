"""An owner of a bridge in a Pipecat pipeline, for tests: what passes before and after it."""

from __future__ import annotations

from typing import Any

from pipecat.frames import frames as theirs
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from callboard import Child, DataMessage, on
from callboard.actors.frames import Direction
from callboard.actors.testing import eventually
from callboard.transports.pipecat.pipeline import PipecatBridge
from tests.transports.pipecat.pipelines import Voice, voice
from tests.transports.pipecat.stages import Log, Step


class Push(DataMessage):
    """Queue these frames of Pipecat's."""

    frames: list[Any]
    direction: Direction = Direction.DOWN


class Owner(Voice):
    """Owns a bridge."""

    @on(Push)
    async def push(self, message: Push) -> None:
        for frame in message.frames:
            await self.queue_frame(frame, message.direction)


class Taking(Step):
    """Keeps the frames that pass, but for those about the pipeline itself."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[theirs.Frame] = []
        self.ways: list[FrameDirection] = []

    async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
        if not isinstance(frame, theirs.StartFrame | theirs.EndFrame | theirs.CancelFrame):
            self.frames.append(frame)
            self.ways.append(direction)
        await super().process_frame(frame, direction)

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.frames if isinstance(each, theirs.TextFrame)]


class Stage:
    """An owner's pipeline: what passes before the bridge and after it."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.args, self.settings = args, settings
        self.log = Log()
        self.before = self.after = Taking()
        self.bridge = PipecatBridge()

    def build(self) -> list[FrameProcessor]:
        self.before, self.after = Taking(), Taking()
        self.bridge = PipecatBridge(*self.args, **self.settings)
        return [self.before, self.bridge, self.after]

    def child(self, name: str = "main", **spec: Any) -> Child:
        return voice(self.log, self.build, kind=Owner, name=name, **spec)

    async def heard(self, *workers: str) -> None:
        await eventually(lambda: set(self.bridge.heard) == set(workers))


def kinds(frames: list[Any]) -> list[str]:
    return [type(each).__name__ for each in frames]
