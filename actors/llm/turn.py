"""One turn: the model runs, its tools run, the model runs again, until it has said its reply."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from ..cell import Cell
from ..errors import CallboardError
from ..frames.frame import (
    Direction,
    ErrorFrame,
    Frame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    ToolCallFrame,
    ToolResultFrame,
)
from ..worker import Worker
from .conversation import Conversation
from .errors import ModelError, StreamBroken, TooManyRounds
from .model import ChatMessage, Finished, Model, ModelEvent, TextPiece, ToolCall, ToolSchema
from .toolrun import Outcome, ToolRun

__all__ = ["CURRENT_TURN", "Turn"]

CURRENT_TURN: ContextVar[Turn | None] = ContextVar("callboard_turn", default=None)
"""The turn that this is part of."""


class Talk(Protocol):
    """What a turn needs of the stage that has it."""

    model: Model
    conversation: Conversation
    max_rounds: int

    @property
    def worker(self) -> Worker:
        """The worker."""
        ...

    @property
    def cell(self) -> Cell:
        """The place of the worker."""
        ...

    def prompt(self) -> list[ChatMessage]:
        """Return what the model is shown."""
        ...

    def schemas(self) -> list[ToolSchema] | None:
        """Return the tools that the model is offered."""
        ...

    async def emit(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Push a frame."""
        ...

    def changed(self, *, owed: bool = False) -> None:
        """Take note that the conversation has changed."""
        ...

    async def on_turn_ended(self, reply: str) -> None:
        """Take note of the reply."""
        ...

    def tool_run(self, call: ToolCall) -> ToolRun:
        """Return a run of the tool that is called."""
        ...

    async def release(self, but: ToolRun | None = None) -> None:
        """Let the frames go that were held, unless a tool, other than `but`, still runs."""
        ...

    def see_off(self, turn: Turn, run: ToolRun) -> None:
        """Wait for a tool that outlives its turn."""
        ...


