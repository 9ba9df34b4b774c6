"""Signing: packets that only who has the secret can make, and that count once. Pure.

A signature is HMAC-SHA256 over the name of the node that the packet is for, the whole packet, the
id of its key and a number. The numbers of one signer begin at 1 and never repeat; a verifier
remembers which of the latest it has seen, so a packet that is sent once more by somebody else, or
to somebody else, is refused. No clock takes part: one that jumps changes nothing.
docs/design/link.md says what this does not protect from.
"""

from __future__ import annotations

import hmac
import itertools
import os
import struct
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from .errors import Undecodable

__all__ = ["Secrets", "Signer", "Verifier"]

LEAST_SECRET: Final = 16
MOST_KEY_ID: Final = 64
WINDOW: Final = 4096
"""Numbers behind the latest one that may still come in, each once."""

MASK: Final = (1 << WINDOW) - 1

MOST_SIGNERS: Final = 4096
"""Signers whose numbers are remembered; the one that was quiet for longest is forgotten."""

MAC: Final = 32
TO = struct.Struct(">H")
"""How long the name is that it is for; the name follows."""

TAIL = struct.Struct(">8sQB")
"""After the key's id: the signer's series, the number, and how long the id is; then the MAC."""


class Secrets:
    """The keys of a company of nodes, by id: all are accepted, one signs.

    To change the secret without a stop, give every node the new one beside the old, then have it
    sign, then take the old one away.
    """

    def __init__(self, keys: Mapping[str, str | bytes], use: str | None = None) -> None:
        """Sign with the key of the id `use`; `None`: with the first. A text means its UTF-8 bytes.

        Raises:
            ValueError: there is no key, no key of the id `use`, a secret is shorter than 16 bytes,
                or an id is not 1 to 64 bytes long.

        """
        self._keys = {
            key: secret.encode() if isinstance(secret, str) else secret
            for key, secret in keys.items()
        }
        self.use = next(iter(keys), "") if use is None else use
        self.both()

    def both(self) -> tuple[Signer, Verifier]:
        """Return what signs and what verifies for one node; each node has its own."""
        return Signer(self._keys, self.use), Verifier(self._keys)

    def __repr__(self) -> str:
        """Name the keys, and not the secrets."""
        return f"Secrets({_ids(self._keys)}, use={self.use!r})"


class Signer:
    """Signs with one of several keys. One per node; it may be used from any thread."""

    def __init__(self, keys: Mapping[str, bytes], use: str) -> None:
        """Sign with the key of the id `use`.

        Raises:
            ValueError: a secret is shorter than 16 bytes, an id is not 1 to 64 bytes long, or
                there is no key of the id `use`.

        """
        made = _checked(keys)
        if use not in keys:
            raise ValueError(f"no secret has the id {use!r}; there are {_ids(keys)}")
        self.use = use
        self._id = use.encode()
        self._key = made[self._id]
        # Random, so that a node that starts again cannot be taken for its earlier life: with no
        # clock and no disk it does not know which numbers that one has used.
        self._series = os.urandom(8)
        self._numbers = itertools.count(1)  # next() on it is one step, on whichever thread

    def sign(self, data: bytes, to: bytes = b"") -> bytes:
        """Return what is to be appended to the data; `to` is who alone is to accept it."""
        tail = self._id + TAIL.pack(self._series, next(self._numbers), len(self._id))
        mac = self._key.copy()
        mac.update(TO.pack(len(to)) + to)
        mac.update(data)
        mac.update(tail)
        return tail + mac.digest()

    def __repr__(self) -> str:
        """Name the key, and not the secret."""
        return f"Signer(use={self.use!r})"


class Verifier:
    """Accepts what was signed with any of its keys, once. One per node, used on its loop only."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Accept these keys.

        Raises:
            ValueError: there is none, a secret is shorter than 16 bytes, or an id is not 1 to 64
                bytes long.

        """
        self._keys = _checked(keys)
        self._seen: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def verify(self, data: bytes, to: bytes = b"") -> int:
        """Return where the signature begins, and remember that this one was here.

        Raises:
            Undecodable: `forged`: not signed for `to` with a key that is known here, or altered.
                `replayed`: it was here before, or is too late to tell.

        """
        at = len(data) - MAC - TAIL.size
        if at < 0:
            raise Undecodable("a signed packet is too short for its signature", "forged")
        series, number, length = TAIL.unpack_from(data, at)
        start: int = at - length
        key = self._keys.get(data[start:at]) if start >= 0 else None
        if key is None:
            raise Undecodable(
                f"a packet is signed with a key that is not known here; {len(self._keys)} are: "
                "give this node the sender's, too",
                "forged",
            )
        mac = key.copy()
        mac.update(TO.pack(len(to)) + to)
        mac.update(data[:-MAC])
        if not hmac.compare_digest(mac.digest(), data[-MAC:]):
            raise Undecodable(
                "the signature of a packet is wrong: it was altered, signed for another node, or "
                "with another secret of the same id",
                "forged",
            )
        self._once(series, number)
        return start

    def __repr__(self) -> str:
        """Name the keys, and not the secrets."""
        return f"Verifier({', '.join(sorted(repr(key.decode()) for key in self._keys))})"

    def _once(self, series: bytes, number: int) -> None:
        """Remember a number of a signer; the bits are those up to the latest, which is bit 0."""
        seen = self._seen
        known = seen.get(series)
        if known is None:
            seen[series] = (number, 1)
            if len(seen) > MOST_SIGNERS:
                seen.popitem(last=False)
            return
        latest, bits = known
        ahead = number - latest
        if ahead > 0:
            bits = (bits << ahead | 1) & MASK if ahead < WINDOW else 1
            latest = number
        elif ahead <= -WINDOW or bits >> -ahead & 1:
            raise Undecodable("a packet was here before, or is far too late", "replayed")
        else:
            bits |= 1 << -ahead
        seen[series] = (latest, bits)
        seen.move_to_end(series)


def _checked(keys: Mapping[str, bytes]) -> dict[bytes, hmac.HMAC]:
    """Return the keys, begun; the secrets themselves are not kept."""
    if not keys:
        raise ValueError("no secret is given: name at least one, {'id': b'secret'}")
    made: dict[bytes, hmac.HMAC] = {}
    for key, secret in keys.items():
        encoded = key.encode()
        if not 0 < len(encoded) <= MOST_KEY_ID:
            raise ValueError(f"the id of a secret has 1 to {MOST_KEY_ID} bytes, not {key!r}")
        if len(secret) < LEAST_SECRET:
            raise ValueError(
                f"the secret {key!r} has {len(secret)} bytes, and {LEAST_SECRET} are the least: "
                "secrets.token_bytes(32) makes a good one"
            )
        made[encoded] = hmac.new(secret, digestmod="sha256")
    return made


def _ids(keys: Mapping[str, bytes]) -> str:
    return ", ".join(sorted(map(repr, keys)))
