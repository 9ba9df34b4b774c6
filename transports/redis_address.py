"""Where a Redis is and how connections to it are made, from a URL or from a client of redis-py."""

from __future__ import annotations

import inspect
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from ..actors.errors import CallboardError
from .masking import mask_url

try:
    import hiredis
    from redis.asyncio import ConnectionPool, Redis
    from redis.asyncio.connection import AbstractConnection
except ImportError as error:
    raise ImportError(
        "RedisTransport needs redis-py and hiredis: pip install 'callboard[redis]'"
    ) from error

__all__ = ["InsecureRedis", "RedisAddress", "RedisConnection", "packed"]

LOCAL_NAMES = ("localhost", "localhost.", "ip6-localhost")

USERS_OWN = {
    "client_name",
    "credential_provider",
    "parser_class",
    "password",
    "redis_connect_func",
    "socket_connect_timeout",
    "socket_read_size",
    "username",
}
"""What is taken over of the settings that every connection has. The rest are the transport's: it
reads bytes, waits as long as it says itself, and its supervisor tries again."""

OTHERS = set(inspect.signature(cast("Any", AbstractConnection).__init__).parameters) - USERS_OWN
NAMELESS = (
    {"driver_info": None} if "driver_info" in OTHERS else {"lib_name": None, "lib_version": None}
)
"""No CLIENT SETINFO: an ACL user does not need to be allowed it."""


PACK = cast("Any", hiredis).pack_command


def packed(*words: str | bytes) -> bytes:
    """Return a command as Redis reads it."""
    command: bytes = PACK(words)
    return command


class RedisConnection(Protocol):
    """What is used of a connection of redis-py."""

    async def connect(self) -> None:
        """Connect and log in."""

    async def disconnect(self) -> None:
        """Disconnect."""

    async def send_packed_command(
        self, command: bytes | Iterable[bytes], check_health: bool
    ) -> None:
        """Send; it waits while too much has not been taken."""

    async def read_response(self, disable_decoding: bool) -> object:
        """Return the next answer."""


class InsecureRedis(CallboardError, ValueError):
    """Redis would be used from another machine without a password."""

    def __init__(self, shown: str) -> None:
        """Say what to do."""
        super().__init__(
            f"{shown}: without a password, whoever reaches this Redis can speak as any worker. Put "
            "a user and password before the host ('callboard redis acl node' prints the user), or "
            "where only trusted machines reach it, say insecure=True ('?insecure=1' in a URL)"
        )
        self.shown = shown


class RedisAddress:
    """How to connect; what is shown of it holds no secret."""

    def __init__(
        self, url: str | None, client: Redis | None, *, silence: float, insecure: bool
    ) -> None:
        """Look at a URL or a client, without connecting.

        Raises:
            InsecureRedis: it names no password, and is not on this machine.
            TypeError: the client is none of `redis.asyncio`.
            ValueError: the URL is none, or both are given.

        """
        if url is not None and client is not None:
            raise ValueError("give a URL or a client, not both")
        pool = _pool_of_url(url or "redis://localhost:6379") if client is None else _pool_of(client)
        self._client = client  # a pool of a Sentinel's is kept alive by its client only
        self._class = pool.connection_class
        given: dict[str, Any] = dict(pool.connection_kwargs)
        self.shown = _shown(url, given)
        if not (insecure or _is_local(given) or _has_login(given)):
            raise InsecureRedis(self.shown)
        kept = {name: value for name, value in given.items() if name not in OTHERS}
        timeout = kept.get("socket_connect_timeout")
        self.patience: float = silence + (timeout or silence)
        """Seconds that connecting may take in all."""
        self._settings: dict[str, Any] = {
            "socket_connect_timeout": silence,
            **kept,
            **NAMELESS,
            "protocol": 2,
            "socket_timeout": None,
        }
        if "path" not in kept:
            self._settings.update(_keepalive(kept, silence))

    def make(self) -> RedisConnection:
        """Return a new connection, not yet connected; it never connects again by itself."""
        return cast("RedisConnection", self._class(**self._settings))


def _pool_of_url(url: str) -> ConnectionPool:
    try:
        parts = urlsplit(url)
        _ = parts.port
        wrong = None if parts.scheme in ("redis", "rediss", "unix") else "begin it with redis://"
    except ValueError:
        # The parser's own text holds what it took for a port: often a piece of the password.
        wrong = "the port is no number; in a password write : / ? # @ % as %3A %2F %3F %23 %40 %25"
    if wrong is not None:
        raise ValueError(f"{mask_url(url)} is no URL of a Redis: {wrong}")
    try:
        return cast("ConnectionPool", cast("Any", ConnectionPool).from_url(url))
    except ValueError as error:
        raise ValueError(f"{mask_url(url)}: {mask_url(str(error))}") from None


def _pool_of(client: object) -> ConnectionPool:
    if not isinstance(client, Redis):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise TypeError(
            f"client must be a redis.asyncio.Redis, is {kind}; for a cluster, give a client of one "
            "of its nodes: what is published there reaches all of them"
        )
    pool = client.connection_pool
    if getattr(pool, "is_master", True) is False:
        raise ValueError(
            "give a client of the master: a replica does not pass on what is published"
        )
    return pool


def _shown(url: str | None, given: Mapping[str, Any]) -> str:
    if url is not None:
        return mask_url(url)
    scheme = "rediss" if any(name.startswith("ssl") for name in given) else "redis"
    if "path" in given:
        return f"unix://{given['path']}"
    if "connection_pool" in given:
        return f"{scheme}://(by Sentinel)"
    return f"{scheme}://{given.get('host', 'localhost')}:{given.get('port', 6379)}"


def _is_local(given: Mapping[str, Any]) -> bool:
    if "path" in given:
        return True
    host = str(given.get("host", "" if "connection_pool" in given else "localhost")).lower()
    if host in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _has_login(given: Mapping[str, Any]) -> bool:
    """Return whether who connects proves who it is: by password or by certificate."""
    return any(
        given.get(name)
        for name in ("password", "credential_provider", "redis_connect_func", "ssl_certfile")
    )


def _keepalive(kept: Mapping[str, Any], silence: float) -> dict[str, Any]:
    """Have the system, too, give up what is written to nobody: else it is kept for many minutes."""
    chosen: object = kept.get("socket_keepalive_options")
    options = dict(cast("Mapping[int, int]", chosen)) if isinstance(chosen, Mapping) else {}
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.setdefault(socket.TCP_USER_TIMEOUT, int(silence * 1000))
    return {"socket_keepalive": True, "socket_keepalive_options": options}
