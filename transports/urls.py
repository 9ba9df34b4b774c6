"""Transports by URL, as the command line and configuration files name them.

    redis://broker:6379/0?channel=shop          rediss://   the same over TLS
    postgres://db/bus?backend=isolated          postgresql://   the same
    redis://broker?channel=pipecat:acme&format=pipecat          a channel of Pipecat; so PGMQ
    ws://hub:8765   wss://hub                   connects to a node that is the hub
    ws+listen://0.0.0.0:8765                    is the hub; `ws://...?listen=1` is the same

What a URL says besides is for the library behind it, if that knows the word; anything else is a
mistake. A library is imported only when a transport that needs it is made.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from ..actors.errors import CallboardError
from .masking import mask_url
from .schemes import SCHEMES, Missing, Scheme, truth
from .transport import Transport

__all__ = ["Address", "BadUrl", "address_of", "transport_from_url"]

BEGINS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
NO_URL = "is no URL; in a password write what is no letter and no digit as %XX, such as %40 for '@'"
NO_PORT = "its port is no number from 0 to 65535"


class BadUrl(CallboardError, ValueError):
    """A URL names no transport, or says something that the transport does not know."""

    def __init__(self, url: str, problem: str) -> None:
        """Say what is wrong with it; whatever may be secret in it is masked."""
        shown = mask_url(url) if BEGINS.match(url) else "a text that does not begin like a URL"
        super().__init__(f"{shown}: {problem}")
        self.problem = problem


@dataclass(frozen=True)
class Address:
    """A URL that was looked at: which transport, for whose library, with which settings."""

    scheme: str
    url: str = field(repr=False)
    """The URL without what is said to us."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


def transport_from_url(url: str, channel: str | None = None) -> Transport:
    """Return the transport that a URL names, not yet connected.

    `channel` is for a URL without `?channel=`; None: the transport's own default.

    Raises:
        BadUrl: the URL is wrong.
        ImportError: the library for it is not installed; the text says what to install.

    """
    address = address_of(url)
    settings = dict(address.settings)
    if channel is not None:
        settings.setdefault("channel", channel)
    try:
        return SCHEMES[address.scheme].make(address.url, settings)
    except Missing as error:  # not masked: `?key=FILE` would be taken for a secret
        raise BadUrl(url, str(error)) from error
    except (ValueError, OSError) as error:
        raise BadUrl(url, mask_url(str(error))) from error


def address_of(url: str) -> Address:
    """Look at a URL, without importing or connecting anything.

    Raises:
        BadUrl: it names no transport, or a setting that there is not.

    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # its text may show a part of a password
        raise BadUrl(url, NO_URL) from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise BadUrl(url, NO_URL)
    try:
        _ = parts.port
    except ValueError:
        raise BadUrl(url, NO_PORT) from None
    query = parse_qsl(parts.query, keep_blank_values=True)
    listens = [value for word, value in query if word == "listen"]
    name = parts.scheme
    if name in ("ws", "wss") and listens:
        try:
            name += "+listen" if truth(listens[-1]) else ""
        except ValueError as error:
            raise BadUrl(url, f"listen: {error}") from None
        query = [each for each in query if each[0] != "listen"]
    scheme = SCHEMES.get(name)
    if scheme is None:
        near = difflib.get_close_matches(name, SCHEMES, 1)
        hint = f"; did you mean {near[0]}://?" if near else ""
        raise BadUrl(
            url, f"names no transport: write {', '.join(f'{e}://' for e in SCHEMES)}{hint}"
        )
    if not parts.hostname and name.startswith("ws"):
        raise BadUrl(url, "names no host")
    return _settled(url, name, scheme, parts, query)


def _settled(
    url: str, name: str, scheme: Scheme, parts: SplitResult, query: list[tuple[str, str]]
) -> Address:
    settings: dict[str, Any] = {}
    left: list[tuple[str, str]] = []
    for word, value in query:
        read = scheme.ours.get(word)
        if read is None:
            if word not in scheme.theirs:
                raise BadUrl(url, _unknown(word, scheme))
            left.append((word, value))
            continue
        if word in settings:
            raise BadUrl(url, f"says {word!r} twice")
        try:
            settings[word] = read(value)
        except ValueError as error:
            raise BadUrl(url, f"{word}: {error}") from None
    whole = parts._replace(query=urlencode(left), fragment="").geturl()
    return Address(name, whole, settings)


def _unknown(word: str, scheme: Scheme) -> str:
    near = difflib.get_close_matches(word, [*scheme.ours, *scheme.theirs], 1)
    hint = f"did you mean {near[0]!r}?" if near else f"it may say {', '.join(sorted(scheme.ours))}"
    return f"there is no setting {word!r}; {hint}"
