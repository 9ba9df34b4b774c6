"""The network side of a node: its router, and its transports on a supervisor of their own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import import_module

from ..actors import lifecycle
from ..actors.cell import Cell
from ..actors.reason import Reason
from ..actors.ref import WorkerRef
from ..actors.runtime import Runtime
from ..transports.codec import Codec
from ..transports.json_codec import JsonCodec
from ..transports.peer import Peer
from ..transports.router import Router
from ..transports.signing import Signer, Verifier
from ..transports.transport import Transport
from .admin import Admin
from .child import Child
from .restarts import Backoff, Restarts
from .supervisor import Supervisor

__all__ = ["Network"]

RECONNECTS = Restarts(None, backoff=Backoff(min=0.05, max=2.0, reset_after=5.0))
"""A lost connection is tried again without end; the delays grow, but not beyond what a node that
has been silent for as long would be declared down for."""

STOP_WITHIN = 5.0
"""Seconds that the transports may take to disconnect; a broker that has gone costs no more."""

REGISTERING = ("..actors.frames", "..actors.llm")
"""What registers messages that may come from other nodes, and is not loaded before it is used."""


class Network:
    """What joins a node to others: begins before its tree and ends after it."""

    def __init__(
        self,
        runtime: Runtime,
        transports: Sequence[Transport],
        *,
        codec: Codec | None = None,
        beat: float,
        down_after: float,
        secrets: Mapping[str, str | bytes] | None = None,
    ) -> None:
        """Prepare to carry over these transports; the first secret signs, each is accepted."""
        for part in REGISTERING:
            import_module(part, __package__)
        keys = {id: _bytes(secret) for id, secret in (secrets or {}).items()}
        self.router = Router(
            runtime,
            codec or JsonCodec(),
            beat=beat,
            down_after=down_after,
            signer=Signer(keys, next(iter(keys))) if keys else None,
            verifier=Verifier(keys) if keys else None,
        )
        self._runtime = runtime
        self._names: set[str] = set()
        self._children = [self._child(transport) for transport in transports]
        self.cell = Cell(runtime, "transports", self._supervisor, public=False)

    @property
    def peers(self) -> list[Peer]:
        """The other nodes that are known."""
        return list(self.router.peers.values())

    async def start(self) -> None:
        """Begin to connect; this waits for no broker."""
        self._runtime.registry.declare(self.cell.ref, self.cell)
        await lifecycle.start(self.cell)

    async def attach(self, transport: Transport) -> WorkerRef:
        """Carry over one more transport; return the ref of its worker."""
        return await Admin(self.cell.ref).start_child(self._child(transport))

    def drain(self) -> None:
        """Take no new work from other nodes."""
        self.router.drain()

    async def stop(self, reason: Reason, *, farewell: bool = True) -> None:
        """Say goodbye and disconnect."""
        if farewell:
            await self.router.leave()
        await lifecycle.stop(self.cell, reason, STOP_WITHIN)
        self.cell.close(reason)
        await self.router.close()

    def _supervisor(self) -> Supervisor:
        return Supervisor(self._children, restarts=RECONNECTS)

    def _child(self, transport: Transport) -> Child:
        """Return the spec of a transport, named by its kind and numbered where there are more."""
        kind = type(transport).__name__.removesuffix("Transport").lower() or "transport"
        name, number = f"transport-{kind}", 1
        while name in self._names:
            number += 1
            name = f"transport-{kind}-{number}"
        self._names.add(name)
        return Child(name, functools.partial(transport.attached, self.router))


def _bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret
