"""The conversation: messages in the shape of OpenAI's chat API, well-formed at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from .model import ChatMessage, ToolCall

__all__ = ["RUNNING", "Conversation", "as_messages"]

RUNNING = json.dumps({"status": "running"})
"""The result of a tool that has not ended: a model is never shown a call without a result."""


class Conversation(list[ChatMessage]):
    """Messages, oldest first: a list, with words for what is added to it.

    Each tool call stands beside a result at once; that is replaced when the tool has ended. So it
    may be shown to a model at any moment. Replace a message to change it: one that is altered in
    place is not noticed.
    """

    def user(self, text: str) -> None:
        """Add what a user has said."""
        self.append({"role": "user", "content": text})

    def assistant(self, text: str, calls: Sequence[ToolCall] = ()) -> None:
        """Add what the model has said, and the tools it has called; nothing if that is nothing."""
        if not text and not calls:
            return
        message: ChatMessage = {"role": "assistant", "content": text or None}
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]
        self.append(message)
        self.extend({"role": "tool", "tool_call_id": call.id, "content": RUNNING} for call in calls)

    def result(self, call_id: str, content: str) -> bool:
        """Put in the result of a tool call; whether its place is still there."""
        for index in range(len(self) - 1, -1, -1):
            message = self[index]
            if message.get("role") == "tool" and message.get("tool_call_id") == call_id:
                self[index] = {**message, "content": content}
                return True
        return False

    def give_up(self, reason: str) -> None:
        """Have each call whose tool has not ended be a failed one: nothing will come of it."""
        for index, message in enumerate(self):
            if message.get("role") == "tool" and message.get("content") == RUNNING:
                self[index] = {**message, "content": json.dumps({"error": reason})}

    @property
    def awaits_reply(self) -> bool:
        """Whether the last word is not the assistant's."""
        return bool(self) and self[-1].get("role") != "assistant"


def as_messages(payload: Any) -> list[ChatMessage]:
    """Return what is said by a text, `{"text": …}`, `{"messages": […]}` or a list of messages.

    Raises:
        TypeError: it is none of these.

    """
    if isinstance(payload, Mapping):
        fields = cast("Mapping[str, Any]", payload)
        if "messages" in fields:
            return as_messages(cast("object", fields["messages"]))
        if len(fields) and isinstance(fields.get("text"), str):
            return [{"role": "user", "content": fields["text"]}]
        raise TypeError(f"there is neither 'text' nor 'messages' in {sorted(fields)}")
    if isinstance(payload, str):
        return [{"role": "user", "content": payload}]
    if isinstance(payload, list | tuple):
        messages = cast("Sequence[object]", payload)
        if all(isinstance(each, Mapping) for each in messages):
            return [dict(cast("Mapping[str, Any]", each)) for each in messages]
    raise TypeError(
        f"a text or messages are expected, not {type(cast('object', payload)).__name__}"
    )
