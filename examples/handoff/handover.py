"""HandoverWorker: a worker that talks, and hands the user over to another one by a tool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias, get_args

from callboard import WorkerDown, WorkerReady, on, worker_ready
from callboard.actors.frames.frame import Frame
from callboard.actors.frames.pipeline import Stage
from callboard.actors.llm.model import Model
from callboard.actors.llm.tools import ToolAnswer, tool
from callboard.actors.llm.worker import LLMWorker
from callboard.examples.handoff.voice import Voice

__all__ = ["GoodbyeFrame", "HandoverWorker"]

logger = logging.getLogger("callboard.examples.handoff")

MAIN = "main"
"""The main worker of the session."""

Colleague: TypeAlias = Literal["greeter", "support"]

COME_WITHIN = 5.0
"""Seconds that a hand-over waits for a colleague whose process has only just been started."""


class GoodbyeFrame(Frame, wire="handoff.goodbye"):
    """To the main worker, behind the last words: the conversation is over."""

    reason: str


class HandoverWorker(LLMWorker):
    """On every bridge, with two tools: hand over, and say goodbye.

    It knows the others by name only: they may be in this process or on another machine.
    """

    bridged = ()

    def __init__(
        self, make_model: Callable[[], Model], *, keeper: str | None = None, voice: str = ""
    ) -> None:
        """Talk by the model that is made anew for each life.

        `keeper`: who keeps the conversation, so that a crash costs none of it. `voice`: the voice
        of its own that it speaks with; empty: words are all it gives.
        """
        super().__init__()
        self.keeper = keeper
        self._make_model = make_model
        self._voice = voice

    def on_start(self) -> None:
        """Look out for the others."""
        self._come = {name: asyncio.Event() for name in get_args(Colleague)}
        self.watch_workers(*self._come)

    async def on_worker_ready(self, data: WorkerReady) -> None:
        """Take note that one of them is there."""
        if data.worker in self._come:
            self._come[data.worker].set()

    def build_model(self) -> Model:
        """Return a model for this life."""
        return self._make_model()

    def build_pipeline(self) -> Sequence[Stage]:
        """Return the model and, where it has one, the voice."""
        return [self.llm, *([Voice(self._voice)] if self._voice else [])]

    async def on_activated(self, args: Any) -> None:
        """Say in the log that it has the floor."""
        logger.info("%s has the floor", self.name)

    async def on_deactivated(self) -> None:
        """Say in the log that it has it no more."""
        logger.info("%s is silent", self.name)

    @worker_ready(MAIN)
    def main_ready(self, fact: WorkerReady) -> None:
        """Watch the end of the main worker."""
        self.monitor(self.ref(MAIN))

    @on(WorkerDown)
    async def main_down(self, fact: WorkerDown) -> None:
        """Be as new: the next session is another conversation, perhaps with another user."""
        logger.info("the session has ended")
        await self.deactivate()
        self.forget()

    # -- tools ----

    @tool
    async def transfer(self, worker: Colleague, reason: str) -> None:
        """Hand the user over to your colleague, who takes the next turn; say that you do it.

        Args:
            worker: who takes over: the greeter for questions before a purchase and small talk,
                support for whatever is wrong.
            reason: what the user wants, as far as you know it: your colleague knows nothing else.

        """
        said = f"({self.name} hands the user over to you: {reason})"
        with suppress(TimeoutError):
            async with asyncio.timeout(COME_WITHIN):
                await self._come[worker].wait()
        await self.hand_over(worker, [{"role": "user", "content": said}])

    @tool
    async def say_goodbye(self, reason: str) -> ToolAnswer:
        """End the conversation, after you have said goodbye and only if the user wants it.

        Args:
            reason: why it ends, in a few words.

        """
        await self.push_frame(GoodbyeFrame(reason))
        return ToolAnswer("the conversation ends", run=False)
