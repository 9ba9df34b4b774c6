"""What passes a proxy: one worker of each side, and where it is said which types. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...actors.errors import SpecError
from ...actors.message import WIRE_NAMES

__all__ = ["TwoWorkers", "wire_names"]

OURS = "callboard."
"""How the wire names of the runtime's own messages begin: activation and the like."""


class TwoWorkers:
    """The gate of a proxy: see `transports/gate.py` for the questions it answers."""

    def __init__(self, local: str, remote: str, forward: frozenset[str] | None = None) -> None:
        """Let `local`, of this node, and `remote`, of the other, talk to each other.

        `forward` are the wire names of the messages that may cross; None: all that are registered.
        """
        self.local = local
        self.remote = remote
        self.forward = forward

    def __repr__(self) -> str:
        """Show the two."""
        return f"<TwoWorkers {self.local!r} here, {self.remote!r} there>"

    def may_announce(self, worker: str, /) -> bool:
        """Whether the other side may hear of this worker."""
        return worker == self.local

    def may_learn(self, worker: str, /) -> bool:
        """Whether this side may hear of that worker."""
        return worker == self.remote

    def may_send(
        self, source: str | None, target: str | None, wire_name: str | None, /
    ) -> str | None:
        """Return None if this may go out, else why not."""
        return self._refusal(source, target, wire_name, self.local, self.remote)

    def may_take(
        self, source: str | None, target: str | None, wire_name: str | None, /
    ) -> str | None:
        """Return None if this may come in, else why not."""
        return self._refusal(source, target, wire_name, self.remote, self.local)

    def _refusal(
        self,
        source: str | None,
        target: str | None,
        wire_name: str | None,
        sender: str,
        receiver: str,
    ) -> str | None:
        if target is None:
            return "a broadcast does not cross a proxy"
        if target != receiver:
            return f"{target!r} is not reached through this proxy: it leads to {receiver!r} only"
        if source != sender:
            who = "what no worker has sent" if source is None else f"what {source!r} has sent"
            return (
                f"{who} does not cross this proxy to {receiver!r}: only {sender!r} may send there"
            )
        forward = self.forward
        if forward is None or wire_name is None or wire_name in forward:
            return None
        if wire_name.startswith(OURS):
            return None
        return (
            f"messages of type {wire_name!r} do not cross this proxy: "
            "name the type in its forward=(...) if they shall"
        )


def wire_names(subject: str, forward: Iterable[type | str] | None) -> frozenset[str] | None:
    """Return the wire names of the types that are to cross; None stands for all.

    Raises:
        SpecError: a class has no wire name.

    """
    if forward is None:
        return None
    if isinstance(forward, str):
        raise SpecError(subject, "forward", f"is the text {forward!r}: write ({forward!r},)")
    names: set[str] = set()
    for each in forward:
        if isinstance(each, str):
            names.add(each)
        elif each in WIRE_NAMES:
            names.add(WIRE_NAMES[each])
        else:
            problem = f"{each!r} has no wire name: class {each.__name__}(DataMessage, wire='...')"
            raise SpecError(subject, "forward", problem)
    return frozenset(names)
