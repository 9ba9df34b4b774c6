"""The names of queues and topics: legal for PGMQ, readable, and no two nodes share one."""

from __future__ import annotations

import functools
import hashlib
import re

__all__ = ["LONGEST", "queue_name", "topic_name"]

LONGEST = 47
"""Characters of a queue's name. PGMQ refuses longer ones: Postgres cuts what it makes of them."""

DIGEST = 24
"""Hexadecimal digits that tell names apart: 96 bits."""

READABLE = LONGEST - DIGEST - 1


@functools.lru_cache(maxsize=4096)
def queue_name(channel: str, node: str) -> str:
    """Return the name of a node's queue: a readable beginning, and a hash of all of both names."""
    return f"{_readable(f'{channel}_{node}')}_{_digest(channel, node)}"


@functools.lru_cache(maxsize=64)
def topic_name(channel: str) -> str:
    """Return the routing key of what all nodes of a channel are told."""
    return f"callboard.{_digest(channel)}"


def _readable(text: str) -> str:
    beginning = re.sub(r"[^a-z0-9]+", "_", text.lower())[:READABLE].strip("_")
    return beginning or "queue"


def _digest(*parts: str) -> str:
    # Lengths before the texts: no two lists of parts make one text.
    whole = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST]
