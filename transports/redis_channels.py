"""The names of Redis channels, and the ACL line of a user who may use them and nothing else.

Each part of a name is percent-encoded, so a `:` only ever stands between two parts: no channel or
node can be named so that it comes to lie inside another, and there is no limit to be cut at. Nor is
anything left that Redis takes for a pattern: the ACL of a channel covers that channel alone.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

__all__ = ["ROLES", "acl_line", "channel_of"]

ROLES = ("node", "watch")
"""`node`: what a node's process does. `watch`: count who listens, and nothing else."""

USER = re.compile(r"[\w.:@+-]+")
"""What an ACL file needs no quotes for."""

COMMANDS = {
    "node": ("+publish", "+subscribe", "+ping"),
    "watch": ("+pubsub|numsub", "+ping"),
}


def channel_of(channel: str, node: str | None) -> bytes:
    """Return the Redis channel of a node, or of the announcements to all nodes (None).

    Raises:
        ValueError: `channel` is empty, or no text that can be encoded.

    """
    if not channel:
        raise ValueError("the channel is empty: write a name, or leave it out for 'callboard'")
    try:
        name = quote(channel, safe="")
        return (
            f"{name}:all".encode()
            if node is None
            else f"{name}:node:{quote(node, safe='')}".encode()
        )
    except UnicodeEncodeError:
        raise ValueError(f"{channel!r} or {node!r} is no text: half of a surrogate pair") from None


def acl_line(role: str, channel: str, *, user: str, password: str | None = None) -> str:
    """Return the line of an ACL file, or all of `ACL SETUSER` but these two words, for a role.

    Without a password nobody can log in until one is set; one that is given stands there as its
    hash.

    Raises:
        ValueError: the role or the channel is none, or the user's name cannot stand in such a line.

    """
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role: write {' or '.join(ROLES)}")
    if USER.fullmatch(user) is None:
        raise ValueError(f"{user!r} is no name of a user: write letters, digits, . : @ + _ or -")
    login = "#" + hashlib.sha256(password.encode()).hexdigest() if password else "resetpass"
    parts = ["user", user, "reset", "on", login, "resetkeys", "resetchannels"]
    if role == "node":
        parts.append("&" + channel_of(channel, None).decode().removesuffix("all") + "*")
    return " ".join([*parts, "-@all", *COMMANDS[role]])
