"""Two nodes and a proxy between them: `main` and a stranger here, `assistant` and one there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from callboard import Backoff, Node, Restarts, Supervisor
from callboard.actors.testing import LeakCheck, eventually
from callboard.transports.gate import Gate
from callboard.transports.websocket.proxy_client import WebSocketProxyClient
from callboard.transports.websocket.proxy_server import WebSocketProxyServer
from tests.transports.contract_cast import Log, Player, Take, player
from tests.transports.contract_stage import is_ready

__all__ = ["Proxied", "client_of", "company", "inside", "server_of"]

WITHIN = 20.0


def server_of(**settings: Any) -> WebSocketProxyServer:
    two: dict[str, Any] = {"local_worker": "assistant", "remote_worker": "main"}
    return WebSocketProxyServer(**two | settings)


def client_of(port: int, **settings: Any) -> WebSocketProxyClient:
    two: dict[str, Any] = {"local_worker": "main", "remote_worker": "assistant"}
    return WebSocketProxyClient(f"ws://127.0.0.1:{port}/ws", **two | settings)


def company(log: Log, *names: str, **settings: Any) -> Node:
    """A node with these players."""
    quick = Restarts(intensity=1000, backoff=Backoff(min=0))
    children = [player(name, log) for name in names]
    return Node(Supervisor(children, restarts=quick), watchdog=False, **settings)


async def inside(node: Node, worker: str, call: Callable[[Player], Any]) -> Any:
    """Have a worker of the node do something, as itself; what that raises does not fail it."""

    async def act(it: Player) -> Any:
        try:
            value = call(it)
            return (await value if inspect.isawaitable(value) else value), None
        except Exception as error:
            return None, error

    value, error = await node.ask(worker, Take(act))
    if error is not None:
        raise error
    return value


class Proxied:
    """`async with Proxied() as two:`; both nodes run, and each knows the other's worker."""

    def __init__(
        self,
        client: WebSocketProxyClient | None = None,
        server: WebSocketProxyServer | None = None,
        port: int | None = None,
        gate: Gate | None = None,
        **settings: Any,
    ) -> None:
        """`port`: where the client connects to, in place of the server itself.

        `gate`: that of the client's side, in place of its own.
        """
        self.log = Log()
        self.server = server or server_of()
        self.there = company(
            self.log, "assistant", "stranger-there", name="there", transports=[self.server]
        )
        self._gate = gate
        self._given, self._port, self._settings = client, port, settings
        self._leaks = LeakCheck()
        self.here: Node
        self.client: WebSocketProxyClient

    async def __aenter__(self) -> Self:
        self._leaks.begin()
        await self.there.start()
        await eventually(lambda: self.server.port != 0, within=WITHIN)
        self.client = self._given or client_of(self._port or self.server.port, **self._settings)
        if self._gate is not None:
            self.client.gate = self._gate
        self.here = company(
            self.log, "main", "stranger-here", name="here", transports=[self.client]
        )
        await self.here.start()
        if self.client.active:
            await self.know()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.log.gate.set()
        await self.here.stop()
        await self.there.stop()
        if error is None:
            await self._leaks.verify()

    async def know(self) -> None:
        """Wait until each node knows the other's worker, and that it is ready."""
        await eventually(lambda: is_ready(self.here, "assistant"), within=WITHIN)
        await eventually(lambda: is_ready(self.there, "main"), within=WITHIN)

    async def main(self, call: Callable[[Player], Any]) -> Any:
        """Have the main worker do something."""
        return await inside(self.here, "main", call)

    async def assistant(self, call: Callable[[Player], Any]) -> Any:
        """Have the assistant do something."""
        return await inside(self.there, "assistant", call)

    async def noted(
        self, player: str, *what: str, count: int = 1, within: float = WITHIN
    ) -> list[Any]:
        await eventually(lambda: len(self.log.of(player, *what)) >= count, within=within)
        return self.log.of(player, *what)
