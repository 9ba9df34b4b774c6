"""What goes wrong at the database, in words that say what to do.

CallboardError
  PgmqError              the database does not let the transport work
    NotInstalled         PGMQ, or what is ours beside it, is not in the database
    QueueGone            the node's queue is not there any more
    NameTaken            another living node has the node's name, and so its queue
    Busy                 somebody else holds a lock
"""

from __future__ import annotations

from ...actors.errors import CallboardError

__all__ = ["Busy", "NameTaken", "NotInstalled", "PgmqError", "QueueGone"]


class PgmqError(CallboardError):
    """The database does not let the transport work; the text holds no secret."""


class NotInstalled(PgmqError):
    """PGMQ, or what is ours beside it, is not in the database."""

    def __init__(self, missing: str, *, isolated: bool = False) -> None:
        """Say what is missing, and the command that installs it."""
        command = f"callboard pgmq install{' --isolated' if isolated else ''} URL"
        super().__init__(
            f"the database lacks {missing}: run '{command}' as a user who may create schemas"
        )


class QueueGone(PgmqError):
    """The queue of a node is not there any more: dropped by hand, or as an abandoned one."""

    def __init__(self, found: str) -> None:
        """Say what was found instead."""
        super().__init__(f"a queue is gone ({found}); the node that it belongs to makes it anew")


class NameTaken(PgmqError):
    """Another living node has the node's name on this channel, and so its queue."""

    def __init__(self, who: str) -> None:
        """Say which name it is, and what to do."""
        super().__init__(
            f"another node of this name lives ({who}): give each node a name of its own"
        )


class Busy(PgmqError):
    """Somebody else holds a lock, for longer than was waited."""
