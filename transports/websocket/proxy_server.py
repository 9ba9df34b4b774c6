"""WebSocketProxyServer: the side of a proxy that listens."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Iterable

from ...actors.errors import SpecError
from ..codec import Codec
from ..transport import Receive
from .admission import Door, Origins, check_listening
from .connection import Limits
from .listen import Listening
from .proxying import DOWN_AFTER, ProxyTransport
from .reception import Reception, Session

__all__ = ["WebSocketProxyServer"]

PER_SECOND = 10_000
"""Packets that are taken from one client in a second."""


class WebSocketProxyServer(ProxyTransport):
    """Joins the `remote_worker` of a client to the `local_worker` here.

    Only these two names are known to the other side, only messages between them cross, in both
    directions, and never a broadcast. Without `session` the local worker is one of this node, and
    there is one client at a time. With it each client has a node of its own, and none of them
    reaches this one or each other:

        WebSocketProxyServer(
            "127.0.0.1", 8765, local_worker="assistant", remote_worker="main",
            session=lambda: Node(Assistant, watchdog=False),
        )
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        local_worker: str,
        remote_worker: str,
        token: str | Iterable[str] | None = None,
        origins: Origins = (),
        ssl: tls.SSLContext | None = None,
        insecure: bool = False,
        path: str | None = None,
        session: Session | None = None,
        forward: Iterable[type | str] | None = None,
        down_after: float = DOWN_AFTER,
        limits: Limits | None = None,
        most_connections: int = 1000,
        most_sessions: int = 100,
        codec: Codec | None = None,
    ) -> None:
        """Listen on this address when it is started; a port of 0 is any free one.

        `token` is what clients have to bring, or several while it is being changed. On an address
        that is not loopback it is required, and so is `ssl`; `insecure` waives the latter. With a
        `path` there is nothing at any other; pages of other `origins` than these are refused.
        `forward` names the types of messages that may cross, by class or wire name; all without.
        A client that is away for longer than `down_after` seconds is gone, and its session ends.

        Raises:
            SpecError: it would not be safe, or a name is missing.

        """
        super().__init__(local_worker, remote_worker, forward, down_after, codec)
        subject = type(self).__name__
        door = Door(subject, token, origins, path)
        check_listening(subject, host, door, ssl, insecure=insecure)
        if not 0 <= port <= 65535:
            raise SpecError(subject, "port", f"must be from 0 to 65535, is {port!r}")
        limits = limits or Limits(per_second=PER_SECOND)
        self._host = host
        # All incarnations share it: the listening socket stays when a connection is lost.
        self._reception = Reception(
            Listening(host, port, door, ssl, limits, most_connections), session, most_sessions
        )

    def __repr__(self) -> str:
        """Show where it listens."""
        return f"<{type(self).__name__} {self._host}:{self.port}>"

    @property
    def port(self) -> int:
        """The port on which it listens, or is to listen."""
        return self._reception.port

    @property
    def listening(self) -> bool:
        """Whether clients can connect now; the event `listening` tells since when."""
        return self._reception.listening

    @property
    def clients(self) -> list[str]:
        """The names of the nodes of the clients that have a session, or are connected."""
        if self._reception.sessions:
            return sorted(key[1] for key in self._reception.seats)
        own = self._reception.own
        return [own.connection.node] if own.connection is not None else []

    async def open(self, receive: Receive) -> None:
        """Listen; without sessions, wait for the client too."""
        reception = self._reception
        await reception.open(self, self._place.runtime, self.name)
        if reception.sessions:
            await asyncio.get_running_loop().create_future()  # the sessions carry: this does not
        reception.own.receive = receive
        self.begin(await reception.own.arrival(), receive)

    async def on_stop(self) -> None:
        """Disconnect, end all sessions, listen no more."""
        await super().on_stop()
        await self._reception.close()
