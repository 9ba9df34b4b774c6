"""Session: one conversation on a node of its own; text goes in, events come out.

    async with Session(example) as session:
        await session.say("Hello")
        await session.settled()
        await session.end()
        async for event in session:
            print(event)

Several sessions may live in one process and know nothing of each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from callboard import CallboardError, Child, MailboxFull, Node, Subscription
from callboard.examples.talking.cards import CancelCard
from callboard.examples.talking.events import (
    FloorChanged,
    ReplyBegan,
    ReplyEnded,
    ReplyPiece,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    ToolCalled,
    ToolEnded,
    Trouble,
    WorkerAwaited,
    WorkerBack,
    WorkerLost,
)
from callboard.examples.talking.example import Example, Notes
from callboard.examples.talking.main_worker import (
    FromPage,
    Interrupt,
    MainWorker,
    Say,
)
from callboard.examples.talking.page_frames import PageFrame
from callboard.examples.talking.quiet import Quiet

__all__ = ["Session", "SessionOver"]

MAIN = "main"
"""The name of the main worker."""

UNREAD = 10_000
"""Events that wait to be read; a session whose reader is further behind is ended."""

THERE_WITHIN = 3.0
"""Seconds after which the user is told that nobody is there to talk to."""

END_WITHIN = 5.0
"""Seconds that the end of a session may take before it is a kill."""


class SessionOver(RuntimeError):
    """The session has ended: nothing can be said in it any more."""


class Session:
    """One conversation: a node with a main worker and those of the example."""

    def __init__(self, example: Example, *, name: str | None = None) -> None:
        """Prepare a session; nothing runs before it is entered. `name` is that of its node."""
        self.example = example
        notes = Notes(self._show, example.first, {example.first})
        main = functools.partial(example.main or MainWorker, example, notes)
        workers = [*example.workers, Child(MAIN, main)]
        self.node = Node(
            lambda: example.tree(workers),
            name=name or example.node,
            transports=example.transports(),
            watchdog=False,
            handle_signals=False,
            stop_within=END_WITHIN,
        )
        self.quiet = Quiet()
        """What is still to come."""
        self.ended: SessionEnded | None = None
        """How it has ended."""
        self._events: deque[SessionEvent] = deque()
        self._moved = asyncio.Event()
        self._over = asyncio.Event()
        self._lost: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._reason = ""

    def __repr__(self) -> str:
        """Show the example and the node."""
        return f"<Session {self.example.title!r} on {self.node.name}>"

    # -- life ----

    async def __aenter__(self) -> Self:
        """Start the node.

        Raises:
            StartFailed, SpecError: as from `Node.start`.

        """
        example = self.example
        self._show(SessionBegan(example.title, example.about, tuple(example.script), example.app))
        await self.node.start()
        events = self.node.events.subscribe()  # at once: it may be ending already
        self._tasks = [
            asyncio.create_task(self._watch(events)),
            asyncio.create_task(self._run()),
            asyncio.create_task(self._await_first()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the session, and wait until nothing of it is left."""
        await self.end("the session was left")

    async def end(self, reason: str = "") -> None:
        """End it in order; return when nothing of it is left."""
        self._reason = self._reason or reason
        await self.node.stop(reason or "the session has ended")
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        """Run until the node has ended: it was told to, a tool drained it, or the tree failed."""
        try:
            await self.node.run()
        except CallboardError as error:
            self._finish(SessionEnded(str(error.__cause__ or error), failed=True))
        else:
            self._finish(SessionEnded(self._reason or "the conversation has ended"))

    async def _await_first(self) -> None:
        """Tell the user where nobody is there to talk to."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(THERE_WITHIN):
                await self._over.wait()
        if self.ended is None and self.quiet.is_lonely:
            self._show(WorkerAwaited(self.example.first))

    def _finish(self, end: SessionEnded) -> None:
        self.ended = end
        if self.quiet.speaking is not None:
            self._show(ReplyEnded(self.quiet.speaking, interrupted=True))
        self._show(end)
        self._over.set()

    async def _watch(self, subscription: Subscription) -> None:
        """Tell of workers of this node that fail, until the node has ended."""
        names = set(self.example.watched)
        try:
            async for event in subscription:
                if event.kind == "node_stopped" and event.path == self.node.name:
                    return
                worker = event.path.rpartition("/")[2]
                if event.kind in ("failed", "killed") and worker in {*names, MAIN}:
                    self._show(WorkerLost(worker, str(event.reason)))
                elif event.kind == "started" and worker == MAIN:
                    self._show(WorkerBack(MAIN))
        finally:
            subscription.close()

    async def over(self) -> None:
        """Wait until the session has ended, by whatever cause."""
        await self._over.wait()

    # -- in ----

    async def say(self, text: str, *, interrupt: bool = False) -> None:
        """Say something to whoever has the floor; with `interrupt`, they are silent first.

        Raises:
            SessionOver: it has ended.

        """
        self.quiet.said()
        await self._send(Say(text, interrupt))

    async def interrupt(self) -> None:
        """Have whoever speaks be silent.

        Raises:
            SessionOver: it has ended.

        """
        self.quiet.interrupted()
        await self._send(Interrupt())

    async def cancel(self, card: str) -> None:
        """Have the job of a card cancelled.

        Raises:
            SessionOver: it has ended.

        """
        await self._send(CancelCard(card))

    async def from_page(self, frame: PageFrame) -> None:
        """Hand on what the page says.

        Raises:
            SessionOver: it has ended.

        """
        await self._send(FromPage(frame))

    async def _send(self, message: object) -> None:
        if self.ended is not None:
            raise SessionOver(f"the session has ended: {self.ended.reason}")
        if self.node.state != "running":
            raise SessionOver(f"the session is {self.node.state}")
        try:
            self.node.tell(MAIN, message)
        except MailboxFull:
            self._show(Trouble("too much at once: that was not taken in"))
        except CallboardError as error:
            raise SessionOver(f"the session is ending: {error}") from None

    # -- out ----

    @property
    def unread(self) -> list[SessionEvent]:
        """What the reader has not taken yet."""
        return list(self._events)

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Go over the events, from the first to `SessionEnded`. For one reader."""
        while True:
            while self._events:
                event = self._events.popleft()
                yield event
                if isinstance(event, SessionEnded):
                    return
            self._moved.clear()
            await self._moved.wait()

    async def settled(self, within: float | None = None) -> bool:
        """Wait until all that was said is answered, or the session has ended.

        Returns whether it is: False where `within` seconds were not enough.
        """
        loop = asyncio.get_running_loop()
        deadline = None if within is None else loop.time() + within
        while self.ended is None and (self.node.state != "running" or not self.quiet):
            left = math.inf if deadline is None else deadline - loop.time()
            if left <= 0:
                return False
            patience = self.quiet.patience or math.inf
            limit = min(left, patience)
            self._moved.clear()
            try:
                async with asyncio.timeout(None if limit == math.inf else limit):
                    await self._moved.wait()
            except TimeoutError:
                if patience <= left:
                    self.quiet.failed()
        return True

    def _show(self, event: SessionEvent) -> None:
        """Take what has happened; what nobody reads ends the session before it fills the memory."""
        if isinstance(event, WorkerLost | WorkerBack) and not self._is_news(event):
            return
        self._note(event)
        if len(self._events) < UNREAD or isinstance(event, SessionEnded):
            self._events.append(event)
        elif not self._reason:
            self._reason = "nobody reads what happens"
            self._tasks.append(asyncio.create_task(self.node.stop(self._reason)))
        self._moved.set()

    def _is_news(self, event: WorkerLost | WorkerBack) -> bool:
        """Whether a worker was there that is lost, or the other way round."""
        lost = event.worker in self._lost
        if isinstance(event, WorkerLost):
            self._lost.add(event.worker)
            return not lost and not self._reason
        self._lost.discard(event.worker)
        return lost

    def _is_heard(self, worker: str) -> bool:
        """Whether the answer is lost with a worker: not with one that works for the speaker."""
        return worker == MAIN or self.quiet.is_lonely or worker == self.quiet.heard

    def _note(self, event: SessionEvent) -> None:
        """Take note of what is still to come."""
        match event:
            case FloorChanged(speaker=speaker):
                self.quiet.floor(speaker)
            case ReplyBegan(speaker=speaker):
                self.quiet.began(speaker)
            case ReplyPiece():
                self.quiet.spoke()
            case ReplyEnded(interrupted=interrupted):
                self.quiet.ended(interrupted=interrupted)
            case ToolCalled(call_id=call_id):
                self.quiet.called(call_id)
            case ToolEnded(call_id=call_id):
                self.quiet.returned(call_id)
            case Trouble():
                self.quiet.failed()
            case WorkerLost(worker=worker) if self._is_heard(worker):
                self.quiet.failed()
            case WorkerBack(worker=worker) if self._is_heard(worker):
                self.quiet.back()
            case _:
                pass
