"""Packet: the bytes that travel between nodes: a header and any number of bodies. Pure.

    magic version kind flags name-length count incarnation session to-session first ack
    name, the length of each body, the bodies as they are, and the signature where there is one

Bodies are not looked into and not recoded, so audio costs its own bytes. Whatever comes in is
measured before it is cut: see `unpack`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from .errors import NotCarried, Undecodable
from .signing import Signer, Verifier

__all__ = ["MAX_ENVELOPE", "Header", "Kind", "check_name", "check_size", "pack", "unpack"]

MAX_ENVELOPE: Final = 1024 * 1024
"""Bytes of one body, unless a limit is given."""

SHARED: Final = 512 * 1024
"""Bytes of a packet beyond one largest body: those that share it, lengths, name, signature."""

MOST_NAME: Final = 200

MAGIC: Final = b"\xcaCB"
VERSION: Final = 1
FIXED = struct.Struct(">3sBBBHI5Q")
ONE = struct.Struct(">I")
WANT = 1
SIGNED = 2
ADDRESSED = 4
"""It is signed for one node alone."""


class Kind(IntEnum):
    """What a packet is; docs/design/between-nodes.md says what each is for."""

    DATA = 0
    HELLO = 1
    SNAPSHOT = 2
    CHANGE = 3
    BEAT = 4
    WANT = 5
    SUSPECT = 6
    ALIVE = 7
    OUTDATED = 8
    BYE = 9


KINDS = frozenset(int(kind) for kind in Kind)


class Header(NamedTuple):
    """What a packet says of itself. Numbers are whole, from 0, and fit into 64 bits."""

    kind: int
    """One of `Kind`."""
    node: str
    """Who sent it."""
    incarnation: int
    """The sender's."""
    session: int = 0
    """The sender's session for this link."""
    to_session: int = 0
    """The receiver's session as the sender knows it; 0: not known."""
    first: int = 0
    """Number of the first body (DATA)."""
    ack: int = 0
    """Every number below this one has arrived (DATA)."""
    want: int = 0
    """1: there is a gap, send again from `ack` on (DATA)."""


def check_size(body: bytes, limit: int = MAX_ENVELOPE) -> None:
    """Check, before it is sent, that a body can cross.

    Raises:
        NotCarried: it is longer than `limit` bytes.

    """
    if len(body) > limit:
        raise NotCarried(
            f"it takes {len(body)} bytes, and {limit} is the most that crosses to another node: "
            "send it in parts, or where to fetch it"
        )


@lru_cache(1024)
def check_name(node: str) -> bytes:
    """Return the bytes of a node's name.

    Raises:
        ValueError: it is empty, too long or not printable.

    """
    if not 0 < len(node) <= MOST_NAME:
        raise ValueError(f"a node's name has 1 to {MOST_NAME} characters, not {len(node)}")
    if not node.isprintable():
        raise ValueError(f"a node's name is printable text, with a UTF-8 form: {node!r} is not")
    return node.encode()


def pack(
    header: Header,
    bodies: Sequence[bytes],
    signer: Signer | None = None,
    *,
    to: str | None = None,
    limit: int = MAX_ENVELOPE,
) -> bytes:
    """Return the bytes of a packet, signed if there is a signer; for one node, or None: for all.

    Raises:
        NotCarried: a body is longer than `limit` bytes, or all together are too long.
        ValueError: the header holds a name or number that no packet can carry.

    """
    kind, node, incarnation, session, to_session, first, ack, want = header
    name = check_name(node)
    flags = WANT if want else 0
    if signer is not None:
        flags |= SIGNED if to is None else SIGNED | ADDRESSED
    count = len(bodies)
    lengths = [len(body) for body in bodies]
    if count:
        if max(lengths) > limit:
            check_size(max(bodies, key=len), limit)
        if count > 1 and sum(lengths) + ONE.size * count > limit + SHARED // 2:
            raise NotCarried(
                f"{count} bodies take {sum(lengths)} bytes together, too many for one packet: "
                "use several packets"
            )
    try:
        fixed = FIXED.pack(
            MAGIC, VERSION, kind, flags, len(name), count,
            incarnation, session, to_session, first, ack,
        )  # fmt: skip
    except struct.error as error:
        raise ValueError(f"no packet can carry this header: {header!r} ({error})") from None
    if count == 1:
        data = b"".join((fixed, name, ONE.pack(lengths[0]), bodies[0]))
    elif count:
        data = b"".join((fixed, name, struct.pack(f">{count}I", *lengths), *bodies))
    else:
        data = fixed + name
    if signer is None:
        return data
    return data + signer.sign(data, b"" if to is None else check_name(to))


