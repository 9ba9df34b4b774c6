"""How a client connects: headers, TLS, first messages, and what went wrong in words."""

from __future__ import annotations

import asyncio
import http
import ssl as tls
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import Undecodable
from ..masking import mask_url
from .admission import Headers, is_loopback
from .connection import Connection, Limits
from .errors import ConnectionLost, HandshakeRefused
from .hello import Hello, read_welcome
from .library import (
    LOGGER,
    ClientSocket,
    ConnectionClosed,
    Dialer,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

__all__ = ["Dialling"]

REFUSALS = {
    403: "it takes no pages of this origin (403)",
    404: "there is nothing at this path (404); at a hub the path is the channel: ?channel= must be "
    "the hub's",
    503: "it has as many connections as it may have, or stops (503)",
}


@dataclass(frozen=True)
class Dialling:
    """Where to connect to, and how."""

    url: str = field(repr=False)
    headers: Headers
    ssl: tls.SSLContext | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
    open_timeout: float = 5.0
    """Seconds that all of it may take."""
    close_timeout: float = 1.0

    async def connect(self, hello: Hello) -> Connection:
        """Connect and exchange the first messages.

        Raises:
            HandshakeRefused: it did not come about; the text says why.
            ConnectionLost: the server closed at once; the text says why.

        """
        shown = mask_url(self.url)
        parts = urlsplit(self.url)
        # True: the system's authorities.
        secure = (self.ssl or True) if parts.scheme == "wss" else None
        try:
            socket = await Dialer(
                self.url,
                additional_headers=self.headers.all,
                compression=None,
                proxy=None if is_loopback(parts.hostname or "") else True,
                open_timeout=self.open_timeout,
                close_timeout=self.close_timeout,
                ping_interval=None,
                max_size=self.limits.size,
                write_limit=self.limits.buffered,
                logger=LOGGER,
                create_connection=ClientSocket,
                ssl=secure,
            )
        except tls.SSLCertVerificationError as error:
            problem = (
                f"its certificate does not verify ({error.verify_message}); if it is of an "
                "authority of your own, give ssl=ssl.create_default_context(cafile=...)"
            )
            raise HandshakeRefused(shown, problem) from None
        except InvalidStatus as error:
            status = error.response.status_code
            raise HandshakeRefused(shown, self._refusal(status), status) from None
        except (InvalidHandshake, InvalidURI) as error:
            raise HandshakeRefused(shown, f"no WebSocket server answers: {error}") from None
        except (OSError, TimeoutError) as error:
            raise HandshakeRefused(shown, mask_url(str(error) or "it does not answer")) from None
        assert isinstance(socket, ClientSocket)
        return await self._greet(socket, hello, shown)

    def _refusal(self, status: int) -> str:
        """Return what the answer's status means, and what to do."""
        if status == http.HTTPStatus.UNAUTHORIZED:
            token = "another token (401)" if self.headers.authorized else "a token (401)"
            return f"it wants {token}: give its own as token=, in a URL ?token_file=FILE"
        return REFUSALS.get(status, f"it answers with the status {status}")

    async def _greet(self, socket: ClientSocket, hello: Hello, shown: str) -> Connection:
        try:
            await socket.send(hello.text())
            async with asyncio.timeout(self.open_timeout):
                welcome = read_welcome(await socket.recv())
        except ConnectionClosed as error:
            if error.rcvd is not None:
                raise ConnectionLost(error.rcvd.code, error.rcvd.reason) from None
            raise ConnectionLost(1006, "it was closed before the server answered") from None
        except (Undecodable, TimeoutError) as error:
            socket.transport.abort()
            raise HandshakeRefused(shown, str(error) or "it does not say who it is") from None
        except BaseException:
            socket.transport.abort()
            raise
        return Connection(socket, welcome.node, self.limits)
