"""Gates: what may pass to which node and from it; what may not is counted, and logged once."""

from __future__ import annotations

from collections.abc import Mapping

from ..actors.jobs.messages import JobStart
from ..actors.runtime import Runtime
from ..actors.wire import WIRE_NAMES
from .errors import NotCarried
from .gate import Gate
from .known import Known, Via
from .transport import Transport

__all__ = ["Gates"]

MOST_SEEN = 1000
"""Rejections, by kind and node, that are logged; more are counted only."""


class Gates:
    """The gates of one node's transports; they hold as well while these are not connected."""

    def __init__(self, runtime: Runtime) -> None:
        """Let everything pass that comes or goes by no transport with a gate."""
        self._runtime = runtime
        self._transports: dict[str, Transport] = {}
        """The last incarnation of each, for its settings."""
        self._seen: set[tuple[str, str]] = set()
        self.nodes: Mapping[str, Known] = {}

    def connected(self, transport: Transport) -> None:
        """Take note of a transport's settings."""
        self._transports[transport.name] = transport

    def alike(self, one: Via, other: Via) -> bool:
        """Whether one transport may carry in the place of another: no gate, and the same codec."""
        known = [self._transports.get(str(via)) for via in (one, other)]
        first, second = known
        if first is None or second is None:
            return False
        return first.gate is None and second.gate is None and first.codec is second.codec

    def of(self, node: str) -> Gate | None:
        """Return the gate on the way to a node."""
        known = self.nodes.get(node)
        transport = self._transports.get(str(known.via)) if known is not None else None
        return transport.gate if transport is not None else None

    def passes_out(
        self, node: str, source: str | None, target: str | None, message: object, /
    ) -> None:
        """Raise `NotCarried` if a message may not leave for there."""
        gate = self.of(node)
        if gate is not None:
            reason = gate.may_send(source, target, _wire_name(message))
            if reason is not None:
                self.reject("gate_out", reason, node)
                raise NotCarried(reason, target or "")

    def passes_in(
        self, node: str, source: str | None, target: str | None, message: object, /
    ) -> bool:
        """Whether a message may come in from there; one that may not is counted."""
        gate = self.of(node)
        if gate is None:
            return True
        reason = gate.may_take(source, target, _wire_name(message))
        if reason is not None:
            self.reject("gate_in", reason, node)
        return reason is None

    def reject(self, kind: str, text: str, node: str, /) -> None:
        """Count what was rejected, and log the first of its kind from this node."""
        self._runtime.events.count(f"rejected_{kind}")
        if (kind, node) in self._seen or len(self._seen) > MOST_SEEN:
            return
        self._seen.add((kind, node))
        self._runtime.emit("rejected", node, text=f"{text} (logged once, counted as {kind})")


def _wire_name(message: object) -> str | None:
    if isinstance(message, JobStart):
        message = message.payload
    return WIRE_NAMES.get(message.__class__)
