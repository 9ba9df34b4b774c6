"""What goes wrong with a WebSocket connection, in words that say what to do."""

from __future__ import annotations

from enum import IntEnum

from ...actors.errors import CallboardError

__all__ = ["ConnectionLost", "HandshakeRefused", "Leave", "brief"]

MOST_REASON = 120
"""Bytes of a reason that may stand in the closing message."""


class Leave(IntEnum):
    """Why one side closes: the codes of RFC 6455 and its registry that we use ourselves.

    Who has no right to connect gets none of these: it is refused with a 401 before the upgrade.
    """

    DONE = 1000
    """It stops, or its session has ended."""
    AWAY = 1001
    """The node stops."""
    MALFORMED = 1002
    """The other side does not speak as it should."""
    POLICY = 1008
    """What the other side asks for was not agreed."""
    TOO_BIG = 1009
    """A message is longer than may be."""
    FAILED = 1011
    """The session could not be started."""
    OVERLOAD = 1013
    """The other side is too slow, or there are too many: it may try again later."""


IN_WORDS: dict[int, str] = {
    Leave.DONE: "the other side has closed",
    Leave.AWAY: "the other side stops",
    Leave.MALFORMED: "the other side takes what was sent for malformed",
    Leave.POLICY: "the other side refuses",
    Leave.TOO_BIG: "a message was longer than the other side takes",
    Leave.FAILED: "the other side has failed",
    Leave.OVERLOAD: "the other side is overloaded, or takes this one for too slow",
}


class ConnectionLost(CallboardError, ConnectionError):
    """The connection has gone; `code` is why, as a WebSocket close code (1006: without a word)."""

    def __init__(self, code: int, reason: str = "") -> None:
        """Say why."""
        words = IN_WORDS.get(code, "the connection has gone") if code != 1006 else reason
        detail = f": {reason}" if reason and words is not reason else ""
        super().__init__(f"{words or 'the connection has gone'}{detail} (code {code})")
        self.code = code
        self.reason = reason


class HandshakeRefused(CallboardError, ConnectionError):
    """No connection came about; `status` is the answer's HTTP status, 0 where there was none."""

    def __init__(self, url: str, problem: str, status: int = 0) -> None:
        """Say what was wrong; the URL is masked by whoever raises this."""
        super().__init__(f"cannot connect to {url}: {problem}")
        self.status = status


def brief(reason: str) -> str:
    """Return the reason, no longer than a closing message can hold."""
    return reason.encode("utf-8", "replace")[:MOST_REASON].decode("utf-8", "ignore")
