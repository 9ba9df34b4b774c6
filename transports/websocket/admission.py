"""Who may connect, and what has to be so before anybody may: tokens, origins, TLS, loopback."""

from __future__ import annotations

import hmac
import http
import ipaddress
import re
import ssl as tls
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from ...actors.errors import SpecError
from ..masking import mask_url

__all__ = ["Door", "Headers", "Origins", "check_listening", "checked_url", "is_loopback"]

Origins = Sequence["str | re.Pattern[str]"]
"""The browsers' origins that may connect: `https://example.org`, or a pattern."""

LEAST_TOKEN = 8
"""Characters of a token: what is shorter is a mistake, or as good as none."""


class Refused(NamedTuple):
    """Why a request is refused, before it becomes a connection."""

    status: http.HTTPStatus
    text: str
    kind: str
    """One word for counting."""


class Headers:
    """The headers of a client's handshakes. They may be secret: none is ever shown."""

    def __init__(self, subject: str, headers: Mapping[str, str] | None, token: str | None) -> None:
        """Take headers, and a token that becomes one of them.

        Raises:
            SpecError: there would be two `Authorization` headers, or a token is no token.

        """
        self.all = dict(headers or {})
        if token is None:
            return
        check_token(subject, token)
        if self.authorized:
            raise SpecError(subject, "token", "headers= has an Authorization already: give one")
        self.all["Authorization"] = f"Bearer {token}"

    @property
    def authorized(self) -> bool:
        """Whether there is a token among them, or something in its place."""
        return any(name.lower() == "authorization" for name in self.all)

    def __repr__(self) -> str:
        """Show how many."""
        return f"<{len(self.all)} headers>"


class Door:
    """Looks at a server's requests before the upgrade. It keeps the tokens, and shows none."""

    def __init__(
        self,
        subject: str,
        token: str | Iterable[str] | None,
        origins: Origins = (),
        path: str | None = None,
    ) -> None:
        """Let in who brings one of the tokens: two while they are being changed.

        Raises:
            SpecError: a token is no token.

        """
        tokens = [token] if isinstance(token, str) else list(token or ())
        for each in tokens:
            check_token(subject, each)
        self._tokens = [each.encode() for each in tokens]
        self._origins = tuple(origins)
        self._path = path

    def __repr__(self) -> str:
        """Show whether a token is asked for."""
        return f"<Door {'with' if self._tokens else 'without'} token>"

    @property
    def locked(self) -> bool:
        """Whether a token is asked for."""
        return bool(self._tokens)

    def refusal(
        self, path: str, authorization: Sequence[str], origins: Sequence[str]
    ) -> Refused | None:
        """Return why a request is refused, or None; the values are those of its headers."""
        if self._tokens and not self._is_known(authorization):
            text = "a token is needed: Authorization: Bearer <token>\n"
            return Refused(http.HTTPStatus.UNAUTHORIZED, text, "token")
        if origins and not (len(origins) == 1 and self._welcomes(origins[0])):
            text = "pages of this origin may not connect\n"
            return Refused(http.HTTPStatus.FORBIDDEN, text, "origin")
        if self._path is not None and path.partition("?")[0] != self._path:
            return Refused(http.HTTPStatus.NOT_FOUND, "there is nothing here\n", "path")
        return None

    def _is_known(self, authorization: Sequence[str]) -> bool:
        if len(authorization) != 1:
            return False
        scheme, _, given = authorization[0].partition(" ")
        if scheme.lower() != "bearer":
            return False
        offered = given.strip().encode("utf-8", "surrogateescape")
        # All are compared, so that the time tells nothing about which one, or how far.
        return sum(hmac.compare_digest(offered, each) for each in self._tokens) > 0

    def _welcomes(self, origin: str) -> bool:
        return any(
            each == origin if isinstance(each, str) else each.fullmatch(origin) is not None
            for each in self._origins
        )


def check_token(subject: str, token: str) -> None:
    """Raise `SpecError` if a token cannot be one; the text does not show it."""
    if len(token) < LEAST_TOKEN:
        raise SpecError(
            subject, "token", f"is shorter than {LEAST_TOKEN} characters: make a new one"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SpecError(subject, "token", "has characters that no header may have")


def check_listening(
    subject: str, host: str, door: Door, ssl: tls.SSLContext | None, *, insecure: bool
) -> None:
    """Refuse to listen for others than this machine without a token, or without TLS.

    Raises:
        SpecError: what is missing.

    """
    if is_loopback(host):
        return
    if not door.locked:
        problem = (
            f"none, and {host!r} is no loopback address: whoever reaches it could connect; give "
            "token=, in a URL ?token_file=FILE"
        )
        raise SpecError(subject, "token", problem)
    if ssl is None and not insecure:
        problem = (
            f"none, and {host!r} is no loopback address: the token and all messages would be read "
            "on the way; give ssl=, or insecure=True where something before it speaks TLS (in a "
            "URL wss+listen:// and ?cert=FILE, or ?insecure=1)"
        )
        raise SpecError(subject, "ssl", problem)


def checked_url(subject: str, url: str, ssl: tls.SSLContext | None, *, insecure: bool) -> str:
    """Return the URL, if it is one to connect to.

    Raises:
        SpecError: it is not, or holds a secret, or leads elsewhere without TLS.

    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SpecError(subject, "url", f"{mask_url(url)} is no URL") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise SpecError(subject, "url", f"{mask_url(url)}: write ws://host:port or wss://host")
    if parts.username is not None or parts.password is not None:
        problem = f"{mask_url(url)} holds a secret, and URLs are logged on the way: give token="
        raise SpecError(subject, "url", problem)
    if parts.scheme == "ws" and ssl is not None:
        raise SpecError(subject, "ssl", f"is for wss://, and the URL is {mask_url(url)}")
    if parts.scheme == "ws" and not insecure and not is_loopback(parts.hostname):
        problem = (
            f"{mask_url(url)} leads to another machine without TLS: the token and all messages "
            "would be read on the way; use wss://, or in a network you trust insecure=True (in a "
            "URL ?insecure=1)"
        )
        raise SpecError(subject, "url", problem)
    return url


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost may be any."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
