"""A slow way to Postgres is no silent one."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq import connections, direct, reader
from callboard.transports.pgmq import isolated as isolated_backend
from callboard.transports.pgmq.transport import PgmqTransport
from callboard.transports.transport import Packet
from tests.servers.chaos import ChaosProxy
from tests.transports.pgmq.ends import End

pytestmark = pytest.mark.realtime

ANSWER_WITHIN = 2.0
"""Seconds, in place of 5. No less: on a busy machine Postgres itself may be silent for one."""

RATE = 300_000
"""Bytes a second: three rows take twice that time, and a row half of it."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connections, direct, isolated_backend):
        monkeypatch.setattr(module, "ANSWER_WITHIN", ANSWER_WITHIN)
    monkeypatch.setattr(reader, "RENEWED_EVERY", 0.2)


@pytest.fixture
def far(isolated: bool, bus_url: str, channel: str) -> Callable[[ChaosProxy], PgmqTransport]:
    """Make a transport behind a proxy."""

    def make(proxy: ChaosProxy) -> PgmqTransport:
        url = bus_url.replace(f":{proxy.target}/", f":{proxy.port}/")
        return PgmqTransport(url, channel=channel, isolated=isolated, visibility_timeout=1)

    return make


def port(url: str) -> int:
    found = urlsplit(url).port
    assert found is not None
    return found


@pytest.mark.parametrize("way", ["from Postgres", "to Postgres"])
async def test_what_takes_long_to_come_or_to_go_is_waited_for(
    made: Callable[..., PgmqTransport],
    far: Callable[[ChaosProxy], PgmqTransport],
    bus_url: str,
    way: str,
) -> None:
    async with (
        ChaosProxy(port(bus_url)) as proxy,
        End("near", made()) as near,
        End("far", far(proxy)) as slow,
    ):
        await near.opened()
        await slow.opened()
        sender, receiver = (near, slow) if way == "from Postgres" else (slow, near)
        proxy.to_client.rate = proxy.to_server.rate = RATE
        data = [bytes([number]) * 300_000 for number in range(3)]
        await sender.transport.publish([Packet(receiver.name, each) for each in data])
        await receiver.got(*data)
        assert (slow.ups, slow.downs) == (1, 0)


async def test_what_stops_coming_is_given_up_and_comes_again(
    made: Callable[..., PgmqTransport], far: Callable[[ChaosProxy], PgmqTransport], bus_url: str
) -> None:
    async with ChaosProxy(port(bus_url)) as proxy, End("a", made()) as a, End("b", far(proxy)) as b:
        await a.opened()
        await b.opened()
        proxy.to_client.rate = RATE
        begun = proxy.to_client.carried
        await a.carry("b", bytes(600_000))
        # Long enough for the way to be watched, and not for all of it to come.
        await eventually(lambda: proxy.to_client.carried > begun + 400_000, within=20)
        proxy.hold()
        await eventually(lambda: not b.is_up, within=20)
        proxy.clear()
        await b.got(bytes(600_000))
        assert b.ups == 2
