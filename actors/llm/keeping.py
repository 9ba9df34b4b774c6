"""A worker's side of its `ConversationKeeper`: tells it what changes, and gets it back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..worker import Worker
from .activation import LLMActivationArgs
from .conversation import Conversation
from .keeper import Forget, Kept, Recall, Remember
from .model import ChatMessage

__all__ = ["RECALL_WITHIN", "Keeping", "opening_of"]

RECALL_WITHIN = 5.0
"""Seconds in which the keeper must give a worker its conversation back."""


def opening_of(args: Any) -> str:
    """Return what stands for the arguments of an activation: the same for the same ones."""
    taken = LLMActivationArgs.of(args)
    plain = [taken.messages, taken.run] if taken is not None else args
    text = json.dumps(plain, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


class Keeping:
    """One worker's side of its keeper, in one incarnation."""

    def __init__(self, worker: Worker, keeper: str, conversation: Conversation) -> None:
        """Have this conversation kept by the worker called `keeper`."""
        self._worker = worker
        self._keeper = keeper
        self._conversation = conversation
        self._known: list[ChatMessage] = []
        """What the keeper knows of it."""
        self._state = ("", "", False)
        """Activation, opening and owed, as the keeper knows them."""
        self._kept = Kept()

    async def recall(self) -> None:
        """Get the conversation back, as it was when the last life ended.

        Raises:
            NotReady, JobError: there is no keeper in time, here or elsewhere; or it did not answer.

        """
        recall = Recall(self._worker.name)
        self._kept = await self._worker.request(self._keeper, recall, timeout=RECALL_WITHIN)
        self._conversation[:] = self._kept.messages
        self._conversation.give_up(f"{self._worker.name!r} was restarted while it ran")
        self._known = list(self._kept.messages)
        self._state = (self._kept.activation, self._kept.opening, self._kept.owed)

    def goes_on(self, activation: str, opening: str) -> bool:
        """Whether this activation is the one in which the last life ended.

        Its messages have been added then. It is the same one, or, where the whole node was lost,
        one with the same arguments.
        """
        kept = self._kept
        return bool(kept.activation) and (kept.activation == activation or kept.opening == opening)

    @property
    def owes_reply(self) -> bool:
        """Whether the last life ended in a reply that is to be had now.

        Only once: if this life ends in the same reply, that may be the cause.
        """
        return self._kept.owed and not self._kept.recalled and self._conversation.awaits_reply

    def changed(self, activation: str, opening: str, *, owed: bool) -> None:
        """Tell the keeper what has changed since it was told last."""
        known, messages = self._known, self._conversation
        shorter = min(len(known), len(messages))
        start = next((n for n in range(shorter) if known[n] is not messages[n]), shorter)
        state = (activation, opening, owed)
        if start == len(messages) == len(known) and state == self._state:
            return
        self._known, self._state = list(messages), state
        name, new = self._worker.name, messages[start:]
        self._worker.tell(self._keeper, Remember(name, start, new, activation, opening, owed))

    def forget(self) -> None:
        """Have the keeper forget the conversation."""
        self._known, self._state = [], ("", "", False)
        self._worker.tell(self._keeper, Forget(self._worker.name))
