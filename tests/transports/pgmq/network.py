"""The network of the contract's tests: nodes that share a Postgres."""

from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.contract import Network

__all__ = ["PgmqNetwork"]


class PgmqNetwork(Network):
    """Nodes on one channel."""

    beat = 0.5
    down_after = 2.0

    def __init__(self, url: str, channel: str, *, isolated: bool = False) -> None:
        super().__init__()
        self.url = url
        self.name = channel
        self.isolated = isolated

    def make(self, node: str) -> PgmqTransport:
        return PgmqTransport(self.url, channel=self.name, isolated=self.isolated)

    def other(self, channel: str) -> Network:
        """Return the network of another channel, beside this one."""
        return PgmqNetwork(self.url, f"{self.name}/{channel}", isolated=self.isolated)
