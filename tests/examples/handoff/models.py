"""Models for an OpenAI-compatible server, which has greeter and support ask the same one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from callboard.actors.llm import (
    Call,
    ChatMessage,
    Model,
    ModelEvent,
    Scene,
    ScriptedModel,
    ToolSchema,
    after,
    when,
)
from callboard.examples.handoff.cast import NAMES
from callboard.examples.handoff.greeter_script import greeter_script
from callboard.examples.handoff.support_script import support_script

__all__ = ["ByInstructions", "scripts", "tagged"]


class ByInstructions:
    """Replies by the model of the worker whose instructions it is given."""

    def __init__(self, **models: Model) -> None:
        self._models = models

    async def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        told = Scene(messages).instructions.partition(".")[0]
        (model,) = (each for name, each in self._models.items() if name in told)
        async for event in model.respond(messages, tools, tool_choice=tool_choice):
            yield event


def scripts() -> ByInstructions:
    """What they say offline."""
    return ByInstructions(greeter=greeter_script(), support=support_script())


def tagged(name: str, *, pace: float = 0.01) -> ScriptedModel:
    """A model whose words name their speaker, to find out whose they really are."""
    words = " ".join(f"{name}{number}" for number in range(12))
    other = NAMES[1 - NAMES.index(name)]
    return ScriptedModel(
        after("transfer", words, failed=True),
        when("^switch", words, Call("transfer", worker=other, reason="the user said so")),
        otherwise=words,
        delay=pace,
        pace=pace,
    )
