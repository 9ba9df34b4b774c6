"""The main worker of a conversation by voice: a pipeline of Pipecat's, our workers on its bridge.

    input → hears → user's turns → bridge (to whoever has the floor) → speaks → output → replies

Importing this imports Pipecat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pipecat.audio.vad.vad_analyzer import VADAnalyzer
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from callboard import LocalMessage, WorkerDown, WorkerReady, on
from callboard.examples.talking.example import Example
from callboard.transports.pipecat.pipeline import PipecatBridge, PipecatWorker

__all__ = ["Services", "VoiceWorker"]


Called: TypeAlias = "Callable[[], Awaitable[None]]"


def _none() -> None:
    return None


@dataclass(frozen=True)
class Services:
    """What makes the processors that are no part of the conversation; new ones in each life."""

    transport: Callable[[Called, Called], tuple[FrameProcessor, FrameProcessor]]
    """Makes input and output, the room; calls the first when the user comes, the other when the
    user goes."""
    hears: Callable[[], FrameProcessor]
    """Turns speech into text."""
    speaks: Callable[[], FrameProcessor]
    """Turns text into speech."""
    voice_activity: Callable[[], VADAnalyzer | None] = _none
    """Tells speech from silence; None where the transport does."""


class Arrived(LocalMessage):
    """The user is there."""


class VoiceWorker(PipecatWorker):
    """Owns room, ears, voice and the bridge; has the first worker begin when the user is there."""

    def __init__(self, example: Example, services: Services) -> None:
        """Be the main worker of a conversation by these services."""
        super().__init__()
        self.example = example
        self.services = services
        self._present = False
        self._ready = False
        self._begun = False

    def build_pipeline(self) -> Sequence[FrameProcessor]:
        """Return the processors, in the order of every Pipecat pipeline that talks."""
        arrives, leaves = self.services.transport(self._user_came, self._user_went)
        # What a user says is over after a pause: the other way is a model that has to be there.
        user = LLMUserAggregatorParams(
            vad_analyzer=self.services.voice_activity(),
            user_turn_strategies=UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy()]),
        )
        turns = LLMContextAggregatorPair(LLMContext(), user_params=user)
        return [
            arrives,
            self.services.hears(),
            turns.user(),
            PipecatBridge(exclusive=True),
            self.services.speaks(),
            leaves,
            turns.assistant(),
        ]

    def on_start(self) -> None:
        """Wait for the first worker."""
        self.watch_workers(self.example.first)

    # -- who is there ----

    async def _user_came(self) -> None:
        self.tell(self.name, Arrived())

    async def _user_went(self) -> None:
        await self.node.drain("the user has left")

    @on(Arrived)
    async def user_arrived(self, message: Arrived) -> None:
        """Begin, if the first worker is there too."""
        self._present = True
        await self._begin_talk()

    async def on_worker_ready(self, data: WorkerReady) -> None:
        """Begin, if the user is there too; watch the worker's end."""
        self.monitor(self.ref(data.worker))
        self._ready = True
        await self._begin_talk()

    @on(WorkerDown)
    def worker_down(self, fact: WorkerDown) -> None:
        """Have it begin again if it comes back."""
        self._ready = self._begun = False

    async def _begin_talk(self) -> None:
        if self._present and self._ready and not self._begun:
            self._begun = True
            await self.activate(self.example.first, self.example.opening)
