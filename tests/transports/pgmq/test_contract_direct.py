"""The contract of a transport, over PGMQ's own functions."""

import pytest

from tests.transports.contract import ChannelContract, Network, TransportContract
from tests.transports.pgmq.network import PgmqNetwork


@pytest.mark.realtime
@pytest.mark.check("M107")
class TestPgmqDirect(TransportContract, ChannelContract):
    """All of the contract."""

    @pytest.fixture
    def network(self, shared_database: str, channel: str) -> Network:
        return PgmqNetwork(shared_database, channel)

    def channel(self, network: Network, name: str) -> Network:
        assert isinstance(network, PgmqNetwork)
        return network.other(name)
