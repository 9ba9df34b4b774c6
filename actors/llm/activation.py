"""What an `LLMWorker` is activated with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..wire import wire
from .conversation import as_messages

__all__ = ["LLMActivationArgs"]


@wire("callboard.llm-activation")
@dataclass(frozen=True)
class LLMActivationArgs:
    """What an `LLMWorker` is activated with: messages for its conversation."""

    messages: list[Any]
    run: bool = True
    """Whether the model runs on them."""

    def __post_init__(self) -> None:
        """Refuse what is no message.

        Raises:
            TypeError: the messages are no list of objects with a role and a content.

        """
        if not all(isinstance(each, Mapping) for each in self.messages):
            raise TypeError(
                "messages are objects with a role and a content: write "
                '[{"role": "user", "content": "…"}]'
            )

    @classmethod
    def of(cls, args: Any) -> LLMActivationArgs | None:
        """Return the arguments of an activation, also where they come as plain values; else None.

        A text is what a user says, a list is one of messages, and a mapping has `messages`.
        """
        if isinstance(args, cls):
            return args
        if isinstance(args, str):
            return cls(as_messages(args))
        if isinstance(args, list) and all(
            isinstance(each, Mapping) for each in cast("list[object]", args)
        ):
            return cls(as_messages(cast("object", args)))
        if isinstance(args, Mapping):
            fields = cast("Mapping[str, Any]", args)
            if "messages" in fields:
                return cls(as_messages(fields), bool(fields.get("run", True)))
        return None
