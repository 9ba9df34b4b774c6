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

    @classmethod
    def of(cls, args: Any) -> LLMActivationArgs | None:
        """Return the arguments of an activation, also where they come as a mapping; else None."""
        if isinstance(args, cls):
            return args
        if isinstance(args, Mapping):
            fields = cast("Mapping[str, Any]", args)
            if "messages" in fields:
                return cls(as_messages(fields), bool(fields.get("run", True)))
        return None
