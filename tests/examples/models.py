"""Several models behind one name: who asks is known by its instructions."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from callboard.actors.llm import ChatMessage, Model, ModelEvent, ToolSchema

__all__ = ["ByInstructions"]


class ByInstructions:
    """A model that replies by the one whose words are in the instructions."""

    def __init__(self, *models: tuple[str, Model]) -> None:
        self._models = models

    def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        instructions = str(messages[0]["content"])
        model = next(model for words, model in self._models if words in instructions)
        return model.respond(messages, tools, tool_choice=tool_choice)
