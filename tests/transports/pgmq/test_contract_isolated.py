"""The contract of a transport, for a login that may only execute our functions."""

import pytest

from tests.transports.contract import ChannelContract, Network, TransportContract
from tests.transports.pgmq.network import PgmqNetwork


@pytest.mark.realtime
@pytest.mark.check("M107", "M118")
class TestPgmqIsolated(TransportContract, ChannelContract):
    """All of the contract."""

    @pytest.fixture
    def network(self, tenant_url: str, channel: str) -> Network:
        return PgmqNetwork(tenant_url, channel, isolated=True)

    def channel(self, network: Network, name: str) -> Network:
        assert isinstance(network, PgmqNetwork)
        return network.other(name)
