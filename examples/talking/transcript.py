"""Transcript: what was said, kept by the main worker, so that an assistant that is new knows it.

Pure: facts in, messages out. Words that were sent to an assistant belong to it at once; those that
wait because there is none belong to it once the next one has them. A reply belongs to it when it
has ended: of one that was cut off by a loss nothing stays, and the next assistant replies anew.
"""

from __future__ import annotations

from collections import deque

from callboard.actors.llm.model import ChatMessage

__all__ = ["Transcript"]

KEPT = 200
"""Messages that are kept; the oldest leave."""


class Transcript:
    """One conversation, as the user's side knows it."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._messages: deque[ChatMessage] = deque(maxlen=KEPT)
        self._waiting: list[str] = []
        self._reply = ""

    def said(self, text: str, *, sent: bool) -> None:
        """Note the user's words; `sent`: somebody was there to hear them."""
        if sent:
            self._messages.append({"role": "user", "content": text})
        else:
            self._waiting.append(text)

    def heard(self, text: str) -> None:
        """Note some words of a reply."""
        self._reply += text

    def replied(self) -> None:
        """Note that the reply has ended, or that the user has interrupted it."""
        reply, self._reply = self._reply, ""
        if reply:
            self._messages.append({"role": "assistant", "content": reply})

    def lost(self) -> None:
        """Note that the assistant was lost: what it was saying does not count."""
        self._reply = ""

    def found(self) -> None:
        """Note that one is there, and gets the words that had waited."""
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self.said(text, sent=True)

    @property
    def messages(self) -> list[ChatMessage]:
        """What an assistant that is new has to know."""
        return list(self._messages)

    @property
    def owes_reply(self) -> bool:
        """Whether the last words are the user's, or wait to be heard."""
        last = self._messages[-1] if self._messages else {}
        return bool(self._waiting) or last.get("role") == "user"
