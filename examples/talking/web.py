"""The web page: a server of one page, and a session for each page that is open.

It runs in the event loop of whoever calls `serve`, until it is told to end. On loopback whoever
sits at the machine may talk; on any other address the link that is shown carries a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import socket
from collections.abc import Callable, Generator
from typing import TextIO
from urllib.parse import urlsplit

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from callboard import CallboardError
from callboard.examples.talking import page
from callboard.examples.talking.example import Example
from callboard.examples.talking.page_messages import MOST_BYTES, BadMessage, take
from callboard.examples.talking.session import Session, SessionOver
from callboard.supervision.signals import Signals
from callboard.transports.websocket.admission import is_loopback

__all__ = ["Pages", "Serving", "serve"]

PATH = "/client"
SOCKET = "/client/session"

ROOM_WITHIN = 5.0
"""Seconds that a page waits for another session to end, where no more may run at once."""

A_SECOND = 20
"""Messages a second that a page may send for long."""

AT_ONCE = 100
"""Messages that it may send at once."""

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

OVER, BAD, TOKEN, BUSY, FAST = 4200, 4400, 4401, 4429, 4408
"""Why a connection was closed, for the page: it tries again by itself after none of these."""

GOING_AWAY = 1001


class Pages:
    """The pages that are open, each with a session of its own."""

    def __init__(self, example: Example, host: str, token: str | None) -> None:
        """Serve pages of this example; `token`: what a page has to bring."""
        self.example = example
        self.port = 0
        self.sessions: set[Session] = set()
        self._local = is_loopback(host)
        self._token = token
        self._room = asyncio.Semaphore(example.at_once)
        self._ending = False

    @property
    def app(self) -> Starlette:
        """The application that a server runs."""
        return Starlette(
            routes=[
                Route("/", self._front),
                Route(PATH, self._page),
                WebSocketRoute(SOCKET, self._talk),
            ]
        )

    async def end(self, reason: str) -> None:
        """End all sessions in order; the pages are told why."""
        self._ending = True
        await asyncio.gather(*(session.end(reason) for session in self.sessions))

    def kill(self) -> None:
        """End all sessions now."""
        for session in self.sessions:
            session.node.kill()

    # -- one page ----

    async def _page(self, request: Request) -> HTMLResponse:
        return HTMLResponse(page.html(), headers=page.headers())

    async def _front(self, request: Request) -> RedirectResponse:
        return RedirectResponse(PATH)

    async def _talk(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if self._ending or (origin is not None and not self._welcomes(origin, websocket)):
            await websocket.close()  # before it is accepted: a plain 403
            return
        await websocket.accept()
        if not self._knows(websocket.query_params.get("token", "")):
            await websocket.close(TOKEN, "open the link with its token")
            return
        try:
            async with asyncio.timeout(ROOM_WITHIN):
                await self._room.acquire()
        except TimeoutError:
            await websocket.close(BUSY, "somebody else is talking: try again later")
            return
        try:
            await self._hold(websocket)
        finally:
            self._room.release()

    async def _hold(self, websocket: WebSocket) -> None:
        """Hold a session with a page, until one of the two ends."""
        session = Session(self.example)
        self.sessions.add(session)
        closing: tuple[int, str] | None = None
        try:
            async with session:
                showing = asyncio.create_task(_show(session, websocket))
                hearing = asyncio.create_task(_hear(session, websocket))
                await asyncio.wait([showing, hearing], return_when=asyncio.FIRST_COMPLETED)
                if hearing.done():
                    closing = hearing.result()
                    await session.end("the page was left")
                hearing.cancel()
                await asyncio.wait([showing, hearing])
                if showing.result() and closing is None:
                    closing = (GOING_AWAY, "the server ends") if self._ending else (OVER, "")
        except CallboardError as error:
            closing = (BAD, f"it does not start: {error}"[:120])
        finally:
            self.sessions.discard(session)
        if closing is not None:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone by now
                await websocket.close(*closing)

    def _welcomes(self, origin: str, websocket: WebSocket) -> bool:
        """Whether a page of this origin may connect: ours alone, under any name of this machine."""
        if self._local:
            return origin in [f"http://{name}:{self.port}" for name in LOOPBACK_NAMES]
        return urlsplit(origin).netloc == websocket.headers.get("host")

    def _knows(self, given: str) -> bool:
        return self._token is None or hmac.compare_digest(given.encode(), self._token.encode())


async def _show(session: Session, websocket: WebSocket) -> bool:
    """Send what happens; return whether the page has got all of it."""
    try:
        async for event in session:
            await websocket.send_text(event.as_json())
    except (RuntimeError, WebSocketDisconnect):
        return False  # the page is gone: whoever hears it ends the session
    return True


async def _hear(session: Session, websocket: WebSocket) -> tuple[int, str] | None:
    """Do what the page says; return why it is closed, or None where it has gone."""
    rate = _Rate()
    while True:
        try:
            text = await websocket.receive_text()
        except WebSocketDisconnect:
            return None
        except KeyError:
            return BAD, "pages send text"
        if not rate.allows():
            return FAST, "too many messages"
        try:
            await take(text, session)
        except BadMessage as error:
            return BAD, str(error)[:120]
        except SessionOver:
            await session.over()


class _Rate:
    """Allows so many messages a second, and somewhat more for a moment."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self._left = float(AT_ONCE)
        self._seen = self._clock()

    def allows(self) -> bool:
        now = self._clock()
        self._left = min(AT_ONCE, self._left + (now - self._seen) * A_SECOND)
        self._seen = now
        self._left -= 1
        return self._left >= 0


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Serving:
    """A server that runs: where it is, and how it ends."""

    def __init__(self, pages: Pages, server: uvicorn.Server, link: str) -> None:
        """Note what runs."""
        self.pages = pages
        self.link = link
        """What to open in a browser; it holds the token, where there is one."""
        self._server = server

    async def stop(self, reason: str = "", *, within: float | None = None) -> None:
        """End in order: first the sessions, whose pages are told why, then the server."""
        await self.pages.end("the server ends")
        self._server.should_exit = True

    async def serve(self, listening: list[socket.socket]) -> None:
        """Serve until it is told to end."""
        await self._server.serve(sockets=listening)

    def kill(self) -> None:
        """End now."""
        self.pages.kill()
        self._server.should_exit = self._server.force_exit = True


