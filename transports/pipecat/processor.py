"""PipecatBridge: the place in a Pipecat pipeline from which frames go to workers of ours.

And the edges of a pipeline whose worker is itself on a bridge.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from ...actors.frames import frame as ours
from ...actors.frames.bridge import BridgeEnd
from ...actors.frames.floor import HELD
from ...actors.frames.frame import Direction, Frame
from .conversion import to_ours, to_theirs
from .library import DOWN, UP, FrameDirection, FrameProcessor, TheirFrame

__all__ = ["Edge", "PipecatBridge", "over_bridge", "their_direction"]

logger = logging.getLogger("callboard.pipecat")

STAYS = (ours.LifecycleFrame, ours.ErrorFrame)
"""What is about the pipeline itself: it never crosses."""

SPEAKING = (
    ours.UserStartedSpeakingFrame,
    ours.UserStoppedSpeakingFrame,
    ours.BotStartedSpeakingFrame,
    ours.BotStoppedSpeakingFrame,
)
"""Who speaks: known to the pipeline that has the transport, and to no worker better."""

SIGNALS = (ours.InterruptionFrame, *SPEAKING)
"""What the workers hear and the rest of the pipeline as well: the stages after a bridge fall silent
at once, and not when a worker has let the interruption through its own pipeline."""


def their_direction(direction: Direction) -> FrameDirection:
    """Return Pipecat's word for a direction."""
    return DOWN if direction is Direction.DOWN else UP


def our_direction(direction: FrameDirection) -> Direction:
    """Return our word for a direction."""
    return Direction.DOWN if direction is DOWN else Direction.UP


def over_bridge(frame: Frame) -> TheirFrame | None:
    """Make a frame that came over a bridge into theirs; None, and a warning, if it cannot be."""
    try:
        return to_theirs(frame)
    except (TypeError, ValueError) as error:  # of a stranger, maybe: no reason to fail
        logger.warning("a frame does not go into a Pipecat pipeline: %s", error)
        return None


class PipecatBridge(FrameProcessor):
    """A processor from which frames go to the workers on it, and at whose place theirs appear.

    Frames that reach it go to all workers on it that are active, here or on other nodes, and not
    on to the next processor; where none is active they wait, up to a bound. What the workers push
    goes on from here, in its direction, and never to the other workers.

    What never crosses and goes on instead: start, end, stop, cancel and error frames, those of the
    types in `exclude` and their subclasses, and those that have no counterpart of ours. An
    interruption, and who starts and stops speaking, do both; who speaks is not taken back from
    workers.
    """

    def __init__(
        self,
        bridge: str | None = None,
        *,
        target: str | None = None,
        exclude: tuple[type[Frame] | type[TheirFrame], ...] = (),
        exclusive: bool = False,
        held: int = HELD,
    ) -> None:
        """Make a bridge; frames on a named one are for workers that are on that name.

        It stands in the pipeline of a `PipecatWorker`, who owns it. `exclude` takes classes of
        ours and of Pipecat's; the rest is as for a `Bridge`.
        """
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        mine = tuple(each for each in exclude if issubclass(each, Frame))
        self._stays = tuple(each for each in exclude if issubclass(each, TheirFrame))
        self.end = BridgeEnd(bridge, target=target, exclude=mine, exclusive=exclusive, held=held)
        """The owner's end, which knows who is on the bridge."""

    @property
    def heard(self) -> tuple[str, ...]:
        """The workers that are heard now."""
        return self.end.heard

    async def process_frame(self, frame: TheirFrame, direction: FrameDirection) -> None:
        """Send it to the workers, or push it on, or both."""
        await super().process_frame(frame, direction)
        mine = None if isinstance(frame, self._stays) else to_ours(frame)
        crosses = mine is not None and not isinstance(mine, STAYS) and self.end.crosses(mine)
        if not crosses or isinstance(mine, SIGNALS):
            await self.push_frame(frame, direction)
        if mine is not None and crosses:
            await self.end.send(mine, our_direction(direction))

    async def take(self, frame: Frame, direction: Direction) -> bool:
        """Let a frame of a worker in, at this place; return whether it could be; for its owner."""
        if isinstance(frame, SPEAKING):
            return True  # it has come back from the worker's own pipeline, and passed here before
        made = over_bridge(frame)
        if made is None:
            return False
        await self.push_frame(made, their_direction(direction))
        return True


class Edge(FrameProcessor):
    """The start or the end of a pipeline, where frames leave it for the bridges of its worker."""

    def __init__(
        self,
        leaving: FrameDirection,
        give: Callable[[Frame, Direction], Awaitable[None]],
        passed: Callable[[TheirFrame], None],
    ) -> None:
        """Give what passes in the direction `leaving` to the bridges, and let everything pass.

        `passed` is told of each interruption that has been through the pipeline.
        """
        super().__init__(enable_direct_mode=True)  # pyright: ignore[reportUnknownMemberType]
        self._leaving = leaving
        self._give = give
        self._passed = passed

    async def process_frame(self, frame: TheirFrame, direction: FrameDirection) -> None:
        """Let it pass, and give it to the bridges if it leaves here."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if direction is not self._leaving:
            return
        mine = to_ours(frame)
        if mine is not None and not isinstance(mine, STAYS):
            await self._give(mine, our_direction(direction))
        if isinstance(mine, ours.InterruptionFrame):
            self._passed(frame)
