"""What a worker sees of its children and its node; supervision provides both."""

from __future__ import annotations

from typing import Any, Protocol

from .message import Lane, LocalMessage
from .reason import Reason
from .ref import WorkerRef

__all__ = ["Family", "NodeView", "WorkerFailed"]


class WorkerFailed(LocalMessage, lane=Lane.SYSTEM):
    """A child failed; it stays in the process."""

    worker: str
    path: str
    incarnation: int
    error: BaseException


class NodeView(Protocol):
    """What a worker sees of its node."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    def ref(self, name: str) -> WorkerRef | None:
        """Return the ref of a known worker, or None."""
        ...

    def drain(self, reason: str = "", *, everywhere: bool = False) -> Any:
        """End the node once what it has taken is finished; or all nodes that are known."""
        ...

    def broadcast(self, message: Any) -> int:
        """Send the message to every worker that handles its type; return how many."""
        ...


class Family(Protocol):
    """The children of a worker; supervision provides it."""

    async def spawn(self, spec: Any) -> WorkerRef:
        """Start a child and return its ref."""
        ...

    async def stop(self, reason: Reason, budget: float | None) -> None:
        """Stop all children, the last one first."""
        ...

    def kill(self) -> None:
        """End all children now; who waits for their end goes on."""
        ...

    def refs(self) -> list[WorkerRef]:
        """Return the children's refs, in start order."""
        ...
