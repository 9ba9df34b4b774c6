"""The contract of a transport, over backends that are written outside the project."""

import pytest

from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.contract import Network, TransportContract
from tests.transports.pgmq.backends import Shelf, Shelves


class Outside(Network):
    """Nodes whose queues are in memory."""

    def __init__(self, *, decoded: bool) -> None:
        super().__init__()
        self.shelves = Shelves(decoded=decoded)

    def make(self, node: str) -> PgmqTransport:
        return PgmqTransport(backend=Shelf(self.shelves), batch_size=100)


@pytest.mark.check("M119")
class TestRowsAsText(TransportContract):
    """Rows are JSON as text."""

    @pytest.fixture
    def network(self) -> Network:
        return Outside(decoded=False)


@pytest.mark.check("M119")
class TestRowsDecoded(TransportContract):
    """Rows are what the JSON decodes to."""

    @pytest.fixture
    def network(self) -> Network:
        return Outside(decoded=True)
