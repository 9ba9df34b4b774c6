"""A worker with a Pipecat pipeline for tests, and the tree that it stands in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

from pipecat.processors.frame_processor import FrameProcessor

from callboard import Backoff, Child, DataMessage, Event, Node, Restarts, Supervisor, on
from callboard.actors.cell import Cell
from callboard.actors.frames import Direction, TextFrame
from callboard.transports.pipecat.pipeline import PipecatWorker
from tests.transports.pipecat.stages import Log

AT_ONCE = Restarts(intensity=100, backoff=Backoff(min=0))


class Say(DataMessage):
    """Queue this text: down at the start, or up at the end."""

    text: str
    direction: Direction = Direction.DOWN


class Life(DataMessage):
    """Say which life this is."""


class Voice(PipecatWorker):
    """A pipeline of the processors that `build` returns, new ones in each life."""

    def __init__(
        self, log: Log, build: Callable[[], list[FrameProcessor]], options: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.log = log
        self.build = build
        self.options = options

    def build_pipeline(self) -> list[FrameProcessor]:
        self.log.lives += 1
        return self.build()

    def pipeline_options(self) -> Mapping[str, Any]:
        # The default client protocol adds a processor; a test that wants it says so.
        return {"enable_rtvi": False, **self.options}

    @on(Say)
    async def queue_text(self, message: Say) -> None:
        await self.queue_frame(TextFrame(message.text), message.direction)

    @on(Life)
    def life(self, _: Life) -> int:
        return self.incarnation


def voice(
    log: Log,
    build: Callable[[], list[FrameProcessor]],
    *,
    options: Mapping[str, Any] | None = None,
    kind: type[Voice] = Voice,
    name: str = "voice",
    **spec: Any,
) -> Child:
    """A child spec of such a worker."""
    return Child(name, functools.partial(kind, log, build, options or {}), **spec)


def company(*children: Child) -> Node:
    """A node of these children, who are restarted at once."""
    return Node(Supervisor(list(children), restarts=AT_ONCE), watchdog=False)


def cell_of(node: Node, name: str = "voice") -> Cell:
    """The place of a worker."""
    ref = node.ref(name)
    assert ref is not None
    return cast("Cell", ref.target)


def of_kind(events: list[Event], kind: str) -> list[Event]:
    """The events of one kind about workers."""
    return [event for event in events if event.kind == kind]
