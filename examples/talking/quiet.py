"""Whether everything that was said is answered: when the next line of a script may come.

Pure: facts in, one question out. Nobody says "that was all" in a conversation; it is quiet when no
reply is under way, no tool is at work, somebody has the floor, and no reply is owed to the user or
by a worker that has just got the floor.
"""

from __future__ import annotations

__all__ = ["Quiet"]


class Quiet:
    """What is still to come in a session."""

    def __init__(self) -> None:
        """Begin with nobody on the floor."""
        self._floor: str | None = None
        self._speaking: str | None = None
        self._tools: set[str] = set()
        self._owed: str | None = None

    def __bool__(self) -> bool:
        """Whether nothing more is to come by itself."""
        return self._floor is not None and self._owed is None and not self._busy

    @property
    def is_waiting(self) -> bool:
        """Whether all that is missing is the first word of a worker that has got the floor.

        It may have nothing to say: who waits for quiet waits for this one with a limit.
        """
        return self._owed == "floor" and not self._busy

    @property
    def is_lonely(self) -> bool:
        """Whether nobody has the floor."""
        return self._floor is None

    @property
    def speaking(self) -> str | None:
        """Whose reply is under way."""
        return self._speaking

    @property
    def _busy(self) -> bool:
        return self._speaking is not None or bool(self._tools)

    # -- the user ----

    def said(self) -> None:
        """The user has said something: a reply is owed."""
        self._owed = "user"

    def interrupted(self) -> None:
        """The user has interrupted: what was owed is not any more."""
        self._owed = None

    # -- the workers ----

    def floor(self, worker: str | None) -> None:
        """Another worker has the floor: it is expected to begin."""
        self._floor = worker
        if worker is not None and self._owed is None:
            self._owed = "floor"

    def began(self, speaker: str) -> None:
        """A reply begins."""
        self._speaking = speaker

    def ended(self, *, interrupted: bool = False) -> None:
        """A reply is complete; one that was interrupted answers nothing."""
        self._speaking = None
        if not interrupted:
            self._owed = None

    def called(self, call_id: str) -> None:
        """A tool is at work."""
        self._tools.add(call_id)

    def returned(self, call_id: str) -> None:
        """It has ended."""
        self._tools.discard(call_id)

    def failed(self) -> None:
        """Something went wrong in the place of what was to come."""
        self._owed = None
        self._speaking = None
        self._tools.clear()
