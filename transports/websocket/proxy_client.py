"""WebSocketProxyClient: the side of a proxy that connects."""

from __future__ import annotations

import secrets
import ssl as tls
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..codec import Codec
from ..masking import mask_url
from ..transport import Receive, Spare
from .admission import Headers, checked_url
from .connection import Limits
from .dial import Dialling
from .errors import HandshakeRefused
from .hello import Hello, Role
from .proxying import DOWN_AFTER, ProxyTransport
from .spare import SpareConnection

__all__ = ["WebSocketProxyClient"]


class WebSocketProxyClient(ProxyTransport):
    """Joins this node's `local_worker` to the `remote_worker` behind a `WebSocketProxyServer`.

    Only these two names are known to the other side, only messages between them cross, in both
    directions, and never a broadcast. A lost connection is made again and nothing is lost by it,
    unless it takes longer than `down_after`.
    """

    def __init__(
        self,
        url: str,
        *,
        local_worker: str,
        remote_worker: str,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        ssl: tls.SSLContext | None = None,
        insecure: bool = False,
        active: bool = True,
        forward: Iterable[type | str] | None = None,
        down_after: float = DOWN_AFTER,
        limits: Limits | None = None,
        codec: Codec | None = None,
    ) -> None:
        """Connect to this URL (`ws://` or `wss://`) when it is started, or when it is activated.

        `token` is what the server was started with; it and `headers` go into every handshake. With
        `active=False` there is no connection before the transport is activated by its name.
        `forward` names the types of messages that may cross, by class or wire name; all without.
        Seconds of silence after which the other side is down are `down_after`. Without TLS only
        this machine may be connected to, unless `insecure` says otherwise.

        Raises:
            SpecError: the URL is none, or holds a secret, or is not safe; or a name is missing.

        """
        super().__init__(local_worker, remote_worker, forward, down_after, codec)
        subject = type(self).__name__
        self.active = active
        self._dialling = Dialling(
            checked_url(subject, url, ssl, insecure=insecure),
            Headers(subject, headers, token),
            ssl,
            limits or Limits(),
        )
        # By this the server knows the client again; nobody else can take its session over.
        self._session = secrets.token_urlsafe(24)

    def __repr__(self) -> str:
        """Show where it connects to."""
        return f"<{type(self).__name__} {mask_url(self._dialling.url)}>"

    # -- life: it connects while it is active ----

    async def on_start(self) -> None:
        """Wait for the activation, which follows at once unless `active` is false."""

    async def on_activated(self, args: Any) -> None:
        """Begin to connect."""
        if self._running is None:
            await super().on_start()

    async def on_deactivated(self) -> None:
        """Disconnect, until it is activated again."""
        await self._leave(flush=True)
        self._running = None

    # -- carrying ----

    async def open(self, receive: Receive) -> None:
        """Connect to the server."""
        connection = await self._dialling.connect(self._hello(Role.PROXY))
        if connection.node == self.node_name:
            await connection.close()
            problem = f"its node is called {connection.node!r} like this one: give one another name"
            raise HandshakeRefused(mask_url(self._dialling.url), problem)
        self.begin(connection, receive)

    def spare(self) -> Spare:
        """Return a second connection to the server, for a thread of its own."""
        return SpareConnection(self._dialling, self._hello(Role.SPARE), lambda packet: packet.data)

    def _hello(self, role: Role) -> Hello:
        hello = Hello(role, self.node_name, self.carriage.incarnation)
        return replace(
            hello, session=self._session, local=self.workers.local, remote=self.workers.remote
        )
