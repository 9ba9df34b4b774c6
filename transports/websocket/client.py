"""WebSocketTransport: joins a node to the hub of a small fleet, without a broker."""

from __future__ import annotations

import secrets
import ssl as tls
from collections.abc import Mapping, Sequence

from ..codec import Codec
from ..errors import Undecodable
from ..masking import mask_url
from ..transport import Packet, Receive, Spare
from .admission import Headers, checked_url
from .connection import Connection, Limits
from .dial import Dialling
from .framing import Route, frame, unframe
from .hello import Hello, Role
from .socketed import SocketTransport
from .spare import SpareConnection

__all__ = ["WebSocketTransport"]


class WebSocketTransport(SocketTransport):
    """Connects to a `WebSocketHub`, and through it to all nodes that do."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        ssl: tls.SSLContext | None = None,
        insecure: bool = False,
        limits: Limits | None = None,
        codec: Codec | None = None,
    ) -> None:
        """Connect to this URL (`ws://` or `wss://`) when it is started.

        `token` is what the hub was started with; it and `headers` go into every handshake. Without
        TLS only this machine may be connected to, unless `insecure` says otherwise.

        Raises:
            SpecError: the URL is none, or holds a secret, or is not safe.

        """
        super().__init__()
        subject = type(self).__name__
        self.codec = codec
        self._dialling = Dialling(
            checked_url(subject, url, ssl, insecure=insecure),
            Headers(subject, headers, token),
            ssl,
            limits or Limits(),
        )
        # By this the hub knows the node again; nobody else can speak in its name meanwhile.
        self._session = secrets.token_urlsafe(24)

    def __repr__(self) -> str:
        """Show where it connects to."""
        return f"<{type(self).__name__} {mask_url(self._dialling.url)}>"

    async def open(self, receive: Receive) -> None:
        """Connect to the hub."""
        connection = await self._dialling.connect(self._hello(Role.NODE))
        self.leads_to = connection.node
        self.begin(connection, receive)

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Send the packets to the hub."""
        connection = self._connection
        if connection is not None:
            for packet in packets:
                connection.post(_framed(packet))
            await connection.room()

    def take(self, data: bytes, connection: Connection, receive: Receive) -> None:
        """Take a packet that the hub brings."""
        try:
            route, node, packet = unframe(data)
        except Undecodable as error:
            self.reject(error.kind, f"from the hub: {error}")
            return
        if route is Route.FROM:
            receive(packet, node)
        else:
            self.reject("framing", "the hub has sent what only nodes send to it")

    def spare(self) -> Spare:
        """Return a second connection to the hub, for a thread of its own."""
        return SpareConnection(self._dialling, self._hello(Role.SPARE), _framed)

    def _hello(self, role: Role) -> Hello:
        return Hello(role, self.node_name, self.carriage.incarnation, self._session)


def _framed(packet: Packet) -> bytes:
    to, data = packet
    return frame(Route.ALL if to is None else Route.TO, to or "", data)
