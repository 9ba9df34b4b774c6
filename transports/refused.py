"""Why a value is not carried, and the way to the place in it; an error of the codec's own."""

from __future__ import annotations

from ..actors.wire import spelled

__all__ = ["Refused", "type_name"]


class Refused(Exception):
    """A value, or a part of it, cannot cross. `steps` leads to it, from the inside out."""

    def __init__(self, text: str) -> None:
        """Say what is wrong and what to do."""
        super().__init__(text)
        self.text = text
        self.steps: list[object] = []

    def place(self, root: str) -> str:
        """Return where it is: `payload.items[3].when`."""
        words = [root]
        for step in reversed(self.steps):
            if isinstance(step, str) and step.isidentifier() and len(step) < 100:
                words.append(f".{step}")
            elif isinstance(step, str | int | float | bool | None):
                words.append(f"[{_short(repr(step))}]")
            else:
                words.append(f"[a {type_name(type(step))}]")
        return "".join(words)


def type_name(cls: object) -> str:
    """Return a class as it is found, a builtin one by its bare name, any other type as written."""
    if not isinstance(cls, type) or hasattr(cls, "__args__"):
        return _short(str(cls))
    return cls.__name__ if cls.__module__ == "builtins" else spelled(cls)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
