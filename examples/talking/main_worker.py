"""MainWorker: owns a session's input, output and the bridge between them, and is no talker itself.

    input → … → bridge (to whoever has the floor) → … → output

It activates the first worker as soon as that is ready, and one that had the floor again when it
comes back from another node that was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from callboard import (
    CallboardError,
    DataMessage,
    SystemMessage,
    WorkerDown,
    WorkerReady,
    WorkerRestarted,
    on,
)
from callboard.actors.frames.bridge import Bridge
from callboard.actors.frames.frame import (
    Direction,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    ProgressFrame,
    ReplyEndFrame,
    ReplyStartFrame,
    SpeakFrame,
    SpokenTextFrame,
    TextFrame,
    ToolCallFrame,
    ToolResultFrame,
    TranscriptionFrame,
)
from callboard.actors.frames.pipeline import Stage
from callboard.examples.talking.cards import CardWorker
from callboard.examples.talking.events import (
    FloorChanged,
    JobProgress,
    PageCommanded,
    ReplyBegan,
    ReplyEnded,
    ReplyPiece,
    ToolCalled,
    ToolEnded,
    Trouble,
    UserSaid,
    WorkerBack,
    WorkerLost,
)
from callboard.examples.talking.example import Example, Notes, Show
from callboard.examples.talking.page_frames import (
    CommandFrame,
    PageFrame,
    SnapshotFrame,
)

__all__ = ["FromPage", "Interrupt", "MainWorker", "Say"]


class Say(DataMessage):
    """The user says something."""

    text: str
    interrupt: bool = False
    """Whether it interrupts what is being said."""


class Interrupt(SystemMessage):
    """The user has heard enough."""


class FromPage(DataMessage):
    """The page says something: a frame for who has the floor."""

    frame: PageFrame


class Input(Stage):
    """The first stage: what comes up to it is trouble, or of no interest."""

    async def process(self, frame: Frame, direction: Direction) -> None:
        if direction is Direction.DOWN:
            await self.push(frame)
            return
        worker = self.worker
        if isinstance(frame, ErrorFrame) and isinstance(worker, MainWorker):
            worker.show(Trouble(frame.error))


class Output(Stage):
    """The last stage: tells the session what comes to it."""

    async def process(self, frame: Frame, direction: Direction) -> None:
        worker = self.worker
        if direction is Direction.DOWN and isinstance(worker, MainWorker):
            worker.heard(frame)
        await self.push(frame, direction)


class MainWorker(CardWorker):
    """Input, output and the bridge; an example may put stages between them."""

    def __init__(self, example: Example, notes: Notes) -> None:
        """Be the main worker of a session of this example; the notes are the session's."""
        super().__init__(notes)
        self.example = example
        self.show: Show = notes.show
        """Tells the session what happens."""
        self.speaker: str | None = None
        """Who is heard now."""
        self._replying = False
        self._noted: set[str] = set()
        """The workers whose end is watched."""

    # -- for examples ----

    def stages_in(self) -> Sequence[Stage]:
        """Return the stages between input and bridge, as those that turn speech into text."""
        return ()

    def stages_out(self) -> Sequence[Stage]:
        """Return the stages between bridge and output, as those that turn text into speech."""
        return ()

    def opening(self, worker: str, again: bool) -> Any:
        """Return what a worker is activated with: the first, or one that has come back."""
        return self.example.opening

    # -- the pipeline ----

    def build_pipeline(self) -> Sequence[Stage]:
        """Return input, bridge and output, with the example's stages between them."""
        bridge = Bridge(exclusive=True)
        return [Input(), *self.stages_in(), bridge, *self.stages_out(), Output()]

    def on_start(self) -> None:
        """Watch the workers that talk."""
        super().on_start()
        self.watch_workers(*self.example.watched)

    @on(Say)
    async def user_said(self, message: Say) -> None:
        """Let the user's words in."""
        if message.interrupt and self._replying:
            await self.queue_frame(InterruptionFrame())
        self.show(UserSaid(message.text))
        await self.queue_frame(TranscriptionFrame(message.text, user="user"))

    @on(Interrupt)
    async def user_interrupted(self, message: Interrupt) -> None:
        """Have the speaker be silent."""
        await self.queue_frame(InterruptionFrame())

    @on(FromPage)
    async def page_said(self, message: FromPage) -> None:
        """Let what the page says in, and remember what it looks like for the next speaker."""
        if isinstance(message.frame, SnapshotFrame):
            self.notes.snapshot = message.frame
            if self.speaker is None:
                return  # who is to speak gets it with the floor
        await self.queue_frame(message.frame)

    # -- what is heard ----

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        """Take note of who is heard from now on; what was said before has been shown."""
        self._end_reply(interrupted=True)
        self.speaker = worker
        if worker is None:
            self.show(FloorChanged(None, self.notes.last))
            return
        self.show(FloorChanged(worker, self.notes.last))
        self.notes.last = self.notes.wanted = worker
        self.notes.missing.discard(worker)
        if self.notes.snapshot is not None:
            await self.queue_frame(self.notes.snapshot)

    def heard(self, frame: Frame) -> None:
        """Tell the session of a frame that has reached the output."""
        speaker = self.speaker or self.notes.last or ""
        match frame:
            case ReplyStartFrame():
                self._begin_reply(speaker)
            case ReplyEndFrame(interrupted=interrupted):
                self._end_reply(interrupted=interrupted)
            case TextFrame(text=text):
                self._piece(
                    speaker, text, frame.voice if isinstance(frame, SpokenTextFrame) else ""
                )
            case SpeakFrame(text=text):
                self._piece(speaker, text, "")
            case ToolCallFrame(name=name, call_id=call_id, arguments=arguments):
                self.show(ToolCalled(speaker, name, call_id, arguments))
            case ToolResultFrame(name=name, call_id=call_id, result=result, error=error):
                self.show(ToolEnded(speaker, name, call_id, result, error))
            case ProgressFrame(worker=worker, job=job, text=text, status=status, job_id=job_id):
                self.show(JobProgress(worker, job, text, status, job_id))
            case CommandFrame(command=command, action=action, ref=ref, value=value):
                self.show(PageCommanded(command, action, ref, value))
            case _:
                pass

    def _begin_reply(self, speaker: str) -> None:
        self._end_reply(interrupted=True)
        self._replying = True
        self.show(ReplyBegan(speaker))

    def _end_reply(self, *, interrupted: bool) -> None:
        if self._replying:
            self._replying = False
            self.show(ReplyEnded(self.speaker or self.notes.last or "", interrupted))

    def _piece(self, speaker: str, text: str, voice: str) -> None:
        """Show some words; those of a worker that is no model are a reply by themselves."""
        alone = not self._replying
        if alone:
            self._begin_reply(speaker)
        self.show(ReplyPiece(speaker, text, voice))
        if alone:
            self._end_reply(interrupted=False)

    # -- who is there ----

    async def on_worker_ready(self, data: WorkerReady) -> None:
        """Activate who is wanted, and watch its end."""
        name = data.worker
        if name not in self._noted:
            self._noted.add(name)
            self.monitor(self.ref(name))
        self.show(WorkerBack(name))
        if name == self.notes.wanted and name in self.notes.missing:
            await self._bring_on(name)

    @on(WorkerRestarted)
    def worker_restarted(self, fact: WorkerRestarted) -> None:
        """Take note that a worker has begun anew: what it was saying is over."""
        self.owner_lost(fact.worker.name)
        if fact.worker.name == self.speaker:
            self._end_reply(interrupted=True)

    @on(WorkerDown)
    def worker_down(self, fact: WorkerDown) -> None:
        """Take note that a worker is gone for good, and have it activated if it comes back."""
        name = fact.worker.name
        self._noted.discard(name)
        self.notes.missing.add(name)
        self.owner_lost(name)
        if name == self.speaker:
            self._end_reply(interrupted=True)
        self.show(WorkerLost(name, str(fact.reason or "it is not there")))

    async def _bring_on(self, name: str) -> None:
        try:
            await self.activate(name, self.opening(name, again=self.notes.last is not None))
        except CallboardError as error:
            # It is tried again when the worker is ready again.
            self.notes.missing.add(name)
            self.show(Trouble(f"{name} cannot begin: {error}"))
