"""What may be shown of a text that holds secrets: URLs, headers and settings without them.

It errs on the side of showing too little. A password that was not percent-encoded may hold any
character, also one that ends a host or begins a query: so what is masked reaches to the last `@`.
A port that is none may be a password, and a word of the query that nobody knows a misspelt one.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["mask_url"]

MASK = "***"

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
ENDS_A_URL = re.compile(r"[\s\"'<>`]")
BETWEEN_URLS = re.compile(r"[\s,;|\"'<>()\[\]`]+\Z")

BEFORE_A_URL = frozenset(" \t\r\n,;|=\"'<>()[]`")
"""What stands between two URLs of one text."""

TAIL = r"[:.,;|\"'<>()\[\]`=}]*"
"""What may follow a URL, or a part of it, and belongs to the sentence around."""

NO_PORT = re.compile(r":(?=[^,:]*[^\d,:]|\d{6})")
NETLOC = re.compile(rf"@?[^/?#\s]*?(?={TAIL}(?:[/?#\s]|\Z))")
TO_THE_END = re.compile(rf"\S*?(?={TAIL}(?:\s|\Z))")

IN_QUERY = re.compile(
    rf"(?P<begin>[?&](?P<name>[^=&\s]+)=)(?P<value>[^&\s]+?)(?={TAIL}(?:[&\s]|\Z))"
)
NO_SECRET = frozenset(
    {
        "application_name", "backend", "batch_size", "ca", "cert", "channel", "client_name",
        "database", "db", "dbname", "format", "health_check_interval", "host", "insecure",
        "job_within", "key", "listen", "max_poll_seconds", "obey_end", "passfile",
        "ping_interval", "poll_interval", "port", "probe", "protocol", "silence", "size",
        "socket_connect_timeout", "socket_keepalive", "socket_timeout", "ssl_ca_certs",
        "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile",
        "ssl_max_protocol_version", "ssl_min_protocol_version", "ssl_min_version", "sslcert",
        "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "token_file",
        "user", "username", "visibility_timeout",
    }
)  # fmt: skip
"""What a URL may say and everybody may see; a `key` is looked at once more."""

WITHOUT_SCHEME = re.compile(r"(?<![\w.%+-])([\w.%+-]*:)[^\s@]+@")
"""Where the beginning of a URL was forgotten."""

SAYS_SECRET = re.compile(
    r"pass|pwd|secret|token|auth|credential|signature|cookie|api[-_]?key|[-_]key\Z"
    r"|\A(?:key|sig|jwt|sas)\Z",
    re.IGNORECASE,
)
"""Names of parameters, settings and headers whose values are not shown."""

NAMES_A_FILE = re.compile(r"file\Z", re.IGNORECASE)
KEY_FILE = re.compile(r"\+listen://\S*[?&]\Z")
"""What stands before the `key` of a hub's URL: that names a file, too."""

# What a name's value looks like: in quotes, or up to where the next thing can begin.
VALUE = r"""b?(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|[^\s&;,"')\]}]+"""
EQUALS = re.compile(rf"(?P<name>[\w%.-]+)(?P<sign>\s?=\s?)(?P<value>{VALUE})")
QUOTED_NAME = re.compile(
    r"""(?P<name>b?(?P<mark>["'])[\w-]+(?P=mark))(?P<sign>\s*[:,]\s*)"""
    r"""(?P<value>b?(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*(?P=quote))"""
)
HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\b(?:set-)?cookie)(?P<sign>\s*:\s*)(?P<value>[^\r\n\"']+)",
    re.IGNORECASE,
)
BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]+", re.IGNORECASE)
BASIC = re.compile(r"\b(basic\s+)(?=[\w+/]*[A-Z0-9=])[\w+/=-]{6,}", re.IGNORECASE)
NO_USER_IN = ("postgres", "postgresql")
"""Schemes in which what stands alone before the `@` is a user's name, and not a token."""


def mask_url(text: str) -> str:
    """Return the text with all that may be secret in it as `***`: for errors, logs and `repr`.

    The text is one URL, or any text with URLs in it. Masked are passwords before the host, values
    of parameters and settings whose name says secret (`password`, `token`, `api_key` and the like),
    and what `Authorization` and `Cookie` headers say. To mask twice changes nothing.
    """
    text = HEADER.sub(_mask_header, _mask_urls(text))
    text = QUOTED_NAME.sub(_mask_value, text)
    text = EQUALS.sub(_mask_value, text)
    return BASIC.sub(rf"\g<1>{MASK}", BEARER.sub(rf"\g<1>{MASK}", text))


def _mask_urls(text: str) -> str:
    starts = [found for found in URL.finditer(text) if _begins(text, found.start())]
    if not starts:
        return WITHOUT_SCHEME.sub(rf"\g<1>{MASK}@", text)
    pieces = [text[: starts[0].start()]]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        rest = text[start.end() : following.start() if following else len(text)]
        alone = following is None and not pieces[0] and len(starts) == 1
        pieces += [start[0], _mask_user(start[0][:-3], rest, alone=alone)]
    return "".join(pieces)


def _begins(text: str, place: int) -> bool:
    """Whether a URL can begin here: not in the middle of another one, whose password it may be."""
    earlier = URL.search(text, 0, place)
    return earlier is None or text[place - 1] in BEFORE_A_URL


def _mask_user(scheme: str, rest: str, *, alone: bool) -> str:
    """Mask what stands before the host; `rest` is what comes after `scheme://`."""
    # Of a text that is one URL all of it counts: a password may hold a blank, too.
    body = rest if alone else BETWEEN_URLS.sub("", rest)
    end = None if alone else ENDS_A_URL.search(body)
    url = body[: end.start()] if end else body
    user, at, _ = url.rpartition("@")
    name, colon, _ = user.partition(":")
    if not at:
        shown = ""
    elif colon:
        shown = f"{name}:{MASK}"
    elif scheme.lower() in NO_USER_IN and not set("/?#") & set(name):
        shown = name
    else:
        shown = MASK
    place = IN_QUERY.sub(_mask_unknown, _mask_port(url[len(user) :]))
    return shown + place + rest[len(url) :]


def _mask_port(place: str) -> str:
    """Mask what stands where a port should and is none, with all that follows it."""
    found = NETLOC.match(place)
    netloc = found[0] if found else ""
    wrong = NO_PORT.search(netloc, netloc.rfind("]") + 1)
    if wrong is None:
        return place
    begin = wrong.end()
    end = TO_THE_END.match(place, begin)
    return f"{place[:begin]}{MASK}{place[end.end() if end else len(place) :]}"


def _mask_unknown(found: re.Match[str]) -> str:
    return found[0] if unquote(found["name"]) in NO_SECRET else f"{found['begin']}{MASK}"


def _mask_value(found: re.Match[str]) -> str:
    name = unquote(found["name"]).strip("b\"'")
    if NAMES_A_FILE.search(name) or SAYS_SECRET.search(name) is None:
        return found[0]
    if name == "key" and KEY_FILE.search(found.string, 0, found.start()):
        return found[0]
    quote = found["quote"] or ""
    return f"{found['name']}{found['sign']}{quote}{MASK}{quote}"


def _mask_header(found: re.Match[str]) -> str:
    return f"{found['name']}{found['sign']}{MASK}"
