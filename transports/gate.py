"""What may pass between two nodes, where that is less than everything.

A transport that has a gate carries for the workers it names only. The router asks it before
anything is told, sent, learned or delivered over that transport, and counts what it refuses.
"""

from __future__ import annotations

from typing import Any, Protocol

from .packet import Kind

__all__ = ["Gate", "announce_only", "learn_only", "tells_of_others"]


class Gate(Protocol):
    """Decides what passes a transport, in both directions. Pure: it only answers.

    `source` and `target` are names of workers. A source of None was sent by no worker, a target of
    None goes to all of them. `wire_name` is that of the message, or of a typed job's payload; None
    where there is none (a job by name, a stop).
    """

    def may_announce(self, worker: str, /) -> bool:
        """Whether the other side may hear of this node's worker of that name."""
        ...

    def may_learn(self, worker: str, /) -> bool:
        """Whether this node believes the other side that it has a worker of that name."""
        ...

    def may_send(
        self, source: str | None, target: str | None, wire_name: str | None, /
    ) -> str | None:
        """Return None if this may go to the other side, else why not, for the sender's error."""
        ...

    def may_take(
        self, source: str | None, target: str | None, wire_name: str | None, /
    ) -> str | None:
        """Return None if what came may be delivered, else why not, for the log."""
        ...


def announce_only(body: dict[str, Any], gate: Gate) -> dict[str, Any]:
    """Leave out what may not be announced through the gate."""
    changed = dict(body)
    for part in ("workers", "gone"):
        if part in changed:
            changed[part] = [each for each in changed[part] if gate.may_announce(each[0])]
    return changed


def learn_only(body: dict[str, Any], gate: Gate) -> None:
    """Leave out what may not become known through the gate."""
    for part in ("workers", "gone"):
        if part in body:
            body[part] = [each for each in body[part] if gate.may_learn(str(each[0]))]


def tells_of_others(kind: int, body: dict[str, Any], name: str) -> bool:
    """Whether a packet has the node `name` look after others, or number itself anew.

    Behind a gate nobody has a say in that: these are not those the gate is for.
    """
    return kind == Kind.OUTDATED or (kind == Kind.SUSPECT and body["node"] != name)
