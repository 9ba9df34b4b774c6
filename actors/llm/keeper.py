"""A worker that keeps the conversations of others: a restart of theirs then costs none of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from ..handlers import job, on
from ..jobs.messages import JobMessage
from ..message import DataMessage
from ..wire import wire
from ..worker import Worker

__all__ = ["ConversationKeeper", "Forget", "Kept", "Recall", "Remember"]

KEPT = 1000
"""Conversations that one keeper keeps; those that nobody has touched for longest leave."""


class Remember(DataMessage, wire="callboard.llm-remember"):
    """Keep these messages, in place of those from number `start` on."""

    worker: str
    start: int
    messages: list[Any]
    activation: str = ""
    """The worker's activation: a later life of it goes on with the same one. Empty: inactive."""
    opening: str = ""
    """Stands for what it was activated with: a later life may be activated anew with the same."""
    owed: bool = False
    """Whether a reply is under way that somebody waits to hear."""


class Forget(DataMessage, wire="callboard.llm-forget"):
    """Keep the conversation of this worker no longer."""

    worker: str


@wire("callboard.llm-kept")
@dataclass(frozen=True)
class Kept:
    """A conversation as it was kept; empty if there is none."""

    messages: list[Any] = field(default_factory=list[Any])
    activation: str = ""
    opening: str = ""
    owed: bool = False
    recalled: int = 0
    """How often it was asked for since it last changed, this time not counted."""


class Recall(JobMessage[Kept], wire="callboard.llm-recall"):
    """Answer with the conversation of this worker; a job, as it waits for a keeper elsewhere."""

    worker: str


@dataclass
class Entry:
    """One conversation."""

    messages: list[Any] = field(default_factory=list[Any])
    activation: str = ""
    opening: str = ""
    owed: bool = False
    recalled: int = 0


class ConversationKeeper(Worker):
    """Keeps the conversations of the `LLMWorker`s that name it as their `keeper`.

    Put it before them, under the same supervisor or on another node: what it keeps lasts as long as
    it does itself. A worker that is killed in mid-conversation, alone or with its process, gets it
    back when it is started again.
    """

    def __init__(self, limit: int = KEPT) -> None:
        """Keep up to `limit` conversations."""
        self.limit = limit
        self._kept: OrderedDict[str, Entry] = OrderedDict()

    @on(Remember)
    def remember(self, message: Remember) -> None:
        """Keep what a worker says of its conversation."""
        entry = self._kept.setdefault(message.worker, Entry())
        self._kept.move_to_end(message.worker)
        entry.messages[message.start :] = message.messages
        entry.activation, entry.opening = message.activation, message.opening
        entry.owed = message.owed
        entry.recalled = 0
        while len(self._kept) > self.limit:
            self._kept.popitem(last=False)

    @job(Recall)
    def recall(self, message: Recall) -> Kept:
        """Give a worker its conversation back."""
        entry = self._kept.get(message.worker)
        if entry is None:
            return Kept()
        entry.recalled += 1
        messages, recalled = list(entry.messages), entry.recalled - 1
        return Kept(messages, entry.activation, entry.opening, entry.owed, recalled)

    @on(Forget)
    def forget(self, message: Forget) -> None:
        """Keep a conversation no longer."""
        self._kept.pop(message.worker, None)
