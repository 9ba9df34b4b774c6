"""The server of the page: who may connect, what it takes, and that it leaves nothing."""

import asyncio
import contextlib
import io
import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from typing import Any

import click
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callboard.actors.testing import eventually
from callboard.examples.talking.web import Serving, serve
from tests.examples.talking.cast import echo_example
from tests.examples.talking.running import Server, run

pytestmark = pytest.mark.realtime


@contextlib.asynccontextmanager
async def served(host: str = "localhost", **fields: Any) -> AsyncGenerator[Serving]:
    """A server in this process."""
    ready: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve(echo_example(**fields), host, 0, out=io.StringIO(), on_ready=ready.set_result)
    )
    serving = await ready
    try:
        yield serving
    finally:
        await serving.stop()
        assert await running == 0


def at(
    serving: Serving, origin: str | None = None, token: str = "", host: str = "localhost"
) -> Any:
    """A connection as a page makes it."""
    headers = {} if origin is None else {"Origin": origin}
    query = f"?token={token}" if token else ""
    url = f"ws://{host}:{serving.pages.port}/client/session{query}"
    return connect(url, additional_headers=headers, proxy=None)


class Page:
    """The page's side of a session, without a browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.seen: list[dict[str, Any]] = []

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Read up to an event of this kind that has these fields."""
        while True:
            event = json.loads(await self._connection.recv())
            self.seen.append(event)
            if event["kind"] == kind and fields.items() <= event.items():
                return dict(event)

    async def send(self, **message: Any) -> None:
        await self._connection.send(json.dumps(message))

    async def closed(self) -> tuple[int, str]:
        """Read to the end; return the code and why."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._connection.recv()
        assert self._connection.close_code is not None
        return self._connection.close_code, self._connection.close_reason or ""


async def test_a_page_has_a_session_and_its_close_ends_it_and_leaves_nothing() -> None:
    async with served(script=["hi"]) as serving:
        async with at(serving) as connection:
            page = Page(connection)
            began = await page.until("session-began")
            assert began["title"] == "Echo" and began["suggestions"] == ["hi"]
            await page.until("reply-ended", speaker="greeter")
            await page.send(type="say", text="hi")
            await page.until("reply-piece", text="hi")
            (session,) = serving.pages.sessions
        await eventually(lambda: not serving.pages.sessions)
        assert session.node.state == "stopped"


async def test_many_pages_are_separate_sessions() -> None:
    async with served() as serving:
        async with contextlib.AsyncExitStack() as stack:
            pages = [Page(await stack.enter_async_context(at(serving))) for _ in range(8)]
            for number, page in enumerate(pages):
                await page.until("reply-ended")
                await page.send(type="say", text=f"I am {number}")
            for number, page in enumerate(pages):
                await page.until("reply-piece", text=f"I am {number}")
                said = [event["text"] for event in page.seen if event["kind"] == "user-said"]
                assert said == [f"I am {number}"]
            assert len(serving.pages.sessions) == 8
        await eventually(lambda: not serving.pages.sessions)


async def test_a_session_that_ends_by_itself_closes_its_page() -> None:
    async with served() as serving, at(serving) as connection:
        page = Page(connection)
        await page.until("reply-ended")
        await page.send(type="say", text="bye")
        await page.until("session-ended", failed=False)
        assert (await page.closed())[0] == 4200


async def test_the_end_of_the_server_is_told_to_every_page() -> None:
    async with served() as serving, at(serving) as connection:
        page = Page(connection)
        await page.until("reply-ended")
        await serving.stop()
        assert (await page.until("session-ended"))["reason"] == "the server ends"
        assert (await page.closed())[0] == 1001


async def test_no_more_sessions_run_at_once_than_the_example_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("callboard.examples.talking.web.ROOM_WITHIN", 0.2)
    async with served(at_once=1) as serving:
        async with at(serving) as first:
            await Page(first).until("session-began")
            async with at(serving) as second:
                code, why = await Page(second).closed()
            assert code == 4429 and "somebody else" in why
    async with served(at_once=1) as serving:
        for _ in range(3):  # one page, loaded anew: each waits for the end of the one before
            async with at(serving) as connection:
                await Page(connection).until("session-began")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
async def test_our_own_page_may_connect_under_every_name_of_this_machine(name: str) -> None:
    async with served() as serving:
        async with at(serving, origin=f"http://{name}:{serving.pages.port}") as connection:
            await Page(connection).until("session-began")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:1", "null", "https://localhost:{port}", ""],
)
async def test_pages_of_others_are_refused_before_the_upgrade(origin: str) -> None:
    async with served() as serving:
        with pytest.raises(InvalidStatus) as refused:
            async with at(serving, origin=origin.format(port=serving.pages.port)):
                pass
        assert refused.value.response.status_code == 403
        assert not serving.pages.sessions


async def test_an_address_that_others_reach_asks_for_the_token_of_the_link() -> None:
    async with served("0.0.0.0") as serving:
        token = serving.link.partition("?token=")[2]
        assert len(token) >= 32
        for wrong in ("", "wrong", "\xe9"):
            async with at(serving, token=wrong, host="127.0.0.1") as connection:
                assert (await Page(connection).closed())[0] == 4401
        here = f"http://127.0.0.1:{serving.pages.port}"
        async with at(serving, here, token, "127.0.0.1") as connection:
            await Page(connection).until("session-began")
        with pytest.raises(InvalidStatus):
            async with at(serving, "http://evil.example", token, "127.0.0.1"):
                pass


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[" * 60_000,
        "[]",
        "{}",
        '{"type": 1}',
        '{"type": "other"}',
        '{"type": "say"}',
        '{"type": "say", "text": 1}',
        json.dumps({"type": "say", "text": "x" * 4001}),
        '{"type": "cancel", "card": {}}',
        '{"type": "snapshot", "elements": {}}',
        '{"type": "snapshot", "elements": [1]}',
        '{"type": "snapshot", "elements": [{"ref": "a"}]}',
        '{"type": "snapshot", "elements": [{"ref": "a", "role": "b", "options": [1]}]}',
        json.dumps({"type": "snapshot", "elements": [{"ref": "a", "role": "b"}] * 501}),
        '{"type": "event", "event": "click"}',
        '{"type": "done"}',
    ],
)
async def test_what_no_page_of_ours_sends_closes_the_connection(text: str) -> None:
    async with served() as serving:
        async with at(serving) as connection:
            await connection.send(text)
            assert (await Page(connection).closed())[0] == 4400
        await eventually(lambda: not serving.pages.sessions)


async def test_bytes_and_a_message_that_is_too_big_close_the_connection() -> None:
    async with served() as serving:
        async with at(serving) as connection:
            await connection.send(b"{}")
            assert (await Page(connection).closed())[0] == 4400
        async with at(serving) as connection:
            await connection.send("x" * 70_000)
            assert (await Page(connection).closed())[0] == 1009
        await eventually(lambda: not serving.pages.sessions)


async def test_more_messages_than_a_page_has_reason_for_close_the_connection() -> None:
    async with served() as serving, at(serving) as connection:
        page = Page(connection)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(200):
                await page.send(type="interrupt")
        assert (await page.closed())[0] == 4408


async def test_an_example_that_does_not_start_says_so_to_the_page() -> None:
    def broken() -> None:
        raise RuntimeError("no stage")

    async with served(make=broken) as serving, at(serving) as connection:
        code, why = await Page(connection).closed()
        assert code == 4400 and "no stage" in why


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"port {port}"):
            await serve(echo_example(), "127.0.0.1", port, out=io.StringIO())
    with pytest.raises(click.ClickException, match="no address"):
        await serve(echo_example(), "no.such.host.invalid", 0, out=io.StringIO())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order(number: signal.Signals) -> None:
    with Server() as server:
        assert server.link.endswith("/client")
        assert server.stop(number) == (0, "")


def test_a_signal_ends_it_in_order_while_somebody_talks() -> None:
    from websockets.sync.client import connect as connect_sync

    with Server() as server:
        with connect_sync(f"ws://{server.address}/client/session", proxy=None) as connection:
            while "hello from greeter" not in str(connection.recv()):
                pass
            assert server.stop() == (0, "")
            kinds = [json.loads(event)["kind"] for event in connection]
        assert kinds[-1] == "session-ended"


@pytest.mark.check("M154")
def test_the_page_is_one_file_that_allows_nothing_from_elsewhere() -> None:
    with Server() as server:
        with urllib.request.urlopen(server.link) as response:
            text = response.read().decode()
            policy = response.headers["Content-Security-Policy"]
        assert "http://" not in text and "https://" not in text and "src=" not in text
        assert "default-src 'none'" in policy and "unsafe" not in policy
        with urllib.request.urlopen(f"http://{server.address}/") as response:
            assert response.url == server.link
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{server.address}/client/other")


def test_the_lines_of_the_console_are_for_the_console() -> None:
    done = run("--transport", "web", "--say", "hi")
    assert done.returncode == 2 and "--transport console" in done.stderr
