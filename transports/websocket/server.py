"""WebSocketHub: the node that the others of a small fleet connect to, without a broker.

It carries for its own node, and hands on what the others send each other. Who has sent a packet
is what the hub says, which knows it by the connection: no node can speak as another that is
connected, unless it says that it is a later life of that one, which is then told so.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Awaitable, Iterable, Sequence

from ...actors.errors import SpecError
from ..codec import Codec
from ..errors import Undecodable
from ..transport import Packet, Receive, Transport
from .admission import Door, Origins, check_listening
from .connection import Connection, Limits
from .errors import ConnectionLost, Leave
from .framing import Route, frame, unframe
from .hello import Hello, Role
from .listen import Listener, Listening, NotAgreed
from .rejections import Rejections

__all__ = ["WebSocketHub"]


class WebSocketHub(Transport):
    """Listens; a `WebSocketTransport` of each other node connects to it."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str | Iterable[str] | None = None,
        ssl: tls.SSLContext | None = None,
        insecure: bool = False,
        origins: Origins = (),
        path: str | None = None,
        limits: Limits | None = None,
        most_connections: int = 1000,
        codec: Codec | None = None,
    ) -> None:
        """Listen on this address when it is started; a port of 0 is any free one.

        `token` is what nodes have to bring, or several while it is being changed. On an address
        that is not loopback it is required, and so is `ssl`; `insecure` waives the latter. With a
        `path` there is nothing at any other; pages of other `origins` than these are refused.

        Raises:
            SpecError: it would not be safe.

        """
        super().__init__()
        subject = type(self).__name__
        self.codec = codec
        door = Door(subject, token, origins, path)
        check_listening(subject, host, door, ssl, insecure=insecure)
        if not 0 <= port <= 65535:
            raise SpecError(subject, "port", f"must be from 0 to 65535, is {port!r}")
        self._listening = Listening(host, port, door, ssl, limits or Limits(), most_connections)
        self._rejections = Rejections()
        # Shared by all incarnations: a restarted hub listens where it did, and yours tells of it.
        self._ports: list[int] = []
        self._nodes: dict[str, tuple[Hello, Connection]] = {}
        self._listener: Listener | None = None
        self._receive: Receive | None = None

    def __repr__(self) -> str:
        """Show where it listens."""
        return f"<{type(self).__name__} {self._listening.host}:{self.port}>"

    @property
    def port(self) -> int:
        """The port on which it listens, or is to listen."""
        return self._ports[0] if self._ports else self._listening.port

    @property
    def connected(self) -> list[str]:
        """The names of the nodes that are connected now."""
        return sorted(self._nodes)

    async def open(self, receive: Receive) -> None:
        """Listen."""
        self._receive = receive
        self._nodes.clear()
        self._listener = Listener(self, self._listening)
        await self._listener.open(self.port)
        self._ports[:] = [self._listener.port]

    async def publish(self, packets: Sequence[Packet]) -> None:
        """Send the packets of this node."""
        full: set[Connection] = set()
        for to, data in packets:
            full |= self._hand_on(self.node_name, to, data)
        await _room(full)

    async def close(self) -> None:
        """Listen no more, and close all connections."""
        if self._listener is not None:
            await self._listener.close()

    # -- what the listener asks ----

    async def admit(self, hello: Hello) -> str:
        """Take in a node, unless another or a later life of that name is here."""
        if hello.role is Role.PROXY:
            raise NotAgreed("this is a hub of nodes, and no proxy's server", "role")
        if hello.node == self.node_name:
            raise NotAgreed(f"{hello.node!r} is the name of the hub's own node", "name")
        there = self._nodes.get(hello.node)
        if there is None:
            return self.node_name
        known = there[0]
        if known.incarnation > hello.incarnation:
            raise NotAgreed(f"a later life of the node {hello.node!r} is connected", "incarnation")
        later = hello.role is Role.NODE and hello.incarnation > known.incarnation
        if hello.session != known.session and not later:
            raise NotAgreed(f"another node called {hello.node!r} is connected", "name")
        return self.node_name

    async def serve(self, hello: Hello, connection: Connection) -> None:
        """Hand on what a node sends, until it has gone."""
        node = hello.node
        before = None
        if hello.role is Role.NODE:
            before = self._nodes.get(node)
            self._nodes[node] = (hello, connection)
        if before is not None:
            before[1].abandon(Leave.DONE, "this node has connected anew")

        def take(data: bytes | str) -> Awaitable[None] | None:
            return self._take(node, data)

        try:
            await connection.read(take)
        except ConnectionLost:
            pass  # its links wait for it, and discovery decides how long
        finally:
            if self._nodes.get(node, (None, None))[1] is connection:
                del self._nodes[node]

    def reject(self, kind: str, text: str) -> None:
        """Count what was refused."""
        self._rejections.add(self._place.runtime, self.name, kind, text)

    # -- handing on ----

    def _take(self, node: str, data: bytes | str) -> Awaitable[None] | None:
        if isinstance(data, str):
            self.reject("framing", f"{node!r} has sent text where bytes belong")
            return None
        try:
            route, to, packet = unframe(data)
        except Undecodable as error:
            self.reject(error.kind, f"from {node!r}: {error}")
            return None
        if route is Route.FROM:
            self.reject("framing", f"{node!r} has sent what only the hub may say")
            return None
        full = self._hand_on(node, to if route is Route.TO else None, packet)
        return _room(full) if full else None

    def _hand_on(self, source: str, to: str | None, packet: bytes) -> set[Connection]:
        """Give a packet to those it is for; return who has too much waiting for it now."""
        mine = self.node_name
        if source != mine and (to is None or to == mine) and self._receive is not None:
            self._receive(packet, source)
        if to == mine:
            return set()
        framed = frame(Route.FROM, source, packet)
        if to is None:
            there = [each for name, (_, each) in self._nodes.items() if name != source]
        else:
            known = self._nodes.get(to)
            # For one that is not connected: the link sends it again when it is.
            there = [known[1]] if known is not None else []
        for connection in there:
            connection.post(framed)
        return {connection for connection in there if connection.is_full}


async def _room(full: Iterable[Connection]) -> None:
    """Wait for room on all of these at once; the one that makes none in time is closed."""
    waits = [each.room() for each in full]
    if waits:
        await asyncio.gather(*waits)
