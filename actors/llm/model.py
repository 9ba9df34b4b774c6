"""The protocol of a language model: a conversation in, words and tool calls out, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

__all__ = [
    "ChatMessage",
    "Finished",
    "Model",
    "ModelEvent",
    "TextPiece",
    "ToolCall",
    "ToolSchema",
    "Usage",
]

ChatMessage: TypeAlias = "dict[str, Any]"
"""One message of a conversation, in the shape of OpenAI's chat API: `role` and `content`, the
`tool_calls` of an assistant, the `tool_call_id` of a result."""


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """What a model is told of a tool."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    """A JSON schema of the arguments: always an object."""

    def as_openai(self) -> dict[str, Any]:
        """Return it in the shape of OpenAI's chat API."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Some words of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    id: str
    name: str
    arguments: str = "{}"
    """JSON, as the model wrote it; nobody has checked it yet."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took, in tokens as the model counts them."""

    prompt: int = 0
    reply: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is complete; nothing follows. A stream that ends without it was broken."""

    reason: str = "stop"
    """stop, tool_calls or length, or a word of the model's own."""
    usage: Usage | None = None


ModelEvent: TypeAlias = "TextPiece | ToolCall | Finished"
"""What a run of a model gives."""


class Model(Protocol):
    """A language model."""

    def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        """Reply to a conversation, once; best written as an async generator.

        The words come as the model writes them, its tool calls when they are complete, and
        `Finished` last. `tools` is None where the model is offered none. `tool_choice` is None for
        the model's own default, `"none"` where it must not call any, `"auto"`, `"required"`, or
        what else the model knows. Who reads closes the iterator (`aclose`), perhaps early: then
        the model is to stop at once.

        Raises:
            ModelError: there is no reply, or no whole one; the subclass says why.

        """
        ...
