"""A pipeline with a bridge in it, and workers on the bridge, for the tests of frames."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from callboard import Child, Node, Supervisor, Worker
from callboard.actors.frames import (
    Bridge,
    Direction,
    Frame,
    FrameWorker,
    LifecycleFrame,
    PipelineWorker,
    Stage,
    TextFrame,
)
from callboard.actors.testing import eventually
from callboard.supervision.snapshot import walk

__all__ = ["Echo", "Main", "Seen", "company", "heard", "lost", "texts", "worker_of"]

Talk = Callable[["Echo", Frame, Direction], Awaitable[None]]


class Seen(Stage):
    """Notes what passes, but for lifecycle frames, and lets it on."""

    def __init__(self) -> None:
        self.lifecycle: list[str] = []
        self.frames: list[Frame] = []
        self.ways: list[Direction] = []

    async def process(self, frame: Frame, direction: Direction) -> None:
        if isinstance(frame, LifecycleFrame):
            self.lifecycle.append(type(frame).__name__)
        else:
            self.frames.append(frame)
            self.ways.append(direction)
        await self.push(frame, direction)


class Main(PipelineWorker):
    """Owns a bridge, with a stage before and one after it."""

    def __init__(self, *bridges: Bridge, **settings: Any) -> None:
        self._settings = settings
        self._made = bridges
        self.before, self.after = Seen(), Seen()
        self.floor: list[str | None] = []

    def build_pipeline(self) -> Sequence[Stage]:
        self.bridge = Bridge(**self._settings)
        return (self.before, *(self._made or (self.bridge,)), self.after)

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        self.floor.append(worker)


class Echo(FrameWorker):
    """Answers each frame with one that names it, unless told otherwise."""

    bridged: ClassVar[tuple[str, ...] | None] = ()

    def __init__(self, talk: Talk | None = None) -> None:
        self._talk = talk
        self.taken: list[Frame] = []
        self.ways: list[Direction] = []

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        self.taken.append(frame)
        self.ways.append(direction)
        if self._talk is not None:
            await self._talk(self, frame, direction)
        elif isinstance(frame, TextFrame):
            await self.push_frame(TextFrame(f"{self.name}: {frame.text}"), direction)


def company(*workers: tuple[str, Callable[[], Worker]], **settings: Any) -> Node:
    """A node with these workers, in this order."""
    children = [Child(name, make) for name, make in workers]
    return Node(Supervisor(children), watchdog=False, **settings)


def worker_of(node: Node, name: str) -> Any:
    """The worker itself, to look at."""
    assert node._root is not None  # pyright: ignore[reportPrivateUsage]
    for _, cell, _ in walk(node._root):  # pyright: ignore[reportPrivateUsage]
        if cell.name == name:
            return cell.actor
    raise LookupError(name)


def texts(frames: Sequence[Frame]) -> list[str]:
    """The words of those frames that have any."""
    return [frame.text for frame in frames if isinstance(frame, TextFrame)]


async def heard(main: Main, *workers: str) -> None:
    """Wait until these are heard on the bridge, and no others."""
    await eventually(lambda: set(main.bridge.heard) == set(workers))


def lost(node: Node) -> int:
    """How many frames nobody took."""
    return node.events.counts["frames_lost"]
