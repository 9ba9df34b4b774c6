"""Pipecat's own worker as it stands here: on our tree, and on no bus of Pipecat."""

from __future__ import annotations

import logging

from ...actors.frames.worker import FrameWorker
from .library import BusEndMessage, BusMessage, EndFrame, TheirWorker

__all__ = ["HostedWorker"]

logger = logging.getLogger("callboard.pipecat")


class HostedWorker(TheirWorker):
    """Runs one pipeline of a worker of ours: `host`.

    The processors in it know it as their `pipeline_worker`.
    """

    host: FrameWorker
    cleaned = False
    """Whether Pipecat has cleaned up."""

    async def cleanup(self) -> None:
        """Clean up, and note it."""
        self.cleaned = True
        await super().cleanup()

    async def send_bus_message(self, message: BusMessage) -> None:
        """End the pipeline where that is asked for; nothing else has anybody to go to."""
        if isinstance(message, BusEndMessage):
            await self.queue_frame(EndFrame(reason=message.reason))
        else:
            logger.debug("%s: there is no bus for %s", self.host, message)
