"""Who may connect, what has to be so before anybody may, and that no secret is ever shown."""

from __future__ import annotations

import hmac
import logging
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from callboard import Node, SpecError
from callboard.actors.testing import eventually
from callboard.transports.urls import transport_from_url
from callboard.transports.websocket import admission
from callboard.transports.websocket.client import WebSocketTransport
from callboard.transports.websocket.library import LOGGER
from callboard.transports.websocket.proxy_client import WebSocketProxyClient
from callboard.transports.websocket.proxy_server import WebSocketProxyServer
from callboard.transports.websocket.server import WebSocketHub
from tests.servers.certificates import Certificates, certify
from tests.transports.contract_cast import Log, Question
from tests.transports.websocket.ends import End
from tests.transports.websocket.proxies import Proxied, client_of, company, server_of

TOKEN = "canary-4f1c-token-of-the-tests"
OTHER = "canary-9b7e-another-one"
TWO: dict[str, Any] = {"local_worker": "main", "remote_worker": "assistant"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certify(tmp_path_factory.mktemp("certificates"))


def server_tls(files: Certificates) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(files.certificate, files.key)
    return made


# -- before anything is opened ----


@pytest.mark.check("M127")
@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.1", "example.org"])
@pytest.mark.parametrize("kind", [WebSocketHub, WebSocketProxyServer])
def test_an_address_other_than_loopback_needs_a_token_and_tls(
    kind: type[WebSocketHub] | type[WebSocketProxyServer], host: str, certificates: Certificates
) -> None:
    two: dict[str, Any] = TWO if kind is WebSocketProxyServer else {}
    tls = server_tls(certificates)
    with pytest.raises(SpecError, match=r"token: none.*in a URL \?token_file=FILE") as caught:
        kind(host, 1, ssl=tls, insecure=True, **two)
    assert caught.value.field == "token"
    with pytest.raises(SpecError, match=r"ssl: none.*\?cert=FILE, or \?insecure=1"):
        kind(host, 1, token=TOKEN, **two)
    kind(host, 1, token=TOKEN, ssl=tls, **two)
    kind(host, 1, token=TOKEN, insecure=True, **two)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_needs_neither(host: str) -> None:
    WebSocketHub(host)
    WebSocketProxyServer(host, **TWO)


@pytest.mark.parametrize("kind", [WebSocketTransport, WebSocketProxyClient])
def test_a_client_goes_to_another_machine_with_tls_only(
    kind: type[WebSocketTransport] | type[WebSocketProxyClient],
) -> None:
    two: dict[str, Any] = TWO if kind is WebSocketProxyClient else {}
    with pytest.raises(SpecError, match=r"without TLS.*\(in a URL \?insecure=1\)"):
        kind("ws://hub.example.org:8765", token=TOKEN, **two)
    kind("ws://hub.example.org:8765", token=TOKEN, insecure=True, **two)
    kind("wss://hub.example.org", token=TOKEN, **two)
    kind("ws://localhost:8765", **two)
    for wrong in ("http://hub", "ws://", "hub:8765", "ws://[::1", "ws://127.0.0.1:99999"):
        with pytest.raises(SpecError):
            kind(wrong, **two)


def test_what_makes_no_sense_is_refused_and_no_secret_is_shown() -> None:
    url = "ws://127.0.0.1:1"
    for make in (
        lambda: WebSocketTransport(f"ws://user:{TOKEN}@127.0.0.1:1"),
        lambda: WebSocketTransport(f"ws://{TOKEN}@127.0.0.1:1"),
        lambda: WebSocketTransport(url, token=TOKEN, headers={"authorization": TOKEN}),
        lambda: WebSocketTransport(url, token=f"{TOKEN} "),
        lambda: WebSocketTransport(url, token=f"{TOKEN}\n"),
        lambda: WebSocketTransport(url, token="canary"),
        lambda: WebSocketHub(token=[TOKEN, "canary"]),
        lambda: WebSocketHub(token=""),
        lambda: WebSocketHub(port=70_000),
        lambda: WebSocketTransport(url, ssl=ssl.create_default_context()),
        lambda: WebSocketProxyClient(url, local_worker="", remote_worker="b"),
        lambda: WebSocketProxyClient(url, local_worker="a", remote_worker="a"),
        lambda: WebSocketProxyClient(url, **TWO, down_after=0),
        lambda: WebSocketProxyClient(url, **TWO, forward=(str,)),
        lambda: WebSocketProxyClient(url, **TWO, forward="contract.note"),
    ):
        with pytest.raises(SpecError) as caught:
            make()
        assert "canary" not in str(caught.value)


# -- at the door ----


async def status(port: int, path: str = "/", **headers: str) -> int:
    """What the server answers: 101 where it is a connection."""
    try:
        async with connect(f"ws://127.0.0.1:{port}{path}", additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.realtime
@pytest.mark.check("M127")
async def test_without_the_token_it_is_refused_before_the_upgrade() -> None:
    server = server_of(token=[TOKEN, OTHER], path="/ws", origins=("https://ok.example",))
    async with company(Log(), "assistant", name="there", transports=[server]) as node:
        await eventually(lambda: server.port != 0)

        async def seen(path: str = "/ws", **headers: str) -> int:
            return await status(server.port, path, **headers)

        right = f"Bearer {TOKEN}"
        assert await seen(Authorization=right) == 101
        assert await seen(Authorization=f"bearer  {OTHER}") == 101
        for wrong in (
            {},
            {"Authorization": ""},
            {"Authorization": TOKEN},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"Authorization": "Bearer "},
            {"X-Token": TOKEN},
        ):
            assert await seen(**wrong) == 401, wrong
        assert await seen(f"/ws?token={TOKEN}") == 401
        assert node.events.counts["rejected_token"] == 9
        # Whoever has it comes no further from a page of another origin, or to another path.
        assert await seen(Authorization=right, Origin="https://ok.example") == 101
        assert await seen(Authorization=right, Origin="https://evil.example") == 403
        assert await seen(Authorization=right, Origin="null") == 403
        assert await seen("/", Authorization=right) == 404
        assert await seen("/ws?page=1", Authorization=right) == 101
        # Nothing is told to who may not come in, not even whether there is a path.
        assert await seen("/") == 401


@pytest.mark.realtime
async def test_no_page_connects_where_no_origin_is_named() -> None:
    hub = WebSocketHub()
    async with End("hub", hub) as end:
        await end.connected()
        assert await status(hub.port) == 101
        assert await status(hub.port, Origin="http://127.0.0.1") == 403
        assert await status(hub.port, Origin=f"http://127.0.0.1:{hub.port}") == 403


@pytest.mark.realtime
@pytest.mark.parametrize(("channel", "other"), [("", 101), ("?channel=shop", 404)])
async def test_a_hub_with_a_channel_refuses_others_and_one_without_takes_all(
    channel: str, other: int
) -> None:
    hub = transport_from_url(f"ws+listen://127.0.0.1:0{channel}")
    assert isinstance(hub, WebSocketHub)
    async with End("hub", hub) as end:
        await end.connected()
        assert await status(hub.port, "/shop") == 101
        assert await status(hub.port, "/other") == other
        assert await status(hub.port) == other


@pytest.mark.realtime
async def test_origins_may_be_patterns() -> None:
    hub = WebSocketHub(origins=(re.compile(r"https://[a-z]+\.example"),))
    async with End("hub", hub) as end:
        await end.connected()
        assert await status(hub.port, Origin="https://shop.example") == 101
        assert await status(hub.port, Origin="https://shop.example.evil") == 403


@pytest.mark.realtime
async def test_there_are_only_so_many_connections() -> None:
    hub = WebSocketHub(most_connections=2)
    async with End("hub", hub) as end:
        await end.connected()
        url = f"ws://127.0.0.1:{hub.port}"
        async with connect(url), connect(url):
            assert await status(hub.port) == 503
            assert end.counts["rejected_connections"] == 1


@pytest.mark.check("M127")
def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    door = admission.Door("test", [TOKEN, OTHER])
    assert door.refusal("/", [f"Bearer {TOKEN}"], []) is None
    assert door.refusal("/", ["Bearer x"], []) is not None
    # With every one of them, whichever it was.
    assert len(compared) == 4


# -- TLS ----


@pytest.mark.realtime
@pytest.mark.check("M126")
async def test_a_certificate_that_does_not_verify_is_an_error_that_says_so(
    certificates: Certificates,
) -> None:
    server = server_of(token=TOKEN, ssl=server_tls(certificates))
    async with company(Log(), "assistant", name="there", transports=[server]):
        await eventually(lambda: server.port != 0)
        url = f"wss://localhost:{server.port}"
        client = WebSocketProxyClient(url, token=TOKEN, **TWO)
        async with company(Log(), "main", transports=[client]) as node:
            events = node.events.subscribe()
            await eventually(lambda: node.events.counts["failed"] >= 1, within=10)
            reasons = [str(each.reason) for each in events.take() if each.kind == "failed"]
            assert reasons
            assert all("certificate does not verify" in reason for reason in reasons)
            assert all("cafile" in reason for reason in reasons)
        trusting = ssl.create_default_context(cafile=str(certificates.authority))
        client = WebSocketProxyClient(url, token=TOKEN, ssl=trusting, **TWO)
        async with company(Log(), "main", transports=[client]) as node:
            await eventually(lambda: node.ref("assistant") is not None, within=10)


@pytest.mark.realtime
async def test_who_speaks_no_tls_to_a_server_that_does_is_told_something() -> None:
    hub = WebSocketHub()
    async with End("hub", hub) as end:
        await end.connected()
        async with End("a", WebSocketTransport(f"wss://127.0.0.1:{hub.port}")) as a:
            events = a.node.events.subscribe()
            await eventually(lambda: a.counts.get("failed", 0) >= 1, within=10)
            reasons = [str(each.reason) for each in events.take() if each.kind == "failed"]
            assert any("cannot connect to wss://127.0.0.1" in reason for reason in reasons)


# -- secrets ----


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All logs, whatever their level, as somebody sees them who searches for a mistake."""
    caplog.set_level(logging.DEBUG)
    before = {name: logging.getLogger(name).level for name in ("websockets", "callboard")}
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.realtime
@pytest.mark.check("M106")
async def test_the_token_is_in_no_log_event_error_snapshot_or_repr(
    everything: pytest.LogCaptureFixture,
) -> None:
    shown: list[str] = []

    def look(node: Node) -> None:
        shown.append(repr(node.snapshot()))
        admin = node.admin("transports")
        shown.append(repr([dict(admin.get_state(each)) for each in transports_of(node)]))

    secret = {"X-Api-Key": OTHER}
    server = server_of(token=TOKEN)
    async with Proxied(server=server, token=TOKEN, headers=secret) as two:
        events = [node.events.subscribe() for node in (two.here, two.there)]
        assert await two.main(lambda it: it.ask("assistant", Question("?"))) == "?"
        for node in (two.here, two.there):
            look(node)
        shown += [repr(server), repr(two.client), repr(vars(server)), repr(vars(two.client))]
        # One that is refused, since its token is another; and one that has none.
        for settings, wanted in (({"token": OTHER}, "another token"), ({}, "a token")):
            refused = client_of(server.port, **settings)
            async with company(Log(), "main", transports=[refused]) as node:
                of_it = node.events.subscribe()
                await eventually(lambda n=node: n.events.counts["failed"] >= 1, within=10)  # type: ignore[misc]
                shown.append(repr(node.snapshot()))
                reasons = [str(each.reason) for each in of_it.take()]
                said = f"it wants {wanted} (401): give its own as token=, in a URL ?token_file="
                assert any(said in reason for reason in reasons)
                shown += reasons
        shown += [repr(each) for of_node in events for each in of_node.take()]
    hub = WebSocketHub(token=TOKEN)
    async with End("hub", hub) as end:
        await end.connected()
        async with End("a", WebSocketTransport(f"ws://127.0.0.1:{hub.port}", token=TOKEN)) as a:
            await a.connected()
            shown += [repr(hub), repr(a.prototype), repr(vars(hub)), repr(vars(a.prototype))]
    text = "\n".join(shown) + everything.text
    assert "canary" not in text
    assert "transport" in text
    assert not LOGGER.isEnabledFor(logging.DEBUG)


def transports_of(node: Node) -> list[str]:
    """The names of the node's transports."""
    return [name for name in node.registry.names(local=True) if name.startswith("transport-")]


# -- the extra ----


@pytest.mark.parametrize("module", ["client", "server", "proxy_client", "proxy_server"])
def test_without_the_library_it_is_said_what_to_install(module: str, tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["websockets"] = None
import callboard, callboard.transports.router, callboard.transports.urls, callboard.supervision
try:
    import callboard.transports.websocket.{module}
except ImportError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "pip install 'callboard[websocket]'" in ran.stdout
