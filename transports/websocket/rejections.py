"""What was rejected on the sockets of one transport: counted, and logged once per kind."""

from __future__ import annotations

from ...actors.runtime import Runtime

__all__ = ["Rejections"]

MOST_KINDS = 100


class Rejections:
    """Outlives the incarnations of its transport: a reconnect is no news."""

    def __init__(self) -> None:
        """Have rejected nothing yet."""
        self._seen: set[str] = set()

    def add(self, runtime: Runtime, path: str, kind: str, text: str) -> None:
        """Count it; the first of its kind is an event."""
        runtime.events.count(f"rejected_{kind}")
        if kind in self._seen or len(self._seen) >= MOST_KINDS:
            return
        self._seen.add(kind)
        runtime.emit("rejected", path, text=f"{text} (logged once, counted as {kind})")