async def serve(
    example: Example,
    host: str,
    port: int,
    *,
    out: TextIO,
    on_ready: Callable[[Serving], None] | None = None,
) -> int:
    """Serve pages of an example until a signal ends it, or `stop`; return the exit code, 0.

    The link is written to `out`. On an address that is not loopback it holds a token.

    Raises:
        ClickException: the address cannot be listened on.

    """
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    pages = Pages(example, host, token)
    listening = _listen(host, port)
    try:
        pages.port = listening[0].getsockname()[1]
        link = f"http://{_in_url(host)}:{pages.port}{PATH}"
        serving = Serving(
            pages, _Server(_config(pages.app)), f"{link}?token={token}" if token else link
        )
        with Signals(serving):
            print(serving.link, file=out, flush=True)
            if on_ready is not None:
                on_ready(serving)
            await serving.serve(listening)
    finally:
        for each in listening:
            each.close()
    return 0


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


def _listen(host: str, port: int) -> list[socket.socket]:
    """Listen on each address of a host: `localhost` has often two.

    Raises:
        ClickException: there is none that can be listened on.

    """
    listening: list[socket.socket] = []
    problem: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise click.ClickException(f"{host!r} is no address of this machine: {error}") from None
    for family, kind, number, _, address in dict.fromkeys(found):
        try:
            made = socket.socket(family, kind, number)
        except OSError as error:
            problem = error
            continue
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken = listening[0].getsockname()[1] if listening else port
            made.bind((address[0], taken, *address[2:]))
            made.listen(128)
        except OSError as error:
            made.close()
            problem = error
        else:
            listening.append(made)
    if not listening:
        text = problem.strerror if problem is not None else "it has no address"
        raise click.ClickException(f"cannot listen on {host}, port {port}: {text}; try --port 0")
    return listening


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
