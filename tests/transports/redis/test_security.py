"""Who may use a Redis, over what, and that no secret is ever shown."""

from __future__ import annotations

import asyncio
import logging
import ssl
import traceback
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from callboard import Child, Node, Supervisor, Worker
from callboard.actors.testing import eventually
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.redis import RedisTransport
from callboard.transports.redis_channels import acl_line
from callboard.transports.transport import Packet
from tests.servers.certificates import Certificates
from tests.servers.chaos import ChaosProxy
from tests.servers.fixtures import NewRedis
from tests.transports.redis.redis_end import RedisEnd

pytestmark = pytest.mark.realtime

CANARY = "C4nary/0f:th3@m1ne?"


@pytest.fixture
def acl(tmp_path: Path) -> dict[str, str]:
    """A Redis's settings: the lines for a node and for who watches, and nobody else."""
    users = ["user default off"]
    users += [acl_line("node", "shop", user="till", password=CANARY)]
    users += [acl_line("node", "shop", user="ear", password=CANARY).replace("+publish ", "")]
    users += [acl_line("watch", "shop", user="eye", password=CANARY)]
    path = tmp_path / "users.acl"
    path.write_text("\n".join(users) + "\n")
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    return {"aclfile": str(path)}


def client(url: str) -> Any:
    return cast("Any", Redis).from_url(url)


async def test_the_printed_line_is_enough_and_allows_nothing_else(
    new_redis: NewRedis, acl: dict[str, str]
) -> None:
    server = new_redis(settings=acl)
    url = server.url_for("till", CANARY)
    async with (
        RedisEnd("a", RedisTransport(url, channel="shop")) as a,
        RedisEnd("b", RedisTransport(url, channel="shop")) as b,
    ):
        await a.connected()
        await b.connected()
        a.post("b", b"to b")
        b.post(None, b"to all")
        assert await b.got(2) == [(b"to b", None), (b"to all", None)]
        assert (await a.got(1))[0] == (b"to all", None)
        assert a.failures == b.failures == []
    redis = client(url)
    for command in (
        ("GET", "key"), ("SET", "shop:all", "x"), ("KEYS", "*"), ("FLUSHALL",), ("INFO",),
        ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("ACL", "WHOAMI"), ("CLIENT", "LIST"),
        ("EVAL", "return 1", "0"),
        ("PUBLISH", "bank:all", "x"), ("PUBLISH", "shop", "x"), ("PUBLISH", "shops:all", "x"),
        ("SUBSCRIBE", "bank:all"), ("PSUBSCRIBE", "*"), ("PSUBSCRIBE", "shop:*"),
        ("PUBSUB", "CHANNELS"), ("MONITOR",), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"),
    ):  # fmt: skip
        with pytest.raises(NoPermissionError):
            await redis.execute_command(*command)
    await redis.aclose()


async def test_who_watches_may_count_and_neither_hear_nor_speak(
    new_redis: NewRedis, acl: dict[str, str]
) -> None:
    server = new_redis(settings=acl)
    async with RedisEnd("a", RedisTransport(server.url_for("till", CANARY), channel="shop")) as a:
        await a.connected()
        redis = client(server.url_for("eye", CANARY))
        assert await redis.pubsub_numsub("shop:all", "shop:node:a") == [
            (b"shop:all", 1),
            (b"shop:node:a", 1),
        ]
        for command in (("PUBLISH", "shop:all", "x"), ("SUBSCRIBE", "shop:all"), ("GET", "key")):
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*command)
        await redis.aclose()


@pytest.mark.parametrize(
    ("user", "channel"),
    [("eye", "shop"), ("ear", "shop"), ("till", "bank")],
    ids=["neither", "only listening", "another channel"],
)
async def test_what_is_not_allowed_is_said_with_what_helps(
    new_redis: NewRedis, acl: dict[str, str], user: str, channel: str
) -> None:
    server = new_redis(settings=acl)
    url = server.url_for(user, CANARY)
    async with RedisEnd("a", RedisTransport(url, channel=channel)) as a:
        await eventually(lambda: a.failed_of("callboard redis acl node"))
        assert (a.ups, a.transport) == (0, None)


