"""The contract of a transport, over a hub that only hands on, and with the hub among the nodes."""

from __future__ import annotations

import threading

import pytest

from callboard.actors.testing import eventually
from callboard.examples.servers.server import free_port
from callboard.transports.transport import Transport
from callboard.transports.websocket.client import WebSocketTransport
from callboard.transports.websocket.server import WebSocketHub
from tests.transports.contract import Network, TransportContract
from tests.transports.contract_jobs import Jobs
from tests.transports.contract_messages import Messages
from tests.transports.websocket.ends import End

TOKEN = "a-token-for-tests"


class HubBeside(Network):
    """All nodes are connected to the hub; its own node says nothing, so nobody knows it."""

    down_after = 2.0
    beat = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self.end = End("hub", WebSocketHub("127.0.0.1", self.port, token=TOKEN))

    async def open(self) -> None:
        await self.end.node.start()
        await self.end.connected()

    async def close(self) -> None:
        await self.end.node.stop()

    def make(self, node: str) -> Transport:
        return WebSocketTransport(f"ws://127.0.0.1:{self.port}", token=TOKEN)


class HubAmongThem(HubBeside):
    """The first node is the hub, the others are connected to it."""

    def __init__(self) -> None:
        super().__init__()
        self.hub: str | None = None

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        # The thread that vouches for a blocked node is not waited for by the node itself.
        await eventually(
            lambda: all(each.name != "callboard-pulse" for each in threading.enumerate())
        )

    def make(self, node: str) -> Transport:
        if self.hub in (None, node):
            self.hub = node
            return WebSocketHub("127.0.0.1", self.port, token=TOKEN)
        return super().make(node)


@pytest.mark.realtime
class TestWebSocketTransport(TransportContract):
    """All of the contract."""

    @pytest.fixture
    def network(self) -> Network:
        return HubBeside()


@pytest.mark.realtime
class TestWebSocketHub(Messages, Jobs):
    """What its own node has to do with the others."""

    @pytest.fixture
    def network(self) -> Network:
        return HubAmongThem()
