"""Link: numbered, acknowledged, resumable delivery between two nodes. Pure: time is handed in.

Each side numbers its bodies from 1, keeps them until the other has acknowledged them, and sends
them again from the first missing one on (go back N). So each body is delivered once and in order,
and what arrives out of order need not be kept. docs/design/link.md says why it is made this way.

A link knows no node, no connection and no clock. It belongs to one session: who begins a new
session makes a new link.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

__all__ = ["Link", "Segment"]

KIB = 1024
MIB = 1024 * KIB
LENGTH = 4  # what a body takes in a packet besides itself


class Segment(NamedTuple):
    """What one packet carries for a link: bodies that follow each other, and what has arrived."""

    first: int
    """Number of the first body; the next one to come where there is none."""
    ack: int
    """Every number below this one has arrived."""
    want: bool
    """There is a gap: send again from `ack` on."""
    bodies: list[bytes]


class Link:
    """One side of the way between two nodes: both directions, as this side sees them.

    `room` and `open` count what was pushed and is not acknowledged, sent or not. Times are in
    seconds of one clock that never goes back; only differences matter.
    """

    __slots__ = (
        "_bound", "_bytes_bound", "_in_flight", "_in_flight_bytes", "_segment_bytes",
        "_ack_after", "_ack_every", "_ack_bytes", "_resend_after", "_resend_most", "_now",
        "_base", "_flying", "_waiting", "_bytes", "_flying_bytes", "_resend_at", "_patience",
        "_probe_end", "_again_at", "_back_at", "_round", "_timed", "_timed_at",
        "_expected", "_arrived", "_arrived_bytes", "_ack_at", "_want", "_wanted", "_wanted_at",
        "sent", "resent", "repeated", "dropped", "strange",
    )  # fmt: skip

    def __init__(
        self,
        *,
        bound: int = 10_000,
        bytes_bound: int = 64 * MIB,
        in_flight: int = 2_000,
        in_flight_bytes: int = 4 * MIB,
        segment_bytes: int = 256 * KIB,
        ack_after: float = 0.05,
        ack_every: int = 256,
        resend_after: float = 1.0,
        resend_most: float = 4.0,
    ) -> None:
        """Make a link on which nothing was sent yet.

        Args:
            bound: bodies that may be open before `push` refuses more.
            bytes_bound: the same in bytes; the body that reaches it is still taken.
            in_flight: bodies that may be sent and not acknowledged; the others wait.
            in_flight_bytes: the same in bytes; one body may always be sent.
            segment_bytes: bytes of bodies that share a segment; a larger body has its own.
            ack_after: seconds that an acknowledgement may wait for a segment to go with.
            ack_every: bodies that are acknowledged at once.
            resend_after: seconds without progress until the first of what is open goes again.
            resend_most: seconds to which that time grows, doubling.

        Raises:
            ValueError: a bound is below 1, or a time not above 0.

        """
        for name, value in (
            ("bound", bound),
            ("bytes_bound", bytes_bound),
            ("in_flight", in_flight),
            ("in_flight_bytes", in_flight_bytes),
            ("segment_bytes", segment_bytes),
            ("ack_every", ack_every),
        ):
            if value < 1:
                raise ValueError(f"Link {name} must be at least 1, is {value!r}")
        if not (ack_after > 0 and 0 < resend_after <= resend_most):
            raise ValueError(
                "Link times must be above 0 seconds, and resend_most at least resend_after: "
                f"ack_after={ack_after!r} resend_after={resend_after!r} "
                f"resend_most={resend_most!r}"
            )
        self._bound = bound
        self._bytes_bound = bytes_bound
        self._in_flight = in_flight
        self._in_flight_bytes = in_flight_bytes
        self._segment_bytes = segment_bytes
        self._ack_after = ack_after
        # The other side has the same window: it must never stand still until a timer of ours.
        self._ack_every = min(ack_every, max(1, in_flight // 4))
        self._ack_bytes = max(1, in_flight_bytes // 4)
        self._resend_after = resend_after
        self._resend_most = resend_most
        self._now = 0.0

        # Outwards: flying are sent, waiting are not; the first of them all has the number base.
        self._base = 1
        self._flying: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._flying_bytes = 0
        self._resend_at: float | None = None
        self._patience = resend_after
        self._probe_end = 0
        self._again_at: float | None = None  # when to go back, if there is no progress before
        self._back_at: float | None = None
        self._round = ack_after  # the least time between two goings back
        self._timed = 0  # the number whose acknowledgement is timed; 0: none
        self._timed_at = 0.0

        # Inwards.
        self._expected = 1
        self._arrived = 0
        self._arrived_bytes = 0
        self._ack_at: float | None = None
        self._want = False
        self._wanted = 0
        self._wanted_at = 0.0

        self.sent = 0
        """Bodies sent for the first time."""
        self.resent = 0
        """Bodies sent again."""
        self.repeated = 0
        """Bodies that had arrived before, and were dropped."""
        self.dropped = 0
        """Bodies that arrived before their turn, and were dropped; they come again."""
        self.strange = 0
        """Segments that no link would send, and that were ignored in part or as a whole."""

    # -- outwards ----

    @property
    def room(self) -> bool:
        """Whether `push` accepts a body without `force`."""
        return (
            len(self._flying) + len(self._waiting) < self._bound and self._bytes < self._bytes_bound
        )

    @property
    def open(self) -> int:
        """Bodies that were pushed and are not acknowledged."""
        return len(self._flying) + len(self._waiting)

    @property
    def open_bytes(self) -> int:
        """The bytes of what is open."""
        return self._bytes

    @property
    def acknowledged(self) -> int:
        """Bodies that were pushed and are acknowledged: the first so many."""
        return self._base - 1

    def unacknowledged(self) -> int:
        """Return how many bodies are sent and not acknowledged."""
        return len(self._flying)

    def push(self, body: bytes, *, force: bool = False) -> bool:
        """Take a body for sending; False: the link is full, and nothing was taken.

        `force` is for the runtime's own answers, which are as many as what was asked for: they
        are never refused.
        """
        waiting = self._waiting
        if not force and (
            len(self._flying) + len(waiting) >= self._bound or self._bytes >= self._bytes_bound
        ):
            return False
        waiting.append(body)
        self._bytes += len(body)
        return True

    def segments(self, now: float) -> list[Segment]:
        """Return what is to be sent now, in order; possibly nothing."""
        self._now = now
        flying = self._flying
        first = self._base + len(flying)
        bodies: list[bytes] = []
        probe: list[bytes] | None = None
        if flying:
            if self._again_at is not None and now >= self._again_at:
                first = self._base
                bodies.extend(flying)
                self._went_back(now, len(bodies))
                self._back_at = now
            elif self._resend_at is not None and now >= self._resend_at:
                probe = self._probe()
                self._patience = min(self._patience * 2, self._resend_most)
                self._went_back(now, len(probe))
                self._probe_end = self._base + len(probe)
        if self._waiting:
            self._launch(bodies, now)
        if bodies or probe:
            made: list[Segment] = []
            if probe:
                self._cut(made, self._base, probe)
            if bodies:
                self._cut(made, first, bodies)
        elif self._ack_at is not None and now >= self._ack_at:
            made = [Segment(first, self._expected, self._want, [])]
        else:
            return []
        self._want = False
        self._ack_at = None
        self._arrived = 0
        self._arrived_bytes = 0
        return made

    def resume(self, now: float) -> None:
        """Take note that the connection was made anew: all that is not acknowledged is due now."""
        self._now = now
        if self._flying:
            self._again_at = now
            self._patience = self._resend_after
            self._resend_at = now + self._patience

    def settle(self, now: float) -> None:
        """Have what has arrived acknowledged at once, because this side will say no more."""
        if self._ack_at is not None:
            self._ack_at = now

    def due(self) -> float | None:
        """Return when `segments` must be called if nothing else happens; None: never.

        What can go at once is due at the time of the last call.
        """
        if self._waiting and self._may_launch(self._waiting[0]):
            return self._now
        due = self._ack_at
        for at in (self._again_at, self._resend_at):
            if at is not None and (due is None or at < due):
                due = at
        return due

    # -- inwards ----

    def receive(self, segment: Segment, now: float) -> list[bytes]:
        """Return what is to be delivered, in order; each body of the other side once."""
        self._now = now
        first, ack, want, bodies = segment
        if ack > self._base:
            self._acknowledge(ack, now)
        if want and ack == self._base and self._flying and self._again_at is None:
            # What was on its way when it went back last may still tell of gaps: not twice a round.
            back_at = self._back_at
            self._again_at = now if back_at is None else max(now, back_at + self._round)
        if not bodies:
            return bodies
        expected = self._expected
        if first != expected:
            if first > expected:
                self._gap(len(bodies), now)
                return []
            if first < 1:
                self.strange += 1
                return []
            known = min(expected - first, len(bodies))
            self.repeated += known
            if self._ack_at is None:
                self._ack_at = now + self._ack_after
            bodies = bodies[known:]
            if not bodies:
                return bodies
        self._expected = expected + len(bodies)
        self._arrived += len(bodies)
        self._arrived_bytes += sum(map(len, bodies))
        if self._arrived >= self._ack_every or self._arrived_bytes >= self._ack_bytes:
            self._ack_at = now
        elif self._ack_at is None:
            self._ack_at = now + self._ack_after
        return bodies

    # -- the parts ----

    def _may_launch(self, body: bytes) -> bool:
        """Whether the window is open for this body; one may always fly."""
        flying = len(self._flying)
        return not flying or (
            flying < self._in_flight and self._flying_bytes + len(body) <= self._in_flight_bytes
        )

    def _launch(self, bodies: list[bytes], now: float) -> None:
        """Add to the bodies those that wait, as far as the window is open."""
        waiting = self._waiting
        flying = self._flying
        made = len(waiting)
        if len(flying) + made <= self._in_flight and self._bytes <= self._in_flight_bytes:
            flying.extend(waiting)
            bodies.extend(waiting)
            waiting.clear()
            self._flying_bytes = self._bytes
        else:
            while waiting and self._may_launch(waiting[0]):
                body = waiting.popleft()
                flying.append(body)
                bodies.append(body)
                self._flying_bytes += len(body)
            made -= len(waiting)
        if made:
            self.sent += made
            if self._resend_at is None:
                self._resend_at = now + self._patience
            if not self._timed:
                self._timed = self._base + len(flying) - 1
                self._timed_at = now

    def _cut(self, made: list[Segment], first: int, bodies: list[bytes]) -> None:
        """Add segments for bodies that follow each other; one of all tells of a gap."""
        ack = self._expected
        most = self._segment_bytes
        want, self._want = self._want, False
        start = size = 0
        if sum(map(len, bodies)) + LENGTH * len(bodies) > most:
            for place, body in enumerate(bodies):
                size += len(body) + LENGTH
                if size > most and place > start:
                    made.append(Segment(first + start, ack, want, bodies[start:place]))
                    want = False
                    start = place
                    size = len(body) + LENGTH
        made.append(Segment(first + start, ack, want, bodies[start:] if start else bodies))

    def _probe(self) -> list[bytes]:
        """Return the first segment's worth of what flies.

        Silence may be a slow way as well as a loss, and then the whole window would make it worse.
        """
        size = count = 0
        for body in self._flying:
            size += len(body) + LENGTH
            if size > self._segment_bytes and count:
                break
            count += 1
        return list(islice(self._flying, count))

    def _went_back(self, now: float, count: int) -> None:
        """Take note that bodies go again."""
        self.resent += count
        self._again_at = None
        self._resend_at = now + self._patience
        self._probe_end = 0
        self._timed = 0  # nobody could say which of the two was acknowledged

    def _acknowledge(self, ack: int, now: float) -> None:
        """Forget what has arrived at the other side."""
        count = ack - self._base
        flying = self._flying
        if count > len(flying):
            self.strange += 1
            return
        size = 0
        if count == len(flying):
            size = self._flying_bytes
            flying.clear()
        else:
            for _ in range(count):
                size += len(flying.popleft())
        self._flying_bytes -= size
        self._bytes -= size
        self._base = ack
        self._patience = self._resend_after
        self._again_at = None
        if self._timed and ack > self._timed:
            trip = 2 * (now - self._timed_at)
            self._round = min(max(self._ack_after, trip), self._resend_after)
            self._timed = 0
        if not flying:
            self._resend_at = None
            return
        self._resend_at = now + self._patience
        if self._probe_end and ack >= self._probe_end:
            # Nothing after the probe had arrived: the rest is lost, and nobody else will say so.
            if ack == self._probe_end:
                self._again_at = now
            self._probe_end = 0

    def _gap(self, count: int, now: float) -> None:
        """Drop bodies that come before their turn, and say so; once, not for each of them."""
        self.dropped += count
        if self._wanted != self._expected or now >= self._wanted_at + self._ack_after:
            self._wanted = self._expected
            self._wanted_at = now
            self._want = True
            self._ack_at = now
