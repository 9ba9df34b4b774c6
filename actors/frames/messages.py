"""What a bridge and the workers on it send each other.

The owner of a bridge offers it to each worker that is bridged; a worker joins while it is active.
Join, frames and leave travel on one lane, so the owner sees them in the order in which they were
sent: what was said before a leave is said before it.
"""

from __future__ import annotations

from ..activation import Stamp
from ..delivery import NEVER_REFUSED
from ..message import DataMessage, Lane, SystemMessage
from .frame import Direction, Frame

__all__ = [
    "Stamp",
    "BridgeEmptied",
    "BridgeJoin",
    "BridgeLeave",
    "BridgeOffer",
    "BridgeProbe",
    "BridgeQuiet",
    "BridgeReturn",
    "BridgeYield",
    "FrameMessage",
]


class FrameMessage(DataMessage, wire="callboard.frame"):
    """A frame on its way between a pipeline and a worker on its bridge."""

    frame: Frame
    direction: Direction = Direction.DOWN
    bridge: str | None = None
    """The name of the bridge; None where it has none."""
    owner: str = ""
    """The worker that owns the bridge; empty where the frame was sent without one."""
    turn: int = 0
    """To a worker: for which of its joins it was sent."""


class BridgeOffer(SystemMessage, wire="callboard.bridge-offer"):
    """To a bridged worker: there is a bridge here; join it while you are active."""

    owner: str
    bridge: str | None
    offer: str
    """Names this offer: one worker may get several, of several bridges and lives of an owner."""
    known: int = 0
    """The highest number of an activation that the owner knows."""


class BridgeJoin(DataMessage, wire="callboard.bridge-join", lane=Lane.NORMAL):
    """To the owner of a bridge: send me frames, and take mine."""

    offer: str
    activation: Stamp
    """Of two activations the later one is higher; the same again is the same one, resumed."""
    turn: int = 0
    """Numbers the joins of one worker; what it is sent carries it."""
    after: str = ""
    """The worker that has handed over to it, if one has, in its activation `before`."""
    before: Stamp | None = None


class BridgeLeave(DataMessage, wire="callboard.bridge-leave", lane=Lane.NORMAL):
    """To the owner of a bridge: what I had to say has been sent; send me nothing more."""

    offer: str
    taken: int | None = None
    """How many frames of this turn it has taken: the others come back. None: none comes back."""
    known: int = 0
    """All activations of its own up to this number have ended."""


class BridgeReturn(DataMessage, wire="callboard.bridge-return", lane=Lane.NORMAL):
    """To the owner of a bridge: this frame came when I had left; give it to the next."""

    offer: str
    frame: Frame
    direction: Direction
    turn: int = 0
    """For which of its joins it was sent."""


class BridgeQuiet(DataMessage, wire="callboard.bridge-quiet", lane=Lane.NORMAL):
    """To the owner of a bridge: I have noticed the interruption; what I say now is new."""

    offer: str


class BridgeProbe(DataMessage, wire="callboard.bridge-probe", lane=Lane.NORMAL):
    """To a worker, behind the frames that it was sent: say so when you have come to this."""

    offer: str
    turn: int = 0
    """The turn that it has left; 0: none, it was interrupted."""
    interruption: int = 0
    """Numbers the interruptions."""


class BridgeEmptied(DataMessage, wire="callboard.bridge-emptied", lane=Lane.NORMAL):
    """To the owner of a bridge: whatever was sent before the probe was taken, returned or lost."""

    offer: str
    turn: int = 0
    interruption: int = 0


class BridgeYield(SystemMessage, wire="callboard.bridge-yield"):
    """To a worker: if this is your present activation, give it up; another one has the floor."""

    activation: Stamp


NEVER_REFUSED.update(
    {
        BridgeEmptied,
        BridgeJoin,
        BridgeLeave,
        BridgeOffer,
        BridgeProbe,
        BridgeQuiet,
        BridgeReturn,
        BridgeYield,
    }
)
