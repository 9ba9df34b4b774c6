"""LLMWorker: a worker that talks by a language model, and acts by tools."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from ..activation import HANDOVER_WITHIN, Reserve
from ..errors import JobFailed, NotStarted, SpecError
from ..frames.frame import Direction, Frame, ProgressFrame, SpeakFrame
from ..frames.pipeline import Pipeline, Stage
from ..frames.pipelined import PipelineWorker
from ..handlers import job
from ..jobs.server import JobRequest
from ..reason import Reason
from .activation import LLMActivationArgs
from .conversation import Conversation, as_messages
from .errors import ModelError
from .keeping import Keeping, opening_of
from .model import ChatMessage, Model
from .stage import MAX_ROUNDS, LLMStage, require_placed
from .toolrun import CURRENT_RUN, turn_mark
from .tools import Tool, tools_of
from .turn import CURRENT_TURN, Turn

__all__ = ["LLMActivationArgs", "LLMWorker"]


NOTHING = object()
"""In place of the arguments of an activation: there was none in this life."""


class OwnStage(LLMStage):
    """The stage of an `LLMWorker`: what it asks for is the worker's."""

    def __init__(self, owner: LLMWorker, model: Model, tools: Mapping[str, Tool]) -> None:
        """Stand for this worker."""
        super().__init__(model, tools=owner.tools, max_rounds=owner.max_rounds)
        self._owner = owner
        for name, each in tools.items():
            self.tools[name] = dataclasses.replace(each, function=getattr(owner, name))

    def prompt(self) -> list[ChatMessage]:
        """Return what the model is shown."""
        self.instructions = self._owner.instructions
        return super().prompt()

    async def on_turn_ended(self, reply: str) -> None:
        """Tell the worker."""
        await self._owner.on_turn_ended(reply)

    def changed(self, *, owed: bool = False) -> None:
        """Tell the worker's keeper."""
        self._owner.conversation_changed(owed=owed)


