"""Connections to Postgres: from a URL or a pool, with errors that hold no secret.

A pooler between us and Postgres may give each statement to another session. So statements are
prepared, which saves a round trip, only where there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast

from ..masking import mask_url
from .errors import Busy, NameTaken, NotInstalled, PgmqError, QueueGone
from .watch import Watch

try:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]
except ImportError as error:
    raise ImportError(
        "the PGMQ transport needs asyncpg and pgmq: run pip install 'callboard[pgmq]'"
    ) from error

__all__ = [
    "ANSWER_WITHIN",
    "Connections",
    "FromPool",
    "FromUrl",
    "Record",
    "Session",
    "taken_within",
]

CONNECT_WITHIN = 10
"""Seconds for a connection to be made."""

ANSWER_WITHIN = 5.0
"""Seconds for Postgres to answer a statement that has nothing to wait for."""

BYTES_A_SECOND = 32_768
"""A statement that carries much has more time: a way that takes no more than this is too slow."""

RECEIVED_WITHIN = 3600.0
"""Seconds for an answer of which parts come all the time."""

SCRIPT_WITHIN = 60.0
"""Seconds for an installation."""

CLOSE_WITHIN = 0.5
"""Seconds for a connection to be closed in order; then it is cut."""


OURS = {"CB001": NameTaken, "CB002": QueueGone}
"""What our own functions raise (`isolated.sql`)."""


class Record(Protocol):
    """One row of an answer."""

    def __getitem__(self, column: int | str) -> Any:
        """Return the value of a column."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Give the values, in the order of the columns."""
        ...


class _Statement(Protocol):
    async def fetch(self, *arguments: object, timeout: float | None = None) -> list[Record]: ...


class _Connection(Protocol):
    """What is used of asyncpg's connection, which has no types."""

    async def execute(
        self, query: str, *arguments: object, timeout: float | None = None
    ) -> str: ...
    async def fetch(
        self, query: str, *arguments: object, timeout: float | None = None
    ) -> list[Record]: ...
    async def prepare(self, query: str, *, timeout: float | None = None) -> _Statement: ...
    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...
    async def remove_listener(self, channel: str, callback: Callable[..., None]) -> None: ...
    def add_termination_listener(self, callback: Callable[..., None]) -> None: ...
    def remove_termination_listener(self, callback: Callable[..., None]) -> None: ...
    def get_server_pid(self) -> int: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...


class Session:
    """One connection, used by one at a time."""

    def __init__(self, connection: _Connection, *, pooled: bool) -> None:
        """Use this connection; `pooled` is whether statements may run in several sessions."""
        self.connection = connection
        self.pooled = pooled
        self._prepared: dict[str, _Statement] = {}
        self._heard: dict[str, Callable[..., None]] = {}

    async def fetch(
        self, query: str, *arguments: object, timeout: float = ANSWER_WITHIN
    ) -> list[Record]:
        """Run one statement, and return its rows.

        Raises:
            QueueGone: it names a table that is not there.
            NotInstalled: it names a function or a schema that is not there.
            PgmqError: the user may not do that.
            TimeoutError: there was no answer for `timeout` seconds.

        """
        try:
            if self.pooled:
                return await self.connection.fetch(query, *arguments, timeout=timeout)
            statement = self._prepared.get(query)
            if statement is None:
                statement = await self.connection.prepare(query, timeout=timeout)
                self._prepared[query] = statement
            return await statement.fetch(*arguments, timeout=timeout)
        except asyncpg.PostgresError as error:
            raise _said(error) from error
        except asyncpg.InternalClientError as error:
            # What a statement needed was dropped in between: the connection is not to be trusted.
            raise PgmqError(f"the connection is out of step with Postgres: {error}") from error

    async def receive(self, silence: float, query: str, *arguments: object) -> list[Record]:
        """Run one statement whose rows may be large; what it raises is as with `fetch`.

        It is given up after so many seconds of silence, and not while parts of the answer come.
        """
        async with asyncio.timeout(None) as scope:
            with Watch(self.connection, scope, silence):
                return await self.fetch(query, *arguments, timeout=RECEIVED_WITHIN)

    async def run(self, script: str) -> None:
        """Run statements that return nothing; what they raise is as with `fetch`."""
        try:
            await self.connection.execute(script, timeout=SCRIPT_WITHIN)
        except asyncpg.PostgresError as error:
            raise _said(error) from error

    async def listen(self, channel: str, heard: Callable[..., None]) -> None:
        """Have notifications of this name call `heard(connection, pid, name, payload)`."""
        self._heard[channel] = heard
        await self.connection.add_listener(channel, heard)

    async def unlisten(self, *channels: str) -> None:
        """Have them do so no more; without names: all."""
        for channel in channels or list(self._heard):
            await self.connection.remove_listener(channel, self._heard.pop(channel))

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        """Have the statements inside hold together, or not at all."""
        await self.connection.execute("BEGIN", timeout=ANSWER_WITHIN)
        try:
            yield
            await self.connection.execute("COMMIT", timeout=ANSWER_WITHIN)
        except BaseException:
            # Not asyncpg's own transaction: that waits without end for a Postgres that is silent.
            try:
                async with asyncio.timeout(CLOSE_WITHIN):
                    await self.connection.execute("ROLLBACK")
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self.connection.terminate()
            raise

    async def probe(self) -> None:
        """Find out whether a pooler is between: then another answers than we are connected to."""
        [row] = await self.connection.fetch("SELECT pg_backend_pid()", timeout=ANSWER_WITHIN)
        self.pooled = row[0] != self.connection.get_server_pid()