class Turn:
    """One turn of a stage, which has them one after another."""

    def __init__(
        self,
        stage: Talk,
        messages: Sequence[ChatMessage] = (),
        *,
        run: bool = True,
        replace: bool = False,
        audible: bool = True,
        on_text: Callable[[str], Awaitable[None]] | None = None,
        tool_choice: Any = None,
    ) -> None:
        """Prepare a turn that begins with these messages; `replace`: they are the conversation.

        `audible`: its words leave as frames; `on_text` gets them as well.
        """
        self.stage = stage
        self.messages = list(messages)
        self.wanted = run
        """Whether the model runs; else the messages are only added."""
        self.audible = audible
        self.reply = ""
        """What has been said."""
        self.interrupted = False
        self.quiet: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the end of its reply has been pushed."""
        self.running = False
        self._replace = replace
        self._on_text = on_text
        self._tool_choice = tool_choice
        self._work: asyncio.Task[BaseException | None] | None = None
        self._runs: list[ToolRun] = []
        self._open = False
        """Whether a reply was begun and not ended."""
        self._last: ToolRun | None = None
        """The tool that ends the turn."""
        self._closing = False
        """Whether that does so now: too late to interrupt."""
        self._over = False
        """Whether the model runs no more."""

    # -- its course ----

    def record(self) -> None:
        """Add its messages to the conversation."""
        conversation = self.stage.conversation
        if self._replace:
            conversation[:] = self.messages
        else:
            conversation.extend(self.messages)
        self.stage.changed(owed=self.wanted and self.audible)

    async def run(self) -> str:
        """Have the turn, and return the whole reply.

        Raises:
            ModelError: the model gave no whole reply; it was told by an error frame too.

        """
        self.record()
        if not self.wanted:
            return ""
        token = CURRENT_TURN.set(self)
        self.running = True
        try:
            error = await self._carry_out()
            await self._end_reply(incomplete=error is not None)
            if error is not None and not isinstance(error, ModelError):
                raise error
            self.stage.changed(owed=False)
            await self.stage.on_turn_ended(self.reply)
        finally:
            self.running = False
            CURRENT_TURN.reset(token)
        if error is not None:
            raise error
        return self.reply

    def interrupt(self) -> None:
        """End it here: what has been said stands, what is being said is over."""
        if self._closing or self.interrupted or self._work is None or self._work.done():
            return
        self.interrupted = True
        self._work.cancel()

    async def _carry_out(self) -> BaseException | None:
        """Do the work in a task that can be interrupted alone; return what it failed of."""
        runtime = self.stage.cell.runtime
        work = self._work = runtime.spawn(self._guarded(), contextvars.copy_context())
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            # The job was cancelled, or the worker's life ends.
            self.interrupted = True
            work.cancel()
            await asyncio.wait({work})
            if not self.audible:  # else the next life may have this reply anew: see `keeper.py`
                self.stage.changed()
            raise
        if work.cancelled():
            self.interrupted = True
            return None
        error = work.exception() or work.result()
        if isinstance(error, ModelError) and self.audible:
            await self.stage.emit(ErrorFrame(str(error)), Direction.UP)
        return error

    async def _guarded(self) -> BaseException | None:
        """Keep a KeyboardInterrupt or SystemExit from tearing down the loop; return it."""
        try:
            await self._rounds()
        except (KeyboardInterrupt, SystemExit) as error:
            return error
        return None

    async def _rounds(self) -> None:
        most = self.stage.max_rounds
        for number in itertools.count(1):
            choice = "none" if number > most else self._tool_choice if number == 1 else None
            calls = await self._run_model(choice)
            if not calls:
                return
            if number > most:
                raise TooManyRounds(f"the model called tools in {number} rounds, and still does")
            if not await self._run_tools(calls):
                return

    # -- the model ----

    async def _run_model(self, tool_choice: Any) -> list[ToolCall]:
        """Run the model once; return the tools that it calls."""
        stage = self.stage
        await self._begin_reply()
        said: list[str] = []
        calls: list[ToolCall] = []
        finished = False
        stream = stage.model.respond(stage.prompt(), stage.schemas(), tool_choice=tool_choice)
        try:
            async for event in stream:
                match event:
                    case TextPiece(text):
                        await self._say(text, first=not said)
                        said.append(text)
                    case ToolCall():
                        calls.append(event)
                    case Finished():
                        finished = True
        except BaseException:
            stage.conversation.assistant("".join(said))
            raise
        finally:
            await _close(stream)
        if not finished:
            stage.conversation.assistant("".join(said))
            raise StreamBroken
        stage.conversation.assistant("".join(said), calls)
        stage.changed(owed=self.audible)
        return calls

    async def _say(self, text: str, *, first: bool) -> None:
        if not text:
            return
        if first and self.reply and not (self.reply[-1].isspace() or text[0].isspace()):
            text = f" {text}"  # the words of two rounds are not one word
        if self.audible:
            await self.stage.emit(ReplyTextFrame(text))
        if self._on_text is not None:
            await self._on_text(text)
        self.reply += text

    async def _begin_reply(self) -> None:
        if self._open:
            return
        self._open = True
        if self.quiet.done():
            self.quiet = asyncio.get_running_loop().create_future()
        await self._show(ReplyStartFrame())

    async def _end_reply(self, *, incomplete: bool = False) -> None:
        if self._open:
            self._open = False
            await self._show(ReplyEndFrame(interrupted=self.interrupted or incomplete))
        if not self.quiet.done():
            self.quiet.set_result(None)

    async def _show(self, frame: Frame) -> None:
        if self.audible:
            await self.stage.emit(frame)

    # -- its tools ----

    async def _run_tools(self, calls: Sequence[ToolCall]) -> bool:
        """Run these tools at once; return whether the model is to run again."""
        stage = self.stage
        runs = self._runs = [stage.tool_run(call) for call in calls]
        announced: list[ToolRun] = []
        try:
            for run in runs:
                await self._show(ToolCallFrame(run.call.name, run.call.id, run.arguments))
                announced.append(run)
                run.begin(stage.worker, stage.cell, self._tool_ended)
            waiting = {run.over: run for run in runs}
            while waiting:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for over in [each for each in waiting if each.done()]:
                    await self.show_result(waiting.pop(over))
        except asyncio.CancelledError:
            for run in runs:
                if run.outlives_interruption:
                    stage.see_off(self, run)
                else:
                    run.cancel("it was interrupted")
                    if not run.begun:
                        self._tool_ended(run)
            for run in announced:
                if run.outcome is not None:  # whoever was told that it began is told of its end
                    await self.show_result(run)
            raise
        await stage.release()
        return not self._over and any(run.outcome is None or run.outcome.run for run in runs)

    def _tool_ended(self, run: ToolRun) -> None:
        outcome = run.outcome
        assert outcome is not None, "a tool that has ended has an outcome"
        if not (run is self._last and outcome.value is None and not outcome.error):
            self.stage.conversation.result(run.call.id, outcome.content)
        if self.stage.cell.running or not outcome.error:  # at the end of a life tools are torn off
            self.stage.changed(owed=self.audible and self.running)

    async def show_result(self, run: ToolRun) -> None:
        """Push what became of a tool, once."""
        outcome = run.outcome or Outcome()
        if run.shown:
            return
        run.shown = True
        name, call_id = run.call.name, run.call.id
        await self._show(ToolResultFrame(name, call_id, outcome.plain, outcome.error))

    async def end_by(
        self,
        run: ToolRun,
        act: Callable[[], Awaitable[None]],
        note: str,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """End the turn from one of its tools: what was said goes out, then `act`; no model runs.

        The tool's result is `note`. If `act` raises, or `ready` before it, so does this, and the
        turn goes on.

        Raises:
            CallboardError: another tool ends the turn already.

        """
        if self._last is not None:
            raise CallboardError(f"the tool {self._last.call.name!r} ends this turn already")
        self._last = run
        run.held_back = True
        try:
            others = [each.over for each in self._runs if each is not run]
            if others:
                await asyncio.wait(others)
            if ready is not None:
                await ready()
            self._closing = True
            self.stage.conversation.result(run.call.id, note)
            run.shown = True
            await self._show(ToolResultFrame(run.call.name, run.call.id, note))
            await self.stage.release(but=run)
            await self._end_reply()
            await act()
        except BaseException:
            self._closing = run.shown = run.held_back = False
            self._last = None
            raise
        self._over = True


async def _close(stream: AsyncIterator[ModelEvent]) -> None:
    """Close a model's stream; a model may be no generator, and have nothing to close."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
