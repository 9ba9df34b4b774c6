"""What each kind of transport URL may say, and the transport that it makes.

A transport's module is imported when it is made: so only who uses it needs its library.
"""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .transport import Transport
from .units import bytes_of, seconds_of

__all__ = ["SCHEMES", "Missing", "Scheme", "truth"]

Settings = dict[str, Any]
"""What was said to the transport, read."""


class Missing(ValueError):
    """A URL lacks a setting. The text tells what to write, and shows nothing of what was."""


@dataclass(frozen=True)
class Scheme:
    """What a URL that begins like this may say, and what it makes."""

    make: Callable[[str, Settings], Transport]
    """From the URL, without what is said to the transport, and from that."""
    ours: Mapping[str, Callable[[str], Any]]
    """The query's words that the transport takes, each with what reads its value."""
    theirs: frozenset[str] = frozenset()
    """Those that are left in the URL, for the library."""


# -- what reads a value; each raises ValueError ----


def truth(text: str) -> bool:
    """Return whether a text says yes."""
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError(f"{text!r} is neither 1 nor 0")
    return known[text.lower()]


def _word(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _backend(text: str) -> bool:
    if text not in ("direct", "isolated"):
        raise ValueError(f"{text!r} is none: write direct or isolated")
    return text == "isolated"


def _format(text: str) -> bool:
    """Return whether it is Pipecat's."""
    if text not in ("callboard", "pipecat"):
        raise ValueError(f"{text!r} is none: write callboard or pipecat")
    return text == "pipecat"


# -- what makes a transport ----


def _redis(url: str, settings: Settings) -> Transport:
    if _is_pipecats(settings):
        from .pipecat.transport import PipecatRedisTransport

        return PipecatRedisTransport(url, **settings)
    from .redis import RedisTransport

    return RedisTransport(url, **settings)


def _pgmq(url: str, settings: Settings) -> Transport:
    isolated = settings.pop("backend", False)
    if _is_pipecats(settings):
        from .pipecat.transport import PipecatPgmqTransport

        return PipecatPgmqTransport(url, isolated=isolated, **settings)
    from .pgmq.transport import PgmqTransport

    return PgmqTransport(url, isolated=isolated, **settings)


def _is_pipecats(settings: Settings) -> bool:
    """Whether it is a channel of Pipecat; what only one kind of channel has, the other refuses.

    Raises:
        ValueError: a setting is there that the kind does not have.

    """
    pipecats = bool(settings.pop("format", False))
    others = OURS_ONLY if pipecats else PIPECATS
    for word in settings:
        if word in others:
            kind = "not with" if pipecats else "only with"
            raise ValueError(f"{word} goes {kind} format=pipecat")
    return pipecats


def _websocket(url: str, settings: Settings) -> Transport:
    from .websocket.client import WebSocketTransport
    from .websocket.connection import Limits

    plain, token = _without_token(url, settings)
    ssl = None
    if "ca" in settings:
        ssl = tls.create_default_context(cafile=settings["ca"])
    return WebSocketTransport(
        plain,
        token=token,
        ssl=ssl,
        insecure=settings.get("insecure", False),
        limits=Limits(**_only(settings, "size", "ping_interval")),
    )


def _hub(url: str, settings: Settings) -> Transport:
    from .websocket.connection import Limits
    from .websocket.server import WebSocketHub

    plain, token = _without_token(url, settings)
    parts = urlsplit(plain)
    ssl = None
    if parts.scheme.startswith("wss"):
        if "cert" not in settings:
            raise Missing("needs ?cert=FILE, and &key=FILE if the key is not in it")
        ssl = tls.create_default_context(tls.Purpose.CLIENT_AUTH)
        ssl.load_cert_chain(settings["cert"], settings.get("key"))
    elif "cert" in settings:
        raise ValueError("has a certificate and no TLS: write wss+listen://")
    return WebSocketHub(
        parts.hostname or "",
        parts.port or 0,
        token=token,
        ssl=ssl,
        insecure=settings.get("insecure", False),
        limits=Limits(**_only(settings, "size", "ping_interval")),
        path=parts.path or None,
    )


def _only(settings: Settings, *words: str) -> Settings:
    return {word: settings[word] for word in words if word in settings}


def _without_token(url: str, settings: Settings) -> tuple[str, str | None]:
    """Return the URL without what stands before its host, and the token, from there or a file.

    A channel becomes the path, where there is none.
    """
    parts = urlsplit(url)
    said = parts.password or parts.username
    host = parts.netloc.rpartition("@")[2]
    path = parts.path
    if "channel" in settings and path in ("", "/"):
        path = f"/{quote(settings['channel'], safe='')}"
    plain = parts._replace(netloc=host, path=path).geturl()
    if "token_file" not in settings:
        return plain, unquote(said) if said else None
    if said:
        raise ValueError("has a token before the host, and a token_file: give one of them")
    token = Path(settings["token_file"]).read_text().strip()
    return plain, token


PIPECATS: Mapping[str, Callable[[str], Any]] = {
    "job_within": seconds_of,
    "probe": seconds_of,
    "obey_end": truth,
}
"""What only a channel of Pipecat has."""

OURS_ONLY = {"visibility_timeout", "batch_size", "poll_interval", "max_poll_seconds"}
"""What only a channel of nodes has."""

REDIS = Scheme(
    _redis,
    {"channel": _word, "format": _format, "insecure": truth, "silence": seconds_of, **PIPECATS},
    frozenset(
        {
            "db", "username", "password", "client_name", "protocol", "health_check_interval",
            "socket_timeout", "socket_connect_timeout", "socket_keepalive", "ssl_cert_reqs",
            "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname",
            "ssl_password", "ssl_min_version",
        }
    ),
)  # fmt: skip

PGMQ = Scheme(
    _pgmq,
    {
        "channel": _word,
        "format": _format,
        "backend": _backend,
        "visibility_timeout": seconds_of,
        "batch_size": _count,
        "poll_interval": seconds_of,
        "max_poll_seconds": seconds_of,
        **PIPECATS,
    },
    frozenset(
        {
            "host", "port", "user", "password", "dbname", "database", "passfile", "sslmode",
            "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "application_name",
            "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs",
        }
    ),
)  # fmt: skip

SOCKET = {
    "channel": _word,
    "token_file": _word,
    "insecure": truth,
    "size": bytes_of,
    "ping_interval": seconds_of,
}
CLIENT = Scheme(_websocket, SOCKET | {"ca": _word})
HUB = Scheme(_hub, SOCKET | {"cert": _word, "key": _word})

SCHEMES = {
    "redis": REDIS,
    "rediss": REDIS,
    "postgres": PGMQ,
    "postgresql": PGMQ,
    "ws": CLIENT,
    "wss": CLIENT,
    "ws+listen": HUB,
    "wss+listen": HUB,
}
"""By how a URL begins."""
