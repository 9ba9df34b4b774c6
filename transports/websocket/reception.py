"""Reception: where a proxy's server receives its clients, and leads each to its place.

Without sessions there is one place, that of the server's own node. With them each client gets a
node of its own, for as long as it does not stay away for too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from ...actors.reason import in_words
from ...actors.runtime import Runtime
from ..transport import Transport
from .connection import Connection
from .errors import ConnectionLost, Leave
from .hello import Hello, Role
from .listen import Listener, Listening, NotAgreed
from .proxying import ProxyTransport
from .rejections import Rejections
from .seat import Key, Seat, SeatTransport, key_of

__all__ = ["Reception", "Session", "SessionNode"]


class SessionNode(Protocol):
    """What a session needs of its node: a `Node` is one."""

    name: str

    async def attach(self, transport: Transport, /) -> object:
        """Carry over one more transport."""
        ...


Session = Callable[[], AbstractAsyncContextManager[SessionNode]]
"""Makes the node of one client: entered when the client comes, left when it has gone."""


class Reception:
    """Outlives the incarnations of its transport: what is lost is a connection, not the place."""

    def __init__(self, listening: Listening, session: Session | None, most_sessions: int) -> None:
        """Prepare to listen."""
        self.own = Seat()
        """The place at the server's own node, where there are no sessions."""
        self.seats: dict[Key, Seat] = {}
        self.port = listening.port
        self._listening = listening
        self._session = session
        self._most_sessions = most_sessions
        self._listener: Listener | None = None
        self._server: ProxyTransport | None = None
        self._runtime: Runtime | None = None
        self._path = ""
        self._guard: asyncio.Task[None] | None = None
        self._hosting: set[asyncio.Task[None]] = set()
        self._rejections = Rejections()

    @property
    def sessions(self) -> bool:
        """Whether each client gets a node of its own."""
        return self._session is not None

    @property
    def listening(self) -> bool:
        """Whether clients can connect now."""
        return self._listener is not None

    async def open(self, server: ProxyTransport, runtime: Runtime, path: str) -> None:
        """Listen for this incarnation of the server, if that is not done already.

        Raises:
            OSError: the address is taken, or none of this machine.

        """
        self._server, self._runtime, self._path = server, runtime, path
        if self._listener is not None:
            return
        listener = Listener(self, self._listening)
        await listener.open(self.port)
        self._listener, self.port = listener, listener.port
        runtime.emit("listening", path, text=f"on {self._listening.host}, port {self.port}")
        # Also a node that is killed lets go of the socket.
        self._guard = runtime.spawn(self._keep(listener))

    async def close(self) -> None:
        """Listen no more; end all sessions, then all connections."""
        for seat in list(self.seats.values()):
            seat.end()
        if self._hosting:
            await asyncio.wait(self._hosting)
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
        if self._guard is not None:
            self._guard.cancel()

    # -- what the listener asks ----

    async def admit(self, hello: Hello) -> str:
        """Let in the client that has agreed on the same two workers, and find its place."""
        server, runtime = self._server, self._runtime
        assert server is not None and runtime is not None
        if hello.role is Role.NODE:
            raise NotAgreed("this is a proxy's server, and no hub of nodes", "role")
        workers = server.workers
        if (hello.local, hello.remote) != (workers.remote, workers.local):
            text = f"not agreed: {hello.local!r} there and {hello.remote!r} here"
            raise NotAgreed(text, "worker")
        if not hello.session:
            raise NotAgreed("a client says nothing by which it is known again", "session")
        if hello.node == runtime.name:
            raise NotAgreed(f"this node is called {hello.node!r} too", "name")
        if hello.role is Role.SPARE:
            if self._find(key_of(hello)) is None:
                raise NotAgreed("a spare connection belongs to nobody here", "session")
            return runtime.name
        if self._session is None:
            return self._admit_here(hello, runtime)
        return await self._admit_apart(hello, runtime)

    def _admit_here(self, hello: Hello, runtime: Runtime) -> str:
        if self.own.connection is not None and self.own.key != key_of(hello):
            text = "another client is connected; session=... would give each its own node"
            raise NotAgreed(text, "second_client", Leave.OVERLOAD)
        self.own.key = key_of(hello)
        return runtime.name

    async def _admit_apart(self, hello: Hello, runtime: Runtime) -> str:
        key = key_of(hello)
        seat = self.seats.get(key)
        if seat is None or seat.ended:
            if len(self.seats) >= self._most_sessions:
                text = f"there are {self._most_sessions} sessions, as many as may be"
                raise NotAgreed(text, "sessions", Leave.OVERLOAD)
            seat = self.seats[key] = Seat(key)
            seat.node = runtime.loop.create_future()
            task = runtime.spawn(self._host(seat, seat.node))
            self._hosting.add(task)
            task.add_done_callback(self._hosting.discard)
        assert seat.node is not None
        return await asyncio.shield(seat.node)

    async def serve(self, hello: Hello, connection: Connection) -> None:
        """Give the client's place this connection, until that has gone."""
        seat = self._find(key_of(hello))
        if seat is None:
            return
        if hello.role is Role.SPARE:
            await self._overhear(seat, connection)
            return
        seat.take(connection)
        self._tell("connected", hello)
        try:
            await connection.closed()
        finally:
            seat.leave(connection)
            self._tell("disconnected", hello)

    def reject(self, kind: str, text: str) -> None:
        """Count what was refused."""
        assert self._runtime is not None
        self._rejections.add(self._runtime, self._path, kind, text)

    # -- sessions ----

    async def _host(self, seat: Seat, node: asyncio.Future[str]) -> None:
        """Run the node of one client, until that has stayed away for too long."""
        server, session = self._server, self._session
        assert server is not None and session is not None and seat.key is not None
        try:
            async with session() as made:
                await made.attach(SeatTransport(seat, server))
                node.set_result(made.name)
                await seat.deserted(server.down_after or 0.0)
        except Exception as error:
            self.reject("session", f"the session of a client has failed: {in_words(error)}")
        finally:
            if self.seats.get(seat.key) is seat:
                del self.seats[seat.key]
            seat.end()
            if not node.done():
                refusal = NotAgreed("its session could not be started", "session", Leave.FAILED)
                node.set_exception(refusal)
                node.exception()  # whoever asked may have gone
            if seat.connection is not None:
                await seat.connection.close(Leave.DONE, "the session has ended")

    def _find(self, key: Key) -> Seat | None:
        if self._session is not None:
            return self.seats.get(key)
        return self.own if self.own.key == key else None

    async def _overhear(self, seat: Seat, connection: Connection) -> None:
        """Take what comes by the second way of a client whose event loop is blocked."""

        def take(data: bytes | str) -> Awaitable[None] | None:
            if seat.receive is not None and isinstance(data, bytes):
                seat.receive(data, connection.node)
            return None

        with suppress(ConnectionLost):
            await connection.read(take)

    def _tell(self, kind: str, hello: Hello) -> None:
        """Raise an event here too, where the connection belongs to another node's transport."""
        if self._session is not None and self._runtime is not None:
            self._runtime.emit(kind, self._path, text=f"the client {hello.node!r}")

    @staticmethod
    async def _keep(listener: Listener) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await listener.close()
