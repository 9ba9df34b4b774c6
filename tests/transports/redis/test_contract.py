"""The contract of a transport, over a real Redis that the nodes of all tests share."""

from __future__ import annotations

import pytest

from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.redis import RedisTransport
from tests.transports.contract import ChannelContract, Network, TransportContract


class RedisNetwork(Network):
    """Nodes on one channel."""

    beat = 0.5
    down_after = 2.0

    def __init__(self, url: str, channel: str) -> None:
        super().__init__()
        self.url = url
        self.name = channel

    def make(self, node: str) -> RedisTransport:
        return RedisTransport(self.url, channel=self.name)


@pytest.mark.check("M101")
@pytest.mark.realtime
class TestRedisTransport(TransportContract, ChannelContract):
    """All of the contract."""

    @pytest.fixture
    def network(self, redis_server: RedisServer, channel: str) -> Network:
        return RedisNetwork(redis_server.url, channel)

    def channel(self, network: Network, name: str) -> Network:
        assert isinstance(network, RedisNetwork)
        return RedisNetwork(network.url, f"{network.name}/{name}")
