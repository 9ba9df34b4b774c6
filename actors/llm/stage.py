"""The language model as a stage of a pipeline: words in, turns, words out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from .. import lifecycle
from ..cell import Cell, State
from ..dispatch import fail
from ..errors import Deadlock, NotStarted
from ..frames.frame import (
    AudioFrame,
    CancelFrame,
    ContextFrame,
    Direction,
    Frame,
    InterruptionFrame,
    MessagesFrame,
    ReplyTextFrame,
    RunFrame,
    SpeakFrame,
    SpokenTextFrame,
    TextFrame,
    TranscriptionFrame,
)
from ..frames.pipeline import Stage
from .conversation import Conversation
from .errors import ModelError
from .model import ChatMessage, Model, ToolCall, ToolSchema
from .toolrun import ToolRun
from .tools import Tool
from .turn import CURRENT_TURN, Turn

__all__ = ["MAX_ROUNDS", "LLMStage"]

MAX_ROUNDS = 10
"""Rounds of tools in one turn; then the model has to answer without any."""

QUIET_WITHIN = 1.0
"""Seconds that a deactivation waits for the end of a reply."""

SPEECH = (TextFrame, AudioFrame, SpeakFrame)
"""What is of no use any more once the user has interrupted."""

Held: TypeAlias = "tuple[Frame, Callable[[], Awaitable[None]]]"
"""A frame that a tool has queued, and what lets it go."""


class LLMStage(Stage):
    """The place of a language model in a pipeline, for a worker that is no `LLMWorker`.

    It takes what a user says (`TranscriptionFrame`, `TextFrame`) and what is said about the
    conversation (`MessagesFrame`, `ContextFrame`, `RunFrame`), has one turn for each, one after
    another, beside the mailbox, and pushes the reply. An `InterruptionFrame` ends the turn. Tools
    are functions or bound methods, declared with `@tool` or not.
    """

    def __init__(
        self,
        model: Model,
        *,
        instructions: str = "",
        tools: Iterable[Callable[..., object]] = (),
        max_rounds: int = MAX_ROUNDS,
    ) -> None:
        """Prepare; `instructions` stand before the conversation whenever the model runs.

        Raises:
            SpecError: one of the tools has no schema.

        """
        self.model = model
        self.instructions = instructions
        self.max_rounds = max_rounds
        self.conversation = Conversation()
        """What has been said, without the instructions."""
        self.tools: dict[str, Tool] = {}
        """The tools that the model is offered, by name."""
        for function in tools:
            self.add_tool(function)
        self._turn: Turn | None = None
        self._waiting: deque[Turn] = deque()
        self._silenced: list[Turn] = []
        self._lock = asyncio.Lock()
        self._runs: list[ToolRun] = []
        self._held: deque[Held] = deque()

    def add_tool(self, function: Callable[..., object]) -> None:
        """Offer a tool from the model's next run on; one of the same name is replaced.

        Raises:
            SpecError: it has no schema.

        """
        made = Tool.of(function)
        self.tools[made.name] = made

    # -- frames in ----

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Take what is for the model; all else goes on as it came."""
        if isinstance(frame, InterruptionFrame | CancelFrame):
            self.interrupt()
        elif direction is Direction.DOWN:
            turn = self._turn_for(frame)
            if turn is not None:
                self.begin(turn)
                return
            if isinstance(frame, SpeakFrame):
                self.note_spoken(frame)
        await self.push(frame, direction)

    def _turn_for(self, frame: Frame) -> Turn | None:
        match frame:
            case TranscriptionFrame(text=text, final=True) if text.strip():
                return Turn(self, [{"role": "user", "content": text}])
            case ReplyTextFrame() | SpokenTextFrame():
                return None
            case TextFrame(text=text) if text.strip():
                return Turn(self, [{"role": "user", "content": text}])
            case MessagesFrame(messages=messages, run=run):
                return Turn(self, messages, run=run)
            case ContextFrame(messages=messages, tool_choice=choice):
                return Turn(self, messages, replace=True, tool_choice=choice)
            case RunFrame():
                return Turn(self)
            case _:
                return None

    def note_spoken(self, frame: SpeakFrame) -> None:
        """Keep what is spoken without the model in the conversation, if it belongs there."""
        if frame.keep:
            self.conversation.assistant(frame.text)
            self.changed()

    # -- turns ----

    @property
    def busy(self) -> bool:
        """Whether there is a turn, or one waits."""
        return self._turn is not None or bool(self._waiting)

    @property
    def waiting(self) -> list[Turn]:
        """The turns that wait for theirs, in order."""
        return list(self._waiting)

    def begin(self, turn: Turn) -> None:
        """Have a turn beside the mailbox, after those before it."""
        if not turn.wanted and not self.busy:
            turn.record()
            return
        self._waiting.append(turn)
        lifecycle.beside(self.cell, self._beside(turn))

    async def take_turn(
        self,
        messages: Sequence[ChatMessage],
        *,
        on_text: Callable[[str], Awaitable[None]] | None = None,
    ) -> str:
        """Have a turn outside of frames, after those before it; return the whole reply.

        `on_text` gets the words as they come. If this is cancelled, the turn is interrupted.

        Raises:
            Deadlock: it is called inside a turn of this stage, which would wait for itself.
            ModelError: the model gave no whole reply.

        """
        current = CURRENT_TURN.get()
        if current is not None and current.stage is self and current.running:
            raise Deadlock("a turn cannot be had inside a turn: it would wait for itself")
        turn = Turn(self, messages, audible=False, on_text=on_text)
        self._waiting.append(turn)
        return await self._in_turn(turn)

    def interrupt(self) -> None:
        """End the turn that is heard; those that wait only add their messages."""
        for turn in self._waiting:
            if turn.audible and turn.wanted:
                turn.wanted = False
                self._silenced.append(turn)
        if self._turn is not None and self._turn.audible:
            self._turn.interrupt()
        self._held = deque(each for each in self._held if not isinstance(each[0], SPEECH))

    async def fall_silent(self) -> None:
        """Interrupt, and return once the last frame of the reply has been pushed.

        Nothing waits for long: who asks may be a stage that the reply has to pass.
        """
        self._silenced.clear()
        turn = self._turn
        self.interrupt()
        if turn is not None and turn.audible:
            await asyncio.wait({turn.quiet}, timeout=QUIET_WITHIN)

    def resume(self) -> None:
        """Have the turns after all that were silenced and still wait: nobody else took over."""
        for turn in self._silenced:
            turn.wanted = True
        self._silenced.clear()

    async def _beside(self, turn: Turn) -> None:
        cell = self.cell
        if cell.state is State.STARTING and cell.ending is not None:
            # A worker that is about to start cannot fail yet: an error here would be lost.
            await asyncio.shield(cell.ending.over)
        try:
            await self._in_turn(turn)
        except ModelError:
            pass  # an error frame has told of it
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            fail(self.cell, error)

    async def _in_turn(self, turn: Turn) -> str:
        try:
            await self._lock.acquire()
        finally:
            self._waiting.remove(turn)
        self._turn = turn
        try:
            return await turn.run()
        finally:
            self._turn = None
            self._lock.release()

    # -- what a turn needs ----

    @property
    def cell(self) -> Cell:
        """The place of the worker; for its turns."""
        return self.worker._place  # pyright: ignore[reportPrivateUsage]

    def prompt(self) -> list[ChatMessage]:
        """Return what the model is shown: the instructions, then the conversation."""
        instructions = self.instructions
        first: list[ChatMessage] = []
        if instructions:
            first.append({"role": "system", "content": instructions})
        return [*first, *self.conversation]

    def schemas(self) -> list[ToolSchema] | None:
        """Return the tools that the model is offered; None if there is none."""
        return [each.schema for each in self.tools.values()] or None

    async def emit(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Push a frame of a turn."""
        await self.push(frame, direction)

    async def on_turn_ended(self, reply: str) -> None:
        """Take note of a turn that has ended, and of its whole reply, as far as it was said."""

    def changed(self, *, owed: bool = False) -> None:
        """Take note that the conversation has changed; `owed`: a reply that is heard follows."""

    # -- tools at work ----

    @property
    def tool_calls_active(self) -> int:
        """How many tool calls are running."""
        return sum(run.running for run in self._runs)

    def tool_run(self, call: ToolCall) -> ToolRun:
        """Return a run of the tool that is called, checked and not begun."""
        run = ToolRun(call, self.tools.get(call.name), sorted(self.tools))
        self._runs = [each for each in self._runs if not each.over.done() or each.given_up]
        self._runs.append(run)
        return run

    def runs(self, run: ToolRun | None) -> bool:
        """Whether this is the run of a tool of this stage that has begun."""
        return run is not None and any(run is each for each in self._runs)

    def hold(self, frame: Frame, let_go: Callable[[], Awaitable[None]]) -> None:
        """Keep a frame until the last tool has ended."""
        self._held.append((frame, let_go))

    async def release(self, but: ToolRun | None = None) -> None:
        """Let the frames go that were held, unless a tool, other than `but`, still runs."""
        if any(run.running and run is not but for run in self._runs):
            return
        while self._held:
            _, let_go = self._held.popleft()
            await let_go()

    def see_off(self, turn: Turn, run: ToolRun) -> None:
        """Wait beside the mailbox for a tool that outlives its turn."""
        lifecycle.beside(self.cell, self._see_off(turn, run))

    async def _see_off(self, turn: Turn, run: ToolRun) -> None:
        try:
            await asyncio.shield(run.over)
            await turn.show_result(run)
            await self.release()
        except Exception as error:
            fail(self.cell, error)


def require_placed(stage: Stage, worker: str) -> None:
    """Raise if a stage stands in no pipeline.

    Raises:
        NotStarted: names the worker.

    """
    try:
        _ = stage.pipeline
    except NotStarted:
        raise NotStarted(
            f"the pipeline of {worker!r} has no place for its model: "
            "have build_pipeline return self.llm among its stages"
        ) from None
