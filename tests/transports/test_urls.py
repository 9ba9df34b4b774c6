"""Transports by URL: what a URL may say, what is refused, and that no secret is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from callboard.transports.schemes import SCHEMES, Scheme
from callboard.transports.urls import BadUrl, address_of, transport_from_url

CANARY = "canary-4711"


@pytest.mark.parametrize(
    ("url", "scheme", "left", "settings"),
    [
        ("redis://broker", "redis", "redis://broker", {}),
        ("rediss://u:p@h:1/2?db=3", "rediss", "rediss://u:p@h:1/2?db=3", {}),
        ("redis://h?channel=a:b&db=1", "redis", "redis://h?db=1", {"channel": "a:b"}),
        ("postgres://h/d?backend=isolated", "postgres", "postgres://h/d", {"backend": True}),
        (
            "postgresql://h/d?sslmode=require&poll_interval=250ms&batch_size=50",
            "postgresql",
            "postgresql://h/d?sslmode=require",
            {"poll_interval": 0.25, "batch_size": 50},
        ),
        (
            "redis://h?channel=pipecat:acme&format=pipecat&job_within=2m&obey_end=1",
            "redis",
            "redis://h",
            {"channel": "pipecat:acme", "format": True, "job_within": 120.0, "obey_end": True},
        ),
        ("ws://hub:8765", "ws", "ws://hub:8765", {}),
        ("wss://hub/path?token_file=/t", "wss", "wss://hub/path", {"token_file": "/t"}),
        ("ws+listen://0.0.0.0:8765", "ws+listen", "ws+listen://0.0.0.0:8765", {}),
        ("ws://127.0.0.1:0?listen=1", "ws+listen", "ws://127.0.0.1:0", {}),
        ("ws://127.0.0.1:1?listen=0", "ws", "ws://127.0.0.1:1", {}),
    ],
)
def test_what_a_url_says_is_ours_or_the_librarys(
    url: str, scheme: str, left: str, settings: dict[str, Any]
) -> None:
    found = address_of(url)
    assert (found.scheme, found.url, dict(found.settings)) == (scheme, left, settings)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "names no transport: write redis://"),
        ("broker:6379", "names no transport"),
        ("rdis://h", "did you mean redis://?"),
        ("http://h", "names no transport"),
        ("redis://h?chanel=x", "there is no setting 'chanel'; did you mean 'channel'?"),
        ("redis://h?channel=", "channel: is empty"),
        ("redis://h?channel=a&channel=b", "says 'channel' twice"),
        ("redis://h?listen=1", "there is no setting 'listen'"),
        ("postgres://h/d?backend=both", "backend: 'both' is none: write direct or isolated"),
        ("postgres://h/d?poll_interval=soon", "poll_interval: 'soon' is no duration"),
        ("postgres://h/d?batch_size=few", "batch_size: 'few' is no whole number"),
        ("redis://h?format=json", "format: 'json' is none: write callboard or pipecat"),
        ("ws://hub?format=pipecat", "there is no setting 'format'"),
        ("ws://hub?listen=maybe", "'maybe' is neither 1 nor 0"),
        ("ws://", "names no host"),
        ("ws://hub:port", ": its port is no number from 0 to 65535"),
        ("redis://127.0.0.1:99999", "127.0.0.1:99999: its port is no number from 0 to 65535"),
        ("redis://[h", "is no URL"),
    ],
)
def test_what_is_wrong_is_said(url: str, said: str) -> None:
    with pytest.raises(BadUrl) as wrong:
        address_of(url)
    assert said in str(wrong.value)


@pytest.mark.check("M106")
@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{CANARY}@h?colour=1",
        f"redis://:{CANARY}/x@h",
        f"redis://:x/{CANARY}@h",
        f"redis://:x?{CANARY}@h",
        f"redis://:x#{CANARY}@h",
        f"rdis://:{CANARY}@h",
        f"{CANARY}://:{CANARY}@h".removeprefix(f"{CANARY}"),
        f"postgres://u:{CANARY}@h/d?backend=x",
        f"ws://:{CANARY}@hub?listen=maybe",
    ],
)
def test_no_secret_of_a_url_is_in_an_error_or_shown_by_its_address(url: str) -> None:
    with pytest.raises(BadUrl) as wrong:
        address_of(url)
    assert CANARY not in str(wrong.value)
    assert CANARY not in repr(address_of(f"redis://:{CANARY}@h"))


def test_a_url_goes_before_the_channel_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def make(_: str, settings: dict[str, Any]) -> Any:
        made.append(settings)

    monkeypatch.setitem(SCHEMES, "redis", Scheme(make, {"channel": str}))
    transport_from_url("redis://h", "all")
    transport_from_url("redis://h?channel=own", "all")
    transport_from_url("redis://h")
    assert made == [{"channel": "all"}, {"channel": "own"}, {}]


@pytest.mark.check("M141")
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "redis://127.0.0.1?format=pipecat",
            "PipecatRedisTransport('redis://127.0.0.1', channel='pipecat:bus')",
        ),
        (
            "redis://:s3cret@h?channel=pipecat:acme&format=pipecat",
            "PipecatRedisTransport('redis://:***@h', channel='pipecat:acme')",
        ),
        (
            "postgres://h/d?format=pipecat",
            "PipecatPgmqTransport('postgres://h/d', channel='pipecat_bus')",
        ),
        (
            "postgres://u:s3cret@h/d?channel=pipecat:acme&format=pipecat&backend=isolated",
            "PipecatPgmqTransport('postgres://u:***@h/d', channel='pipecat:acme')",
        ),
        (
            "redis://127.0.0.1?format=callboard",
            "RedisTransport('redis://127.0.0.1', channel='callboard')",
        ),
    ],
)
def test_a_channel_of_pipecat_is_named_by_its_format(url: str, shown: str) -> None:
    assert repr(transport_from_url(url)) == shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h?probe=5s&insecure=1", "probe goes only with format=pipecat"),
        ("postgres://h/d?format=pipecat&batch_size=5", "batch_size goes not with format=pipecat"),
        ("redis://h?format=pipecat", "without a password"),
        ("redis://127.0.0.1?format=pipecat&probe=0", "probe must be more than 0"),
        ("ws+listen://0.0.0.0:8765", "could connect; give token=, in a URL ?token_file=FILE"),
        ("ws://10.0.0.1:8765", "in a network you trust insecure=True (in a URL ?insecure=1)"),
    ],
)
def test_what_a_transport_does_not_do_is_said(url: str, said: str) -> None:
    with pytest.raises(BadUrl) as wrong:
        transport_from_url(url)
    assert said in str(wrong.value)


def test_what_a_hub_with_tls_lacks_is_said_as_it_is_to_be_written() -> None:
    said = re.escape("needs ?cert=FILE, and &key=FILE if the key is not in it")
    with pytest.raises(BadUrl, match=said):
        transport_from_url("wss+listen://127.0.0.1:28801")


@pytest.mark.check("M106")
def test_what_a_transport_refuses_is_said_of_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(url: str, _: dict[str, Any]) -> Any:
        raise ValueError(f"cannot use {url}")

    monkeypatch.setitem(SCHEMES, "redis", Scheme(make, {}))
    with pytest.raises(BadUrl, match=r"redis://:\*\*\*@h: cannot use redis://:\*\*\*@h") as wrong:
        transport_from_url(f"redis://:{CANARY}@h")
    assert CANARY not in str(wrong.value)


@pytest.mark.check("M104", "M120")
@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [
        ("redis://h", "redis", "redis"),
        ("postgres://h/d", "asyncpg", "pgmq"),
        ("redis://127.0.0.1?format=pipecat", "redis", "redis"),
        ("postgres://h/d?format=pipecat", "asyncpg", "pgmq"),
        ("ws://127.0.0.1:1", "websockets", "websocket"),
        ("ws+listen://127.0.0.1:0", "websockets", "websocket"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_the_command(
    url: str, library: str, extra: str
) -> None:
    # In a process of its own, which has not imported the library before.
    script = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "import callboard\n"
        "from callboard.transports.urls import transport_from_url\n"
        f"try: transport_from_url({url!r})\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"pip install 'callboard[{extra}]'" in done.stdout