class LLMWorker(PipelineWorker):
    """A worker that talks by a language model, and acts by its `@tool` methods.

        class Greeter(LLMWorker):
            bridged = ()
            instructions = "You greet people, and hand them over to support on request."

            @tool
            async def transfer(self, reason: str) -> None:
                '''Hand the user over to support.'''
                await self.hand_over("support", [{"role": "user", "content": reason}])

    It starts inactive. Activated with `LLMActivationArgs` it adds their messages and has its model
    run. While it is active it takes what is said on its bridges, one turn after another, and takes
    jobs: each is a turn of its own whose whole reply is the answer. A turn runs beside the mailbox,
    so that an interruption is heard; it ends the turn, and the conversation keeps what was said.

    A model's error ends the turn with an `ErrorFrame`, or fails the job; any other error in a turn
    that came by a frame fails the worker.
    """

    active = False

    model: Model | None = None
    """The model; it may be shared by workers and incarnations. See `build_model`."""

    instructions: str = ""
    """What the model is told before the conversation; read whenever it runs."""

    tools: Sequence[Callable[..., Any]] = ()
    """Functions that are offered besides the methods declared with `@tool`."""

    max_rounds: int = MAX_ROUNDS
    """Rounds of tools in one turn; then the model has to answer without any."""

    keeper: str | None = None
    """The name of a `ConversationKeeper`: a restart then costs nothing of the conversation."""

    own_tools: ClassVar[Mapping[str, Tool]] = {}
    """The methods declared with `@tool`, by name."""

    _llm_stage: OwnStage | None = None
    _keeping: Keeping | None = None
    _taken_args: Any = NOTHING
    """The arguments that were taken up last."""
    _opening: str = ""
    _handing_over: bool = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Collect the tools of the class.

        Raises:
            SpecError: a tool has no schema, or has a name that means something else here.

        """
        super().__init_subclass__(**keywords)
        cls.own_tools = tools_of(cls, LLMWorker)

    def __init__(self, model: Model | None = None) -> None:
        """Talk by this model; without one, by that of the class or of `build_model`."""
        if model is not None:
            self.model = model

    def build_model(self) -> Model:
        """Return the model, once in each incarnation; one that is built here is closed at its end.

        Raises:
            SpecError: the worker was given no model.

        """
        if self.model is None:
            raise SpecError(
                type(self).__qualname__, "model", "give it a model, or override build_model"
            )
        return self.model

    def build_pipeline(self) -> Pipeline | Sequence[Stage]:
        """Return the stages; an override has `self.llm` among them, and what the reply passes."""
        return [self.llm]

    @property
    def llm(self) -> LLMStage:
        """The stage of the model, made anew in each incarnation."""
        if self._llm_stage is None:
            self._llm_stage = OwnStage(self, self.build_model(), self.own_tools)
        return self._llm_stage

    @property
    def conversation(self) -> Conversation:
        """What has been said, over all turns and jobs; without the instructions."""
        return self.llm.conversation

    @property
    def tool_calls_active(self) -> int:
        """How many tool calls are running."""
        return self._llm_stage.tool_calls_active if self._llm_stage is not None else 0

    # -- hooks ----

    async def on_activated(self, args: Any) -> None:
        """Begin to be the active one; the messages of the arguments are added after this."""

    async def on_turn_ended(self, reply: str) -> None:
        """Take note of a turn that has ended, and of its whole reply, as far as it was said."""

    # -- what it does ----

    async def take_turn(self, said: Any, *, job: JobRequest | None = None) -> str:
        """Have a turn of its own, outside of frames, and return the whole reply.

        `said` is a text, `{"text": …}`, or messages. With a `job` the words are streamed to its
        caller as they come. For handlers of jobs; cancelled, it interrupts the turn.

        Raises:
            TypeError: nothing is said.
            Deadlock: it is called inside a turn.
            ModelError: the model gave no whole reply.

        """
        messages = as_messages(said)
        if job is None:
            return await self.llm.take_turn(messages)
        request = job

        async def stream(text: str) -> None:
            await request.stream(text)

        return await self.llm.take_turn(messages, on_text=stream)

    async def push_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Push a frame from the place of the model in the pipeline.

        From a tool it leaves once the last running tool has ended.
        """
        if isinstance(frame, SpeakFrame):
            self.llm.note_spoken(frame)
        if not self._hold_frame(frame, lambda: self.llm.emit(frame, direction)):
            await self.llm.emit(frame, direction)

    async def queue_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame into the pipeline, as for a `PipelineWorker`; from a tool as `push_frame`."""
        enter = super().queue_frame
        if not self._hold_frame(frame, lambda: enter(frame, direction)):
            await enter(frame, direction)

    async def progress(
        self, text: str, *, status: str = "running", job: str = "", job_id: str = ""
    ) -> None:
        """Tell the user how far a tool is, at once; in a job's turn, its caller.

        `job` names what is done: without it, the tool that calls.
        """
        run = CURRENT_RUN.get()
        turn = CURRENT_TURN.get()
        if turn is not None and turn.running and not turn.audible:
            with suppress(NotStarted):  # it is the turn of no job: there is nobody to tell
                await self.current_job.update(text)
            return
        name = job or (run.call.name if run is not None else "")
        await self.llm.emit(ProgressFrame(self.name, name, text, status, job_id))

    async def hand_over(
        self, worker: str, messages: Sequence[ChatMessage] = (), *, run: bool = True
    ) -> None:
        """Activate another worker in place of this one, with messages; for tools.

        What has been said goes out first, the tool's result is recorded, and the model does not run
        again. What a user has said meanwhile is handed over too. `run`: whether the other's model
        runs on the messages.

        Raises:
            NoActor, AskTimeout, ActorFailed: it did not take over: see `Worker.activate`. This one
                stays active. A tool that lets it pass gives the model the error.

        """
        given = list(messages)

        def args() -> LLMActivationArgs:
            waiting = [turn for turn in self.llm.waiting if turn.audible]
            said = [each for turn in waiting for each in turn.messages]
            return LLMActivationArgs([*given, *said], run or bool(said))

        await self._give_way(worker, args)

    async def end_session(self, reason: str = "the session has ended") -> None:
        """End the session: the last words go out, the model does not run again, the node drains.

        Raises:
            NotStarted: the worker stands on no node.

        """
        node = self.node

        async def drain() -> None:
            self.forget()
            await node.drain(reason)

        await self._end_turn(drain, "the session ends")

    def forget(self) -> None:
        """Forget the conversation, and have the keeper forget it."""
        self.conversation.clear()
        if self._keeping is not None:
            self._keeping.forget()

    async def activate(self, name: str, args: Any = None, *, deactivate_self: bool = False) -> None:
        """Activate a worker; see `Worker.activate`. In place of this one it ends the turn first."""
        if deactivate_self:
            await self._give_way(name, lambda: args)
        else:
            await super().activate(name, args)

    async def deactivate(self, name: str | None = None) -> None:
        """Deactivate a worker, or this one, whose turn ends first; see `Worker.deactivate`."""
        deactivate = super().deactivate
        if name is not None and name != self.name:
            await deactivate(name)
        else:
            await self._end_turn(lambda: deactivate(), "deactivated")

    # -- jobs ----

    @job()
    async def _do_job(self, request: JobRequest) -> str:
        """Have a turn for a job; its whole reply is the answer."""
        if turn_mark(self.name) in request.chain and self.llm.busy:
            raise JobFailed(f"a turn of {self.name!r} waits for this job, which waits for the turn")
        try:
            return await self.take_turn(request.payload, job=request)
        except TypeError as error:
            raise JobFailed(f"no job for {self.name!r}: {error}") from error
        except ModelError as error:
            raise JobFailed(str(error)) from error

    # -- the runtime's side ----

    def _before_activation(self) -> Coroutine[Any, Any, None] | None:
        return self._begin_talking(super()._before_activation())

    async def _begin_talking(self, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        require_placed(self.llm, self.name)
        if self.keeper is not None:
            self._keeping = Keeping(self, self.keeper, self.conversation)
            await self._keeping.recall()

    async def _fall_silent(self) -> None:
        await self.llm.fall_silent()

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook, and do what belongs to it here; for the runtime."""
        if hook == "on_activated":
            LLMActivationArgs.of(arguments[0])  # what does not fit is refused before all else
        await super().call_hook(hook, *arguments)
        if hook == "on_activated" and self.active:
            self._take_up(arguments[0])
        elif hook == "on_deactivated":
            self.conversation_changed()

    def _take_up(self, args: Any) -> None:
        """Add the messages of an activation, and have the model run, unless that is done."""
        again = self._handing_over and args is self._taken_args
        resumed, self._taken_args = self._taken_args is NOTHING, args
        if again:
            return  # nobody took over, and all is as it was
        keeping = self._keeping
        if keeping is not None:
            self._opening = opening_of(args)
            if resumed and keeping.goes_on(self._activation_word, self._opening):
                if keeping.owes_reply:
                    self.llm.begin(Turn(self.llm))
                return
        taken = LLMActivationArgs.of(args)
        if taken is not None:
            self.llm.begin(Turn(self.llm, taken.messages, run=taken.run))

    def conversation_changed(self, *, owed: bool = False) -> None:
        """Tell the keeper what has changed; after a change of your own, outside of turns."""
        if self._keeping is not None:
            self._keeping.changed(self._activation_word, self._opening, owed=owed)

    @property
    def _activation_word(self) -> str:
        """A word for the present activation, the same over a restart; empty while inactive."""
        return str(self._activation.stamp) if self.active else ""

    def _hold_frame(self, frame: Frame, let_go: Callable[[], Any]) -> bool:
        """Keep a frame of a tool until the last one has ended; whether it is kept, or dropped."""
        run = CURRENT_RUN.get()
        if run is None or not self.llm.runs(run):
            return False
        if run.given_up:
            self.count_lost()
            return True
        if not self.tool_calls_active:
            return False
        self.llm.hold(frame, let_go)
        return True

    async def _give_way(self, name: str, args: Callable[[], Any]) -> None:
        """Have another worker be active in place of this one."""
        other, activate = self.ref(name), super().activate

        async def ready() -> None:
            await other.ask(Reserve(), block=False, timeout=HANDOVER_WITHIN)

        async def act() -> None:
            self._handing_over = True
            try:
                await activate(name, args(), deactivate_self=True)
            except BaseException:
                self.llm.resume()
                raise
            finally:
                self._handing_over = False

        await self._end_turn(act, f"handed over to {name}", None if name == self.name else ready)

    async def _end_turn(
        self,
        act: Callable[[], Any],
        note: str,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Do what ends a turn: from one of its tools after its last words, else at once.

        `ready` raises if it cannot be done, while there are words to be said yet.
        """
        run, turn = CURRENT_RUN.get(), CURRENT_TURN.get()
        if run is None or turn is None or not run.running or not self.llm.runs(run):
            await act()
        else:
            await turn.end_by(run, act, note, ready)

    async def _end_pipeline(self, reason: Reason) -> None:
        try:
            await super()._end_pipeline(reason)
        finally:
            model: Any = self._llm_stage.model if self._llm_stage is not None else None
            if model is not self.model and hasattr(model, "aclose"):
                await model.aclose()
