"""The contract of a transport: what every one of them passes, those written outside included.

    class TestMyTransport(TransportContract):
        @pytest.fixture
        def network(self) -> Network:
            return MyNetwork()          # a Network whose make() returns MyTransport(...)

Mark the class `@pytest.mark.realtime` where the transport uses sockets. One that has channels also
passes `ChannelContract`. The parts are in `contract_*.py`, by what they are about.
"""

from __future__ import annotations

from abc import abstractmethod

import pytest

from callboard.transports.packet import Kind
from tests.transports.contract_cast import Cry, Question
from tests.transports.contract_endings import Endings
from tests.transports.contract_hostile import Hostile
from tests.transports.contract_jobs import Jobs
from tests.transports.contract_knowing import Knowing
from tests.transports.contract_messages import Messages
from tests.transports.contract_network import Network, Trouble
from tests.transports.contract_stage import Stage
from tests.transports.contract_trouble import Troubles

__all__ = ["ChannelContract", "Network", "Stage", "TransportContract", "Trouble"]


class TransportContract(Knowing, Messages, Jobs, Endings, Troubles, Hostile):
    """All of it."""


LONG = "channel-" + "x" * 191


class ChannelContract:
    """That channels keep applications apart which share a broker."""

    @abstractmethod
    def channel(self, network: Network, name: str) -> Network:
        """Return a network over the broker of this one, on the channel of that name."""

    @pytest.mark.check("M60")
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("shop", "bank"),
            ("a", "a:b"),
            ("a", "ab"),
            ("shop", "Shop"),
            ("shop-1", "shop_1"),
            ("shop.1", "shop:1"),
            ("é", "e"),
            (LONG + "1", LONG + "2"),
        ],
    )
    async def test_nodes_on_two_channels_neither_learn_of_nor_hear_each_other(
        self, network: Network, one: str, other: str
    ) -> None:
        async with network:
            here, there = self.channel(network, one), self.channel(network, other)
            first = Stage(here)
            async with first, Stage(there, first) as second:
                # The same names on both: whatever is mixed up shows.
                pairs = [await stage.pair() for stage in (first, second)]
                for number, (a, _) in enumerate(pairs):
                    assert await a.ask("b", Question(str(number))) == str(number)
                    a.broadcast(Cry(str(number)))
                for number, stage in enumerate((first, second)):
                    await stage.noted("b", "cry")
                    assert stage.log.of("b", "question", "cry") == [str(number)] * 2
                    lives = {each.incarnation for each in stage.nodes}
                    heard = [seen.header for seen in stage.network.came if seen.header]
                    assert heard
                    assert {header.incarnation for header in heard} <= lives
                    assert all(Kind(header.kind) is not Kind.OUTDATED for header in heard)