class Connections(Protocol):
    """Where connections are had from."""

    async def open(self) -> Session:
        """Return a connection that is ours until it is closed."""
        ...

    async def close(self, session: Session) -> None:
        """Let go of it, quickly and without an error."""
        ...

    def elsewhere(self) -> Connections | None:
        """Return what another event loop can use; None: nothing."""
        ...


class FromUrl:
    """New connections to a URL."""

    def __init__(self, url: str, application: str = "callboard") -> None:
        """Connect there; `application` is the name that Postgres shows for the connections."""
        self._url = url
        self._application = application

    async def open(self) -> Session:
        """Connect."""
        settings = {"application_name": self._application}
        if "application_name=" in self._url:
            settings.clear()
        try:
            connection = cast(
                "_Connection",
                await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType]
                    self._url,
                    timeout=CONNECT_WITHIN,
                    statement_cache_size=0,
                    server_settings=settings,
                ),
            )
        except (ValueError, asyncpg.InterfaceError) as error:
            # Its text may show a part of the URL, and so of the password.
            raise PgmqError(
                f"{mask_url(self._url)} cannot be connected to: is it written rightly? "
                f"({type(error).__name__})"
            ) from None
        except asyncpg.PostgresError as error:
            raise PgmqError(f"{mask_url(self._url)} lets nobody in: {error}") from None
        session = Session(connection, pooled=True)
        try:
            await session.probe()
        except BaseException:
            connection.terminate()
            raise
        return session

    async def close(self, session: Session) -> None:
        """Close it, or cut it where that takes long."""
        try:
            await session.connection.close(timeout=CLOSE_WITHIN)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            session.connection.terminate()

    def elsewhere(self) -> Connections:
        """Return itself: it keeps nothing of an event loop."""
        return self


class _Pool(Protocol):
    """What is used of asyncpg's pool."""

    async def acquire(self, *, timeout: float | None = None) -> object: ...
    async def release(self, connection: object, *, timeout: float | None = None) -> None: ...
    def get_max_size(self) -> int: ...


class FromPool:
    """Connections of a pool that is the user's: they are given back, and it is never closed."""

    def __init__(self, client: object) -> None:
        """Take them from an asyncpg pool, or from an async client of `pgmq`."""
        self._client = client

    @property
    def _pool(self) -> _Pool | None:
        pool = getattr(self._client, "pool", self._client)
        return cast("_Pool | None", pool)

    def check(self) -> _Pool:
        """Return the pool, or refuse what cannot be used.

        Raises:
            PgmqError: it is not initialised, or has fewer than two connections.

        """
        pool = self._pool
        if pool is None or not getattr(pool, "_initialized", True):
            raise PgmqError(
                "the client of PgmqTransport is not initialised: call 'await client.init()', or "
                "'await asyncpg.create_pool(...)', before the node starts"
            )
        if not hasattr(pool, "get_max_size"):
            raise PgmqError(
                f"the client of PgmqTransport is a {type(self._client).__name__}: it takes an "
                "asyncpg pool or an async client of pgmq"
            )
        if pool.get_max_size() < 2:
            raise PgmqError(
                "PgmqTransport needs two connections, one to send and one to receive: give it a "
                f"pool with max_size=2 or more, not {pool.get_max_size()}"
            )
        return pool

    async def open(self) -> Session:
        """Take one out of the pool."""
        connection = await self.check().acquire(timeout=CONNECT_WITHIN)
        session = Session(cast("_Connection", connection), pooled=True)
        try:
            await session.probe()
        except BaseException:
            await self.close(session)
            raise
        return session

    async def close(self, session: Session) -> None:
        """Give it back as it was, or cut it where that takes long."""
        pool = self._pool
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await session.unlisten()
                await pool.release(session.connection)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            session.connection.terminate()
            with suppress(asyncpg.InterfaceError):
                await pool.release(session.connection)

    def elsewhere(self) -> None:
        """A pool belongs to its event loop."""


def taken_within(rows: Sequence[str]) -> float:
    """Return seconds for a statement to be answered that carries these."""
    return ANSWER_WITHIN + sum(map(len, rows)) / BYTES_A_SECOND


def _said(error: Exception) -> PgmqError:
    """Return what Postgres says in words that say what to do; most of it says so itself."""
    text = str(error)
    ours = OURS.get(str(getattr(error, "sqlstate", "")))
    if ours is not None:
        return ours(text)
    if isinstance(error, asyncpg.UndefinedTableError):
        return QueueGone(text)
    missing: Sequence[type[Exception]] = (
        asyncpg.InvalidSchemaNameError,
        asyncpg.UndefinedFunctionError,
    )
    if isinstance(error, tuple(missing)):
        return NotInstalled(f"what the transport calls ({text})")
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Busy(text)
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        said = f"the user of the database may not do that: {text}"
        if "database" not in text:  # that would be who installs, and needs no grant
            command = "callboard pgmq install --role NAME"
            said += f"; run '{command}' as its owner, or with --isolated for ?backend=isolated"
        return PgmqError(said)
    return PgmqError(f"Postgres says: {text}")
