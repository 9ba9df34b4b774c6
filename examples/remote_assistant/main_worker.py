"""The main worker of the client: it tells why it cannot connect, and remembers what was said."""

from __future__ import annotations

from types import TracebackType

from callboard import LocalMessage, WorkerReady, on
from callboard.actors.llm.worker import LLMActivationArgs
from callboard.examples.remote_assistant.script import GREET, RETURN
from callboard.examples.talking.events import WorkerBack, WorkerLost
from callboard.examples.talking.example import Example, Notes
from callboard.examples.talking.remembering import RememberingMain
from callboard.transports.websocket import WebSocketProxyClient

__all__ = ["Connection", "NotConnected", "RemoteMain"]

CONNECTION = "the connection"
"""What the user is told is lost, where there is no assistant because of it."""


class NotConnected(LocalMessage):
    """There is no connection to the assistant's server."""

    problem: str


class Connection(WebSocketProxyClient):
    """A proxy's client that tells its main worker why it is not connected."""

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Tell it, and disconnect; the next incarnation connects again."""
        self.tell(self.workers.local, NotConnected(str(exception_value)))
        await super().on_failure(exception_type, exception_value, traceback)


class RemoteMain(RememberingMain):
    """Has one assistant after another, each of which knows what was said to the one before."""

    def __init__(self, example: Example, notes: Notes) -> None:
        """Be the main worker of a session of this example."""
        super().__init__(example, notes)
        self._there = False
        """Whether the assistant is there. A short outage of the connection does not matter."""

    def opening(self, worker: str, again: bool) -> LLMActivationArgs:
        """Have it greet; one that comes later gets the conversation, and the reply that is owed."""
        before = self.transcript.messages
        if not again:
            return LLMActivationArgs([{"role": "user", "content": GREET}])
        if self.transcript.owes_reply:
            # Words that wait come by themselves: to those the model replies then.
            answered = not before or before[-1]["role"] != "user"
            return LLMActivationArgs(before, run=not answered)
        return LLMActivationArgs([*before, {"role": "user", "content": RETURN}])

    @on(NotConnected)
    def not_connected(self, message: NotConnected) -> None:
        """Tell the user, if there is nobody to talk to for that reason."""
        if not self._there:
            self.show(WorkerLost(CONNECTION, message.problem))

    async def on_worker_ready(self, data: WorkerReady) -> None:
        """Take note that the assistant is there, and activate it."""
        self._there = True
        self.show(WorkerBack(CONNECTION))
        await super().on_worker_ready(data)

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        """Take note that the assistant is not there, where nobody is heard."""
        await super().on_floor_changed(bridge, worker)
        if worker is None:
            self._there = False
