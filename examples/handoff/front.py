"""Front: the main worker of a hand-over. It owns input, output and bridge, and is no talker.

    input → bridge (to whoever has the floor) → voice → output → the end, if that was said

The workers that talk may be on this node or on another: it knows them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from callboard import WorkerReady
from callboard.actors.frames.frame import Direction, Frame, ReplyEndFrame
from callboard.actors.frames.pipeline import Stage
from callboard.actors.llm.model import ChatMessage
from callboard.actors.llm.worker import LLMActivationArgs
from callboard.examples.handoff.handover import GoodbyeFrame
from callboard.examples.handoff.voice import Voice
from callboard.examples.talking.events import WorkerFound
from callboard.examples.talking.example import Example, Notes
from callboard.examples.talking.remembering import RememberingMain

__all__ = ["Farewell", "Front", "VoicelessFront"]

CUT = "(the line was cut, and you are new here: you know what was said. Go on.)"


class Farewell(Stage):
    """Ends the session once the last words of the one who has ended it are out."""

    def __init__(self) -> None:
        """Begin without an end."""
        self._reason: str | None = None

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Take note of a goodbye, and end the session after the reply that it is in."""
        if isinstance(frame, GoodbyeFrame):
            self._reason = frame.reason
            return
        await self.push(frame, direction)
        if isinstance(frame, ReplyEndFrame) and self._reason is not None:
            await self.worker.node.drain(self._reason)


class Front(RememberingMain):
    """The main worker; its one voice speaks for all who talk."""

    def __init__(self, example: Example, notes: Notes, *, names: Sequence[str] = ()) -> None:
        """Be the main worker of a session of this example.

        `names`: workers that are activated each as it becomes ready, in place of the first alone.
        """
        super().__init__(example, notes)
        self._at_once = frozenset(names)
        self._met: set[str] = set()
        """The workers that were ready before."""

    def stages_out(self) -> Sequence[Stage]:
        """Return the voice, and what ends the session."""
        return [*self.speech(), Farewell()]

    def speech(self) -> Sequence[Stage]:
        """Return the stages that turn words into spoken ones."""
        return [Voice()]

    # -- who is there ----

    async def on_worker_ready(self, data: WorkerReady) -> None:
        """Activate who is wanted."""
        if data.worker in self._at_once:
            self.show(WorkerFound(data.worker, data.node))
            self.notes.wanted = data.worker
            self.notes.missing.add(data.worker)
        await super().on_worker_ready(data)
        self._met.add(data.worker)

    def opening(self, worker: str, again: bool) -> Any:
        """Have it greet; one that comes back after a loss knows what was said, and goes on."""
        said = self.transcript.messages
        if worker not in self._met or not said:
            return super().opening(worker, again)
        if said[-1]["role"] == "user":  # the reply to that got lost, and it replies now
            return LLMActivationArgs(said)
        note: ChatMessage = {"role": "user", "content": CUT}
        # Words that wait for it come by themselves: then it has something to reply to.
        return LLMActivationArgs([*said, note], run=not self.transcript.owes_reply)


class VoicelessFront(Front):
    """The main worker where each worker has a voice of its own: it has no stage for speech."""

    def speech(self) -> Sequence[Stage]:
        """Return no stage."""
        return ()
