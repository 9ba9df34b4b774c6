"""Whether everything that was said is answered: when the next line of a script may come.

Pure: facts in, one question out. Nobody says "that was all" in a conversation; it is quiet when no
reply is under way, no tool is at work, somebody has the floor, and nothing is owed: a reply to the
user, the first words of a worker that has just got the floor, or what a tool has led to that was
the last thing in a reply (it may hand over, or end the session).
"""

from __future__ import annotations

__all__ = ["Quiet"]

PATIENCE = {"floor": 10.0, "act": 3.0}
"""Seconds, by what is owed."""


class Quiet:
    """What is still to come in a session."""

    def __init__(self) -> None:
        """Begin with nobody on the floor."""
        self._floor: str | None = None
        self._speaking: str | None = None
        self._tools: set[str] = set()
        self._owed: str | None = None
        self._acted = False
        """Whether a tool has ended, and nothing was said since."""

    def __bool__(self) -> bool:
        """Whether nothing more is to come by itself."""
        return self._floor is not None and self._owed is None and not self._busy

    @property
    def patience(self) -> float | None:
        """Seconds after which nothing more is to come, as things are; None: it must come.

        A worker that has got the floor may have nothing to say, and a tool may lead to nothing.
        """
        return None if self._busy or self._owed is None else PATIENCE.get(self._owed)

    @property
    def is_lonely(self) -> bool:
        """Whether nobody has the floor."""
        return self._floor is None

    @property
    def heard(self) -> str | None:
        """Who has the floor."""
        return self._floor

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
        if worker is not None and self._owed != "user":
            self._owed = "floor"

    def began(self, speaker: str) -> None:
        """A reply begins."""
        self._speaking = speaker
        self._acted = False

    def spoke(self) -> None:
        """Some words of it."""
        self._acted = False

    def ended(self, *, interrupted: bool = False) -> None:
        """A reply is complete; one that was interrupted answers nothing."""
        self._speaking = None
        if not interrupted:
            self._owed = "act" if self._acted else None

    def called(self, call_id: str) -> None:
        """A tool is at work."""
        self._tools.add(call_id)

    def returned(self, call_id: str) -> None:
        """It has ended."""
        self._tools.discard(call_id)
        self._acted = True

    def failed(self) -> None:
        """Something went wrong, or nothing came, in the place of what was to come."""
        self._owed = None
        self._speaking = None
        self._tools.clear()

    def back(self) -> None:
        """A worker that was lost is there again: whatever it was at then has no end any more."""
        self._tools.clear()
