"""How a server listens: who may come in, first messages, and at most so many at once."""

from __future__ import annotations

import asyncio
import http
import ssl as tls
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import Undecodable
from .admission import Door
from .connection import Connection, Limits
from .errors import Leave, brief
from .hello import Hello, Welcome, read_hello
from .library import (
    LOGGER,
    ConnectionClosed,
    Request,
    Response,
    Server,
    ServerConnection,
    ServerSocket,
    serve,
)

__all__ = ["Host", "Listener", "Listening", "NotAgreed"]


class NotAgreed(Exception):
    """What a client asks for was not agreed: it is told so, and closed."""

    def __init__(self, reason: str, kind: str, code: Leave = Leave.POLICY) -> None:
        """Say why; `kind` is one word for counting."""
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.code = code


class Host(Protocol):
    """What has a listener: a hub, a proxy's server."""

    async def admit(self, hello: Hello) -> str:
        """Return the name of the node that answers this client.

        Raises:
            NotAgreed: it gets no answer.

        """
        ...

    async def serve(self, hello: Hello, connection: Connection) -> None:
        """Serve the client; the connection is closed when this returns."""
        ...

    def reject(self, kind: str, text: str) -> None:
        """Count what was refused."""
        ...


@dataclass(frozen=True)
class Listening:
    """Where to listen, and for whom."""

    host: str
    port: int
    door: Door
    ssl: tls.SSLContext | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
    most_connections: int = 1000
    open_timeout: float = 5.0
    close_timeout: float = 1.0


class Listener:
    """A listening socket, and the connections that came in by it."""

    def __init__(self, host: Host, how: Listening) -> None:
        """Prepare to listen for this host."""
        self._host = host
        self._how = how
        self._server: Server | None = None
        self._waiting = 0
        """Clients that have not said who they are yet."""

    @property
    def port(self) -> int:
        """The port on which it listens."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def open(self, port: int) -> None:
        """Listen; a port of 0 is any free one.

        Raises:
            OSError: the address is taken, or none of this machine.

        """
        how = self._how
        self._server = await serve(
            self._serve,
            how.host,
            port,
            compression=None,
            process_request=self._look,
            server_header=None,
            open_timeout=how.open_timeout,
            close_timeout=how.close_timeout,
            ping_interval=None,
            max_size=how.limits.size,
            write_limit=how.limits.buffered,
            logger=LOGGER,
            create_connection=ServerSocket,
            ssl=how.ssl,
        )

    async def close(self) -> None:
        """Listen no more, and close all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close(code=int(Leave.AWAY), reason="the node stops")
            await server.wait_closed()

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let in or refuse, before the upgrade."""
        headers = request.headers
        refused = self._how.door.refusal(
            request.path, headers.get_all("Authorization"), headers.get_all("Origin")
        )
        if refused is not None:
            self._host.reject(refused.kind, f"a client was refused: {refused.text.strip()}")
            response = connection.respond(refused.status, refused.text)
            if refused.status == http.HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if self._server is None or len(self._server.handler_tasks) > self._how.most_connections:
            self._host.reject("connections", "a client was refused: there are as many as may be")
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        """Exchange the first messages, then serve the client to its end."""
        assert isinstance(socket, ServerSocket)
        host = self._host
        try:
            async with asyncio.timeout(self._how.open_timeout):
                hello = read_hello(await socket.recv())
            node = await host.admit(hello)
            await socket.send(Welcome(node).text())
        except NotAgreed as refusal:
            host.reject(refusal.kind, f"a client was refused: {refusal.reason}")
            await socket.close(int(refusal.code), brief(refusal.reason))
            return
        except Undecodable as error:
            host.reject(error.kind, f"a client was refused: {error}")
            await socket.close(int(Leave.MALFORMED), brief(str(error)))
            return
        except TimeoutError:
            host.reject("hello", "a client did not say who it is")
            await socket.close(int(Leave.POLICY), "say who you are")
            return
        except ConnectionClosed:
            return
        connection = Connection(socket, hello.node, self._how.limits)
        try:
            await host.serve(hello, connection)
        finally:
            await connection.close()
