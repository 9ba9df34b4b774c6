"""What a backend is: how queues are made, filled, read and removed; and who may.

`PgmqTransport(backend=...)` takes any object with these methods, such as one that calls functions
of a database of yours. All of a transport's calls come from one event loop. `read` runs while
other calls do; of those others there is one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..transport import Packet, Spare

__all__ = ["Backend", "Life", "Lost", "Reading", "Row", "Wake"]


class Row(NamedTuple):
    """One message of a queue."""

    id: int
    """Its number in the queue."""
    message: object
    """The JSON, as text or decoded: as `payload.row_of` has made it."""


Wake = Callable[[Row | None], None]
"""Say that rows are waiting. A backend that has the new row at hand may bring it along: it stays
in the queue until `read` is told that it is done."""

Lost = Callable[[BaseException], None]
"""Say that the connection has gone."""


@dataclass
class Life:
    """One life of a node, from its start to its end: who a queue belongs to."""

    id: str
    """Text that no other life has."""
    held: bool = False
    """Whether it has had its queue already."""
    warned: bool = False
    """Whether it was said that it has to poll."""


@dataclass(frozen=True)
class Reading:
    """One look into a queue."""

    limit: int
    """Rows that are wanted at most."""
    done: Sequence[int] = ()
    """Ids of rows that were handed over: they are deleted first."""
    wait: float = 0.0
    """Seconds to wait for the first row at most; such a look brings no `done` and no `lease`."""
    lease: float = 0.0
    """Seconds from now for which the queue is to be the node's; 0: no news of that."""


class Backend(Protocol):
    """Queues for the nodes of one channel, as one node uses them."""

    async def join(self, channel: str, node: str, life: Life, lease: float) -> str:
        """Connect, have the node's queue ready, and return its name.

        A queue that an earlier life has left is emptied; that of the same life keeps its rows. It
        is the node's for `lease` seconds, and longer with each `read` that says so. Called once
        more while connected where the queue was found gone.

        Raises:
            NameTaken: the life has had the queue, and now another living node has it.

        """
        ...

    async def listen(self, wake: Wake, lost: Lost) -> bool:
        """Call `wake` when rows come in; return False if that cannot be had: then `read` waits."""
        ...

    async def read(self, reading: Reading) -> Sequence[Row]:
        """Delete what is done, and return the rows that are waiting, the earliest first.

        A row that was read and not deleted comes back after the visibility timeout. Rows may be
        large and the way slow: better fewer than `limit` than to give up while they come.

        Raises:
            TimeoutError: no answer came; the transport connects anew and asks for one row.
            QueueGone: it is not there any more, or not the node's.

        """
        ...

    async def send(self, packets: Sequence[Packet]) -> int:
        """Put each packet as one row into the queue of its node, or of each other node.

        In order, and all that were given or, with an error, any part of them. Return how many had
        no queue to go to.
        """
        ...

    async def sweep(self) -> int:
        """Remove the queues of this channel whose lease has ended; return how many."""
        ...

    async def leave(self) -> None:
        """Remove the node's queue: the node stops."""
        ...

    async def close(self) -> None:
        """Let go of the connections, at once; `join` may come after it."""
        ...

    def spare(self) -> Spare | None:
        """Return a second way to send, for another event loop; None: there is none."""
        ...