def unpack(
    data: bytes,
    verifier: Verifier | None = None,
    *,
    to: str | None = None,
    limit: int = MAX_ENVELOPE,
) -> tuple[Header, list[bytes]]:
    """Return the header and the bodies of a packet that the node `to` has received.

    Sizes are checked first, then the signature if there is a verifier, then all else. The bodies
    are as they were packed; nothing is known of what is in them.

    Raises:
        Undecodable: and nothing else, whatever the bytes are. Its kind is `foreign` (no packet of
            ours), `version` (of a newer one of ours), `oversized`, `malformed`, `unknown` (a kind
            that is not known here), `unsigned`, `signed` (and no secret is set here), `forged`
            or `replayed`.

    """
    size = len(data)
    if size < FIXED.size or not data.startswith(MAGIC):
        raise Undecodable(_foreign(data), "foreign")
    if size > limit + SHARED:
        raise Undecodable(
            f"a packet of {size} bytes came in, and {limit + SHARED} is the most: "
            "let the nodes have the same limit",
            "oversized",
        )
    _, version, kind, flags, named, count, incarnation, session, to_session, first, ack = (
        FIXED.unpack_from(data)
    )
    if version != VERSION:
        raise Undecodable(
            f"a packet of version {version} came in, and this node knows version {VERSION}: "
            "update the older of the two",
            "version",
        )
    end = size
    if verifier is not None:
        if not flags & SIGNED:
            raise Undecodable(
                "an unsigned packet came in, and a secret is set here: set it at the sender too",
                "unsigned",
            )
        end = verifier.verify(data, check_name(to) if to is not None and flags & ADDRESSED else b"")
    elif flags & SIGNED:
        raise Undecodable(
            "a signed packet came in, and no secret is set here: set it here too", "signed"
        )
    if flags > WANT | SIGNED | ADDRESSED:
        raise Undecodable(f"a packet has unknown flags: {flags:#x}", "malformed")
    start = FIXED.size + named
    at = start + ONE.size * count
    if at > end:
        raise Undecodable("a packet is shorter than it says", "malformed")
    node = _name(data[FIXED.size : start])
    if kind not in KINDS:
        raise Undecodable(f"a packet from {node!r} is of the unknown kind {kind}", "unknown")
    header = Header(
        kind, node, incarnation, session, to_session, first, ack, 1 if flags & WANT else 0
    )
    if count == 1:
        length: int = ONE.unpack_from(data, start)[0]
        if length > limit:
            raise Undecodable(_oversized(node, length, limit), "oversized")
        if at + length != end:
            raise Undecodable("the length of a body is not what the packet says", "malformed")
        return header, [data[at:end]]
    if not count:
        if at != end:
            raise Undecodable("a packet is longer than it says", "malformed")
        return header, []
    lengths: tuple[int, ...] = struct.unpack_from(f">{count}I", data, start)
    longest = max(lengths)
    if longest > limit:
        raise Undecodable(_oversized(node, longest, limit), "oversized")
    if at + sum(lengths) != end:
        raise Undecodable("the lengths of bodies are not what the packet says", "malformed")
    bodies: list[bytes] = []
    for length in lengths:
        start, at = at, at + length
        bodies.append(data[start:at])
    return header, bodies


@lru_cache(1024)
def _name(data: bytes) -> str:
    try:
        node = data.decode()
    except UnicodeDecodeError:
        raise Undecodable("the name of the sending node is no UTF-8", "malformed") from None
    if not 0 < len(node) <= MOST_NAME:
        raise Undecodable(
            f"the name of the sending node has {len(node)} characters: 1 to {MOST_NAME} are right",
            "malformed",
        )
    if not node.isprintable():
        raise Undecodable(f"the name of the sending node is not printable: {node!r}", "malformed")
    return node


def _foreign(data: bytes) -> str:
    return (
        f"{len(data)} bytes that are no packet of this framework came in, beginning with "
        f"{data[:8]!r}: let nothing else write to this channel"
    )


def _oversized(node: str, length: int, limit: int) -> str:
    return (
        f"an envelope of {length} bytes came from {node!r}, and {limit} is the most: "
        "let the nodes have the same limit"
    )
