"""Which Redis a transport takes: a URL or a client, with a password where others can reach it."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any, cast

import pytest
import redis
from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import NoPermissionError

from callboard.transports.redis import RedisTransport
from callboard.transports.redis_address import InsecureRedis, RedisAddress
from callboard.transports.redis_line import RedisLost


def settings_of(url: str | None = None, client: Redis | None = None) -> dict[str, Any]:
    address = RedisAddress(url, client, silence=4.0, insecure=True)
    return vars(address.make())


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://LOCALHOST:1/3",
        "redis://127.0.0.1",
        "redis://127.8.9.1",
        "redis://[::1]:6379",
        "redis://[::ffff:127.0.0.1]",
        "unix:///run/redis.sock",
        "redis://:secret@cache.example",
        "rediss://bob:secret@10.0.0.1",
        "redis://cache.example?password=secret",
        "rediss://cache.example?ssl_certfile=/x.pem",
    ],
)
def test_loopback_needs_no_password_and_others_have_one(url: str) -> None:
    assert "secret" not in repr(RedisTransport(url))


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.example",
        "redis://10.0.0.1:6379/0",
        "rediss://bob@cache.example",
        "redis://bob:@cache.example",
        "redis://localhost.example",
        "redis://127.0.0.1.example",
        "redis://0.0.0.0",
    ],
)
def test_without_a_password_only_loopback_is_taken(url: str) -> None:
    with pytest.raises(InsecureRedis, match="insecure=True"):
        RedisTransport(url)
    assert RedisTransport(url, insecure=True).channel == "callboard"


def test_a_client_is_held_to_the_same() -> None:
    with pytest.raises(InsecureRedis):
        RedisTransport(client=Redis(host="cache.example"))
    sentinel = cast("Any", Sentinel)([("localhost", 1)])
    with pytest.raises(InsecureRedis):
        RedisTransport(client=sentinel.master_for("shop"))
    assert RedisTransport(client=Redis(host="cache.example", password="secret"))


@pytest.mark.check("M106")
def test_no_secret_is_shown_of_an_address() -> None:
    for transport in (
        RedisTransport("redis://bob:C4nary@cache:1/0?password=C4nary"),
        RedisTransport(client=Redis(host="cache", username="bob", password="C4nary")),
    ):
        assert "C4nary" not in repr(transport) + str(transport)
        assert "cache" in repr(transport)


@pytest.mark.check("M106")
@pytest.mark.parametrize(
    "url",
    [
        "redis://:C4nary/x@cache:1",
        "redis://:12:C4nary@cache:port",
        "redis://bob:C4nary?@cache:1",
        "http://bob:C4nary@cache",
        "bob:C4nary@cache:1",
        "redis://bob:C4nary@cache?socket_timeout=soon",
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match=r"\*\*\*@cache") as raised:
        RedisTransport(url)
    assert "C4nary" not in str(raised.value) and raised.value.__cause__ is None


def test_a_url_or_a_client() -> None:
    with pytest.raises(ValueError, match="not both"):
        RedisTransport("redis://localhost", client=Redis())
    assert "redis://localhost:6379" in repr(RedisTransport())


def test_only_a_client_of_the_right_kind() -> None:
    wrong: Any = redis.Redis()
    with pytest.raises(TypeError, match=r"redis\.asyncio\.Redis"):
        RedisTransport(client=wrong)
    sentinel = cast("Any", Sentinel)([("localhost", 1)])
    with pytest.raises(ValueError, match="master"):
        RedisTransport(client=sentinel.slave_for("shop", password="x"))


@pytest.mark.parametrize("wrong", [0, -1.0])
def test_silence_is_some_time(wrong: float) -> None:
    with pytest.raises(ValueError, match="silence"):
        RedisTransport(silence=wrong)


def test_what_a_client_wants_of_reading_is_not_taken_over() -> None:
    client = Redis(
        host="h", username="u", password="p", db=3, decode_responses=True, protocol=3,
        socket_timeout=7, health_check_interval=9, client_name="me", socket_connect_timeout=2,
    )  # fmt: skip
    seen = settings_of(client=client)
    made: Any = RedisAddress(None, client, silence=4.0, insecure=True).make()
    assert (seen["host"], made.username, made.password, made.client_name) == ("h", "u", "p", "me")
    assert (made.db, made.protocol, made.socket_timeout) == (0, 2, None)
    assert (made.health_check_interval, made.encoder.decode_responses) == (0, False)
    assert made.socket_connect_timeout == 2 and made.retry.get_retries() == 0


def test_the_client_of_a_sentinel_is_kept() -> None:
    """Its pool finds the master, and the library keeps it by the client only."""
    sentinel = cast("Any", Sentinel)([("localhost", 1)])
    address = RedisAddress(
        None, sentinel.master_for("shop", password="x"), silence=4.0, insecure=False
    )
    gc.collect()
    made: Any = address.make()
    assert made.connection_pool.is_master is True
    assert "Sentinel" in address.shown


def test_a_refusal_says_which_command_helps() -> None:
    lost = RedisLost.of("redis://h", NoPermissionError("no"))
    assert "callboard redis acl node" in str(lost) and isinstance(lost, ConnectionError)


@pytest.mark.check("M104")
@pytest.mark.parametrize("missing", ["redis", "hiredis"])
def test_a_missing_library_is_named_with_what_installs_it(missing: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
import callboard, callboard.transports.urls, callboard.supervision.cli.verbs
try:
    import callboard.transports.redis
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'callboard[redis]'" in done.stdout