@pytest.fixture
def speaks_tls(certificates: Certificates) -> ssl.SSLContext:
    """What stands before a Redis that speaks no TLS itself: not every build of it does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


async def test_over_tls_with_an_authority_that_is_trusted(
    new_redis: NewRedis, certificates: Certificates, speaks_tls: ssl.SSLContext
) -> None:
    server = new_redis(password=CANARY)
    async with ChaosProxy(server.port, tls=speaks_tls) as proxy:
        url = f"rediss://:{quote(CANARY, safe='')}@localhost:{proxy.port}"
        url += f"?ssl_ca_certs={certificates.authority}"
        async with (
            RedisEnd("a", RedisTransport(url)) as a,
            RedisEnd("b", RedisTransport(url)) as b,
        ):
            await a.connected()
            await b.connected()
            large = bytes(range(256)) * 2048
            for _ in range(20):
                a.post("b", large)
            assert [data for data, _ in await b.got(20)] == [large] * 20
            assert a.transport is not None
            spare = a.transport.spare()
            assert spare is not None
            await spare.open()
            await spare.publish([Packet("a", b"spare")])
            await spare.close()
            await a.got(1)
            await proxy.cut()
            await a.reach(b)


async def test_over_tls_a_slow_line_is_not_taken_for_a_silent_one(
    new_redis: NewRedis, certificates: Certificates, speaks_tls: ssl.SSLContext
) -> None:
    server = new_redis()
    async with ChaosProxy(server.port, tls=speaks_tls) as proxy:
        url = f"rediss://localhost:{proxy.port}?ssl_ca_certs={certificates.authority}"
        async with RedisEnd("a", RedisTransport(url, silence=0.8)) as a:
            await a.connected()
            proxy.to_client.rate = 500_000
            a.post("a", bytes(800_000))
            assert await a.got(1, within=20) == [(bytes(800_000), None)]
            assert (a.ups, a.downs) == (1, 0)


@pytest.mark.parametrize("how", ["unknown authority", "another name", "no TLS"])
async def test_over_tls_nobody_else_is_taken_for_it(
    redis_server: RedisServer, certificates: Certificates, speaks_tls: ssl.SSLContext, how: str
) -> None:
    async with ChaosProxy(redis_server.port, tls=speaks_tls) as proxy:
        url = {
            "unknown authority": f"rediss://127.0.0.1:{proxy.port}",
            "another name": f"rediss://127.1:{proxy.port}?ssl_ca_certs={certificates.authority}",
            "no TLS": f"redis://127.0.0.1:{proxy.port}",
        }[how]
        async with RedisEnd("a", RedisTransport(url, silence=1.0, insecure=True)) as a:
            await eventually(lambda: len(a.failures) >= 2, within=20)
            assert a.ups == 0
            if how != "no TLS":
                assert a.failed_of("certificate verify failed")


@pytest.mark.check("M106")
@pytest.mark.parametrize("trouble", ["wrong password", "not there", "killed"])
async def test_a_password_is_shown_nowhere(
    new_redis: NewRedis, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    password = CANARY
    server = new_redis(password="other" if trouble == "wrong password" else password)
    transport = RedisTransport(server.url_for("", password))
    node = Node(
        Supervisor([Child("w", Worker)]), name="a", transports=[transport], handle_signals=False
    )
    async with node:
        seen = node.events.subscribe()
        if trouble == "not there":
            await asyncio.to_thread(server.kill)
        if trouble == "killed":
            await eventually(lambda: node.events.counts["connected"])
            await asyncio.to_thread(server.kill)
        await eventually(lambda: node.events.counts["failed"] >= 2, within=20)
        events = seen.take()
        shown = [repr(transport), repr(vars(transport)), repr(node.snapshot()), repr(events)]
        shown += [str(node.snapshot().plain()), caplog.text]
        for event in events:
            cause = getattr(event.reason, "cause", None)
            if isinstance(cause, BaseException):
                shown += traceback.TracebackException.from_exception(cause).format()
                shown += [repr(cause), repr(vars(cause)), repr(cause.__cause__)]
        text = "\n".join(shown)
    assert "RedisLost" in text and f"redis://:***@127.0.0.1:{server.port}" in text
    for piece in ("C4nary", "0f:th3", "0f%3Ath3", "m1ne"):
        assert piece not in text
