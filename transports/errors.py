"""The errors that only a company of several nodes has.

DeliveryError
  NotCarried             a value cannot cross to another node faithfully
  NodeDown               the node of the worker is gone, or cannot be reached
  MailboxFull
    LinkFull             too much is on the way to that node already
CallboardError
  Undecodable            bytes from another node are not ours, or not allowed
  RemoteError            stands for an exception that another node's code raised
"""

from __future__ import annotations

from ..actors.errors import CallboardError, DeliveryError, MailboxFull

__all__ = ["LinkFull", "NodeDown", "NotCarried", "RemoteError", "Undecodable"]


class NotCarried(DeliveryError, ValueError):
    """A value cannot cross to another node and arrive equal and of its type; it was not sent."""


class NodeDown(DeliveryError):
    """The node of the worker is gone, or was silent for too long; `worker` may be empty."""

    def __init__(self, node: str, why: str, worker: str = "") -> None:
        """Say which node is down, and what became of the message."""
        super().__init__(f"the node {node!r} is down: {why}", worker)
        self.node = node


class LinkFull(MailboxFull):
    """As much is on the way to a node as may be; `await send()` waits for room."""

    def __init__(self, worker: str, node: str, bound: int) -> None:
        """Say which way is full."""
        DeliveryError.__init__(
            self,
            f"the way to {worker!r} on {node!r} is full: {bound} messages are not acknowledged; "
            "wait with 'await ref.send(...)', or send less",
            worker,
        )
        self.bound = bound
        self.node = node


class Undecodable(CallboardError, ValueError):
    """Bytes from another node are not ours, or not allowed; `kind` is one word for counting."""

    def __init__(self, text: str, kind: str = "malformed") -> None:
        """Say what was wrong with the bytes."""
        super().__init__(text)
        self.kind = kind


class RemoteError(CallboardError):
    """Stands for an exception of another node: `kind` is the name of its type there."""

    def __init__(self, kind: str, text: str, node: str) -> None:
        """Say what was raised, and where."""
        super().__init__(f"{text} (on node {node!r})")
        self.kind = kind
        self.node = node
