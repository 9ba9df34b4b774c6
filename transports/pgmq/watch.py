"""Waits for an answer as long as any part of it comes: a slow way is no silent one.

asyncpg tells of an answer when it is whole. So what comes in is noted on its way to asyncpg: only
where an answer is not there after a while, for nearly all are there before.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

__all__ = ["ROUNDS", "Watch"]

ROUNDS = 5
"""In so many equal parts of the silence that is allowed, an answer is looked for."""


class _Carrier(Protocol):
    """What is used of a transport of asyncio's, or of another loop's."""

    def get_protocol(self) -> object: ...
    def set_protocol(self, protocol: Any) -> None: ...


class Watch:
    """`with Watch(connection, scope, seconds):` ends the scope after such a silence."""

    def __init__(self, connection: object, scope: asyncio.Timeout, seconds: float) -> None:
        """Watch a connection of asyncpg's, inside of `asyncio.timeout(None) as scope`."""
        self._connection = connection
        self._scope = scope
        self._round = seconds / ROUNDS
        self._loop = asyncio.get_running_loop()
        self._quiet = 0
        self._heard = False
        self._transport: _Carrier | None = None
        self._inner: Any = None
        """The protocol that what comes in is for."""

    def __enter__(self) -> None:
        self._timer = self._loop.call_later(self._round, self._look)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._transport is not None and self._transport.get_protocol() is self:
            self._transport.set_protocol(self._inner)

    def __getattr__(self, name: str) -> Any:
        """Be the protocol in all else."""
        return getattr(self._inner, name)

    def data_received(self, data: bytes) -> None:
        """Note that something came, and pass it on."""
        self._heard = True
        self._inner.data_received(data)

    def _look(self) -> None:
        self._quiet = 0 if self._heard else self._quiet + 1
        self._heard = False
        if self._quiet >= ROUNDS:
            self._scope.reschedule(self._loop.time())
            return
        if self._inner is None:
            self._begin()
        self._timer = self._loop.call_later(self._round, self._look)

    def _begin(self) -> None:
        transport = cast("_Carrier | None", getattr(self._connection, "_transport", None))
        inner = transport.get_protocol() if transport is not None else None
        if transport is not None and hasattr(inner, "data_received"):
            self._transport, self._inner = transport, inner
            transport.set_protocol(self)
