"""The one place that imports the WebSocket library, and how its parts are set up here."""

from __future__ import annotations

import logging

try:
    from websockets.asyncio.client import ClientConnection, connect
    from websockets.asyncio.connection import Connection as Socket
    from websockets.asyncio.connection import broadcast as post_to
    from websockets.asyncio.server import Server, ServerConnection, serve
    from websockets.exceptions import (
        ConnectionClosed,
        InvalidHandshake,
        InvalidStatus,
        InvalidURI,
    )
    from websockets.http11 import Request, Response
    from websockets.protocol import State
except ImportError as error:
    raise ImportError(
        "WebSocket transports need the package 'websockets': pip install 'callboard[websocket]'",
        name="websockets",
    ) from error

__all__ = [
    "LOGGER",
    "ClientSocket",
    "ConnectionClosed",
    "Dialer",
    "InvalidHandshake",
    "InvalidStatus",
    "InvalidURI",
    "Request",
    "Response",
    "Server",
    "ServerConnection",
    "ServerSocket",
    "Socket",
    "State",
    "post_to",
    "serve",
]

LOGGER = logging.getLogger("callboard.websockets")
"""What the library logs to. What goes wrong is our events; at DEBUG it would log the headers, and
with them the token: so it never does, whatever level the root logger has."""
LOGGER.setLevel(logging.CRITICAL)


class Dialer(connect):
    """Connects, and follows no redirect: headers with secrets in them go where they were told."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Take a redirect as the refusal that it is."""
        return exc


class ClientSocket(ClientConnection):
    """A client's socket that knows when it was last heard."""

    heard = 0.0
    """Loop time at which bytes came last, whatever they were."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self.heard = self.loop.time()
        super().data_received(data)


class ServerSocket(ServerConnection):
    """A server's socket that knows when it was last heard."""

    heard = 0.0
    """Loop time at which bytes came last, whatever they were."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self.heard = self.loop.time()
        super().data_received(data)
