"""The transport inside one process passes the contract, on virtual time."""

from __future__ import annotations

import pytest

from callboard.transports.local import LocalBus, LocalTransport
from tests.transports.contract import ChannelContract, Network, TransportContract

__all__ = ["LocalNetwork"]


class LocalNetwork(Network):
    """Nodes on one bus."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = LocalBus()

    def make(self, node: str) -> LocalTransport:
        return LocalTransport(self.bus)


class TestLocalTransport(TransportContract, ChannelContract):
    """Each bus is a channel."""

    @pytest.fixture
    def network(self) -> Network:
        return LocalNetwork()

    def channel(self, network: Network, name: str) -> Network:
        return LocalNetwork()
